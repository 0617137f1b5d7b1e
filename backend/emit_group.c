// SPDX-License-Identifier: GPL-3.0-or-later
// Groups of accesses: those of a block that go through one pointer, a few bytes apart, are looked up together.
//
// The first one, the leader, finds out that all bytes of the group lie on the cached page; the others are plain host
// accesses then and cannot fail, so nothing is kept for a way out there. If the bytes are on two pages, these must have
// the same addend. Else the region is left before the leader, and the interpreter does the rest of the block.
#include "backend/emit.h"

#define MAX_SPAN 256 // bytes
#define SEARCH_DEPTH 6
_Static_assert(TLB_RUN_BYTES <= MAX_SPAN, "groups with runs are shorter");

static bool same_root(const EmitRoot *a, const EmitRoot *b)
{
    return a->from_reg == b->from_reg && a->number == b->number && a->version == b->version;
}

static void join_group(EmitGroup *g, const IrInst *op)
{
    int64_t end = op->imm + ir_op_size(op->op);
    g->start = MIN(g->start, op->imm);
    g->end = MAX(g->end, end);
    g->n++;
    *(ir_is_store(op->op) ? &g->stores : &g->loads) = true;
}

// The group of this block that the access may join, or NULL.
static EmitGroup *find_group(Emit *e, const EmitRoot *root, const IrInst *op, int cache)
{
    for (unsigned k = 0; k < e->groups->len; k++) {
        EmitGroup *g = &g_array_index(e->groups, EmitGroup, k);
        int64_t end = op->imm + ir_op_size(op->op);
        if (same_root(&g->root, root) && g->cache == cache &&
            MAX(g->end, end) - MIN(g->start, op->imm) <= (e->linear ? TLB_RUN_BYTES : MAX_SPAN))
            return g;
    }
    return NULL;
}

// Whether value v is likely to point into the second run, by what it is made of; depth bounds the search.
static bool second(const Emit *e, IrVal v, unsigned depth)
{
    const IrInst *op = &e->block->ops[v];
    if (!depth--)
        return false;
    switch (op->op) {
    case IR_OP_GET:
        for (unsigned i = v; i-- > 0;)
            if (e->block->ops[i].op == IR_OP_PUT && e->block->ops[i].reg == op->reg)
                return second(e, e->block->ops[i].a, depth);
        return op->reg < 32 && (e->second_regs >> op->reg & 1);
    case IR_OP_CONST:
        return (uint64_t)op->imm - e->second_start < e->second_size;
    case IR_OP_PC:
        return e->code->base + (uint64_t)op->imm - e->second_start < e->second_size;
    case IR_OP_ADD:
        return second(e, op->a, depth) || second(e, op->b, depth);
    case IR_OP_SUB:
        return second(e, op->a, depth);
    default:
        return false;
    }
}

void emit_find_groups(Emit *e)
{
    const IrBlock *b = e->block;
    g_autofree EmitRoot *roots = g_new0(EmitRoot, b->n_ops); // by value
    unsigned version[IR_NREGS] = {0};
    g_array_set_size(e->groups, 0);
    e->group_of = g_renew(int, e->group_of, b->n_ops);
    for (unsigned i = 0; i < b->n_ops; i++) {
        const IrInst *op = &b->ops[i];
        int cache = e->cache_of[e->block_index][i];
        e->group_of[i] = -1;
        roots[i] = (EmitRoot){.number = i};
        if (op->op == IR_OP_GET)
            roots[i] = (EmitRoot){.from_reg = true, .number = op->reg, .version = version[op->reg]};
        else if (op->op == IR_OP_PUT)
            version[op->reg]++;
        if ((!ir_is_load(op->op) && !ir_is_store(op->op)) || (cache < 0 && !e->linear) || op->imm != (int32_t)op->imm ||
            emit_is_safe(e, i))
            continue;
        EmitRoot root = roots[op->a];
        EmitGroup *g = find_group(e, &root, op, cache);
        if (!g) {
            EmitGroup new = {.second = e->linear && second(e, op->a, SEARCH_DEPTH),
                             .root = root, .leader = i, .cache = cache, .start = op->imm, .end = op->imm};
            g_array_append_val(e->groups, new);
            g = &g_array_index(e->groups, EmitGroup, e->groups->len - 1);
        }
        join_group(g, op);
        e->group_of[i] = (int)(g - &g_array_index(e->groups, EmitGroup, 0));
    }
}

EmitGroup *emit_group(const Emit *e, unsigned i)
{
    EmitGroup *g = e->group_of[i] < 0 ? NULL : &g_array_index(e->groups, EmitGroup, e->group_of[i]);
    return g && (g->n > 1 || e->linear) ? g : NULL;
}
