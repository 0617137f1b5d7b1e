// SPDX-License-Identifier: GPL-3.0-or-later
// Steps: blocks one at a time by the interpreter, and exact numbers of instructions.
#include "backend/engine_private.h"

void engine_step_block(Engine *e)
{
    engine_flush_if_wanted(e);
    Block *b = engine_block(e, e->env->pc);
    if (b)
        engine_run_one(e, b);
}

bool engine_step_within(Engine *e, uint64_t n)
{
    engine_flush_if_wanted(e);
    Block *b = engine_block(e, e->env->pc);
    if (!b || b->n_insns > n)
        return false;
    engine_run_one(e, b);
    return true;
}

void engine_run_exactly(Engine *e, uint64_t n)
{
    uint64_t end = ir_env_icount(e->env) + n;
    for (uint64_t now; (now = ir_env_icount(e->env)) < end;) {
        engine_flush_if_wanted(e);
        Block *b = engine_block(e, e->env->pc);
        if (b && b->n_insns > end - now)
            b = engine_uncached(e, e->env->pc, (unsigned)(end - now));
        if (!b)
            break;
        engine_run_one(e, b);
    }
}
