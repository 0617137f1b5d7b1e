// SPDX-License-Identifier: GPL-3.0-or-later
// Miss counts of every LRU geometry from one pass over a stream: stack distances (Mattson et al. 1970) for each number
// of sets, with flushes, ASIDs, page sizes and upgrades as lab/model.h defines them, so that each count equals the
// model's.
#pragma once
#include "lab/stream.h"

typedef struct {
    unsigned max_set_bits;  // sets 1, 2, 4 ... 2^max_set_bits
    unsigned max_ways;      // of more than one set: each number of ways up to this
    unsigned max_entries;   // of one set (fully associative): each number of entries up to this
    bool asid, bare;        // as in ModelSpec
    uint64_t sizes;         // as in ModelPart: accesses to pages of other sizes are not looked up
    unsigned sample;        // 1: all; n: one in n pages by hash (with an error estimate)
} SweepConfig;

typedef enum { SWEEP_FETCH, SWEEP_DATA, SWEEP_SIDES } SweepSide;

typedef struct Sweep Sweep;
Sweep *sweep_new(const SweepConfig *config);
void sweep_free(Sweep *s);
LabListener sweep_listener(Sweep *s);
// Of the side's accesses, those looked up; and the misses that a single LRU structure of this geometry has.
uint64_t sweep_accesses(const Sweep *s, SweepSide side, MemAccess kind);
uint64_t sweep_misses(const Sweep *s, SweepSide side, MemAccess kind, unsigned sets, unsigned ways);
// With sampling: the standard error of the estimate; else 0.
double sweep_error(const Sweep *s, SweepSide side, unsigned sets, unsigned ways);
