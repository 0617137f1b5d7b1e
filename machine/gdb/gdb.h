// SPDX-License-Identifier: GPL-3.0-or-later
// The gdb stub: a debugger that speaks gdb's remote serial protocol stops the machine, looks at it, changes it and has
// it go on (docs/debugging.md).
//
// Packets are served on the main thread, while the machine is stopped (machine_stop). What a hart does when the
// machine goes on is written down for it meanwhile, and its thread asks for it once a slice. A hart that has come to a
// breakpoint or watched bytes, or has done its step, reports that, leaves the exclusive section and waits until the
// main thread has stopped the machine.
#pragma once
#include "machine/exec.h"

typedef struct Gdb Gdb;

// Listens where the options say; *out is NULL if they do not. Machine and options outlive it. Behind monitors_new,
// before the harts run. Error: the socket.
bool gdb_new(Machine *m, const Options *o, Gdb **out, GError **error);
// When no hart runs any more; a debugger that waits is told the status with which the run ends. Behind monitors_free.
void gdb_free(Gdb *g, int status);

// control.c, on the main thread: the machine has been stopped, by whomever; it is about to go on.
void gdb_on_stop(Gdb *g);
void gdb_on_cont(Gdb *g);

// The run loop, on a hart's thread, inside the exclusive section.
bool gdb_holds(const Gdb *g, unsigned hart); // it does not run, whatever comes
bool gdb_steps(const Gdb *g, unsigned hart); // it runs one instruction, and waits at no wfi
bool gdb_takes_interrupts(const Gdb *g, unsigned hart);
bool gdb_has_seen(const Gdb *g, unsigned hart); // an access of watched bytes in this slice, which was refused
// A slice is over. stepped: it was one of gdb_steps. If that is to be reported, waits until it was.
void gdb_slice_done(Gdb *g, unsigned hart, bool stepped);
