// SPDX-License-Identifier: GPL-3.0-or-later
// Flame graphs: the guest's call stacks, sampled.
#pragma once
#include "machine/exec.h"

typedef struct Flame Flame;

// Before machine_run. period: instructions between samples, 0: as suits, so that it costs a few percent.
// harts: each hart's stacks apart.
Flame *flame_attach(Machine *m, uint64_t period, bool harts);
// Behind the run: all stacks, in the format of that file name.
GString *flame_text(Flame *f, const char *path);
void flame_free(Flame *f); // NULL: nothing
