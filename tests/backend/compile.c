// SPDX-License-Identifier: GPL-3.0-or-later
// IR to callable host code in one step.
#include "tests/backend/compile.h"

#include "backend/code_memory.h"
#include "backend/loader.h"

static void on_result(void *opaque)
{
    (void)opaque;
}

void compiler_init(Compiler *c, unsigned n_helpers)
{
    // libgccjit leaks by design; for sanitizer builds of the worker only.
    g_setenv("ASAN_OPTIONS", "detect_leaks=0", TRUE);
    *c = (Compiler){.queue = queue_new(1, on_result, NULL), .opt = 1, .n_helpers = n_helpers};
}

void compiler_deinit(Compiler *c)
{
    queue_free(c->queue, NULL);
}

JitUnit *compile_code(Compiler *c, const IrCode *code)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    ir_print(text, code);
    JitRequest rq = {.opt = (uint8_t)c->opt, .stats = c->stats, .nochain = c->nochain, .n_helpers = c->n_helpers};
    queue_submit(c->queue, &rq, text->str, c);
    QueueResult *r = queue_take(c->queue, true);
    if (r->failed)
        g_error("%s\n%s", r->message, text->str);
    size_t entry;
    g_autoptr(GByteArray) bytes = object_load(r->object->data, r->object->len, "region", &entry, &error);
    uint8_t *host = bytes ? code_memory_install(bytes->data, bytes->len, &error) : NULL;
    if (!host)
        g_error("%s\n%s", error->message, text->str);
    JitUnit *u = g_new0(JitUnit, 1);
    u->base = code->base;
    u->text = host;
    u->code = (JitCode)(void *)(host + entry);
    u->code_size = bytes->len;
    u->slots = jit_slots_new(u, r->n_slots);
    u->sites = g_steal_pointer(&r->sites);
    u->entries = g_steal_pointer(&r->entries);
    u->n_slots = r->n_slots;
    u->n_sites = r->n_sites;
    u->n_entries = r->n_entries;
    u->spans = g_array_new(FALSE, FALSE, sizeof(CodeSpan));
    for (unsigned i = 0; i < u->n_slots; i++)
        code_cache_reset_slot(u, i);
    queue_result_free(r);
    return u;
}

LeftBy compiled_run(JitUnit *u, IrEnv *env, uint64_t entry)
{
    JitSlot *slots = u->code(env, u->slots, entry);
    g_assert(jit_unit_of(slots) == u);
    if (env->exit_site == JIT_SITE_PC)
        return LEFT_INDIRECT;
    g_assert(env->exit_site < u->n_sites);
    const JitSite *site = &u->sites[env->exit_site];
    env->pc = u->base + (uint64_t)site->pc;
    env->left += site->adjust;
    return env->exit_site < u->n_slots ? LEFT_CHAIN : site->adjust ? LEFT_BEFORE : LEFT_STOP;
}
