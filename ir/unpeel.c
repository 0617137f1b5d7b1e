// SPDX-License-Identifier: GPL-3.0-or-later
// Blocks that run into a loop. The frontend ends a block at a jump only, so the first time around, a loop that is
// entered from above is part of the block in front of it. That part goes: the block jumps to the loop instead, which is
// less to compile and lets ir_widen have all iterations.
//
// Only loops of one block count: elsewhere the longer block is worth more than its bytes.
#include "ir/opt.h"

// Index of the op where the instruction at pc begins, but for the first one; 0 if there is none.
static unsigned find_insn(const IrBlock *b, int64_t pc)
{
    for (unsigned i = 1; i < b->n_ops; i++)
        if (b->ops[i].op == IR_OP_INSN && b->ops[i].imm == pc)
            return i;
    return 0;
}

// False if something in front of op `end` is used behind it; frontends make each instruction of its own gets.
static bool apart(const IrBlock *b, unsigned end)
{
    for (unsigned i = end; i < b->n_ops; i++) {
        const IrInst *op = &b->ops[i];
        unsigned n = ir_n_values(op->op);
        if ((n > 0 && op->a < end) || (n > 1 && op->b < end) || (n > 2 && op->c < end))
            return false;
    }
    return true;
}

void ir_unpeel(IrCode *code)
{
    for (unsigned n = 0; n < code->n_blocks; n++) {
        const IrBlock *loop = code->blocks[n];
        if (!ir_is_br(loop->ops[loop->n_ops - 1].op) ||
            (loop->edge[0].block != (int)n && loop->edge[1].block != (int)n))
            continue;
        for (unsigned i = 0; i < code->n_blocks; i++) {
            IrBlock *b = code->blocks[i];
            unsigned end = i == n ? 0 : find_insn(b, loop->pc);
            if (!end || !ir_is_br(b->ops[b->n_ops - 1].op) || !apart(b, end))
                continue;
            b->n_ops = end;
            b->n_insns = 0;
            for (unsigned k = 0; k < end; k++)
                b->n_insns += b->ops[k].op == IR_OP_INSN;
            ir_emit(b, IR_OP_JUMP, 0, IR_NOVAL, IR_NOVAL, 0);
            b->edge[0] = (IrEdge){(int32_t)n, loop->pc};
            b->edge[1] = (IrEdge){-1, 0};
        }
    }
}
