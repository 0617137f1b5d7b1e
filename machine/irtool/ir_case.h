// SPDX-License-Identifier: GPL-3.0-or-later
// IR cases: IR text with a state to run it from, in comments that begin with two semicolons, so that it stays IR text
// (docs/blocks.md has the format).
#pragma once
#include "ir/ir.h"

typedef struct {
    uint64_t start, len;
} CaseRange;

#define CASE_MEM_BYTES 16
typedef struct {
    uint64_t addr;
    uint8_t len, bytes[CASE_MEM_BYTES];
} CaseMem;

typedef struct { // what a line `expect` says
    uint64_t regs, r[IR_NREGS]; // which ones
    bool has_pc, has_fflags;
    uint64_t pc, fflags;
    GArray *mem; // CaseMem
} CaseExpect;

typedef struct {
    IrCode *code;
    uint64_t pc, r[IR_NREGS];
    uint64_t frm, fflags, fp_off, res_addr, res_value;
    int64_t left;        // instructions to run
    bool paged, movable; // as in JitRequest: paged is !linear
    GArray *ram;         // CaseRange: whole pages, ascending, apart; all that is RAM
    GArray *mem;         // CaseMem: what is in it that is not zero
    CaseExpect expect;
} IrCase;

#define CASE_LEFT 100000 // unless the case says otherwise
#define CASE_HELPERS 256 // sys of a case names one below

// A case of IR text; the caller frees it. The error names the line. Verified.
IrCase *ir_case_parse(const char *text, GError **error);
// Around code, which it takes: registers 0, no memory.
IrCase *ir_case_new(IrCode *code);
IrCase *ir_case_copy(const IrCase *c);
void ir_case_free(IrCase *c);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IrCase, ir_case_free)

// One directive, without its semicolons, as `reg a0 = 5`.
bool ir_case_set(IrCase *c, const char *directive, GError **error);
// After directives: RAM around memory that is named, sorted; and that the code can be run: verified, pc and counts.
bool ir_case_finish(IrCase *c, GError **error);
void ir_case_print(GString *out, const IrCase *c); // the inverse of ir_case_parse

const char *ir_case_reg_name(unsigned reg); // as the guest's manual has it
bool ir_case_reg(const char *name, unsigned *reg);
// Index of the block at a guest address, an entry rather than others; -1: none.
int ir_case_block(const IrCase *c, uint64_t pc);
