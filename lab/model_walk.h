// SPDX-License-Identifier: GPL-3.0-or-later
// The page-walk cache of a modelled TLB: for each level of page tables above the last, what it says of where the next
// one is.
#pragma once
#include "lab/model_part.h"

#define WALK_LEVELS 4 // of entries that point to tables: 1 to 4
typedef struct {
    Part level[WALK_LEVELS]; // of level n + 1; none if entries is 0
} WalkCache;

void walk_init(WalkCache *w, unsigned entries);
void walk_deinit(WalkCache *w);
// A walk for the access. Returns how many page-table entries it reads; *hit: it did not begin at the root.
unsigned walk_do(WalkCache *w, const LabAccess *a, bool *hit);
void walk_flush_all(WalkCache *w);
void walk_flush_asid(WalkCache *w, uint16_t asid);
