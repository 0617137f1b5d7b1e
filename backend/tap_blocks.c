// SPDX-License-Identifier: GPL-3.0-or-later
// The engine's side of the tap (util/tap.h): blocks get sites and numbers, and their executions are told.
//
// A block that is forgotten after each execution gets the same sites again if it is made again.
#include "backend/engine_private.h"

#define NOWHERE (TAP_SITES - 1024) // there is room behind it for any block

struct TapBlocks {
    uint32_t sites, blocks; // given so far
    GHashTable *uncached;   // guest pc -> Uncached
};

typedef struct { // the block last made at pc and forgotten
    uint64_t pc, runs;
    uint32_t site, number, len;
    uint16_t n_insns, n_load, n_store;
} Uncached;

TapBlocks *tap_blocks_new(Engine *e)
{
    if (!e->config.tap)
        return NULL;
    TapBlocks *t = g_new0(TapBlocks, 1);
    t->uncached = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    return t;
}

void tap_blocks_free(TapBlocks *t)
{
    if (!t)
        return;
    g_hash_table_destroy(t->uncached);
    g_free(t);
}

// Without room for more sites, which takes days, it has none: an unknown one stands for it.
static void give_sites(Engine *e, Block *b, uint32_t len)
{
    TapBlocks *t = e->tap;
    uint32_t halves = t->sites + len / 2 > NOWHERE ? 0 : len / 2;
    b->site = halves ? t->sites : NOWHERE;
    b->number = t->blocks++;
    t->sites += halves;
    tap_event(&e->env->tap, TAP_BLOCK, b->pc, halves);
    tap_event(&e->env->tap, TAP_BLOCK_OPS, b->n_insns | (uint64_t)b->n_load << 16 | (uint64_t)b->n_store << 32,
              b->number);
}

static void runs(Engine *e, uint32_t number, uint64_t n)
{
    tap_event(&e->env->tap, TAP_BLOCK_RUNS, n, number);
}

static bool same(const Uncached *u, const Block *b, uint32_t len)
{
    return u->len == len && u->n_insns == b->n_insns && u->n_load == b->n_load && u->n_store == b->n_store;
}

static void name_uncached(Engine *e, Block *b, uint32_t len)
{
    Uncached *u = g_hash_table_lookup(e->tap->uncached, &b->pc);
    if (u && same(u, b, len)) {
        b->site = u->site;
        b->number = u->number;
        return;
    }
    if (u)
        runs(e, u->number, u->runs);
    give_sites(e, b, len);
    u = g_new(Uncached, 1);
    *u = (Uncached){b->pc, 0, b->site, b->number, len, b->n_insns, b->n_load, b->n_store};
    g_hash_table_replace(e->tap->uncached, &u->pc, u);
}

void tap_blocks_name(Engine *e, Block *b, uint32_t len, bool uncached)
{
    b->ops[0].imm = (b->pc & ~PAGE_MASK) + len > PAGE_SIZE;
    if (uncached)
        name_uncached(e, b, len);
    else
        give_sites(e, b, len);
}

void tap_blocks_forgotten(Engine *e, const Block *b)
{
    Uncached *u = e->tap ? g_hash_table_lookup(e->tap->uncached, &b->pc) : NULL;
    if (u)
        u->runs += block_count(b);
}

void tap_blocks_fetch_fault(Engine *e, const MemFault *fault)
{
    if (e->tap) {
        tap_event(&e->env->tap, TAP_FAULT, fault->addr, ACCESS_FETCH);
        tap_forget(&e->env->tap);
    }
    e->env->ops->mem_fault(e->env, fault);
}

static void tell(Block *b, void *opaque)
{
    if (!b->dead)
        runs(opaque, b->number, block_count(b));
}

void tap_blocks_dropped(Engine *e)
{
    if (e->tap)
        code_cache_each_block(e->cache, tell, e);
}

void engine_end_tap(Engine *e)
{
    GHashTableIter it;
    gpointer value;
    g_hash_table_iter_init(&it, e->tap->uncached);
    tap_blocks_dropped(e);
    if (e->uncached)
        tap_blocks_forgotten(e, e->uncached);
    while (g_hash_table_iter_next(&it, NULL, &value))
        runs(e, ((Uncached *)value)->number, ((Uncached *)value)->runs);
}
