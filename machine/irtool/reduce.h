// SPDX-License-Identifier: GPL-3.0-or-later
// Parts of addend blocks reduce: making a failing case smaller, and finding who is to blame.
#pragma once
#include "machine/irtool/case_run.h"

typedef struct {
    CaseTools *tools;
    CaseEngine tier;     // CASE_BASELINE or CASE_REGION
    CaseOptions options;
    gint64 deadline;     // g_get_monotonic_time
    unsigned tries;      // runs so far
} Reduce;

// Does c, which this finishes, do something else in the tier than in the evaluator? A case that cannot be run does not.
bool reduce_fails(Reduce *r, IrCase *c);
bool reduce_out_of_time(const Reduce *r);
// Takes candidate: in place of *best, if it fails.
bool reduce_try(Reduce *r, IrCase **best, IrCase *candidate);

// shrink_*.c: each makes *best smaller, as far as it still fails; true if it could.
bool shrink_run(Reduce *r, IrCase **best); // how long it runs, and from where
bool shrink_blocks(Reduce *r, IrCase **best);
bool shrink_ops(Reduce *r, IrCase **best);   // instructions and ops
bool shrink_state(Reduce *r, IrCase **best); // registers, memory, constants
void shrink(Reduce *r, IrCase **best);       // all of that, until nothing goes any more or time is over
// The part of b from its op i on, an insn op, as a block of its own; NULL: it uses values from in front of that.
IrBlock *shrink_rest_of_block(const IrBlock *b, unsigned i);
// The value of op i of block n when it is first done, told through a register that nothing names. False: never.
bool blame_value(const IrCase *c, unsigned n, unsigned i, unsigned reg, uint64_t *v);
unsigned blame_free_register(const IrCode *code); // 0: there is none
unsigned shrink_insns(const IrCode *code);   // guest instructions

// Makes a byte of c's state another one.
void case_set_byte(IrCase *c, uint64_t addr, uint8_t v);

typedef struct {
    char *part; // "pass fold", "emitter", "stencil", ...
    char *op;   // of IR, or NULL: it cannot be named
    char *how;  // a sentence: how that was found
} Blame;
// Without an op if r's time is over before it is found.
Blame blame_find(Reduce *r, const IrCase *c);
void blame_clear(Blame *b);
