// SPDX-License-Identifier: GPL-3.0-or-later
// Do passes keep what code does? By the evaluator, which defines it.
#pragma once
#include "machine/irtool/case_run.h"

// Runs c's code as it is and as the passes but `skip` leave it. From the state of c, if it says anything, and from
// random ones. NULL: no difference was seen, or *error. Else the first pass behind which there is one, and what it is.
char *case_verify_passes(const IrCase *c, unsigned skip, GError **error);
// The same from c's state alone; *pass: 1 + the number of that pass (ir_pass_names).
char *case_verify_state(const IrCase *c, unsigned skip, unsigned *pass, GError **error);
