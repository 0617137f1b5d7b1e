// SPDX-License-Identifier: GPL-3.0-or-later
// The engine's loop for those who want to know of every block.
#include "backend/engine_steps.h"

#include "backend/engine_private.h"
#include "util/log.h"

#define MAX_ROUNDS 20000 // turns of the loop that retire nothing, in one slice

// Interprets b alone. The slice is made to end with it, but for a system instruction, behind which the interpreter
// stops anyway: that may want to end the slice behind its own retirement, when nothing would be left of it.
static void run_block(Engine *e, Block *b)
{
    IrEnv *env = e->env;
    if (b->is_system) {
        interp_run(&e->in, b);
        return;
    }
    int64_t rest = env->left - b->n_insns;
    env->icount_limit -= (uint64_t)rest;
    env->left = b->n_insns;
    uint64_t limit = env->icount_limit;
    interp_run(&e->in, b);
    bool ended = env->icount_limit != limit; // ir_env_kick_self, by a device
    env->icount_limit += (uint64_t)rest;
    env->left += rest;
    if (ended)
        ir_env_kick_self(env);
}

static void count_entry(Block *b)
{
    if (--b->heat >= 0)
        return;
    b->count_base += (uint64_t)((int64_t)b->heat_start - b->heat);
    b->heat = b->heat_start = G_MAXINT32;
}

// One turn: true if something retired.
static bool told(Engine *e, Block *b)
{
    const EngineSteps *s = e->config.steps;
    uint64_t before = ir_env_icount(e->env);
    uint32_t number = b ? b->number : UINT32_MAX;
    if (b) {
        engine_link_to(e, b);
        if (log_on(LOG_EXEC | LOG_CPU))
            dump_entry(e, b);
        count_entry(b);
        if (s->before)
            s->before(s->opaque, number);
        run_block(e, b);
    }
    unsigned retired = (unsigned)(ir_env_icount(e->env) - before);
    s->after(s->opaque, number, retired);
    return retired;
}

void engine_run_steps(Engine *e)
{
    IrEnv *env = e->env;
    e->ran = NULL;
    e->at_breakpoint = false;
    for (unsigned idle = 0; env->left > 0 && idle < MAX_ROUNDS && !g_atomic_int_get(&env->exit_request);) {
        engine_flush_if_wanted(e);
        Block *b = engine_block(e, env->pc);
        if (!b && e->at_breakpoint)
            break;
        idle = told(e, b) ? 0 : idle + 1;
    }
}

void engine_run_step(Engine *e)
{
    e->at_breakpoint = false;
    engine_flush_if_wanted(e);
    told(e, engine_uncached(e, e->env->pc, 1));
}
