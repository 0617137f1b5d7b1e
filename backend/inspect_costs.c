// SPDX-License-Identifier: GPL-3.0-or-later
// What each block took to make, and why regions were refused: noted for inspections only.
#include "backend/engine_private.h"
#include "util/clock.h"

const char *const cost_stage_names[COSTS] = {"lift", "translate", "baseline"};

uint64_t costs_now(const Engine *e)
{
    return e->costs ? clock_ns(CLOCK_THREAD_CPUTIME_ID) : 0;
}

void costs_add(Engine *e, const Block *b, BlockCosts more)
{
    BlockCosts *c = g_hash_table_lookup(e->costs, b);
    if (!c) {
        c = g_new0(BlockCosts, 1);
        g_hash_table_insert(e->costs, (gpointer)(uintptr_t)b, c);
    }
    for (unsigned i = 0; i < COSTS; i++)
        c->ns[i] += more.ns[i];
}

void costs_forget(Engine *e)
{
    if (e->costs)
        g_hash_table_remove_all(e->costs);
    g_clear_pointer(&e->refusals, g_hash_table_destroy);
}

void costs_refused(Engine *e, const Block *head, const char *why)
{
    if (!e->refusals)
        e->refusals = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    g_hash_table_insert(e->refusals, (gpointer)(uintptr_t)head, g_strdup(why));
}
