// SPDX-License-Identifier: GPL-3.0-or-later
// Random valid IR, for round trips and for running the same code on several engines.
#pragma once
#include "ir/ir.h"

typedef struct {
    uint64_t state; // seed; any value
} GenRng;

typedef struct {
    uint64_t base;       // of the code
    unsigned max_blocks; // at least 1
    unsigned max_insns;  // per block, at least 1
    unsigned max_ops;    // pure ops per instruction, at least 1
    unsigned n_regs;     // registers r0 .. are used, 1..IR_NREGS
    unsigned n_helpers;  // 0: no sys
    bool leave;          // edges may leave the code (and jmpind exists)
    bool memory;         // loads, stores and fences exist
    bool atomics;        // LR, SC and AMO exist too; needs memory
    bool fp;             // floating point exists
    bool floats;         // and most of the code is of it: doubles in registers 32 to 34, singles in 35 to 37
    uint64_t mem_base;   // accesses stay in this window ...
    uint64_t mem_size;   // ... of a power of two bytes, at least 64
    unsigned wild;       // but one in `wild` goes to a random address, and may be misaligned; 0: none
} GenConfig;

// The next random number.
uint64_t gen_random(GenRng *rng);
// A random number below n > 0.
unsigned gen_below(GenRng *rng, unsigned n);
// A number likely to be at the edge of something: small, a power of two, all ones, a mask, or just random.
uint64_t gen_edge(GenRng *rng);

// The bits of a double or of a NaN-boxed single (its box may be broken), likely to be at the edge of something.
uint64_t gen_float(GenRng *rng);
// Operands v[0..2] of a floating-point op of singles or doubles, often such that sums cancel and products and quotients
// get near the ends of the exponent range; seldom of the other format.
void gen_fp_operands(GenRng *rng, bool single, uint64_t v[3]);

// Random code that ir_verify accepts; the caller frees it. Every block holds an instruction, so that running
// it ends when env->left does. In each instruction, puts come after the op that can fault.
IrCode *gen_code(GenRng *rng, const GenConfig *config);
