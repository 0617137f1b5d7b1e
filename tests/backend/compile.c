// SPDX-License-Identifier: GPL-3.0-or-later
// IR to callable host code in one step.
#include "tests/backend/compile.h"

#include "backend/engine_private.h"
#include "backend/exits.h"
#include "backend/fp_mode.h"
#include "backend/jit_call.h"
#include "backend/moves.h"

static void on_result(void *opaque)
{
    (void)opaque;
}

void compiler_init(Compiler *c, unsigned n_helpers)
{
    // libgccjit leaks by design; for sanitizer builds of the worker only.
    g_setenv("ASAN_OPTIONS", "detect_leaks=0", TRUE);
    *c = (Compiler){.queue = queue_new(1, on_result, NULL), .opt = 1, .n_helpers = n_helpers};
    c->memory = code_memory_new(0);
}

void compiler_deinit(Compiler *c)
{
    queue_free(c->queue, NULL);
    code_memory_free(c->memory);
}

#define ELSEWHERE 0x7abcdef000u

// The unit of code that was compiled as if it were ELSEWHERE bytes further up.
static JitUnit *move(Compiler *c, const IrCode *code, QueueResult *r, GError **error)
{
    size_t entry;
    g_autoptr(GByteArray) text = text_of_result(r, &entry, error);
    if (!text)
        return NULL;
    moves_apply(text->data, (const uint32_t *)(const void *)r->moves->data, r->moves->len, -(uint64_t)ELSEWHERE);
    return unit_from_code(c->memory, code->base, text, entry, r, error);
}

JitUnit *compile_code(Compiler *c, const IrCode *code)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    bool movable = c->compiled++ % 2;
    IrCode there = *code;
    there.base += movable ? ELSEWHERE : 0;
    ir_print(text, &there);
    JitRequest rq = {.opt = (uint8_t)c->opt, .stats = c->stats, .shared = c->shared, .movable = movable,
                     .linear = c->linear, .n_helpers = c->n_helpers};
    queue_submit(c->queue, &rq, text->str, c);
    QueueResult *r = queue_take(c->queue, true);
    if (r->failed)
        g_error("%s\n%s", r->message, text->str);
    JitUnit *u = movable ? move(c, code, r, &error) : unit_from_result(c->memory, code->base, r, &error);
    if (!u)
        g_error("%s\n%s", error->message, text->str);
    queue_result_free(r);
    return u;
}

LeftBy compiled_run(JitUnit *u, IrEnv *env, uint64_t entry)
{
    fp_mode_enter(env);
    JitSlot *slots = jit_enter(env, u->slots, entry, u->code);
    fp_mode_leave(env);
    g_assert(jit_unit_of(slots) == u);
    if (env->exit_site == JIT_SITE_PC)
        return LEFT_INDIRECT;
    g_assert(env->exit_site < u->n_sites);
    const JitSite *site = &u->sites[env->exit_site];
    env->pc = u->base + (uint64_t)site->pc;
    env->left += site->adjust;
    if (site->why == JIT_REFUSED)
        return LEFT_ENTRY;
    return env->exit_site < u->n_slots ? LEFT_CHAIN : site->why == JIT_BEFORE ? LEFT_BEFORE : LEFT_STOP;
}
