// SPDX-License-Identifier: GPL-3.0-or-later
// RV64I: lifting of integer, memory and control transfer instructions (unprivileged spec ch. 2 and 5).
//
// Pure instructions that write x0 have no effect and lift to nothing; loads to x0 still load, as they can
// fault.
#include "frontend/lift_insn.h"

void lift_lui(Lifter *l, const Insn *i, unsigned arg)
{
    (void)arg;
    if (i->rd) {
        lift_put(l, i->rd, ir_const(l->b, i->imm));
    }
}

// pc + offset, without the pc itself becoming part of the code.
static IrVal relative(Lifter *l, int64_t offset)
{
    return ir_emit(l->b, IR_OP_PC, 0, IR_NOVAL, IR_NOVAL, (int64_t)((uint64_t)l->pc + (uint64_t)offset));
}

void lift_auipc(Lifter *l, const Insn *i, unsigned arg)
{
    (void)arg;
    if (i->rd) {
        lift_put(l, i->rd, relative(l, i->imm));
    }
}

static void put_link(Lifter *l, const Insn *i)
{
    if (i->rd) {
        lift_put(l, i->rd, relative(l, i->len));
    }
}

static IrEdge edge(const Lifter *l, int64_t offset)
{
    return (IrEdge){-1, (int64_t)((uint64_t)l->pc + (uint64_t)offset)};
}

void lift_jal(Lifter *l, const Insn *i, unsigned arg)
{
    (void)arg;
    put_link(l, i);
    ir_emit(l->b, IR_OP_JUMP, 0, IR_NOVAL, IR_NOVAL, 0);
    l->b->edge[0] = edge(l, i->imm);
}

// The target is computed before the link is put: rd may be rs1. With 16-bit instructions every even target is
// aligned, so nothing here can trap.
void lift_jalr(Lifter *l, const Insn *i, unsigned arg)
{
    (void)arg;
    IrVal target = lift_get(l, i->rs1);
    if (i->imm) {
        target = ir_binop(l->b, IR_OP_ADD, target, ir_const(l->b, i->imm));
    }
    target = ir_binop(l->b, IR_OP_AND, target, ir_const(l->b, -2));
    put_link(l, i);
    ir_unop(l->b, IR_OP_JMPIND, target);
}

void lift_branch(Lifter *l, const Insn *i, unsigned arg)
{
    IrVal a = lift_get(l, i->rs1);
    IrVal b = lift_get(l, i->rs2);
    ir_binop(l->b, arg, a, b);
    l->b->edge[0] = edge(l, i->imm);
    l->b->edge[1] = edge(l, i->len);
}

void lift_load(Lifter *l, const Insn *i, unsigned arg)
{
    lift_put(l, i->rd, ir_emit(l->b, arg, 0, lift_get(l, i->rs1), IR_NOVAL, i->imm));
}

void lift_store(Lifter *l, const Insn *i, unsigned arg)
{
    IrVal address = lift_get(l, i->rs1);
    ir_emit(l->b, arg, 0, address, lift_get(l, i->rs2), i->imm);
}

void lift_imm(Lifter *l, const Insn *i, unsigned arg)
{
    if (i->rd) {
        IrVal a = lift_get(l, i->rs1);
        lift_put(l, i->rd, ir_binop(l->b, arg, a, ir_const(l->b, i->imm)));
    }
}

void lift_rr(Lifter *l, const Insn *i, unsigned arg)
{
    if (i->rd) {
        IrVal a = lift_get(l, i->rs1);
        lift_put(l, i->rd, ir_binop(l->b, arg, a, lift_get(l, i->rs2)));
    }
}

// li and mv are addi.
void lift_addi(Lifter *l, const Insn *i, unsigned arg)
{
    if (i->rd && !i->rs1) {
        lift_put(l, i->rd, ir_const(l->b, i->imm));
    } else if (i->rd && i->imm == 0) {
        lift_put(l, i->rd, ir_get(l->b, i->rs1));
    } else {
        lift_imm(l, i, arg);
    }
}

// sext.w is addiw with 0.
void lift_addiw(Lifter *l, const Insn *i, unsigned arg)
{
    if (i->rd && i->rs1 && i->imm == 0) {
        lift_put(l, i->rd, ir_unop(l->b, IR_OP_SEXT32, ir_get(l->b, i->rs1)));
    } else {
        lift_imm(l, i, arg);
    }
}

// c.mv is add with x0.
void lift_add(Lifter *l, const Insn *i, unsigned arg)
{
    if (i->rd && (!i->rs1 || !i->rs2)) {
        lift_put(l, i->rd, lift_get(l, i->rs1 | i->rs2));
    } else {
        lift_rr(l, i, arg);
    }
}
