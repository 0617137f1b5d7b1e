// SPDX-License-Identifier: GPL-3.0-or-later
// What --stats prints at the end of a run.
#pragma once
#include "machine/exec.h"

// The whole report as text for people, or as one JSON object (docs/addend.1 lists its members). The caller frees it.
// *wrong: NULL, or how the counts contradict each other (memory/spec.md 5.8), in a line, which the caller frees.
char *stats_text(Machine *m, const RunResult *run, char **wrong);
char *stats_json(Machine *m, const RunResult *run, char **wrong);
// One line that says what the engine did; for `addend demo`.
char *stats_summary(Machine *m, const RunResult *run);
