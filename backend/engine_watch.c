// SPDX-License-Identifier: GPL-3.0-or-later
// Telling watchers what an engine makes and drops.
#include "backend/engine_watch.h"

#include "backend/engine_private.h"
#include "util/clock.h"

static void dropped(void *opaque, const Block *b, const JitUnit *u)
{
    if (b)
        engine_tell_block(opaque, ENGINE_DROPPED, b, b->base, false, 0);
    else
        engine_tell_region(opaque, ENGINE_DROPPED, u, false, 0);
}

void engine_add_watcher(Engine *e, const EngineWatcher *watcher)
{
    if (!e->watchers)
        e->watchers = g_array_new(FALSE, FALSE, sizeof(EngineWatcher));
    g_array_append_val(e->watchers, *watcher);
    code_cache_set_watcher(e->cache, dropped, e);
}

void engine_tell(Engine *e, EngineEvent event)
{
    event.end_ns = clock_ns(CLOCK_MONOTONIC);
    if (!event.start_ns)
        event.start_ns = event.end_ns;
    for (unsigned i = 0; i < e->watchers->len; i++) {
        const EngineWatcher *w = &g_array_index(e->watchers, EngineWatcher, i);
        w->event(w->opaque, &event);
    }
}

void engine_tell_block(Engine *e, EngineEventKind kind, const Block *b, const JitUnit *u, bool loaded,
                       uint64_t start_ns)
{
    engine_tell(e, (EngineEvent){.kind = kind, .loaded = loaded, .pc = b->pc, .start_ns = start_ns, .n_blocks = 1,
                                 .n_insns = b->n_insns, .host_bytes = u ? u->code_size + u->cold_size : 0, .unit = u});
}

void engine_tell_region(Engine *e, EngineEventKind kind, const JitUnit *u, bool loaded, uint64_t start_ns)
{
    engine_tell(e, (EngineEvent){.kind = kind, .loaded = loaded, .pc = u->base, .start_ns = start_ns,
                                 .cpu_ns = u->compile_ns, .n_blocks = u->n_blocks, .n_insns = u->n_insns,
                                 .host_bytes = u->code_size + u->cold_size, .unit = u});
}

void engine_tell_trace(Engine *e, EngineEventKind kind, const Trace *t, uint64_t cpu_ns, const char *why)
{
    unsigned insns = 0;
    for (unsigned i = 0; i < t->code->n_blocks; i++)
        insns += t->code->blocks[i]->n_insns;
    engine_tell(e, (EngineEvent){.kind = kind, .pc = t->code->base, .start_ns = t->sent_ns, .cpu_ns = cpu_ns,
                                 .n_blocks = t->code->n_blocks, .n_insns = insns, .why = why});
}
