// SPDX-License-Identifier: GPL-3.0-or-later
// F and D: lifting of floating-point instructions (unprivileged spec ch. 11 and 12).
//
// mstatus.FS and frm are state, so `fpcheck` looks at them at run time. They change in system instructions only, which
// end blocks: what one fpcheck of a block has made sure of holds for the rest of it.
#include "frontend/lift_insn.h"

#define F0 32 // IR register of f0

// FS must not be Off, which is all that an instruction needs that changes neither f registers nor fflags.
static void check_on(Lifter *l, const Insn *i, unsigned more)
{
    unsigned mask = (IR_FP_OFF | more) & ~l->fp_checked;
    if (mask) {
        ir_fpcheck(l->b, mask, i->raw);
        l->fp_checked |= mask;
    }
}

static void check_writes(Lifter *l, const Insn *i)
{
    check_on(l, i, IR_FP_CLEAN);
}

static void check_rounds(Lifter *l, const Insn *i)
{
    check_on(l, i, IR_FP_CLEAN | (i->rm == IR_RM_DYN ? IR_FP_BAD_RM : 0));
}

static IrVal get_f(Lifter *l, unsigned n)
{
    return ir_get(l->b, F0 + n);
}

static void put_f(Lifter *l, unsigned n, IrVal v)
{
    ir_put(l->b, F0 + n, v);
}

void lift_fload(Lifter *l, const Insn *i, unsigned arg)
{
    check_writes(l, i);
    IrVal v = ir_emit(l->b, arg, 0, lift_get(l, i->rs1), IR_NOVAL, i->imm);
    put_f(l, i->rd, arg == IR_OP_LD64 ? v : ir_unop(l->b, IR_OP_BOX32, v));
}

// fsw stores the low word whatever the box says.
void lift_fstore(Lifter *l, const Insn *i, unsigned arg)
{
    check_on(l, i, 0);
    IrVal address = lift_get(l, i->rs1);
    ir_emit(l->b, arg, 0, address, get_f(l, i->rs2), i->imm);
}

void lift_frm(Lifter *l, const Insn *i, unsigned arg)
{
    check_rounds(l, i);
    IrVal a = get_f(l, i->rs1);
    put_f(l, i->rd, ir_emit(l->b, arg, 0, a, get_f(l, i->rs2), i->rm));
}

void lift_frm2(Lifter *l, const Insn *i, unsigned arg)
{
    check_rounds(l, i);
    put_f(l, i->rd, ir_emit(l->b, arg, 0, get_f(l, i->rs1), IR_NOVAL, i->rm));
}

static void fmadd(Lifter *l, const Insn *i, IrOpcode op, unsigned negate)
{
    check_rounds(l, i);
    IrVal a = get_f(l, i->rs1), b = get_f(l, i->rs2), c = get_f(l, i->rs3);
    put_f(l, i->rd, ir_triop(l->b, op, a, b, c, i->rm | negate));
}

void lift_fmadd_s(Lifter *l, const Insn *i, unsigned arg)
{
    fmadd(l, i, IR_OP_FMADD32, arg);
}

void lift_fmadd_d(Lifter *l, const Insn *i, unsigned arg)
{
    fmadd(l, i, IR_OP_FMADD64, arg);
}

void lift_fr(Lifter *l, const Insn *i, unsigned arg)
{
    check_writes(l, i);
    IrVal a = get_f(l, i->rs1);
    put_f(l, i->rd, ir_binop(l->b, arg, a, get_f(l, i->rs2)));
}

// fmv is fsgnj of a register with itself.
void lift_fsgnj(Lifter *l, const Insn *i, unsigned arg)
{
    if (i->rs1 != i->rs2) {
        lift_fr(l, i, arg);
        return;
    }
    check_writes(l, i);
    IrVal a = get_f(l, i->rs1);
    put_f(l, i->rd, arg == IR_OP_FSGNJ64 ? a : ir_unop(l->b, IR_OP_UNBOX32, a));
}

// Comparisons raise flags even if nobody wants the result.
void lift_fcmp(Lifter *l, const Insn *i, unsigned arg)
{
    check_writes(l, i);
    IrVal a = get_f(l, i->rs1);
    lift_put(l, i->rd, ir_binop(l->b, arg, a, get_f(l, i->rs2)));
}

// fclass and fmv.x.w: nothing changes but rd.
void lift_fmv_x(Lifter *l, const Insn *i, unsigned arg)
{
    check_on(l, i, 0);
    if (i->rd) {
        lift_put(l, i->rd, ir_unop(l->b, arg, get_f(l, i->rs1)));
    }
}

void lift_fmv_x_d(Lifter *l, const Insn *i, unsigned arg)
{
    (void)arg;
    check_on(l, i, 0);
    if (i->rd) {
        lift_put(l, i->rd, get_f(l, i->rs1));
    }
}

void lift_fmv_w_x(Lifter *l, const Insn *i, unsigned arg)
{
    check_writes(l, i);
    put_f(l, i->rd, ir_unop(l->b, arg, lift_get(l, i->rs1)));
}

void lift_fmv_d_x(Lifter *l, const Insn *i, unsigned arg)
{
    (void)arg;
    check_writes(l, i);
    put_f(l, i->rd, lift_get(l, i->rs1));
}

static void to_integer(Lifter *l, const Insn *i, IrOpcode op, unsigned kind)
{
    check_rounds(l, i);
    lift_put(l, i->rd, ir_emit(l->b, op, 0, get_f(l, i->rs1), IR_NOVAL, i->rm | kind));
}

void lift_ftoi_s(Lifter *l, const Insn *i, unsigned arg)
{
    to_integer(l, i, IR_OP_FTOI32, arg);
}

void lift_ftoi_d(Lifter *l, const Insn *i, unsigned arg)
{
    to_integer(l, i, IR_OP_FTOI64, arg);
}

static void from_integer(Lifter *l, const Insn *i, IrOpcode op, unsigned kind)
{
    check_rounds(l, i);
    put_f(l, i->rd, ir_emit(l->b, op, 0, lift_get(l, i->rs1), IR_NOVAL, i->rm | kind));
}

void lift_itof_s(Lifter *l, const Insn *i, unsigned arg)
{
    from_integer(l, i, IR_OP_ITOF32, arg);
}

void lift_itof_d(Lifter *l, const Insn *i, unsigned arg)
{
    from_integer(l, i, IR_OP_ITOF64, arg);
}
