// SPDX-License-Identifier: GPL-3.0-or-later
// What the engine counts: data accesses by the executions of blocks, and in which mode the code ran.
#include "backend/engine_private.h"

static void add_in_mode(const Block *b, unsigned mode, EngineStats *s)
{
    uint64_t runs = block_count(b);
    s->loads += runs * b->n_load;
    s->stores += runs * b->n_store;
    s->mode_loads[mode & CODE_MMU] += runs * b->n_load;
    s->mode_stores[mode & CODE_MMU] += runs * b->n_store;
    s->baseline_done += block_base_count(b) * b->n_insns;
}

static void add_accesses(Block *b, void *opaque)
{
    add_in_mode(b, b->mode, opaque);
}

// What was counted in place since the last change of mode.
static void add_counted(const Engine *e, EngineStats *s)
{
    s->mode_loads[e->mode & CODE_MMU] += e->env->n_load - e->seen_loads;
    s->mode_stores[e->mode & CODE_MMU] += e->env->n_store - e->seen_stores;
}

void engine_stats_mode_ends(Engine *e)
{
    add_counted(e, &e->stats);
    e->seen_loads = e->env->n_load;
    e->seen_stores = e->env->n_store;
}

void engine_stats_uncached_ends(Engine *e)
{
    add_in_mode(e->uncached, e->uncached_mode, &e->stats);
}

void engine_stats_blocks_end(Engine *e)
{
    code_cache_each_block(e->cache, add_accesses, &e->stats);
}

void engine_stats(Engine *e, EngineStats *out)
{
    *out = e->stats;
    out->loads += e->env->n_load;
    out->stores += e->env->n_store;
    add_counted(e, out);
    out->workers_lost = e->queue ? queue_lost(e->queue) : 0;
    if (e->uncached)
        add_in_mode(e->uncached, e->uncached_mode, out);
    code_cache_each_block(e->cache, add_accesses, out);
}
