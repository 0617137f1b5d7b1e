// SPDX-License-Identifier: GPL-3.0-or-later
// The lift functions, one per shape of instruction, and the table that gives each instruction its own.
#pragma once
#include "frontend/decode.h"
#include "frontend/lift.h"

typedef struct {
    IrBlock *b;
    const LiftSource *src;
    uint64_t base;
    int64_t pc; // of the instruction being lifted, as an offset from base
    unsigned fp_checked; // masks of the block's fpchecks so far
} Lifter;

// Appends the ops of one instruction behind its `insn` op; arg is the table's. Ends the block with a
// terminator if the instruction leaves it, else control goes on behind the instruction.
typedef void LiftFn(Lifter *l, const Insn *i, unsigned arg);

typedef struct {
    LiftFn *fn;
    uint8_t arg; // an IrOpcode, IrAmo, HelperId, shift amount or imm, as fn wants it
} LiftRow;

extern const LiftRow lift_table[INSNS]; // by InsnId

// lift_int.c
LiftFn lift_lui, lift_auipc, lift_jal, lift_jalr, lift_branch;
LiftFn lift_load, lift_store; // arg: the load or store op
LiftFn lift_addi, lift_addiw, lift_add;
LiftFn lift_imm; // arg: op of rs1 and the immediate
LiftFn lift_rr;  // arg: op of rs1 and rs2
// lift_atomic.c
LiftFn lift_lr, lift_sc;       // arg: the op
LiftFn lift_amo_w, lift_amo_d; // arg: IrAmo
// lift_bitmanip.c
LiftFn lift_unary; // arg: op of rs1
LiftFn lift_add_uw, lift_slli_uw;
LiftFn lift_shadd, lift_shadd_uw; // arg: shift amount
LiftFn lift_inverted, lift_xnor;  // arg: op of rs1 and inverted rs2
LiftFn lift_bclr, lift_bext, lift_bexti;
LiftFn lift_bit;                    // arg: op of rs1 and 1 << rs2
LiftFn lift_bit_imm, lift_bclr_imm; // arg: op of rs1 and 1 << immediate
// lift_fp.c
LiftFn lift_fload, lift_fstore;            // arg: the load or store op
LiftFn lift_frm, lift_frm2;                // arg: op that rounds
LiftFn lift_fmadd_s, lift_fmadd_d;         // arg: negations, IR_FP_NEG_PRODUCT ...
LiftFn lift_fr, lift_fsgnj, lift_fcmp;     // arg: op of rs1 and rs2
LiftFn lift_fmv_x;                         // arg: op of f rs1 that raises nothing
LiftFn lift_fmv_x_d, lift_fmv_d_x;
LiftFn lift_fmv_w_x;                       // arg: pure op of rs1
LiftFn lift_ftoi_s, lift_ftoi_d, lift_itof_s, lift_itof_d; // arg: kind of integer, IR_FP_UNSIGNED ...
// lift_system.c; arg: HelperId
LiftFn lift_fence, lift_helper, lift_csr, lift_csr_imm, lift_ebreak;

// Guest register n as a value; x0 is the constant 0.
static inline IrVal lift_get(Lifter *l, unsigned n)
{
    return n ? ir_get(l->b, n) : ir_const(l->b, 0);
}

// Result of an instruction; dropped for x0.
static inline void lift_put(Lifter *l, unsigned n, IrVal v)
{
    if (n) {
        ir_put(l->b, n, v);
    }
}
