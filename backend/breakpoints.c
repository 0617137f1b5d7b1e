// SPDX-License-Identifier: GPL-3.0-or-later
// Breakpoints: which code may not be, and single steps.
#include "backend/breakpoints.h"
#include "backend/engine_private.h"

#include <string.h>

struct Breakpoints {
    unsigned n;
    uint64_t pc[]; // ascending
};

// Is one of these addresses in [first, last]?
static bool between(const uint64_t *pcs, unsigned n, uint64_t first, uint64_t last)
{
    unsigned lo = 0, hi = n;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (pcs[mid] < first)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && pcs[lo] <= last;
}

bool breakpoints_have(const Engine *e, uint64_t first, uint64_t last)
{
    return between(e->breakpoints->pc, e->breakpoints->n, first, last);
}

bool breakpoint_stops(Engine *e, uint64_t pc)
{
    e->at_breakpoint = breakpoint_at(e, pc);
    if (e->at_breakpoint)
        ir_env_kick_self(e->env);
    return e->at_breakpoint;
}

bool breakpoint_on_page(const Engine *e, uint64_t pc)
{
    return e->breakpoints && breakpoints_have(e, pc & PAGE_MASK, pc | ~PAGE_MASK);
}

// How many instructions of this block, lifted at base, lie in front of one with a breakpoint, the first one aside; 0:
// there is none.
static unsigned room(const Engine *e, const IrBlock *ir, uint64_t base)
{
    unsigned n = 0;
    for (unsigned i = 0; i < ir->n_ops; i++) {
        if (ir->ops[i].op == IR_OP_INSN && n++ && breakpoint_at(e, base + (uint64_t)ir->ops[i].imm))
            return n - 1;
    }
    return 0;
}

bool breakpoints_cut(Engine *e, uint64_t pc, MemFault *fault)
{
    unsigned n = room(e, e->scratch, pc);
    return !n || e->guest.lift(e->guest.opaque, pc, pc, n, e->scratch, fault);
}

// What is in only one of them, ascending as they are; the caller frees it.
static GArray *differences(const uint64_t *a, unsigned n_a, const uint64_t *b, unsigned n_b)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof *a);
    for (unsigned i = 0, k = 0; i < n_a || k < n_b;) {
        if (i < n_a && k < n_b && a[i] == b[k]) {
            i++;
            k++;
            continue;
        }
        uint64_t pc = k == n_b || (i < n_a && a[i] < b[k]) ? a[i++] : b[k++];
        g_array_append_val(out, pc);
    }
    return out;
}

// Drops the code at these addresses, and what ends there.
static void drop_code(Engine *e, const uint64_t *pcs, unsigned n)
{
    for (unsigned i = 0; i < code_cache_blocks(e->cache); i++) {
        const Block *b = code_cache_block(e->cache, i);
        if (b->dead || !between(pcs, n, b->pc, block_end(b)))
            continue;
        for (unsigned s = 0; s < b->n_spans; s++)
            code_cache_invalidate(e->cache, b->span[s].start, b->span[s].len);
    }
}

void engine_set_breakpoints(Engine *e, const uint64_t *pcs, unsigned n)
{
    const Breakpoints *old = e->breakpoints;
    unsigned n_old = old ? old->n : 0;
    if (n == n_old && (!n || !memcmp(old->pc, pcs, n * sizeof *pcs)))
        return;
    g_autoptr(GArray) changed = differences(pcs, n, old ? old->pc : NULL, n_old);
    breakpoints_free(e);
    if (n) {
        e->breakpoints = g_malloc(sizeof(Breakpoints) + n * sizeof *pcs);
        e->breakpoints->n = n;
        memcpy(e->breakpoints->pc, pcs, n * sizeof *pcs);
    }
    drop_code(e, (const uint64_t *)(const void *)changed->data, changed->len);
}

void breakpoints_free(Engine *e)
{
    g_clear_pointer(&e->breakpoints, g_free);
}

bool engine_at_breakpoint(const Engine *e)
{
    return e->at_breakpoint;
}

void engine_step(Engine *e)
{
    e->at_breakpoint = false;
    engine_flush_if_wanted(e);
    Block *b = engine_uncached(e, e->env->pc, 1);
    if (b)
        engine_run_one(e, b);
}
