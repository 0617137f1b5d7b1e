// SPDX-License-Identifier: GPL-3.0-or-later
// A: lifting of atomic instructions (unprivileged spec ch. 8).
//
// The ops are sequentially consistent, so aq and rl need nothing of their own.
#include "frontend/lift_insn.h"

void lift_lr(Lifter *l, const Insn *i, unsigned arg)
{
    lift_put(l, i->rd, ir_unop(l->b, arg, lift_get(l, i->rs1)));
}

void lift_sc(Lifter *l, const Insn *i, unsigned arg)
{
    IrVal address = lift_get(l, i->rs1);
    lift_put(l, i->rd, ir_binop(l->b, arg, address, lift_get(l, i->rs2)));
}

static void amo(Lifter *l, const Insn *i, IrOpcode op, unsigned kind)
{
    IrVal address = lift_get(l, i->rs1);
    IrVal operand = lift_get(l, i->rs2);
    lift_put(l, i->rd, ir_emit(l->b, op, 0, address, operand, kind));
}

void lift_amo_w(Lifter *l, const Insn *i, unsigned arg)
{
    amo(l, i, IR_OP_AMO32, arg);
}

void lift_amo_d(Lifter *l, const Insn *i, unsigned arg)
{
    amo(l, i, IR_OP_AMO64, arg);
}
