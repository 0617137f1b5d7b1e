// SPDX-License-Identifier: GPL-3.0-or-later
// What the two halves of the baseline tier share: baseline.c, which chooses stencils, and baseline_layout.c, which
// places them. Nobody else includes it.
#pragma once
#include "backend/code_cache.h"

typedef struct {
    uint16_t stencil;
    uint8_t a, b, c, d, run; // run: number in IrEnv.runs
    int32_t imm;
    uint32_t site;
    uint32_t kind; // of an access, for IrEnv.jit_access
    uint32_t slow, far; // stencils of its ways out of line, later the pieces; 0: none
    uint32_t copy; // the head of a group: the piece where its accesses are done one by one; else 0
    bool aside;    // in such a copy
    uint16_t insn; // 1 + the guest instruction that it belongs to; 0: none
    uint64_t full;   // value of a 64-bit hole; of an access that is recorded: its JitTapSite
    uint8_t full_to; // ... if that is an address in what belongs to the block: BLOCK_TO_..., else 0
    uint32_t hot, cold, next; // where it is, see address(); next: where it goes on
} Piece;

typedef struct {
    Block *block;
    const IrEnv *env;
    JitUnit *unit;
    GArray *pieces, *sites;
    GArray *fixups; // uint32_t; NULL: nobody wants them
    const IOp *counted;     // loads and stores: accesses of the block from there on, atomic ones too
    uint16_t loads, stores;
    bool system;
    bool tap; // it records (jit_tap.h)
    CodeArena *arena;
    uint64_t guess; // the usual target of its indirect jump, which is its only slot then; or 0
    unsigned insn; // of what is selected, as in Piece
    unsigned group; // accesses through this slot belong to a group; NO_SLOT: none do
    bool aside;     // what is selected belongs to a group's copy
    GByteArray *hot, *cold; // the code
    CodePlace place;        // where it goes
    uint32_t stub[2], leave;
    unsigned acc;            // slot whose value the accumulator has, NO_SLOT for none or a pinned one
    unsigned facc;           // ... the SSE register
    bool facc_boxed;         // that is a single, which needs no test of its box
} Baseline;

#define NO_SLOT 256u

static inline Piece *piece(Baseline *t, unsigned i)
{
    return &g_array_index(t->pieces, Piece, i);
}

static inline Piece *piece_add(Baseline *t, unsigned stencil, const IOp *op)
{
    Piece p = {.stencil = (uint16_t)stencil, .a = op->a, .b = op->b, .d = op->d, .imm = op->imm, .aside = t->aside,
               .insn = (uint16_t)t->insn};
    g_array_append_val(t->pieces, p);
    return piece(t, t->pieces->len - 1);
}

// The target of nearly all of the indirect jumps that b ended in, if a link may lead straight there, else 0.
uint64_t baseline_guess_target(const Block *b);

// baseline_plant.c: chooses the stencils by select; the block's ops have the planted fault meanwhile.
void baseline_plant(Baseline *t, void (*select)(Baseline *t));

// baseline_tap.c, with a tap. p is a load or store of op with its site and kind, slow and far its ways out of line; an
// atomic access of that site; the block's start; before a system instruction.
void baseline_tap_access(Baseline *t, Piece *p, const IOp *op, uint32_t slow, uint32_t far);
void baseline_tap_atomic(Baseline *t, const IOp *op, uint32_t site);
void baseline_tap_enter(Baseline *t, bool straddles);
void baseline_tap_system(Baseline *t, const IOp *op);

// Starts on b's code, which goes into u (whose `system` counts): see baseline_translate; ends with baseline_end.
void baseline_begin(Baseline *t, Block *b, JitUnit *u, const IrEnv *env, uint64_t guess, CodeArena *arena);
void baseline_select(Baseline *t); // fills in pieces and sites
void baseline_end(Baseline *t);

// Where code is: an offset in its part, | this in the cold one.
#define BASELINE_COLD (UINT32_C(1) << 31)
// Gives each piece its place, and its bytes to t->hot and t->cold, holes still empty.
void baseline_lay_out(Baseline *t);
// Lays out the pieces of t, the first of which are ENTRY and HEAD, and puts the code where it runs: everything in
// t->unit but its sites. False and an error when executable memory is full.
bool baseline_install(Baseline *t, CodeMemory *memory, GError **error);
