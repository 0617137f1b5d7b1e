// SPDX-License-Identifier: GPL-3.0-or-later
// Region selection: the hot piece of the control-flow graph around a block.
//
// Starting from the head, the known neighbour with the most executions joins next, until the region is full or the
// rest is cold: successors, and predecessors in the head's own function. Successors are static edges, the targets that
// indirect jumps were seen to take, and the code behind a call. So a region has the shape of one function with its
// small callees: calls are followed while the callees' share is small, returns never; a return inside is compared with
// the return addresses that are inside. Entries are the head, loop heads, blocks that indirect jumps reach and blocks
// with a predecessor outside.
#include "backend/engine_private.h"

#define USUAL_INSNS 300
#define MAX_INSNS 800 // of a region whose instructions all in all ran often enough
#define MAX_BLOCKS 270
#define LARGE_SHARE 2 // of a threshold, which is often enough: it is left less often, and GCC's time for it is shorter
#define MAX_REMADE_INSNS 1100 // of a region that is made again
#define MAX_REMADE_BLOCKS 400
#define MAX_CALLEE_INSNS 200 // of those, in functions that the head's function calls
#define MAX_DEPTH 3
#define COLD_SHARE 64 // a block entered less often than 1/64 of the head's count stays out

typedef struct {
    Block *block;
    unsigned depth; // calls between the head and it
} Candidate;

typedef struct {
    Engine *e;
    GPtrArray *blocks; // chosen
    GHashTable *known; // Blocks chosen, refused or in the frontier
    GArray *frontier;  // Candidate
    uint64_t cold;
    uint64_t min_mean; // above usual_insns the instructions inside ran as often on average
    uint64_t done;     // how often they ran altogether
    uint32_t ends;     // 1 << RegionEnd: what was not taken in, and why
    unsigned insns, callee_insns;
    unsigned usual_insns, max_insns, max_blocks, max_callee_insns;
    bool callers; // takes predecessors in
} Grow;

static void *key_of(uint64_t pc)
{
    return GSIZE_TO_POINTER(pc);
}

static void add_pred(Engine *e, uint64_t pc, Block *b)
{
    Pred p = {b, GPOINTER_TO_UINT(g_hash_table_lookup(e->preds, key_of(pc)))};
    g_hash_table_insert(e->preds, key_of(pc), GUINT_TO_POINTER(e->pred_list->len));
    g_array_append_val(e->pred_list, p);
}

// The last block noted that leads to pc, its number in *i; then those before it. NULL: there is none.
static Block *last_pred(const Engine *e, uint64_t pc, unsigned *i)
{
    *i = GPOINTER_TO_UINT(g_hash_table_lookup(e->preds, key_of(pc)));
    return g_array_index(e->pred_list, Pred, *i).block;
}

static Block *next_pred(const Engine *e, unsigned *i)
{
    *i = g_array_index(e->pred_list, Pred, *i).next;
    return g_array_index(e->pred_list, Pred, *i).block;
}

// Takes the blocks translated since the last time into preds and return_sites, which only regions need.
static void note_blocks(Engine *e)
{
    for (; e->noted < code_cache_blocks(e->cache); e->noted++) {
        Block *b = code_cache_block(e->cache, e->noted);
        for (int k = 0; k < 2; k++)
            if (b->succ_pc[k] != UINT64_MAX)
                add_pred(e, b->succ_pc[k], b);
        if (b->is_call) {
            g_hash_table_add(e->return_sites, key_of(block_end(b)));
            add_pred(e, block_end(b), b);
        }
    }
}

// Regions leave before system instructions and accesses of devices, baseline code does them.
static bool stays_out(const Engine *e, const Block *b)
{
    bool device = b->devices && b->devices >= block_base_count(b) / 8;
    return (b->is_system || device) && e->config.baseline && e->config.system;
}

static void note_end(Grow *g, RegionEnd why)
{
    g->ends |= UINT32_C(1) << why;
}

