// SPDX-License-Identifier: GPL-3.0-or-later
// The instruction mix: how often each kind of instruction retired, exactly.
#pragma once
#include "machine/exec.h"

typedef struct Mix Mix;

Mix *mix_attach(Machine *m); // before machine_run: it counts, without regions
// Behind the run: the whole mix as its file's name asks (.json, .csv, else text). NULL: the counts do not add up to the
// retired instructions, which is an error of ours; *error.
GString *mix_text(Mix *mix, const char *path, GError **error);
void mix_free(Mix *mix); // NULL: nothing
