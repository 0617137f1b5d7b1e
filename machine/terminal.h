// SPDX-License-Identifier: GPL-3.0-or-later
// Raw mode of the host terminal on stdin, undone on every way out of the program.
#pragma once
#include <stdbool.h>

// Puts stdin, if it is a terminal, into raw mode: no echo, no line editing; with keep_signals Ctrl-C, Ctrl-Z
// and Ctrl-\ still work as usual. Exit, abort, the usual fatal signals and a stop by Ctrl-Z restore it; a
// continued program has it again. Nested use is our own bug.
void terminal_set_raw(bool keep_signals);

// Restores it. Harmless without terminal_set_raw.
void terminal_restore(void);
