// SPDX-License-Identifier: GPL-3.0-or-later
// Compilations in the worker: IR texts in, an object file out.
#pragma once
#include "backend/jit_abi.h"
#include <glib.h>

typedef struct {
    GByteArray *object; // shared by all regions that are in it
    unsigned index;     // of the region in it
    GArray *sites;      // JitSite
    GArray *entries;    // int64_t
    unsigned n_slots;
    char *gimple, *ir; // NULL unless asked for
    uint64_t stage_ns[JIT_STAGES];
} JitResult;

typedef struct {
    JitRequest rq;
    char *text;      // IR; the caller's
    JitResult out;   // empty if there is an error
    GError *error;
} JitJob;

// Parses, verifies, optimises and compiles n regions, all in one context of GCC if their options allow; if GCC refuses
// that, one by one. Fills in out or error of each; the caller frees them with jit_job_clear. scratch_dir: where GCC may
// put files (removed again).
void jit_compile(JitJob *jobs, unsigned n, const char *scratch_dir);
void jit_job_clear(JitJob *job);
// CPU time of this process and of assemblers that have ended, ns.
uint64_t jit_cpu_ns(void);
