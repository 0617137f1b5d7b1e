// SPDX-License-Identifier: GPL-3.0-or-later
// addend blocks: what is done before and behind a run, to show what it was translated to.
#pragma once
#include "machine/exec.h"

// These do nothing, and return true, for other commands.
//
// Before the machine is made: whether the output can be written. False: *error.
bool blocks_run_check(const Options *o, GError **error);
// Between machine_new and machine_run: samples where the guest is.
void blocks_run_attach(const Options *o, Machine *m);
// Behind machine_run: looks at all harts, says on stderr what is not shown for lack of time, and writes the output.
// False: *error.
bool blocks_run_finish(const Options *o, Machine *m, const RunResult *run, GError **error);
// The exit status for that of the run: that a limit or the user has ended it is no failure here.
int blocks_run_status(const Options *o, const Machine *m, int status);
