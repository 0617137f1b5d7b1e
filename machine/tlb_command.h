// SPDX-License-Identifier: GPL-3.0-or-later
// addend tlb model|sweep|report: reports from a trace.
#pragma once
#include "machine/options.h"

// Reads the trace that the options name and writes what they ask for, to stdout if they do not say where. False:
// *error.
bool tlb_command(const Options *o, GError **error);
