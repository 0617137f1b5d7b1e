// SPDX-License-Identifier: GPL-3.0-or-later
// Compiling ahead of time, for the persistent code cache: regions around all that a run has executed often, or, without
// a run, around what looks as if it would be (loops, and functions that are called from them).
//
// Hart's thread only, as engine.h. The code must be mapped now: other address spaces are not looked at.
#pragma once
#include "backend/engine.h"

#define AHEAD_ONCE 100 // the estimated count of code that seems to run once

typedef struct {
    uint64_t pc, size; // size 0: unknown
} AheadFunction;

// Finds the code that can be reached from the functions, the first of which is where the hart starts, without running
// it, and gives each block an estimated execution count: AHEAD_ONCE for what is outside of loops. Returns the number of
// blocks found; *all is false if a bound was hit.
unsigned engine_estimate(Engine *e, const AheadFunction *functions, unsigned n, bool *all);

typedef struct {
    uint64_t known;  // regions that the persistent cache had
    bool code_full;  // stopped, because there was no room for more code
} AheadResult;

// Compiles regions around the blocks whose count, measured or estimated, is at least min_count, most frequent first,
// and waits for them. engine_stats says how many. Needs EngineConfig.jit and a store.
void engine_compile_ahead(Engine *e, uint64_t min_count, AheadResult *out);
