// SPDX-License-Identifier: GPL-3.0-or-later
// The timeline: what happens while the guest runs, in the trace event format that Perfetto and chrome://tracing read.
#pragma once
#include "machine/exec.h"

typedef struct Timeline Timeline;

// Before machine_run. guest_time: times are the guest's, not the host's.
Timeline *timeline_attach(Machine *m, bool guest_time);
GString *timeline_text(Timeline *t); // behind the run: the JSON text
void timeline_free(Timeline *t);     // NULL: nothing
