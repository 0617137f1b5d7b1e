// SPDX-License-Identifier: GPL-3.0-or-later
// What the TLB laboratory does with a run: records it (addend tlb record), or models a TLB (--tlb-model).
#pragma once
#include "machine/exec.h"

typedef struct TlbRun TlbRun;

// Before the machine is made, so that what cannot be written is said before the run. *out: NULL if the options ask for
// nothing. False: *error.
bool tlb_run_new(const Options *o, TlbRun **out, GError **error);
// Between machine_new and machine_run. The machine is good until tlb_run_finish.
bool tlb_run_attach(TlbRun *t, Machine *m, GError **error);
// Behind machine_run: closes the trace, or writes the report. False: *error. t may be NULL.
bool tlb_run_finish(TlbRun *t, GError **error);
void tlb_run_free(TlbRun *t); // what was not finished is not written; NULL: nothing
