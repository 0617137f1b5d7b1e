// SPDX-License-Identifier: GPL-3.0-or-later
// Compiles regions around the most frequent blocks, without running them.
#include "backend/ahead.h"

#include "backend/engine_private.h"

typedef struct {
    Block *block;
    uint64_t count; // at the start: it changes while regions arrive
} Head;

typedef struct {
    Engine *e;
    uint64_t min_count;
    GArray *heads; // Head
} Collect;

static void collect(Block *b, void *opaque)
{
    Collect *c = opaque;
    Head h = {b, block_count(b)};
    if (!b->dead && !b->uncached && h.count >= c->min_count && engine_peek(c->e, b->pc) == b)
        g_array_append_val(c->heads, h);
}

static int most_frequent_first(gconstpointer p, gconstpointer q)
{
    const Head *a = p, *b = q;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return a->block->pc < b->block->pc ? -1 : a->block->pc > b->block->pc;
}

static bool wants_code(const Block *b)
{
    return !b->dead && b->unit == b->base && !b->in_work && !b->compiled && !b->refused;
}

void engine_compile_ahead(Engine *e, uint64_t min_count, AheadResult *out)
{
    g_assert(e->queue);
    Collect c = {e, min_count, g_array_new(FALSE, FALSE, sizeof(Head))};
    code_cache_each_block(e->cache, collect, &c);
    g_array_sort(c.heads, most_frequent_first);
    uint64_t hits = e->stats.cache_hits;
    e->flush_wanted = false; // an earlier refusal would have been heard of
    for (unsigned i = 0; i < c.heads->len && !e->flush_wanted; i++) {
        Block *b = g_array_index(c.heads, Head, i).block;
        while (!queue_idle(e->queue) && tier_take(e, true)) // what arrives may have b in it
            ;
        if (wants_code(b) && !tier_cache_load(e, b))
            tier_submit(e, b, 0);
    }
    while (tier_take(e, true))
        ;
    g_array_free(c.heads, TRUE);
    *out = (AheadResult){e->stats.cache_hits - hits, e->flush_wanted};
}
