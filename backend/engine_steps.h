// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a hart block by block in the interpreter and tells somebody before and behind each: for logs and traces of
// single instructions (EngineConfig.max_insns = 1) or blocks. Other runs know nothing of it.
#pragma once
#include "backend/engine.h"

struct Block;

typedef struct EngineSteps { // of EngineConfig, not together with its tap; all on the hart's thread
    void *opaque;
    // A block was made from ir; the number by which the others name it. once: it is forgotten when the next such is
    // made.
    uint32_t (*translated)(void *opaque, const struct Block *b, const IrBlock *ir, bool once);
    void (*dropped)(void *opaque); // no number means anything any more
    // The block runs next: env is as before it. NULL: not called.
    void (*before)(void *opaque, uint32_t number);
    // It has run: so many of its instructions retired, fewer than all if one trapped. number UINT32_MAX: there was no
    // block, as the fetch of its first instruction trapped.
    void (*after)(void *opaque, uint32_t number, unsigned retired);
} EngineSteps;

// As engine_run and engine_step (backend/breakpoints.h), of an engine that has EngineConfig.steps.
void engine_run_steps(Engine *e);
void engine_run_step(Engine *e);
