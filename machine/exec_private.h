// SPDX-License-Identifier: GPL-3.0-or-later
// The inside of a machine, shared by exec.c (life), run_loop.c (harts) and run_notes.c (what the user is told).
#pragma once
#include "machine/check.h"
#include "machine/exclusive.h"
#include "machine/exec.h"
#include "machine/monitor/monitor.h"
#include "machine/names.h"
#include "machine/spin.h"
#include "machine/tap.h"

typedef struct MachineTap MachineTap;
typedef struct Sampler Sampler;
typedef struct Tally Tally;

typedef struct { // a thread that runs harts first .. first + n - 1 in turn
    Machine *m;
    unsigned first, n;
    GThread *thread;
    GCond wake;      // under Machine.lock: an interrupt line of these harts changed, look_again, or the run is over
    bool look_again; // ... another thread has changed a deadline
} Runner;

typedef enum { HART_GOES, HART_WAITS, HART_SPINS } HartProgress; // the last two: without any way out of its own

typedef struct { // what is known of a hart from its last slices
    uint64_t last_pc; // at the end of the slice before
    HartProgress progress; // under Machine.lock for other threads
    int64_t slice; // instructions in the next one, if there are several threads with harts
    SpinWatch spin;
} HartWatch;

typedef struct {
    void (*call)(void *opaque, Machine *m);
    void *opaque;
} MachineReady;

struct Machine {
    const Options *options;
    Board *board;
    struct IoPool *io; // NULL: none
    GArray *netdevs;  // of BoardNetdev, or NULL
    GArray *chardevs; // of BoardChardev, or NULL
    Console *console; // the serial line; may be one of them
    Cpu **cpus, *mirror;
    unsigned n_cpus;
    Runner *runners; // one for all harts, or one for each
    unsigned n_runners;
    int running; // atomic: threads that have not ended
    HartWatch **watch; // by hart
    Exclusive exclusive;
    Monitors *monitors; // NULL: none
    struct Gdb *gdb;    // likewise
    TapListener tap;    // records NULL: none
    MachineTap **taps;  // by hart, or NULL
    struct MachineLogs *logs; // of instructions (machine/log/), or NULL
    Sampler *sampler;   // NULL: none
    Tally *tally;       // NULL: none
    GArray *ready;      // MachineReady, or NULL
    char *isa; // of the harts
    Names *names;
    Check *check;
    RegionStore *store; // persistent code cache, or NULL
    GMainLoop *loop;
    GMutex lock; // for the runners' wake
    int stop;    // atomic
    int reset_wanted; // atomic
    int64_t budget; // atomic, with --instructions: how many are left
    uint64_t start_ns;   // of the host's monotonic clock: time 0 of the guest
    uint64_t stopped_ns; // the user has stopped the harts: since when, by the same clock; 0: they run
    uint64_t skipped_ns; // -icount: time that passed in wfi; the harts' thread only
    bool noted_stuck; // under lock
    bool noted_refused; // likewise
    // Set once, by whoever ends the run first (under lock).
    bool ended, interrupted; // by a signal
    int status;
    char *message;
};

// backends.c: what is behind the devices on the host, and what the run does with it.
bool backends_open(Machine *m, GError **error);
void backends_free(Machine *m); // after the board
void backends_attach(Machine *m); // to the main loop
void backends_resized(Machine *m); // the terminal has another size; the main thread
void backends_stop(Machine *m); // no hart shall wait for input any more; the main thread, or one that reads input
// What went wrong with output, or NULL; the caller frees it.
char *backends_lost(Machine *m);
// The console whose Ctrl-A c leads to the monitor; if there is none: the serial line.
Console *backends_monitored(Machine *m);

// exec.c. Makes the harts, ready to run.
void machine_prepare(Machine *m);
// run_loop.c, from there: m->check. Without memory for it there is none, and m->message says so.
void machine_check_start(Machine *m);
// How often a block runs until it is hot, by these options.
unsigned machine_threshold(const Options *o);
// Takes message over. Harts that the user has stopped do not end: machine_end_by_user.
void machine_end_run(Machine *m, int status, char *message);
void machine_wake(Machine *m); // harts that sleep look again
bool machine_virtual_time(const Machine *m);
uint64_t machine_clock_ns(Machine *m); // guest time; see BoardHooks

// The same for what the user does; on the main thread, or the one that reads the console.
void machine_end_by_user(Machine *m, int status, char *message);

// tap.c: before the harts run; after they have (cpu_tap_end is for their threads).
void machine_tap_start(Machine *m);
void machine_tap_free(Machine *m, unsigned harts);

// sampler.c, if there is one (m->sampler): how many of length instructions a hart runs until it is to be looked at,
int64_t sampler_part(const Machine *m, unsigned hart, int64_t length);
// and what follows when it has run done of them: perhaps a sample, some instructions on, within the length.
void sampler_look(Machine *m, Cpu *cpu, int64_t done, int64_t length);
void sampler_free(Sampler *s);
void tally_free(Tally *t);

// run_loop.c: a thread's function, with its Runner.
gpointer run_loop(gpointer runner);
// Does the reset that machine_reset asked for, if nobody has yet.
void run_loop_reset(Machine *m);
// The processor that this thread is running, or NULL.
Cpu *run_loop_cpu(void);

// run_notes.c. Tells the user something that does not end the run.
void machine_note(Machine *m, const char *format, ...) G_GNUC_PRINTF(2, 3);
// A hart waits for an interrupt, is about to go on, or has run a slice: by its thread. The first and the last say so
// if no hart can ever go on.
void note_wait(Machine *m, unsigned hart);
void note_go(Machine *m, unsigned hart);
void note_slice(Machine *m, unsigned hart);
