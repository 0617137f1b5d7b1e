// SPDX-License-Identifier: GPL-3.0-or-later
// From guest instructions to one IR block.
#pragma once
#include "ir/ir.h"

#define LIFT_MAX_INSNS 64

typedef struct {
    void *opaque;
    // Reads the 16-bit parcel at guest address pc. False: *fault (access FETCH).
    bool (*fetch)(void *opaque, uint64_t pc, uint16_t *parcel, MemFault *fault);
    unsigned max_insns; // 1..LIFT_MAX_INSNS
    uint64_t absent;    // bit n: the hart lacks the extension n (InsnExt), its instructions are illegal
} LiftSource;

// Lifts the block that starts at pc into out (emptied first; out->pc = pc - base). The block ends with a
// terminator: at a jump, branch or system instruction, after max_insns, or before an instruction that would
// start on another page than pc (one that straddles the page end is included only as the first of its block).
// Edges name offsets from base; edge block numbers are -1. False: the fetch of the first instruction
// failed and *fault tells how (tval: the failing parcel's address).
// An illegal instruction becomes a `sys` of the illegal-instruction helper.
bool lift_block(IrBlock *out, const LiftSource *src, uint64_t base, uint64_t pc, MemFault *fault);
