// SPDX-License-Identifier: GPL-3.0-or-later
// Exact executions of the guest's code, by block (backend/engine_tally.h), for profiles.
#pragma once
#include "backend/engine_tally.h"
#include "machine/exec.h"

typedef struct {
    void *opaque;
    void (*runs)(void *opaque, unsigned hart, const EngineRuns *r); // on the hart's thread
} TallyListener;

// From machine_run on executions are counted: there are no regions then, no persistent code cache and no kept blocks.
// Before machine_run. *listener is copied.
void machine_add_tally(Machine *m, const TallyListener *listener);
// Behind machine_run, once, if there are listeners: tells them what they were not told yet.
void machine_end_tally(Machine *m);
