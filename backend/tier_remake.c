// SPDX-License-Identifier: GPL-3.0-or-later
// Regions that are left often are made again, with what they are left for.
//
// A way from one region into another costs some ten times as much as an edge inside: registers are stored and loaded
// again. Each region counts its ways out. When they are many, what GCC takes for a larger region is spent already. Then
// some of the next ones are looked at: those places that turn up among them again and again, and what follows there, go
// into the new region with all that was in the old one, which it replaces. It is bounded in size, and so is how often
// this is done, since each time it grows.
#include "backend/engine_private.h"

#include <stdlib.h>
#include <string.h>

#define EXIT_SHARE 75 // GCC's time for 75 instructions is as much as a threshold of ways out cost
#define SAMPLES 64
#define SAMPLE_EVERY 127 // ways out; a prime, or a loop may show always the same one
#define SAMPLES_OF_HOT 4  // a target seen as often is worth it

typedef struct ExitSamples {
    unsigned n;
    uint64_t pc[SAMPLES]; // of the guest, or UINT64_MAX
} ExitSamples;

static void set_exits_left(JitUnit *u, int64_t n)
{
    JitSlotsHead *head = jit_slots_head(u->slots);
    u->info->exits = tier_exits(u);
    u->info->exits_start = head->exits_left = n;
}

uint64_t tier_exits(const JitUnit *u)
{
    return u->info->exits + (uint64_t)(u->info->exits_start - jit_slots_head(u->slots)->exits_left);
}

void tier_count_exits(Engine *e, JitUnit *u)
{
    if (e->queue)
        set_exits_left(u, (int64_t)e->config.threshold * (u->n_insns + TRACE_GROWTH) / EXIT_SHARE);
}

static int by_value(gconstpointer p, gconstpointer q)
{
    uint64_t a = *(const uint64_t *)p, b = *(const uint64_t *)q;
    return a < b ? -1 : a > b;
}

// Targets seen often, into `hot`; how many.
static unsigned hot_targets(const ExitSamples *s, uint64_t *hot)
{
    uint64_t pc[SAMPLES];
    unsigned n = 0;
    memcpy(pc, s->pc, sizeof pc);
    qsort(pc, SAMPLES, sizeof *pc, by_value);
    for (unsigned i = 0, end; i < SAMPLES && pc[i] != UINT64_MAX; i = end) {
        for (end = i; end < SAMPLES && pc[end] == pc[i];)
            end++;
        if (end - i >= SAMPLES_OF_HOT)
            hot[n++] = pc[i];
    }
    return n;
}

bool tier_remake_next(Engine *e)
{
    while (e->remakes->len) {
        JitUnit *u = g_ptr_array_remove_index_fast(e->remakes, e->remakes->len - 1);
        uint64_t hot[SAMPLES];
        unsigned n = u->dead ? 0 : hot_targets(u->exit_samples, hot);
        Trace *t = n ? trace_larger(e, u, hot, n) : NULL;
        if (t) {
            t->remade = u;
            tier_submit_trace(e, t);
            return true;
        }
    }
    return false;
}

// Where it goes, as far as a larger region may follow: returns lead to whoever called, who may take in this one.
static uint64_t target_of(Engine *e, const JitUnit *u, const JitSite *site)
{
    uint64_t pc = e->env->pc;
    if (!site || site->why != JIT_JUMPED)
        return site && site->why == JIT_EDGE ? pc : UINT64_MAX;
    if (g_hash_table_contains(e->return_sites, &pc))
        return UINT64_MAX;
    Block *b = engine_peek(e, u->base + (uint64_t)site->pc);
    if (b && b->n_targets)
        b->target[b->next_target++ % BLOCK_TARGETS] = pc;
    return pc;
}

void tier_exit_counted(Engine *e, JitUnit *u, const JitSite *site)
{
    if (!u->exit_samples)
        u->exit_samples = g_new0(ExitSamples, 1);
    ExitSamples *s = u->exit_samples;
    set_exits_left(u, SAMPLE_EVERY);
    s->pc[s->n++] = target_of(e, u, site);
    if (s->n < SAMPLES)
        return;
    set_exits_left(u, INT64_MAX);
    if (u->dead || !e->queue || e->no_code)
        return;
    g_ptr_array_add(e->remakes, u);
    if (queue_idle(e->queue))
        tier_remake_next(e);
    while (e->config.sync && tier_take(e, true))
        ;
}
