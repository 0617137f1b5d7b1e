// SPDX-License-Identifier: GPL-3.0-or-later
// IR to callable host code in one step, by way of the queue, a worker process and the loader.
#pragma once
#include "backend/code_cache.h"
#include "backend/queue.h"

typedef struct {
    Queue *queue;
    CodeMemory *memory; // of what was compiled; code_memory_reset once nothing of it is used
    unsigned opt; // GCC optimisation level of what follows
    bool stats, shared, linear; // as in JitRequest
    unsigned n_helpers;
    unsigned compiled; // so many; every other one is compiled for another base, and moved
} Compiler;

void compiler_init(Compiler *c, unsigned n_helpers);
void compiler_deinit(Compiler *c);

// What became of code, which must be valid; freed by jit_unit_free. It is in no cache, its slots are unchained. Dies
// with a message if the worker does.
JitUnit *compile_code(Compiler *c, const IrCode *code);

// Why compiled code came back.
typedef enum {
    LEFT_CHAIN,    // a static exit, not chained
    LEFT_STOP,     // the slice is over
    LEFT_BEFORE,   // before an instruction that it cannot do
    LEFT_ENTRY,    // before it began: it cannot deal with the floating-point state
    LEFT_INDIRECT, // an indirect jump that the jump cache does not know
} LeftBy;

// Runs u from its entry on; env->pc and env->left are exact afterwards.
LeftBy compiled_run(JitUnit *u, IrEnv *env, uint64_t entry);