static void consider(Grow *g, Block *b, unsigned depth)
{
    if (!b || b->dead) {
        note_end(g, REGION_END_NOT_LIFTED);
    } else if (b->uncached) {
        note_end(g, REGION_END_NOT_RAM);
    } else if (stays_out(g->e, b)) {
        note_end(g, b->is_system ? REGION_END_SYSTEM : REGION_END_DEVICE);
    } else if (block_count(b) < g->cold) {
        note_end(g, REGION_END_COLD);
    } else if (g_hash_table_add(g->known, b)) {
        Candidate c = {b, depth};
        g_array_append_val(g->frontier, c);
    }
}

// Where indirect jumps of b went, but for returns: those are not followed.
static void consider_targets(Grow *g, const Block *b, unsigned depth)
{
    bool known = !b->n_targets;
    for (unsigned k = 0; k < b->n_targets; k++) {
        if (b->target[k] == UINT64_MAX)
            continue;
        bool back = g_hash_table_contains(g->e->return_sites, key_of(b->target[k]));
        known = true;
        if (back)
            note_end(g, REGION_END_RETURN);
        else
            consider(g, engine_peek(g->e, b->target[k]), depth);
    }
    if (!known)
        note_end(g, REGION_END_INDIRECT);
}

static void consider_successors(Grow *g, const Block *b, unsigned depth)
{
    unsigned to = depth + b->is_call;
    if (to > MAX_DEPTH)
        note_end(g, REGION_END_DEPTH);
    for (int k = 0; k < 2; k++)
        if (b->succ_pc[k] != UINT64_MAX && to <= MAX_DEPTH)
            consider(g, b->succ[k] && !b->succ[k]->dead ? b->succ[k] : engine_peek(g->e, b->succ_pc[k]), to);
    if (to <= MAX_DEPTH)
        consider_targets(g, b, to);
    if (b->is_call)
        consider(g, engine_peek(g->e, block_end(b)), depth);
}

// What leads to b inside its own function: callers of b stay out, and so does code that is mapped there no more.
static void consider_preds(Grow *g, const Block *b)
{
    unsigned i;
    uint32_t ends = g->ends; // which are those of ways out
    for (Block *p = last_pred(g->e, b->pc, &i); p; p = next_pred(g->e, &i)) {
        if (p->mode == b->mode && (!p->is_call || block_end(p) == b->pc) && engine_peek(g->e, p->pc) == p)
            consider(g, p, 0);
    }
    g->ends = ends;
}

static bool has_room(Grow *g, const Block *b, unsigned depth)
{
    unsigned n = b->n_insns, insns = g->insns + n;
    RegionEnd full = REGION_ENDS;
    if (!g->blocks->len)
        return true;
    if (insns > g->max_insns)
        full = REGION_END_INSNS;
    else if (depth && g->callee_insns + n > g->max_callee_insns)
        full = REGION_END_CALLEES;
    else if (insns > g->usual_insns && (g->done + block_count(b) * n) / insns < g->min_mean)
        full = REGION_END_MEAN;
    if (full != REGION_ENDS)
        note_end(g, full);
    return full == REGION_ENDS;
}

// Takes a block in, if there is room.
static void choose(Grow *g, Block *b, unsigned depth)
{
    unsigned n = b->n_insns;
    if (!has_room(g, b, depth))
        return;
    g->insns += n;
    g->done += block_count(b) * n;
    g->callee_insns += depth ? n : 0;
    g_ptr_array_add(g->blocks, b);
    consider_successors(g, b, depth);
    if (!depth && g->callers)
        consider_preds(g, b);
}

static void grow(Grow *g)
{
    while (g->frontier->len && g->blocks->len < g->max_blocks) {
        unsigned best = 0;
        for (unsigned i = 1; i < g->frontier->len; i++)
            if (block_count(g_array_index(g->frontier, Candidate, i).block) >
                block_count(g_array_index(g->frontier, Candidate, best).block))
                best = i;
        Candidate c = g_array_index(g->frontier, Candidate, best);
        g_array_remove_index_fast(g->frontier, best);
        choose(g, c.block, c.depth);
    }
    if (g->frontier->len)
        note_end(g, REGION_END_BLOCKS);
}

