// SPDX-License-Identifier: GPL-3.0-or-later
// Whoever the options want to look at a run: profiles, logs, the TLB laboratory, perf's files, addend blocks. They are
// all made before the machine, so that a run is not in vain if one of them cannot be; what nobody wants costs nothing.
#pragma once
#include "machine/exec.h"

typedef struct Observers Observers;

// Checks and opens what the options name. False: *error names the option or file; there is nothing to free.
bool observers_new(const Options *o, Observers **out, GError **error);
void observers_free(Observers *v); // what was not finished is not written; NULL: nothing

// Before m runs. False: *error.
bool observers_attach(Observers *v, Machine *m, GError **error);

// Behind the run: what looks at the machine, which is still whole, writes what it found. GErrors are added to errors,
// which owns them.
void observers_finish(Observers *v, Machine *m, const RunResult *run, GPtrArray *errors);
// The same for those that engines tell something to their very end: behind machine_free.
void observers_close(Observers *v, GPtrArray *errors);
