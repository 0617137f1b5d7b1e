// SPDX-License-Identifier: GPL-3.0-or-later
// Runs IR cases by each engine, and compares what they do with the evaluator.
#pragma once
#include "backend/queue.h"
#include "machine/irtool/case_machine.h"

typedef enum { CASE_EVAL, CASE_INTERP, CASE_BASELINE, CASE_REGION, CASE_ENGINES } CaseEngine;
extern const char *const case_engine_names[CASE_ENGINES]; // "eval", "interp", "baseline", "jit"

typedef struct CaseTools CaseTools; // a compile worker, started when it is needed, and memory for code
CaseTools *case_tools_new(void);
void case_tools_free(CaseTools *t);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CaseTools, case_tools_free)

typedef struct {
    unsigned opt;         // of regions: GCC's optimisation level
    unsigned skip_passes; // likewise: IR_PASS_
    unsigned plant;       // as the engines have it: plant_get() if all shall
} CaseOptions;

typedef struct {
    CaseEngine engine;
    CaseMachine *m; // as it was left
    CaseStop stop;
    uint64_t insns; // retired
} CaseRun;

// Runs c, which is finished. NULL: it could not be compiled, or there is no memory.
CaseRun *case_run(CaseTools *t, const IrCase *c, CaseEngine engine, const CaseOptions *o, GError **error);
// The evaluator, for that many instructions exactly, if nothing stops it before.
CaseRun *case_run_exactly(const IrCase *c, uint64_t insns, GError **error);
void case_run_free(CaseRun *r);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CaseRun, case_run_free)

// Instructions done at each beginning of a block on the evaluator's way, at most max of them; the caller frees it.
GArray *case_boundaries(const IrCase *c, unsigned max);

// The first thing in which got differs from what case_run_exactly says for its number of instructions; NULL: nothing.
char *case_run_differs(const CaseRun *want, const CaseRun *got);
// Both at once. NULL with *error NULL: it does the same as the evaluator.
char *case_check(CaseTools *t, const IrCase *c, CaseEngine engine, const CaseOptions *o, GError **error);
// What the lines `expect` say and the run did otherwise; NULL: nothing.
char *case_expected(const IrCase *c, const CaseRun *r);

// What a compilation gives, for printing; NULL: *error. The caller frees it by queue_result_free.
QueueResult *case_compile(CaseTools *t, const IrCase *c, const CaseOptions *o, bool gimple, GError **error);
