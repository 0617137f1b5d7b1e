// SPDX-License-Identifier: GPL-3.0-or-later
// The machine while it runs: harts, time, and how it ends.
#pragma once
#include "machine/board.h"
#include "machine/console.h"
#include "machine/cpu.h"
#include "machine/options.h"

typedef struct Machine Machine;

#define EXIT_STATUS_LIMIT 124 // --timeout or --instructions ran out, as timeout(1) says it

typedef struct { // why and how a run ended
    int status;        // for exit()
    char *message;     // one line for the user, or NULL
    double seconds;    // wall clock from the first instruction on
} RunResult;

// Builds board and processors as the options say, and loads the guest. demo: ELF image to run in place of a file, or
// NULL. The error names the file or option. options outlive the machine.
Machine *machine_new(const Options *options, GError **error);
void machine_free(Machine *m);

// ready(opaque, m) is called when the processors are there, before they run: once, for
// who adds watchers to them. Several are called in the order in which they were added. Before machine_run.
void machine_add_ready(Machine *m, void (*ready)(void *opaque, Machine *m), void *opaque);

// Runs until the guest exits, a limit is reached or the user quits. Blocks; runs the main loop.
void machine_run(Machine *m, RunResult *out);

// Asks for a reset of the whole machine (the guest did, or the user): devices, harts and images (board_reset). Any
// thread. It is done by a thread that runs harts, before they go on.
void machine_reset(Machine *m);

// What the user does with the harts, on the main thread while machine_run goes on (control.c).
//
// hold: no hart runs until release, and nobody else changes the memory map; they nest. False: a hart waits inside an
// instruction for what the user types, and cannot be looked at.
bool machine_hold(Machine *m);
void machine_release(Machine *m);
// Stops the harts and guest time until cont. False as above. Nothing where that is so already.
bool machine_stop(Machine *m);
void machine_cont(Machine *m);
bool machine_stopped(const Machine *m);
void machine_system_reset(Machine *m); // with -no-reboot the run ends; while stopped at once
void machine_quit(Machine *m);         // the run ends with status 0

Board *machine_board(Machine *m);
bool machine_counts_accesses(const Machine *m); // for --stats
bool machine_ran(const Machine *m); // false: machine_run refused to, there are no harts
Cpu *machine_cpu(Machine *m, unsigned hart); // hart < board_harts
Cpu *machine_mirror(Machine *m); // -accel check, else NULL
struct Check *machine_check(Machine *m); // likewise
// See check_counts; both 0 without -accel check.
void machine_check_counts(Machine *m, uint64_t *stretches, uint64_t *insns);
