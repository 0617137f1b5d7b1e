// SPDX-License-Identifier: GPL-3.0-or-later
// Makes a failing case smaller: its instructions and ops.
#include "machine/irtool/reduce.h"

#include "ir/opt.h"
#include <string.h>

// --- tidy -----------------------------------------------------------------------------------------

static bool is_used(const IrBlock *b, unsigned index)
{
    for (unsigned i = index + 1; i < b->n_ops; i++) {
        const IrInst *o = &b->ops[i];
        unsigned n = o->op < IR_OPS ? ir_n_values(o->op) : 0;
        if ((n > 0 && o->a == index) || (n > 1 && o->b == index) || (n > 2 && o->c == index))
            return true;
    }
    return false;
}

// Marks pure ops that nobody uses any more, and instructions without ops: all but one.
static void mark_useless(IrBlock *b)
{
    for (unsigned i = b->n_ops; i-- > 0;) {
        IrInst *o = &b->ops[i];
        if (o->op < IR_OPS && (o->op == IR_OP_GET || ir_op_info[o->op].flags & IRF_PURE) && !is_used(b, i))
            o->op = IR_OP_DEAD;
    }
}

static void drop_empty_insns(IrBlock *b)
{
    for (unsigned i = 0; i + 1 < b->n_ops && b->n_insns > 1; i++) {
        unsigned next = i + 1;
        while (next < b->n_ops && b->ops[next].op == IR_OP_DEAD)
            next++;
        if (b->ops[i].op != IR_OP_INSN || next == b->n_ops || b->ops[next].op != IR_OP_INSN)
            continue;
        b->ops[i].op = IR_OP_DEAD;
        b->n_insns--;
    }
}

// The block begins where its first instruction does, and who goes there knows.
static void place_block(IrCase *c, unsigned n)
{
    IrBlock *b = c->code->blocks[n];
    int64_t old = b->pc;
    if (b->ops[0].op != IR_OP_INSN || b->ops[0].imm == old)
        return;
    b->pc = b->ops[0].imm;
    if (c->pc == c->code->base + (uint64_t)old)
        c->pc = c->code->base + (uint64_t)b->pc;
    for (unsigned i = 0; i < c->code->n_blocks; i++) {
        IrBlock *from = c->code->blocks[i];
        for (unsigned k = 0; k < 2; k++)
            if (from->edge[k].block == (int)n)
                from->edge[k].pc = b->pc;
        for (unsigned k = 0; k < from->n_guess; k++)
            if (from->guess[k].block == (int)n)
                from->guess[k].pc = b->pc;
    }
}

// ir_opt_compact, where values of dropped ops may not be used.
static void tidy(IrBlock *b)
{
    mark_useless(b);
    drop_empty_insns(b);
    ir_opt_compact(b);
    for (unsigned i = 0; i < b->n_ops; i++)
        if (b->ops[i].op == IR_OP_INSN)
            return;
    b->n_insns = 0; // no candidate then
}

// --- whole instructions ---------------------------------------------------------------------------

// The k-th insn op, or the terminator.
static unsigned insn_at(const IrBlock *b, unsigned k)
{
    unsigned i = 0;
    for (; i + 1 < b->n_ops; i++)
        if (b->ops[i].op == IR_OP_INSN && !k--)
            break;
    return i;
}

// The block ends before its k-th instruction.
static bool cut_end(Reduce *r, IrCase **best, unsigned n, unsigned k)
{
    IrCase *c = ir_case_copy(*best);
    IrBlock *b = c->code->blocks[n];
    b->n_ops = insn_at(b, k);
    b->edge[0] = (IrEdge){-1, b->ops[b->n_ops].imm};
    b->edge[1] = (IrEdge){-1, 0};
    b->n_insns = k;
    b->n_guess = 0;
    ir_emit(b, IR_OP_JUMP, 0, IR_NOVAL, IR_NOVAL, 0);
    return reduce_try(r, best, c);
}

static bool ends_earlier(Reduce *r, IrCase **best, unsigned n)
{
    unsigned insns = (*best)->code->blocks[n]->n_insns;
    for (unsigned k = 1; k < insns && !reduce_out_of_time(r); k++)
        if (cut_end(r, best, n, k))
            return true;
    return false;
}

// Is every value defined in [from, to) used in there only?
static bool closed(const IrBlock *b, unsigned from, unsigned to)
{
    for (unsigned i = to; i < b->n_ops; i++) {
        const IrInst *o = &b->ops[i];
        unsigned n = ir_n_values(o->op);
        const IrVal v[] = {o->a, o->b, o->c};
        for (unsigned k = 0; k < n; k++)
            if (v[k] >= from && v[k] < to)
                return false;
    }
    return true;
}

// Without `count` instructions from the k-th on.
static bool without_insns(Reduce *r, IrCase **best, unsigned n, unsigned k, unsigned count)
{
    const IrBlock *old = (*best)->code->blocks[n];
    unsigned from = insn_at(old, k), to = insn_at(old, k + count);
    if (count >= old->n_insns || !closed(old, from, to))
        return false;
    IrCase *c = ir_case_copy(*best);
    IrBlock *b = c->code->blocks[n];
    for (unsigned i = from; i < to; i++) {
        b->n_insns -= b->ops[i].op == IR_OP_INSN;
        b->ops[i].op = IR_OP_DEAD;
    }
    if (b->ops[to].op != IR_OP_INSN && !(ir_op_info[b->ops[to].op].flags & IRF_TERM)) {
        ir_case_free(c);
        return false;
    }
    tidy(b);
    place_block(c, n);
    return reduce_try(r, best, c);
}

