// SPDX-License-Identifier: GPL-3.0-or-later
// How often each instruction of the guest ran, exactly: the executions of blocks, less what blocks that trapped did not
// do. Needs EngineConfig.tally; costs as much as going without regions does.
#pragma once
#include "backend/engine.h"

typedef struct {
    uint64_t pc;   // guest address of the first instruction
    uint64_t head; // ... of the block's: pc, unless this is the rest of one
    unsigned mode; // in which it ran, as in engine_set_mode
    unsigned n_insns;
    const uint16_t *insn_pc; // ... of each, the offset from the first one's
    const uint8_t *bytes;    // the guest's code, of the first one on
    int64_t count;           // executions of all of them; negative: they were counted before, but not done
    uint64_t base_count;     // of these, in baseline code
    bool whole;              // a block; else the rest of one that was left before this pc
} EngineRuns;

// runs is told, in no order, of executions that add up to all of them: when a trap cuts a block short, and when blocks
// are forgotten. Before the engine runs.
void engine_set_tally(Engine *e, void (*runs)(void *opaque, const EngineRuns *r), void *opaque);
// Tells what was not told yet. Behind the last slice.
void engine_end_tally(Engine *e);