static void grow_init(Grow *g, Engine *e)
{
    *g = (Grow){.e = e,
                .blocks = g_ptr_array_new(),
                .known = g_hash_table_new(g_direct_hash, g_direct_equal),
                .frontier = g_array_new(FALSE, FALSE, sizeof(Candidate)),
                .usual_insns = USUAL_INSNS,
                .max_insns = MAX_INSNS,
                .max_blocks = MAX_BLOCKS,
                .max_callee_insns = MAX_CALLEE_INSNS,
                .callers = true};
}

// What is chosen; the rest is freed.
static GPtrArray *grow_end(Grow *g)
{
    g_hash_table_destroy(g->known);
    g_array_free(g->frontier, TRUE);
    return g->blocks;
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

static bool entered_from_outside(Engine *e, const Trace *t, const Block *b)
{
    unsigned i;
    for (const Block *p = last_pred(e, b->pc, &i); p; p = next_pred(e, &i)) {
        bool goes = p->succ_pc[0] == b->pc || p->succ_pc[1] == b->pc; // else it calls before b
        if (goes && !p->dead && find_pc(t->blocks, p->pc) < 0)
            return true;
    }
    return false;
}

// How often each target is in the ring, at its first place there.
static void count_targets(const Block *b, uint8_t *times)
{
    for (unsigned k = 0; k < b->n_targets; k++) {
        unsigned first = 0;
        while (b->target[first] != b->target[k])
            first++;
        times[k] = 0;
        times[first] += b->target[k] != UINT64_MAX;
    }
}

// The targets of an indirect jump that are inside, the most frequent of the last ones first.
static void add_guesses(const Trace *t, const Block *b, IrBlock *ir)
{
    uint8_t times[BLOCK_TARGETS];
    count_targets(b, times);
    for (unsigned n = b->n_targets; n; n--) {
        for (unsigned k = 0; k < b->n_targets; k++) {
            int to = times[k] == n ? find_pc(t->blocks, b->target[k]) : -1;
            if (to >= 0)
                ir_block_guess(ir, (int64_t)(b->target[k] - t->code->base), to);
        }
    }
}

// After how many of its executions b went to what is not inside, as far as counts and the last targets tell.
static uint64_t leaves_of(Engine *e, const Trace *t, const Block *b)
{
    double all = 0, out = 0;
    for (unsigned k = 0; k < b->n_targets; k++) {
        bool known = b->target[k] != UINT64_MAX;
        all += known;
        out += known && find_pc(t->blocks, b->target[k]) < 0;
    }
    for (int k = 0; k < 2; k++) {
        if (b->succ_pc[k] == UINT64_MAX)
            continue;
        const Block *to = b->succ[k] && !b->succ[k]->dead ? b->succ[k] : engine_peek(e, b->succ_pc[k]);
        double count = to ? (double)block_count(to) + 1 : 1;
        all += count;
        out += find_pc(t->blocks, b->succ_pc[k]) < 0 ? count : 0;
    }
    return all > 0 ? (uint64_t)((double)block_count(b) * (out / all)) : block_count(b);
}

static bool lift_all(Engine *e, Trace *t, const JitUnit *old)
{
    const Block *head = t->head;
    uint64_t base = t->code->base;
    for (unsigned i = 0; i < t->blocks->len; i++) {
        const Block *b = g_ptr_array_index(t->blocks, i);
        IrBlock *ir = ir_block_new((int64_t)(b->pc - base));
        MemFault fault;
        ir_code_add(t->code, ir);
        if (!e->guest.lift(e->guest.opaque, base, b->pc, b->n_insns, ir, &fault) || ir->n_insns != b->n_insns)
            return false;
        ir->is_entry = b == head || b->ind_target || (old && b->unit == old) || entered_from_outside(e, t, b);
        ir->count = block_count(b);
        ir->leaves = leaves_of(e, t, b);
        for (int k = 0; k < 2; k++)
            if (b->succ_pc[k] != UINT64_MAX) {
                if (base + (uint64_t)ir->edge[k].pc != b->succ_pc[k]) // another hart has changed the code
                    return false;
                ir->edge[k].block = find_pc(t->blocks, b->succ_pc[k]);
            }
        add_guesses(t, b, ir);
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

// How often an instruction of the blocks was executed, on average.
static uint64_t mean_count(const GPtrArray *blocks)
{
    uint64_t done = 0, insns = 0;
    for (unsigned i = 0; i < blocks->len; i++) {
        const Block *b = g_ptr_array_index(blocks, i);
        done += block_count(b) * b->n_insns;
        insns += b->n_insns;
    }
    return done / insns;
}

// The region of these blocks, which it takes, around one of them; old: the one that it replaces, or NULL. ends: why it
// is not larger.
static Trace *make_trace(Engine *e, GPtrArray *blocks, Block *head, const JitUnit *old, uint32_t ends)
{
    g_ptr_array_sort(blocks, by_pc);
    Trace *t = g_new0(Trace, 1);
    t->blocks = blocks;
    t->head = head;
    t->epoch = e->epoch;
    t->ends = ends;
    t->code = ir_code_new(head->pc);
    if (!lift_all(e, t, old)) {
        trace_free(t);
        return NULL;
    }
    mark_loop_heads(t->code);
    return t;
}

Trace *trace_form(Engine *e, Block *head, uint64_t min_mean)
{
    if (engine_peek(e, head->pc) != head || stays_out(e, head))
        return NULL;
    note_blocks(e);
    Grow g;
    grow_init(&g, e);
    g.min_mean = MAX(e->config.threshold / LARGE_SHARE, 1);
    g.cold = MIN(block_count(head), MAX(block_count(head) / COLD_SHARE, 2));
    consider(&g, head, 0);
    grow(&g);
    GPtrArray *blocks = grow_end(&g);
    if (mean_count(blocks) < min_mean) {
        g_ptr_array_free(blocks, TRUE);
        return NULL;
    }
    return make_trace(e, blocks, head, NULL, g.ends);
}

// A callee that is inside now returns to those calls of it that are.
static void add_return_targets(const GPtrArray *blocks, unsigned first_new)
{
    for (unsigned i = 0; i < blocks->len; i++) {
        const Block *call = g_ptr_array_index(blocks, i);
        uint64_t back = block_end(call);
        for (unsigned k = first_new; call->is_call && k < blocks->len; k++) {
            Block *b = g_ptr_array_index(blocks, k);
            bool known = !b->n_targets;
            for (unsigned n = 0; n < b->n_targets && !known; n++)
                known = b->target[n] == back;
            if (!known)
                b->target[b->next_target++ % BLOCK_TARGETS] = back;
        }
    }
}

Trace *trace_larger(Engine *e, const JitUnit *u, const uint64_t *targets, unsigned n)
{
    Block *head = engine_peek(e, u->base);
    if (!head || head->unit != u || u->n_insns >= MAX_REMADE_INSNS)
        return NULL;
    note_blocks(e);
    Grow g;
    grow_init(&g, e);
    g.usual_insns = g.max_insns = g.max_callee_insns = MIN(u->n_insns + TRACE_GROWTH, MAX_REMADE_INSNS);
    g.max_blocks = MAX_REMADE_BLOCKS;
    g.callers = false;
    for (unsigned i = 0; i < u->ir->n_blocks; i++) {
        Block *b = engine_peek(e, u->base + (uint64_t)u->ir->blocks[i]->pc);
        if (b && !b->dead && b->n_insns == u->ir->blocks[i]->n_insns && g_hash_table_add(g.known, b)) {
            g_ptr_array_add(g.blocks, b);
            g.insns += b->n_insns;
        }
    }
    unsigned before = g.blocks->len;
    g.cold = 1;
    for (unsigned i = 0; i < n; i++)
        consider(&g, engine_peek(e, targets[i]), 0);
    g.cold = MAX(block_count(head) / COLD_SHARE, 2);
    grow(&g);
    GPtrArray *blocks = grow_end(&g);
    if (blocks->len == before || !before) {
        g_ptr_array_free(blocks, TRUE);
        return NULL;
    }
    add_return_targets(blocks, before);
    return make_trace(e, blocks, head, u, g.ends);
}

bool trace_linear(const Trace *t)
{
    return !(t->head->mode & CODE_PAGED);
}

void trace_free(Trace *t)
{
    g_ptr_array_free(t->blocks, TRUE);
    if (t->code)
        ir_code_free(t->code);
    g_free(t);
}
