// SPDX-License-Identifier: GPL-3.0-or-later
// Zba, Zbb and Zbs: lifting of the instructions that are more than one op (bit-manipulation spec 1.0).
#include "frontend/lift_insn.h"

void lift_unary(Lifter *l, const Insn *i, unsigned arg)
{
    if (i->rd) {
        lift_put(l, i->rd, ir_unop(l->b, arg, lift_get(l, i->rs1)));
    }
}

static IrVal word(Lifter *l, unsigned reg)
{
    return ir_unop(l->b, IR_OP_ZEXT32, lift_get(l, reg));
}

static IrVal shifted(Lifter *l, IrVal v, int64_t by)
{
    return by ? ir_binop(l->b, IR_OP_SLL, v, ir_const(l->b, by)) : v;
}

static void put_sum(Lifter *l, const Insn *i, IrVal a)
{
    lift_put(l, i->rd, i->rs2 ? ir_binop(l->b, IR_OP_ADD, a, ir_get(l->b, i->rs2)) : a);
}

// With rs2 = x0 this is zext.w.
void lift_add_uw(Lifter *l, const Insn *i, unsigned arg)
{
    (void)arg;
    if (i->rd) {
        put_sum(l, i, word(l, i->rs1));
    }
}

void lift_slli_uw(Lifter *l, const Insn *i, unsigned arg)
{
    (void)arg;
    if (i->rd) {
        lift_put(l, i->rd, shifted(l, word(l, i->rs1), i->imm));
    }
}

void lift_shadd(Lifter *l, const Insn *i, unsigned arg)
{
    if (i->rd) {
        put_sum(l, i, shifted(l, lift_get(l, i->rs1), arg));
    }
}

void lift_shadd_uw(Lifter *l, const Insn *i, unsigned arg)
{
    if (i->rd) {
        put_sum(l, i, shifted(l, word(l, i->rs1), arg));
    }
}

static IrVal inverse(Lifter *l, IrVal v)
{
    return ir_binop(l->b, IR_OP_XOR, v, ir_const(l->b, -1));
}

void lift_inverted(Lifter *l, const Insn *i, unsigned arg)
{
    if (i->rd) {
        IrVal a = lift_get(l, i->rs1);
        lift_put(l, i->rd, ir_binop(l->b, arg, a, inverse(l, lift_get(l, i->rs2))));
    }
}

void lift_xnor(Lifter *l, const Insn *i, unsigned arg)
{
    (void)arg;
    if (i->rd) {
        IrVal a = lift_get(l, i->rs1);
        lift_put(l, i->rd, inverse(l, ir_binop(l->b, IR_OP_XOR, a, lift_get(l, i->rs2))));
    }
}

// 1 << (rs2 & 63)
static IrVal selected_bit(Lifter *l, const Insn *i)
{
    IrVal one = ir_const(l->b, 1);
    return ir_binop(l->b, IR_OP_SLL, one, lift_get(l, i->rs2));
}

void lift_bit(Lifter *l, const Insn *i, unsigned arg)
{
    if (i->rd) {
        IrVal a = lift_get(l, i->rs1);
        lift_put(l, i->rd, ir_binop(l->b, arg, a, selected_bit(l, i)));
    }
}

void lift_bclr(Lifter *l, const Insn *i, unsigned arg)
{
    (void)arg;
    if (i->rd) {
        IrVal a = lift_get(l, i->rs1);
        lift_put(l, i->rd, ir_binop(l->b, IR_OP_AND, a, inverse(l, selected_bit(l, i))));
    }
}

static void put_low_bit(Lifter *l, unsigned rd, IrVal v)
{
    lift_put(l, rd, ir_binop(l->b, IR_OP_AND, v, ir_const(l->b, 1)));
}

void lift_bext(Lifter *l, const Insn *i, unsigned arg)
{
    (void)arg;
    if (i->rd) {
        IrVal a = lift_get(l, i->rs1);
        put_low_bit(l, i->rd, ir_binop(l->b, IR_OP_SRL, a, lift_get(l, i->rs2)));
    }
}

void lift_bexti(Lifter *l, const Insn *i, unsigned arg)
{
    (void)arg;
    if (i->rd) {
        IrVal a = lift_get(l, i->rs1);
        put_low_bit(l, i->rd, i->imm ? ir_binop(l->b, IR_OP_SRL, a, ir_const(l->b, i->imm)) : a);
    }
}

static void with_mask(Lifter *l, const Insn *i, IrOpcode op, uint64_t mask)
{
    if (i->rd) {
        IrVal a = lift_get(l, i->rs1);
        lift_put(l, i->rd, ir_binop(l->b, op, a, ir_const(l->b, (int64_t)mask)));
    }
}

void lift_bit_imm(Lifter *l, const Insn *i, unsigned arg)
{
    with_mask(l, i, arg, UINT64_C(1) << i->imm);
}

void lift_bclr_imm(Lifter *l, const Insn *i, unsigned arg)
{
    (void)arg;
    with_mask(l, i, IR_OP_AND, ~(UINT64_C(1) << i->imm));
}
