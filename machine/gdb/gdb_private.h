// SPDX-License-Identifier: GPL-3.0-or-later
// What the stub's files share.
#pragma once
#include "machine/exec_private.h"
#include "machine/gdb/connection.h"
#include "machine/gdb/gdb.h"
#include "machine/gdb/packet.h"
#include "machine/monitor/monitor_private.h"

typedef enum { // Z packets
    POINT_SOFTWARE,
    POINT_HARDWARE,
    POINT_WRITE,
    POINT_READ,
    POINT_ACCESS,
    POINT_KINDS
} PointKind;

typedef struct {
    PointKind kind;
    uint64_t addr, len; // len: watched bytes
    GPtrArray *conditions; // of breakpoints: GBytes, one of which must hold; NULL: none. Of Gdb.points alone
} Point;

typedef enum { STOP_NONE, STOP_INTERRUPT, STOP_STEP, STOP_BREAKPOINT, STOP_WATCH } StopWhy;

typedef struct { // why the machine stands
    StopWhy why;
    unsigned hart;
    PointKind kind; // BREAKPOINT, WATCH
    uint64_t addr;  // WATCH: the first watched byte that is accessed
} Stop;

typedef enum { HART_RUNS, HART_HELD, HART_STEPS } HartAction;

typedef struct {
    Gdb *g;
    int action; // HartAction; atomic: a thread that sleeps asks for it too
    uint64_t from, to; // STEPS: goes on while pc is in [from, to)
    bool passes;       // stands at a breakpoint whose conditions do not hold: runs one instruction
    Stop seen;         // WATCH: the guard has refused an access; its thread's
    Stop stop;         // under Machine.lock: reported, while
    bool waits;        // ... its thread waits for the machine to be stopped
} GdbHart;

enum { SSTEP_ENABLE = 1, SSTEP_NOIRQ = 2 };

struct Gdb {
    Machine *m;
    Connection *connection;
    PacketReader reader;
    bool no_ack, swbreak, hwbreak; // what the debugger has asked for, or can do
    GString *sent;  // the last packet, to be sent again
    GString *reply; // the contents of the answer that is being made
    bool silent;    // ... there is none (yet)
    bool resumed;   // the debugger waits for a stop
    bool own_cont;  // machine_cont is called for the debugger
    bool left;      // the last debugger has gone, and what it has set is to go when the machine stands
    bool physical;  // memory is meant by physical address
    unsigned sstep; // SSTEP_ ...
    unsigned hart, run_hart; // of Hg, Hc
    bool run_all;            // Hc said all or any
    unsigned next_report;    // who comes first when several harts have stopped
    Stop stop;               // the last one
    GdbHart *harts;
    GArray *points;  // of Point: what the debugger has set; written while the machine stands
    GArray *watches; // of Point: what the TLBs know
    guint stopping;  // source: the machine is to be stopped; 0: it is not. Under Machine.lock
    Monitor *monitor;
    GString *console; // what the monitor says while nobody can be told
};

typedef void GdbCommand(Gdb *g, const char *args); // args: behind the command's letter or name

static inline unsigned gdb_n_harts(const Gdb *g)
{
    return g->m->n_cpus;
}

// server.c. Answers: text, OK, an error number (as errno's, of which gdb shows the number only).
void gdb_reply(Gdb *g, const char *format, ...) G_GNUC_PRINTF(2, 3);
void gdb_reply_ok(Gdb *g);
void gdb_reply_error(Gdb *g, unsigned number);
void gdb_send(Gdb *g, const char *text, size_t size); // a packet
// Text of the monitor's: an O packet, or kept until one may be sent.
void gdb_console_write(Gdb *g, const char *text, size_t size);
void gdb_console_flush(Gdb *g);

// query.c: q, Q and v packets
GdbCommand gdb_query, gdb_set, gdb_verbose;

// threads.c: T, H; thread-id of the protocol: hart + 1
GdbCommand gdb_thread_alive, gdb_thread_select, gdb_threads_first, gdb_threads_next, gdb_thread_info;
// Takes an id off *text; -1: all, 0: any. False: it is none.
bool gdb_thread_id(const char **text, int64_t *id);
bool gdb_thread_hart(const Gdb *g, int64_t id, unsigned *hart); // 0: the present one

// registers.c
GdbCommand gdb_registers_read, gdb_registers_write, gdb_register_read, gdb_register_write;
bool gdb_register(const Cpu *cpu, uint64_t n, uint64_t *value); // by gdb's number
char *gdb_registers_xml(const Gdb *g); // the target description; the caller frees it

// memory.c
GdbCommand gdb_memory_read, gdb_memory_write, gdb_memory_write_binary, gdb_memory_search, gdb_memory_crc;
bool gdb_memory(const Gdb *g, uint64_t addr, void *buf, uint64_t len, bool write); // writes RAM and ROM only

// points.c
GdbCommand gdb_point_insert, gdb_point_remove;
void gdb_points_new(Gdb *g);
void gdb_points_free(Gdb *g);
void gdb_points_clear(Gdb *g);
// Harts are about to run: what engines and TLBs know becomes what is set. steps_only: what is known too much may stay.
void gdb_points_apply(Gdb *g, bool steps_only);
// A breakpoint at the hart's pc whose conditions hold; NULL: none. The hart's thread.
const Point *gdb_point_hit(const Gdb *g, Cpu *cpu);

// conditions.c: text "[;]XLEN,EXPRESSION..." behind a Z packet. False: it is something else. *out NULL: there are none.
bool gdb_conditions_parse(const char *text, GPtrArray **out);
bool gdb_conditions_hold(const GPtrArray *conditions, Cpu *cpu); // NULL: they do

// resume.c: c, C, s, S, vCont, D, k
GdbCommand gdb_continue, gdb_continue_signal, gdb_step, gdb_step_signal, gdb_vcont, gdb_detach, gdb_kill;
void gdb_all_run(Gdb *g); // all harts do when the machine goes on
void gdb_let_go(Gdb *g); // of everything: nothing is set any more, all harts run, the machine goes on

// stops.c
GdbCommand gdb_why; // ?
void gdb_interrupt(Gdb *g);
void gdb_stop_text(const Gdb *g, GString *out); // T packet of the last stop
