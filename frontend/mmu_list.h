// SPDX-License-Identifier: GPL-3.0-or-later
// Page tables shown to people: one walk step by step, and all that is mapped (memory/spec.md 6.9).
#pragma once
#include "frontend/hart.h"

#define HART_WALK_STEPS 5 // of Sv57

typedef enum { HART_WALK_TABLE, HART_WALK_LEAF, HART_WALK_INVALID, HART_WALK_UNREADABLE } HartWalkKind;

typedef struct {
    unsigned level, vpn;
    HartWalkKind kind;
    uint64_t pte_addr, pte;
    uint64_t next; // physical address of the next table, or of the page (of the leaf's size) for a leaf
} HartWalkStep;

// The entries that a walk for va looks at, the root's first. Returns how many: 0 if satp is Bare. Nothing is marked,
// permissions are not looked at. While the hart is stopped, or on its thread.
unsigned hart_walk(const Hart *hart, uint64_t va, HartWalkStep steps[HART_WALK_STEPS]);

typedef struct { // neighbouring leaves with the same attributes that continue one another
    uint64_t va, pa, size;
    unsigned flags; // the entry's bits R, W, X, U, G, A and D
} HartMapping;

// Calls fn for all that satp's page tables map, ascending. False: there are so many tables or mappings (a guest may
// make a table its own child) that the rest was left out. While the hart is stopped.
bool hart_each_mapping(const Hart *hart, void (*fn)(void *opaque, const HartMapping *mapping), void *opaque);

// The letters of a leaf's bits as info mem has them: rwxugad with '-' for what is not set; 7 characters and a 0.
void hart_print_flags(unsigned flags, char out[8]);
