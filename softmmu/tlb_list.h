// SPDX-License-Identifier: GPL-3.0-or-later
// What a TLB holds, for people.
#pragma once
#include "softmmu/tlb.h"

typedef struct {
    unsigned mmu;   // index
    bool current;   // of the present context; else of one that was left. The last index belongs to all
    unsigned asid;  // of the context
    bool victim;    // among the victims, not in the table
    gva_t va;       // page
    gpa_t pa;       // page
    bool allow[ACCESS_KINDS];
    unsigned flags; // TLB_* of any of its comparators
    bool global;
    unsigned large_bits; // as in TlbTranslation
    const uint8_t *host; // of the page; NULL: a device, or several things
} TlbListed;

// Calls fn for each entry, in no particular order. On the hart's thread, or while it is stopped.
void tlb_each_entry(const Tlb *tlb, void (*fn)(void *opaque, const TlbListed *entry), void *opaque);
