// SPDX-License-Identifier: GPL-3.0-or-later
// -perfmap and -jitdump: tells Linux' perf what guest code is behind compiled code.
#pragma once
#include "machine/exec.h"

typedef struct Perf Perf;

// Opens the files that the options ask for (*out is NULL if none) and adds watchers to the harts. After machine_new,
// before machine_run. False: *error names the file.
bool perf_attach(const Options *o, Machine *m, Perf **out, GError **error);
// Closes the files; NULL: nothing. False: *error, one could not be written to the end. After machine_run.
bool perf_finish(Perf *p, GError **error);
