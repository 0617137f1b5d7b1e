// SPDX-License-Identifier: GPL-3.0-or-later
// Planted faults of baseline code (ir/plant.h): the block looks different while stencils are chosen for it.
#include "backend/baseline_private.h"

#include "backend/interp.h"
#include "ir/plant.h"
#include <string.h>

static const uint8_t ir_op_of[IOPS] = { // + 1; 0: none
#define BIN(NAME, expr) [IOP_##NAME] = IR_OP_##NAME + 1, [IOP_##NAME##_I] = IR_OP_##NAME + 1,
#define ONE(NAME) [IOP_##NAME] = IR_OP_##NAME + 1,
#define UN(NAME, expr) ONE(NAME)
#define LD(NAME, type) ONE(NAME)
#define ST(NAME, type) ONE(NAME)
#define BR(NAME, cond) ONE(NAME)
#include "backend/interp_ops.def"
#undef BIN
#undef ONE
#undef UN
#undef LD
#undef ST
#undef BR
    [IOP_MOV] = IR_OP_PUT + 1, [IOP_LI] = IR_OP_CONST + 1,
};

// The interpreter op of an IR op that computes, loads, stores or branches; IOPS: there is none.
static unsigned iop_of(IrOpcode op)
{
    for (unsigned iop = 0; iop < IOP_MOV; iop++)
        if (ir_op_of[iop] == op + 1)
            return iop;
    return IOPS;
}

static void leave_out(IOp *op, unsigned from)
{
    *op = (IOp){interp_handler(IOP_MOV), op->d, (uint8_t)from, 0, op->insn, 0};
}

static void break_op(IOp *op, PlantFault fault)
{
    unsigned iop = interp_op(op->handler);
    IrOpcode ir = (IrOpcode)(ir_op_of[iop] - 1);
    bool swap, with_imm = iop + 1 < IOP_MOV && iop && ir_op_of[iop - 1] == ir_op_of[iop];
    IrOpcode other = plant_other(fault, ir, &swap);
    if (fault == PLANT_IMM) {
        op->imm += with_imm || ir == IR_OP_CONST || ir_is_load(ir) || ir_is_store(ir);
    } else if (fault == PLANT_DROP && ir_is_store(ir)) {
        leave_out(op, INTERP_ZERO_SLOT);
        op->d = INTERP_ZERO_SLOT - 1;
    } else if (fault == PLANT_DROP) {
        leave_out(op, iop == IOP_MOV ? op->d : op->a);
    } else if (!(swap && with_imm) && iop_of(other) < IOPS) {
        uint8_t a = op->a;
        op->handler = interp_handler(iop_of(other) + with_imm);
        op->a = swap ? op->b : a;
        op->b = swap ? a : op->b;
    }
}

static void break_block(Block *b)
{
    Plant p = plant_unpack(plant_get());
    unsigned seen = 0;
    for (unsigned i = 0; i < b->n_ops; i++) {
        unsigned iop = interp_op(b->ops[i].handler);
        if (ir_op_of[iop] && plant_hits(&p, (IrOpcode)(ir_op_of[iop] - 1), &seen))
            break_op(&b->ops[i], plant_fault_of(&p));
        i += interp_cells(iop) - 1;
    }
}

void baseline_plant(Baseline *t, void (*select)(Baseline *t))
{
    Block *b = t->block;
    size_t size = b->n_ops * sizeof *b->ops;
    g_autofree IOp *whole = g_memdup2(b->ops, size);
    break_block(b);
    select(t);
    memcpy(b->ops, whole, size);
}
