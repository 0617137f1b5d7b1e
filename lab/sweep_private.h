// SPDX-License-Identifier: GPL-3.0-or-later
// Between the parts of a sweep: what the front (lab/sweep.c) makes of a stream, and the units that count.
//
// A unit gets the items of one side and keeps LRU stacks with holes. A stack is the order of last use of the entries
// of a set, together with holes: places that became free by invalidation. The cache of W ways holds what is in the
// first W places, so one stack stands for all W.
#pragma once
#include "lab/page_map.h"
#include "lab/sweep.h"

// Page-table entries have ids from 1.
#define SWEEP_EMPTY 0u         // in a stack: nothing from here on
#define SWEEP_HOLE UINT32_MAX

typedef struct {
    uint32_t id;
    uint32_t index; // low bits of its page number
    uint32_t what;  // MemAccess and SWEEP_*
} SweepItem;

enum {
    SWEEP_KIND = 3,       // if no access: SWEEP_NOTE
    SWEEP_NOTE = 3,       // ... one of:
    SWEEP_GONE = 0 << 2 | SWEEP_NOTE,  // the entry was invalidated
    SWEEP_RESET = 1 << 2 | SWEEP_NOTE, // all were
    SWEEP_NEW = 1 << 2,      // access: the entry is in no stack of this side
    SWEEP_WRITABLE = 1 << 3, // access: what is filled now may be written
    SWEEP_GROUP_SHIFT = 4,   // access, with sampling: 0: this page is not in the sample, else 1 + its group
};

#define SWEEP_GROUPS 32   // of sampled pages: their spread gives the error
#define SWEEP_MIN_SETS 32 // so many sets are simulated at least, or all

// Which sizes hold an old copy of a page: one that was filled when it could not be written. Most pages: none or all.
typedef enum { SWEEP_OLD_NONE, SWEEP_OLD_ALL, SWEEP_OLD_SOME } SweepOld;

static inline uint64_t sweep_hash(uint64_t v)
{
    v = (v ^ v >> 32) * UINT64_C(0xd6e8feb86659fd93);
    v = (v ^ v >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return v ^ v >> 32;
}

// Room for ids up to n in an array by id; what is new is zero.
void *sweep_need_ids(void *array, uint32_t *room, uint32_t n, size_t size);

// --- The entries and their ids (lab/sweep_pages.c)
#define SWEEP_GLOBAL 0x10000u // in place of an ASID

typedef struct {
    uint64_t page; // number, in pages of its size << 3 | index in lab_size_bits
    uint32_t asid; // or SWEEP_GLOBAL
    uint32_t next; // entry of the same page, of another ASID; 0: the last
    uint32_t list_next, list_before; // of the entries of an ASID that are valid: SweepPages.lists
    uint8_t valid;  // bit n: on SweepSide n
    uint8_t group;  // sampling: 0: not in the sample
} SweepPage;

typedef struct {
    uint64_t page;
    uint32_t asid, id; // id 0: empty
} SweepSlot;

typedef struct {
    SweepPage *page; // by id
    uint32_t n, room; // ids given out: 1 to n
    SweepSlot *table; // open addressing
    unsigned bits;
    GHashTable *same; // page -> id of the first entry of it
    uint32_t *lists;  // by ASID, and SWEEP_GLOBAL: first id or 0
    unsigned sample;
} SweepPages;

void sweep_pages_init(SweepPages *p, unsigned sample);
void sweep_pages_deinit(SweepPages *p);
// Its id, a new one if need be.
uint32_t sweep_pages_find(SweepPages *p, gva_t va, unsigned size, uint32_t asid);
// Id of the first entry of a page, or 0; others by `next`.
uint32_t sweep_pages_first(const SweepPages *p, gva_t va, unsigned size);
void sweep_pages_validate(SweepPages *p, uint32_t id, SweepSide side);
void sweep_pages_invalidate(SweepPages *p, uint32_t id);
void sweep_pages_invalidate_all(SweepPages *p);

// --- One set (lab/sweep_full.c). Counts are of the sample, as they are seen there.
typedef struct SweepFull SweepFull;
SweepFull *sweep_full_new(const SweepConfig *config, SweepSide side);
void sweep_full_free(SweepFull *u);
void sweep_full_feed(SweepFull *u, const SweepItem *items, size_t n, uint32_t ids); // ids: none is higher
uint64_t sweep_full_misses(SweepFull *u, MemAccess kind, unsigned entries);
// refs: accesses that could hit, of the whole stream
double sweep_full_error(SweepFull *u, uint64_t refs, unsigned entries);

// --- 2, 4 ... sets (lab/sweep_sets.c)
typedef struct SweepSets SweepSets;
SweepSets *sweep_sets_new(const SweepConfig *config, SweepSide side);
void sweep_sets_free(SweepSets *u);
void sweep_sets_feed(SweepSets *u, const SweepItem *items, size_t n, uint32_t ids);
uint64_t sweep_sets_misses(const SweepSets *u, MemAccess kind, unsigned set_bits, unsigned ways);
double sweep_sets_error(const SweepSets *u, unsigned set_bits, unsigned ways);
