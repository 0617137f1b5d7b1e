// SPDX-License-Identifier: GPL-3.0-or-later
// The hottest blocks of the guest.
#pragma once
#include "machine/exec.h"

typedef struct Hot Hot;

// Before machine_run. exact: executions are counted, which goes without regions; else, where there are regions, samples
// say how many instructions ran.
Hot *hot_attach(Machine *m, bool exact);
// Behind the run, and behind machine_end_tally: the n hottest, as the file's name asks (.json, else text).
GString *hot_text(Hot *h, unsigned n, const char *path);
void hot_free(Hot *h); // NULL: nothing
