// SPDX-License-Identifier: GPL-3.0-or-later
// Logs of what a run executes: --log-commits, -l and --trace-insns. A run with one is interpreted, and told about step
// by step (backend/engine_steps.h); others have nothing of it.
#pragma once
#include "machine/exec.h"

typedef struct MachineLogs MachineLogs;

// Before the machine is made, so that a file that cannot be written is told of before the run. *out: NULL if the
// options ask for nothing. False: *error.
bool logs_new(const Options *o, MachineLogs **out, GError **error);
// Between machine_new and machine_run; the engine may call it until machine_free. l may be NULL. False: *error.
bool logs_attach(MachineLogs *l, Machine *m, GError **error);
// Behind machine_free: completes the files. False: *error says which is not complete. l may be NULL; it is freed.
bool logs_finish(MachineLogs *l, GError **error);
void logs_free(MachineLogs *l); // what is not finished is not written

// For machine/exec.c and the run loop.
const struct EngineSteps *logs_steps(MachineLogs *l, unsigned hart); // for the engine of that hart
unsigned logs_max_insns(const MachineLogs *l);                      // EngineConfig.max_insns
void logs_add_cpu(MachineLogs *l, Cpu *cpu); // it is made
// In place of engine_run or, with step, engine_step: a slice, behind the interrupt that it began with.
void logs_run(MachineLogs *l, Cpu *cpu, bool step);
