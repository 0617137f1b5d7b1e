// SPDX-License-Identifier: GPL-3.0-or-later
// Data flow of guest registers over a region: which ones a way out must write back, and which ones an entry must load.
//
// A register is dirty where it may differ from env->r, that is behind a put on some way from an entry. It is live where
// it is read, or written back as dirty, before it is put.
#include "backend/emit.h"

#define MAX_DIRTY 18 // an asm statement has 30 operands at most
#define WAY_COST 2   // a register dirty at a way out: a store, and a load at the way in to come
#define LIVE_COST 2  // a register live at a way in: a load, and a store where GCC has no host register for it

static bool leaves_before(unsigned op)
{
    return (ir_op_info[op].flags & IRF_FAULT) || ir_is_load(op) || ir_is_store(op);
}

static uint64_t puts_of(const Emit *e, const IrBlock *b)
{
    uint64_t puts = 0;
    for (unsigned i = 0; i < b->n_ops; i++)
        if (b->ops[i].op == IR_OP_PUT)
            puts |= UINT64_C(1) << b->ops[i].reg;
    return puts & ~e->eager;
}

unsigned emit_successors(const IrBlock *b, int32_t *to)
{
    unsigned last = b->ops[b->n_ops - 1].op, n = 0;
    unsigned edges = last == IR_OP_JUMP ? 1 : ir_is_br(last) ? 2 : 0;
    for (unsigned k = 0; k < edges; k++)
        if (b->edge[k].block >= 0)
            to[n++] = b->edge[k].block;
    for (unsigned k = 0; k < b->n_guess && last == IR_OP_JMPIND; k++)
        to[n++] = b->guess[k].block;
    return n;
}

static void find_dirty(Emit *e)
{
    const IrCode *code = e->code;
    memset(e->dirty_in, 0, code->n_blocks * sizeof *e->dirty_in);
    for (bool again = true; again;) {
        again = false;
        for (unsigned n = 0; n < code->n_blocks; n++) {
            const IrBlock *b = code->blocks[n];
            g_autofree int32_t *to = g_new(int32_t, b->n_guess + 2);
            uint64_t out = e->dirty_in[n] | puts_of(e, b);
            for (unsigned k = emit_successors(b, to); k-- > 0;) {
                uint64_t *in = &e->dirty_in[to[k]];
                again |= (*in | out) != *in;
                *in |= out;
            }
        }
    }
}

// What is live at the start of block n.
static uint64_t live_before(const Emit *e, unsigned n)
{
    const IrBlock *b = e->code->blocks[n];
    g_autofree int32_t *to = g_new(int32_t, b->n_guess + 2);
    g_autofree uint64_t *dirty = g_new(uint64_t, b->n_ops);
    uint64_t live = 0, d = e->dirty_in[n];
    for (unsigned i = 0; i < b->n_ops; i++) {
        if (b->ops[i].op == IR_OP_PUT)
            d |= UINT64_C(1) << b->ops[i].reg & ~e->eager;
        dirty[i] = d;
    }
    live = d; // edges out, the test of `left` on edges back
    for (unsigned k = emit_successors(b, to); k-- > 0;)
        live |= e->live_in[to[k]] | ((unsigned)to[k] <= n ? e->dirty_in[to[k]] : 0);
    for (unsigned i = b->n_ops; i-- > 0;) {
        const IrInst *op = &b->ops[i];
        if (op->op == IR_OP_PUT)
            live &= ~(UINT64_C(1) << op->reg);
        else if (op->op == IR_OP_GET)
            live |= UINT64_C(1) << op->reg;
        else if (leaves_before(op->op))
            live |= dirty[i];
    }
    return live;
}

static void find_live(Emit *e)
{
    memset(e->live_in, 0, e->code->n_blocks * sizeof *e->live_in);
    for (bool again = true; again;) {
        again = false;
        for (unsigned n = e->code->n_blocks; n-- > 0;) {
            uint64_t live = live_before(e, n);
            again |= live != e->live_in[n];
            e->live_in[n] = live;
        }
    }
}

