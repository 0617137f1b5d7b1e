// SPDX-License-Identifier: GPL-3.0-or-later
// IR text as a tool (addend ir), and cutting out what is miscompiled (addend blocks reduce).
#pragma once
#include "machine/exec.h"

// -accel ...,plant=: sets the fault for everything that is compiled from now on. True if there is none.
bool irtool_plant(const Options *o, GError **error);

// addend ir: to out. The exit status; 1 also where engines or passes differ. *error: one line.
int ir_command(const Options *o, FILE *out, GError **error);

// addend blocks reduce: runs the guest; status 0: no difference was found. *error: one line.
int irtool_reduce(const Options *o, GError **error);
