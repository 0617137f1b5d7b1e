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

static void wait_for_worker(Engine *e)
{
    while (!queue_idle(e->queue) && tier_take(e, true))
        ;
}

// done: guest pcs of the heads that there are regions for.
static void compile(Engine *e, Block *b, GHashTable *done)
{
    g_hash_table_add(done, g_memdup2(&b->pc, sizeof b->pc));
    if (!tier_cache_load(e, b))
        tier_submit(e, b);
}

static void compile_head(Engine *e, uint64_t pc, uint64_t min_count, GHashTable *done)
{
    Block *b = engine_peek(e, pc);
    while (b && b->in_work && tier_take(e, true))
        ;
    bool can = b && !b->uncached && block_count(b) >= min_count && !b->refused;
    if (can && !g_hash_table_contains(done, &pc))
        compile(e, b, done);
}

void engine_compile_ahead(Engine *e, uint64_t min_count, const GArray *heads, AheadResult *out)
{
    g_assert(e->queue);
    Collect c = {e, min_count, g_array_new(FALSE, FALSE, sizeof(Head))};
    GHashTable *done = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    code_cache_each_block(e->cache, collect, &c);
    g_array_sort(c.heads, most_frequent_first);
    uint64_t hits = e->stats.cache_hits;
    e->flush_wanted = false; // an earlier refusal would have been heard of
    for (unsigned i = 0; i < c.heads->len && !e->flush_wanted; i++) {
        Block *b = g_array_index(c.heads, Head, i).block;
        wait_for_worker(e); // what arrives may have b in it
        if (wants_code(b))
            compile(e, b, done);
    }
    while (tier_take(e, true))
        ;
    for (unsigned i = 0; heads && i < heads->len && !e->flush_wanted; i++) {
        wait_for_worker(e);
        compile_head(e, g_array_index(heads, uint64_t, i), min_count, done);
    }
    while (tier_take(e, true))
        ;
    g_array_free(c.heads, TRUE);
    g_hash_table_destroy(done);
    *out = (AheadResult){e->stats.cache_hits - hits, e->flush_wanted};
}