// The register that is put least often, of those in set.
static unsigned rarely_put(const Emit *e, uint64_t set)
{
    uint64_t puts[IR_NREGS] = {0};
    unsigned best = (unsigned)__builtin_ctzll(set);
    for (unsigned n = 0; n < e->code->n_blocks; n++) {
        const IrBlock *b = e->code->blocks[n];
        for (unsigned i = 0; i < b->n_ops; i++)
            if (b->ops[i].op == IR_OP_PUT)
                puts[b->ops[i].reg] += b->count + 1;
    }
    for (unsigned r = 0; r < IR_NREGS; r++)
        if ((set >> r & 1) && puts[r] < puts[best])
            best = r;
    return best;
}

// Registers that are cheaper stored by each put than by each way out that finds them dirty, and loaded by the ways in
// for that.
static uint64_t worth_storing(const Emit *e)
{
    double puts[IR_NREGS] = {0}, ways[IR_NREGS] = {0};
    uint64_t set = 0;
    for (unsigned n = 0; n < e->code->n_blocks; n++) {
        const IrBlock *b = e->code->blocks[n];
        uint64_t out = e->dirty_in[n] | puts_of(e, b);
        for (unsigned i = 0; i < b->n_ops; i++)
            if (b->ops[i].op == IR_OP_PUT)
                puts[b->ops[i].reg] += (double)b->count;
        for (unsigned r = 0; r < IR_NREGS; r++)
            ways[r] += out >> r & 1 ? (double)b->leaves : 0;
    }
    for (unsigned r = 0; r < IR_NREGS; r++)
        if (puts[r] < WAY_COST * ways[r])
            set |= UINT64_C(1) << r;
    return set;
}

// Registers of those that are cheaper loaded by each get than at the ways in, as many as there are ways out, where they
// are live. Loops that are checked before read theirs.
static uint64_t worth_loading(const Emit *e)
{
    double gets[IR_NREGS] = {0}, live[IR_NREGS] = {0}, ways = 0, entered = 1;
    uint64_t set = 0;
    for (unsigned n = 0; n < e->code->n_blocks; n++) {
        const IrBlock *b = e->code->blocks[n];
        for (unsigned i = 0; i < b->n_ops; i++)
            if (b->ops[i].op == IR_OP_GET)
                gets[b->ops[i].reg] += (double)b->count;
        for (unsigned r = 0; r < EMIT_F0 && b->is_entry; r++)
            live[r] += e->live_in[n] >> r & 1 ? (double)b->count : 0;
        entered += b->is_entry ? (double)b->count : 0;
        ways += (double)b->leaves;
    }
    for (unsigned r = 0; r < EMIT_F0; r++)
        if ((e->eager >> r & 1) && gets[r] < LIVE_COST * ways * live[r] / entered)
            set |= UINT64_C(1) << r;
    for (unsigned k = 0; k < e->loops->len; k++) {
        const EmitLoop *l = &g_array_index(e->loops, EmitLoop, k);
        for (unsigned i = 0; i < l->n; i++)
            for (unsigned t = 0; t < l->range[i].at.n; t++)
                set &= ~(UINT64_C(1) << l->range[i].at.term[t].reg);
    }
    return set;
}

void emit_flow(Emit *e)
{
    unsigned n_blocks = e->code->n_blocks;
    e->dirty_in = g_new(uint64_t, n_blocks);
    e->live_in = g_new(uint64_t, n_blocks);
    find_dirty(e);
    e->eager = worth_storing(e);
    for (;;) {
        uint64_t most = 0;
        find_dirty(e);
        for (unsigned n = 0; n < n_blocks; n++) {
            uint64_t out = e->dirty_in[n] | puts_of(e, e->code->blocks[n]);
            if (__builtin_popcountll(out) > __builtin_popcountll(most))
                most = out;
        }
        if (__builtin_popcountll(most) <= MAX_DIRTY)
            break;
        e->eager |= UINT64_C(1) << rarely_put(e, most);
    }
    find_live(e);
    e->in_env = worth_loading(e);
    e->used_regs &= ~e->in_env;
}

void emit_free_flow(Emit *e)
{
    g_free(e->dirty_in);
    g_free(e->live_in);
}
