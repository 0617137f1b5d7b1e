// SPDX-License-Identifier: GPL-3.0-or-later
// Building blocks and codes.
#include "ir/ir.h"
#include <string.h>

enum { FIRST_CAP = 64 };

static const IrEdge no_edge = {-1, 0};

IrBlock *ir_block_new(int64_t pc)
{
    IrBlock *b = g_new0(IrBlock, 1);

    b->cap = FIRST_CAP;
    b->ops = g_new(IrInst, b->cap);
    ir_block_reset(b, pc);
    return b;
}

void ir_block_reset(IrBlock *b, int64_t pc)
{
    b->pc = pc;
    b->n_insns = 0;
    b->is_entry = false;
    b->count = 0;
    b->leaves = 0;
    b->n_ops = 0;
    b->edge[0] = no_edge;
    b->edge[1] = no_edge;
    g_clear_pointer(&b->guess, g_free);
    b->n_guess = 0;
}

void ir_block_free(IrBlock *b)
{
    if (!b)
        return;
    g_free(b->ops);
    g_free(b->guess);
    g_free(b);
}

IrBlock *ir_block_copy(const IrBlock *b)
{
    IrBlock *c = g_new(IrBlock, 1);

    *c = *b;
    c->cap = MAX(b->n_ops, 1);
    c->ops = g_new(IrInst, c->cap);
    memcpy(c->ops, b->ops, b->n_ops * sizeof(IrInst));
    c->guess = g_memdup2(b->guess, b->n_guess * sizeof(IrEdge));
    return c;
}

void ir_block_guess(IrBlock *b, int64_t pc, int32_t block)
{
    b->guess = g_renew(IrEdge, b->guess, b->n_guess + 1);
    b->guess[b->n_guess++] = (IrEdge){block, pc};
}

IrCode *ir_code_new(uint64_t base)
{
    IrCode *code = g_new0(IrCode, 1);

    code->base = base;
    return code;
}

unsigned ir_code_add(IrCode *code, IrBlock *b)
{
    if (code->n_blocks == code->cap) {
        code->cap = MAX(8, 2 * code->cap);
        code->blocks = g_renew(IrBlock *, code->blocks, code->cap);
    }
    code->blocks[code->n_blocks] = b;
    return code->n_blocks++;
}

IrCode *ir_code_copy(const IrCode *code)
{
    IrCode *copy = ir_code_new(code->base);
    for (unsigned i = 0; i < code->n_blocks; i++)
        ir_code_add(copy, ir_block_copy(code->blocks[i]));
    return copy;
}

void ir_code_free(IrCode *code)
{
    if (!code)
        return;
    for (unsigned i = 0; i < code->n_blocks; i++)
        ir_block_free(code->blocks[i]);
    g_free(code->blocks);
    g_free(code);
}

IrVal ir_emit(IrBlock *b, IrOpcode op, uint8_t reg, IrVal x, IrVal y, int64_t imm)
{
    if (G_UNLIKELY(b->n_ops == b->cap)) {
        b->cap *= 2;
        b->ops = g_renew(IrInst, b->ops, b->cap);
    }
    g_assert(b->n_ops < IR_MAX_OPS);
    b->ops[b->n_ops] = (IrInst){(uint8_t)op, reg, x, y, IR_NOVAL, imm};
    return (IrVal)b->n_ops++;
}
