// SPDX-License-Identifier: GPL-3.0-or-later
// addend aot: fills the persistent code cache before a guest's first run.
#pragma once
#include "machine/options.h"

#define AOT_RUN_THRESHOLD 30000 // executions that make a block hot in a run that is only there to find out

// Compiles the guest that the options name, as a run with the same options would want it, and prints one line about it
// to out. Without --run the guest's code is only looked at. False: *error, or without one when the user broke it off.
bool aot_command(const Options *o, FILE *out, GError **error);
