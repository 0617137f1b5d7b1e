// SPDX-License-Identifier: GPL-3.0-or-later
// addend trace: prints a file of --trace-insns.
#pragma once
#include "machine/options.h"

// Writes the lines of o->trace_file to out. False: *error, in one line with the file's name; what came before it is
// printed.
bool itrace_command(const Options *o, FILE *out, GError **error);
