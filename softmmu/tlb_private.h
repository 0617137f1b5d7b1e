// SPDX-License-Identifier: GPL-3.0-or-later
// What tlb.c (tables), tlb_fill.c (lookup and fill) and access.c (slow paths) share; nobody else includes it.
#pragma once
#include "softmmu/tlb.h"

typedef struct { // beside each entry, valid while it is not empty
    gpa_t pa;    // page
    ram_t ram;   // page, TLB_EMPTY when the entry is not plain RAM or ROM
} TlbCold;

typedef struct {
    TlbEntry *entries;
    TlbCold *cold; // behind the entries, in the same allocation
    uint64_t size;
    uint64_t used;       // entries that are not empty
    uint64_t window_max; // R5.20
    int64_t window_start;
    bool dirty; // something was entered since the last flush
    unsigned next_victim;
    uint64_t relieved_at; // evictions when tlb_relieve last grew it
    TlbEntry victim[TLB_VICTIMS];
    TlbCold victim_cold[TLB_VICTIMS];
} TlbTable;

typedef struct { // a lookup that was taken back, to be counted when the access is done another way
    gva_t page;
    uint64_t *counter; // NULL: none
} TlbDeferred;

struct Tlb {
    struct AddressSpace *as;
    struct CodePages *code;
    TlbHooks hooks;
    bool dynamic;
    unsigned data_mmu, fetch_mmu;
    uint64_t *fast_mask;
    TlbEntry **fast_table;
    int64_t delta;
    int64_t (*now)(void *opaque);
    void *now_opaque;
    TlbDeferred deferred[2]; // the two pages of one access
    TlbTable table[TLB_MMU_INDEXES];
    TlbStats stats;
};

// What a lookup found, copied, so that fills, flushes and remaps after it do not matter.
typedef struct {
    gva_t va;
    gpa_t pa;
    uint8_t *host;  // of va; valid unless TLB_MMIO is set
    ram_t ram;      // of va; likewise
    unsigned flags; // TLB_* of the comparator
    unsigned mmu;
    uint64_t *counter; // the counter that took this lookup; set after a fault too
} TlbLook;

static inline TlbEntry *tlb_slot(const TlbTable *t, gva_t va)
{
    return &t->entries[(va >> PAGE_BITS) & (t->size - 1)];
}

static inline bool tlb_cmp_is(uint64_t cmp, gva_t page) // whatever its flags
{
    return (cmp & PAGE_MASK) == page && cmp != TLB_EMPTY;
}

// The page that an entry is for, TLB_EMPTY for none.
static inline uint64_t tlb_entry_page(const TlbEntry *e)
{
    for (unsigned k = 0; k < ACCESS_KINDS; k++) {
        if (e->cmp[k] != TLB_EMPTY)
            return e->cmp[k] & PAGE_MASK;
    }
    return TLB_EMPTY;
}

static inline void tlb_entry_clear(TlbEntry *e)
{
    for (unsigned k = 0; k < ACCESS_KINDS; k++)
        e->cmp[k] = TLB_EMPTY;
}

// Finds or makes the entry for [va, va+size), which lies in one page, and counts it. False: *fault.
bool tlb_lookup(Tlb *tlb, gva_t va, unsigned size, MemAccess access, TlbLook *out, MemFault *fault);

// Takes back what a successful lookup counted: the same access comes again by another function, which then
// counts it in the same place. n: 0 or 1, which page of the access.
void tlb_defer(Tlb *tlb, const TlbLook *look, unsigned n);

// Takes the flag off the entry of a store, if it is still there.
void tlb_clear_notdirty(Tlb *tlb, const TlbLook *look);
