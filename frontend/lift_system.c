// SPDX-License-Identifier: GPL-3.0-or-later
// Fences and the instructions that a helper does whole: CSR access, environment calls, trap returns, illegal
// ones.
#include "frontend/helpers.h"
#include "frontend/lift_insn.h"

// pred and succ are sets; if one is empty (as in the pause hint) nothing is ordered.
void lift_fence(Lifter *l, const Insn *i, unsigned arg)
{
    (void)arg;
    if ((i->imm >> 4 & 0xf) && (i->imm & 0xf)) {
        ir_emit(l->b, IR_OP_FENCE, 0, IR_NOVAL, IR_NOVAL, 0);
    }
}

static void sys(Lifter *l, const Insn *i, unsigned helper, IrVal operand)
{
    IrVal raw = ir_const(l->b, i->raw);
    ir_emit(l->b, IR_OP_SYS, 0, raw, operand, helper);
}

void lift_helper(Lifter *l, const Insn *i, unsigned arg)
{
    sys(l, i, arg, ir_const(l->b, 0));
}

void lift_csr(Lifter *l, const Insn *i, unsigned arg)
{
    sys(l, i, arg, lift_get(l, i->rs1));
}

void lift_csr_imm(Lifter *l, const Insn *i, unsigned arg)
{
    sys(l, i, arg, ir_const(l->b, i->rs1));
}

static bool parcels_are(const Lifter *l, uint64_t pc, uint32_t bits)
{
    uint16_t low, high;
    MemFault fault;
    return l->src->fetch(l->src->opaque, pc, &low, &fault) &&
           l->src->fetch(l->src->opaque, pc + 2, &high, &fault) && (low | (uint32_t)high << 16) == bits;
}

// Semihosting spec 2.1: slli x0,x0,31; ebreak; srai x0,x0,7, all 32-bit and in one page.
static bool in_semihosting_sequence(const Lifter *l, const Insn *i)
{
    uint64_t pc = l->base + (uint64_t)l->pc;
    uint64_t offset = pc & (PAGE_SIZE - 1);
    return i->len == 4 && offset >= 4 && offset <= PAGE_SIZE - 8 && parcels_are(l, pc - 4, 0x01f01013) &&
           parcels_are(l, pc + 4, 0x40705013);
}

void lift_ebreak(Lifter *l, const Insn *i, unsigned arg)
{
    sys(l, i, arg, ir_const(l->b, in_semihosting_sequence(l, i)));
}