static bool fewer_insns(Reduce *r, IrCase **best, unsigned n)
{
    bool any = false;
    for (unsigned count = (*best)->code->blocks[n]->n_insns; count > 0 && !reduce_out_of_time(r); count /= 2)
        for (unsigned k = 0; k < (*best)->code->blocks[n]->n_insns;)
            if (without_insns(r, best, n, k, count))
                any = true;
            else
                k += count;
    return any;
}

IrBlock *shrink_rest_of_block(const IrBlock *b, unsigned i)
{
    if (!closed(b, 0, i))
        return NULL;
    IrBlock *rest = ir_block_copy(b);
    rest->pc = b->ops[i].imm;
    rest->n_insns = 0;
    for (unsigned k = 0; k < rest->n_ops; k++) {
        rest->n_insns += k >= i && rest->ops[k].op == IR_OP_INSN;
        if (k < i)
            rest->ops[k].op = IR_OP_DEAD;
    }
    ir_opt_compact(rest);
    return rest;
}

// --- single ops -----------------------------------------------------------------------------------

typedef enum { LEAVE_OUT, FIRST_OPERAND, SECOND_OPERAND, ZERO, LAST_PUT, VALUE, WAYS } Way;

// Uses of value v become uses of w.
static void rename_value(IrBlock *b, unsigned v, IrVal w)
{
    for (unsigned i = v + 1; i < b->n_ops; i++) {
        IrInst *o = &b->ops[i];
        if (o->op >= IR_OPS)
            continue;
        unsigned n = ir_n_values(o->op);
        o->a = n > 0 && o->a == v ? w : o->a;
        o->b = n > 1 && o->b == v ? w : o->b;
        o->c = n > 2 && o->c == v ? w : o->c;
    }
}

static const IrInst a_const = {.op = IR_OP_CONST, .a = IR_NOVAL, .b = IR_NOVAL, .c = IR_NOVAL};

// A get of what the block has put there is that value.
static bool take_put(IrBlock *b, unsigned i)
{
    for (unsigned k = i; b->ops[i].op == IR_OP_GET && k-- > 0;)
        if (b->ops[k].op == IR_OP_PUT && b->ops[k].reg == b->ops[i].reg) {
            rename_value(b, i, b->ops[k].a);
            b->ops[i].op = IR_OP_DEAD;
            return true;
        }
    return false;
}

// What it computes, as a constant.
static bool take_value(const IrCase *c, IrBlock *b, unsigned n, unsigned i)
{
    unsigned reg = blame_free_register(c->code);
    uint64_t v;
    bool computes = ir_op_info[b->ops[i].op].has_value && ir_n_values(b->ops[i].op);
    if (!computes || !reg || !blame_value(c, n, i, reg, &v))
        return false;
    b->ops[i] = a_const;
    b->ops[i].imm = (int64_t)v;
    return true;
}

static bool simplify(const IrCase *from, IrBlock *b, unsigned n_block, unsigned i, Way way)
{
    IrInst *o = &b->ops[i];
    unsigned n = ir_n_values(o->op), flags = ir_op_info[o->op].flags;
    bool value = ir_op_info[o->op].has_value;
    if (o->op == IR_OP_INSN || flags & IRF_TERM || (way == LEAVE_OUT && value))
        return false;
    if (way == LAST_PUT)
        return take_put(b, i);
    if (way == VALUE)
        return take_value(from, b, n_block, i);
    if (way == FIRST_OPERAND && value && n > 0)
        rename_value(b, i, o->a);
    else if (way == SECOND_OPERAND && value && n > 1)
        rename_value(b, i, o->b);
    else if (way == ZERO && value && (o->op != IR_OP_CONST || o->imm)) {
        *o = a_const;
        return true;
    } else if (way != LEAVE_OUT)
        return false;
    o->op = IR_OP_DEAD;
    return true;
}

static bool simpler_op(Reduce *r, IrCase **best, unsigned n, unsigned i)
{
    for (Way way = 0; way < WAYS; way++) {
        IrCase *c = ir_case_copy(*best);
        IrBlock *b = c->code->blocks[n];
        if (!simplify(*best, b, n, i, way)) {
            ir_case_free(c);
            continue;
        }
        tidy(b);
        place_block(c, n);
        if (reduce_try(r, best, c))
            return true;
    }
    return false;
}

static bool simpler_ops(Reduce *r, IrCase **best, unsigned n)
{
    bool any = false;
    for (unsigned i = (*best)->code->blocks[n]->n_ops; i-- > 0 && !reduce_out_of_time(r);) {
        if (i >= (*best)->code->blocks[n]->n_ops)
            continue;
        any |= simpler_op(r, best, n, i);
    }
    return any;
}

bool shrink_ops(Reduce *r, IrCase **best)
{
    bool any = false;
    for (unsigned n = 0; n < (*best)->code->n_blocks; n++) {
        any |= ends_earlier(r, best, n);
        any |= fewer_insns(r, best, n);
        any |= simpler_ops(r, best, n);
    }
    return any;
}
