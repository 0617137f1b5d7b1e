// SPDX-License-Identifier: GPL-3.0-or-later
// From guest instructions to one IR block: the loop over the instructions and the rules that end the block.
#include "frontend/lift_insn.h"

// Reads and decodes the instruction at pc. False: *fault names the parcel that could not be read.
static bool fetch_insn(const LiftSource *src, uint64_t pc, Insn *insn, MemFault *fault)
{
    uint16_t low, high = 0;
    if (!src->fetch(src->opaque, pc, &low, fault)) {
        return false;
    }
    if (!insn_is_compressed(low) && !src->fetch(src->opaque, pc + 2, &high, fault)) {
        return false;
    }
    *insn = decode(low | (uint32_t)high << 16);
    return true;
}

static bool ended(const IrBlock *b)
{
    return b->n_ops && (ir_op_info[b->ops[b->n_ops - 1].op].flags & IRF_TERM);
}

// May the block go on with an instruction at pc? It must lie on the page of start whole, so that a block that
// is not a single straddling instruction depends on one page only. Reading the first parcel tells the length.
static bool fits_page(const LiftSource *src, uint64_t start, uint64_t pc)
{
    uint16_t low;
    MemFault fault;
    if ((pc & PAGE_MASK) != (start & PAGE_MASK)) {
        return false;
    }
    bool last_parcel = (pc & (PAGE_SIZE - 1)) == PAGE_SIZE - 2;
    return !last_parcel || (src->fetch(src->opaque, pc, &low, &fault) && insn_is_compressed(low));
}

bool lift_block(IrBlock *out, const LiftSource *src, uint64_t base, uint64_t pc, MemFault *fault)
{
    uint64_t start = pc;
    Lifter l = {out, src, base, (int64_t)(pc - base), 0};
    ir_block_reset(out, l.pc);
    for (;;) {
        Insn insn;
        MemFault later;
        if (!fetch_insn(src, pc, &insn, pc == start ? fault : &later)) {
            if (pc == start) {
                return false;
            }
            break; // it faults when it is the first of its own block
        }
        ir_insn(out, l.pc, insn.len, insn.raw);
        bool absent = insn.id != INSN_ILLEGAL && (src->absent >> insn_info[insn.id].ext & 1);
        const LiftRow *row = &lift_table[absent ? INSN_ILLEGAL : insn.id];
        row->fn(&l, &insn, row->arg);
        if (ended(out)) {
            return true;
        }
        pc += insn.len;
        l.pc = (int64_t)(pc - base);
        if (out->n_insns >= src->max_insns || !fits_page(src, start, pc)) {
            break;
        }
    }
    ir_emit(out, IR_OP_JUMP, 0, IR_NOVAL, IR_NOVAL, 0);
    out->edge[0] = (IrEdge){-1, l.pc};
    return true;
}
