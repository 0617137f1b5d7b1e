// SPDX-License-Identifier: GPL-3.0-or-later
// Miss counts of every LRU geometry from one pass over a stream: stack distances (Mattson et al. 1970) for each number
// of sets, with flushes, ASIDs, page sizes and upgrades as lab/model.h defines them, so that each count equals the
// model's (docs/tlb.md, "The sweep").
#pragma once
#include "lab/stream.h"

#define SWEEP_MAX_WAYS 64
#define SWEEP_MAX_SET_BITS 20

typedef struct {
    unsigned max_set_bits;  // sets 1, 2, 4 ... 2^max_set_bits; at most SWEEP_MAX_SET_BITS
    unsigned max_ways;      // of more than one set: each number of ways up to this; 1 to SWEEP_MAX_WAYS
    unsigned max_entries;   // of one set (fully associative): each number of entries up to this; at least 1
    bool asid, bare;        // as in ModelSpec
    uint64_t sizes;         // as in ModelPart: accesses to pages of other sizes are not looked up
    unsigned sample;        // 1: all; n: one in n pages by hash, and one in n sets where there are many (estimates)
} SweepConfig;

typedef enum { SWEEP_FETCH, SWEEP_DATA, SWEEP_SIDES } SweepSide;

// Of one hart. Counts in up to four threads beside the caller's.
typedef struct Sweep Sweep;
Sweep *sweep_new(const SweepConfig *config);
void sweep_free(Sweep *s);
// One thread.
LabListener sweep_listener(Sweep *s);
// --- Results, at any time between two calls of the listener; the same thread.
// Of the side's accesses, those looked up: exact with sampling too.
uint64_t sweep_accesses(Sweep *s, SweepSide side, MemAccess kind);
// The misses that a single LRU structure of this geometry has. sets: a power of two; both within the configuration.
uint64_t sweep_misses(Sweep *s, SweepSide side, MemAccess kind, unsigned sets, unsigned ways);
// With sampling: the standard error of the estimate for all kinds together; else 0.
double sweep_error(Sweep *s, SweepSide side, unsigned sets, unsigned ways);
