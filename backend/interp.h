// SPDX-License-Identifier: GPL-3.0-or-later
// The threaded interpreter: runs predecoded blocks, chained to one another.
#pragma once
#include "backend/code_cache.h"
#include "softmmu/tlb.h"

enum { // interpreter operations; handlers are found by these at translation time only
#define BIN(NAME, expr) IOP_##NAME, IOP_##NAME##_I,
#define UN(NAME, expr) IOP_##NAME,
#define LD(NAME, type) IOP_##NAME,
#define ST(NAME, type) IOP_##NAME,
#define BR(NAME, cond) IOP_##NAME,
#include "backend/interp_ops.def"
#undef BIN
#undef UN
#undef LD
#undef ST
#undef BR
    IOP_MOV,   // d := a
    IOP_LI,    // d := imm, sign-extended
    IOP_LI64,  // d := the next cell's first eight bytes
    IOP_JUMP,  // to succ[0]
    IOP_JMPIND, // to the address in a
    IOP_SYS,   // helper imm(a, b)
    IOP_ATOMIC, // d := kind imm (backend/atomic.h) at a with b
    IOP_FENCE,
    IOP_FPCHECK, // mask in a; imm: guest instruction
    IOP_FP,      // d := the next cell's function of a, b, the next cell's a, and imm; that one's imm is the IR op
    // With a tap (util/tap.h): the first op, imm: the instruction straddles pages; before each IOP_SYS; the accesses.
    IOP_TAP_ENTER,
    IOP_TAP_SITE,
    IOP_TAP_ATOMIC,
#define BIN(NAME, expr)
#define UN(NAME, expr)
#define LD(NAME, type) IOP_TAP_##NAME,
#define ST(NAME, type) IOP_TAP_##NAME,
#define BR(NAME, cond)
#include "backend/interp_ops.def"
#undef BIN
#undef UN
#undef LD
#undef ST
#undef BR
    IOPS
};

static inline bool interp_is_access(unsigned iop) // plain loads and stores
{
    return iop >= IOP_LD8U && iop <= IOP_ST64;
}

// The op that does the same with a tap, and the other way round.
static inline unsigned interp_tapped(unsigned iop)
{
    return iop == IOP_ATOMIC ? IOP_TAP_ATOMIC : interp_is_access(iop) ? iop - IOP_LD8U + IOP_TAP_LD8U : iop;
}

static inline unsigned interp_untapped(unsigned iop)
{
    return iop == IOP_TAP_ATOMIC ? IOP_ATOMIC : iop >= IOP_TAP_LD8U ? iop - IOP_TAP_LD8U + IOP_LD8U : iop;
}

static inline unsigned interp_cells(unsigned iop) // of 16 bytes
{
    return iop == IOP_LI64 || iop == IOP_FP ? 2 : 1;
}

#define INTERP_ZERO_SLOT (IR_NREGS + IR_NTEMPS - 1)
#define INTERP_INDIRECT 2 // value of Interp.edge

typedef struct {
    IrEnv *env;
    Tlb *tlb;
    JumpTable *jumps; // of the current mode and space
    Block *last;   // when interp_run ended on a static edge: the block and its edge, so that the
    unsigned edge; // engine can chain them; else NULL
    bool indirect; // ... when it ended on an indirect jump
    Block *entered; // INTERP_ENTER: the block
    // Told, if it is not NULL, when b is left before this instruction of it: that trapped. Before it does, or behind.
    void (*left)(void *opaque, const Block *b, unsigned insn);
    void *opaque;
} Interp;

typedef enum {
    INTERP_PC,    // go on at env->pc: no block known there, or the slice is over
    INTERP_ENTER, // the block at env->pc asks for the engine (hot, compiled or dead); its entry has been counted
} InterpExit;

void interp_init(Interp *in, IrEnv *env, Tlb *tlb);

static inline void interp_note_jump(Interp *in, Block *b)
{
    Block **row = &in->jumps->blocks[jit_jump_row(b->pc)];
    jump_table_use(in->jumps, jit_jump_row(b->pc));
    if (*row != b && !((*row)->pc & 1))
        in->jumps->blocks[jit_jump_row(b->pc) ^ 1] = *row;
    *row = b;
}

// The block noted for a jump to pc, else some block with another pc.
static inline Block *interp_find_jump(const Interp *in, uint64_t pc)
{
    Block *b = in->jumps->blocks[jit_jump_row(pc)];
    return __builtin_expect(b->pc == pc, 1) ? b : in->jumps->blocks[jit_jump_row(pc) ^ 1];
}

// Runs from b, without counting its entry, until the slice is over (env->left <= 0) or something must be looked up.
InterpExit interp_run(Interp *in, Block *b);

// interp_select.c: translates a verified IR block into a fresh Block (spans are left to the caller). NULL if it needs
// more temporaries than there are. It lies in the arena or, if that is NULL, is for block_free. tap: it records.
Block *interp_translate(const IrBlock *ir, uint64_t base, bool tap, CodeArena *arena);
// The start of that: a block of block_size bytes with these counts, and nothing in it yet.
void interp_block_init(Block *b, unsigned n_ops, uint16_t n_insns, unsigned n_targets);
// Of a block with sites: that of an instruction, as in TapRecord.tag.
static inline uint32_t interp_tag(const Block *b, unsigned insn)
{
    return (b->site + b->insn_pc[insn] / 2) << TAP_SHIFT;
}

const void *interp_handler(unsigned iop);
unsigned interp_op(const void *handler); // its inverse
