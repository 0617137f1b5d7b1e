// SPDX-License-Identifier: GPL-3.0-or-later
// The monitor: commands that look at a machine while it runs, stop it and end it (docs/monitor.md).
//
// Everything of it happens on the main thread. What needs the harts' state has them stopped for the time
// (machine_hold). A machine without one has nothing to pay; one with a monitor that nobody talks to waits for a
// descriptor.
#pragma once
#include "machine/exec.h"

typedef struct Monitors Monitors;

// Opens the monitors that the options ask for: -monitor's, and the one behind Ctrl-A c of the console. *out is NULL if
// there are none; machine, console and options outlive them. Waits for a connection if that is asked for. Before the
// console is attached. Error: the socket.
bool monitors_new(Machine *m, Console *console, const Options *o, Monitors **out, GError **error);
// When no hart runs any more.
void monitors_free(Monitors *monitors);
