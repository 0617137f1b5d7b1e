// SPDX-License-Identifier: GPL-3.0-or-later
// Region selection: the hot piece of the control-flow graph around a block.
//
// Starting from the head, the block with the most executions among the known successors joins next, until the region is
// full or the rest is cold. Successors are static edges, the targets that indirect jumps were seen to take, and
// the code behind a call, where it will return to. So loops close, small callees come along, and their returns are
// compared with the return addresses that are inside. Entries are the head, loop heads, blocks that indirect jumps
// reach, and blocks that were interpreted a lot although a region has them.
#include "backend/engine_private.h"

#define MAX_INSNS 400
#define MAX_BLOCKS 120
#define COLD_SHARE 64 // a block entered less often than 1/64 of the head's count stays out

typedef struct {
    Engine *e;
    GPtrArray *blocks;    // chosen
    GHashTable *index;    // Block -> position + 1
    GPtrArray *frontier;  // successors not chosen yet
    uint64_t cold;
} Grow;

static void consider(Grow *g, Block *b)
{
    if (!b || b->dead || b->uncached || g_hash_table_contains(g->index, b) || block_count(b) < g->cold)
        return;
    if (!g_ptr_array_find(g->frontier, b, NULL))
        g_ptr_array_add(g->frontier, b);
}

static uint64_t block_end(const Block *b)
{
    uint64_t len = b->span[0].len;
    if (b->n_spans > 1)
        len += b->span[1].len;
    return b->pc + len;
}

static void choose(Grow *g, Block *b)
{
    g_ptr_array_add(g->blocks, b);
    g_hash_table_insert(g->index, b, GUINT_TO_POINTER(g->blocks->len));
    for (int k = 0; k < 2; k++)
        if (b->succ_pc[k] != UINT64_MAX)
            consider(g, b->succ[k] && !b->succ[k]->dead ? b->succ[k] : engine_peek(g->e, b->succ_pc[k]));
    for (unsigned k = 0; k < b->n_targets; k++)
        consider(g, engine_peek(g->e, b->target[k]));
    if (b->succ_pc[1] == UINT64_MAX) {
        Block *after = engine_peek(g->e, block_end(b));
        if (after && after->ind_target)
            consider(g, after);
    }
}

static void grow(Grow *g)
{
    unsigned insns = ((Block *)g_ptr_array_index(g->blocks, 0))->n_insns;
    while (g->frontier->len && g->blocks->len < MAX_BLOCKS) {
        unsigned best = 0;
        for (unsigned i = 1; i < g->frontier->len; i++)
            if (block_count(g_ptr_array_index(g->frontier, i)) > block_count(g_ptr_array_index(g->frontier, best)))
                best = i;
        Block *b = g_ptr_array_remove_index_fast(g->frontier, best);
        if (insns + b->n_insns > MAX_INSNS)
            continue;
        insns += b->n_insns;
        choose(g, b);
    }
}

static int by_pc(gconstpointer p, gconstpointer q)
{
    const Block *a = *(Block *const *)p, *b = *(Block *const *)q;
    return a->pc < b->pc ? -1 : a->pc > b->pc;
}

static int find_pc(const GPtrArray *blocks, uint64_t pc)
{
    unsigned lo = 0, hi = blocks->len;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        const Block *b = g_ptr_array_index(blocks, mid);
        if (b->pc == pc)
            return (int)mid;
        if (b->pc < pc)
            lo = mid + 1;
        else
            hi = mid;
    }
    return -1;
}

static bool lift_all(Engine *e, Trace *t, const Block *head)
{
    uint64_t base = t->code->base;
    for (unsigned i = 0; i < t->blocks->len; i++) {
        const Block *b = g_ptr_array_index(t->blocks, i);
        IrBlock *ir = ir_block_new((int64_t)(b->pc - base));
        MemFault fault;
        ir_code_add(t->code, ir);
        if (!e->guest.lift(e->guest.opaque, base, b->pc, b->n_insns, ir, &fault) || ir->n_insns != b->n_insns)
            return false;
        ir->is_entry = b == head || b->ind_target || b->compiled;
        ir->count = block_count(b);
        for (int k = 0; k < 2; k++)
            if (b->succ_pc[k] != UINT64_MAX)
                ir->edge[k].block = find_pc(t->blocks, b->succ_pc[k]);
        for (unsigned k = 0; k < b->n_targets; k++) {
            int to = find_pc(t->blocks, b->target[k]);
            if (to >= 0)
                ir_block_guess(ir, (int64_t)(b->target[k] - base), to);
        }
    }
    return true;
}

// Loop heads are entries too, so that an interpreted loop moves over when its code arrives.
static void mark_loop_heads(IrCode *code)
{
    for (unsigned i = 0; i < code->n_blocks; i++)
        for (int k = 0; k < 2; k++) {
            int to = code->blocks[i]->edge[k].block;
            if (to >= 0 && (unsigned)to <= i && code->blocks[i]->edge[k].pc <= code->blocks[i]->pc)
                code->blocks[to]->is_entry = true;
        }
}

Trace *trace_form(Engine *e, Block *head)
{
    Grow g = {.e = e,
              .blocks = g_ptr_array_new(),
              .index = g_hash_table_new(g_direct_hash, g_direct_equal),
              .frontier = g_ptr_array_new(),
              .cold = MAX(block_count(head) / COLD_SHARE, 2)};
    choose(&g, head);
    grow(&g);
    g_hash_table_destroy(g.index);
    g_ptr_array_free(g.frontier, TRUE);
    g_ptr_array_sort(g.blocks, by_pc);
    Trace *t = g_new0(Trace, 1);
    t->blocks = g.blocks;
    t->head = head;
    t->epoch = e->epoch;
    t->code = ir_code_new(head->pc);
    if (!lift_all(e, t, head)) {
        trace_free(t);
        return NULL;
    }
    mark_loop_heads(t->code);
    return t;
}

void trace_free(Trace *t)
{
    g_ptr_array_free(t->blocks, TRUE);
    if (t->code)
        ir_code_free(t->code);
    g_free(t);
}
