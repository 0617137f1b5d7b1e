// SPDX-License-Identifier: GPL-3.0-or-later
// What tlb.c (tables), tlb_fill.c (lookup and fill) and access.c (slow paths) share; nobody else includes it.
#pragma once
#include "softmmu/memory.h"
#include "softmmu/tlb.h"
#include "util/addr_ranges.h"
#include "util/tap.h"

#define TLB_COLD_GLOBAL 0x40u
// The page is all one device: the entry has its MemoryRegion for addend, and ram is the offset in it.
#define TLB_COLD_DEVICE 0x80u

typedef struct { // beside each entry, valid while it is not empty
    gpa_t pa;    // page | TLB_COLD_* | log2 of the bytes that its page-table entry maps, 0 for a page
    ram_t ram;   // page, TLB_EMPTY when the entry is not plain RAM or ROM, nor a device
} TlbCold;

typedef struct { // whole pages; size 0: none
    gva_t start;
    ram_t ram; // of the start
    uint64_t size, addend;
} TlbPages;

typedef struct {
    TlbEntry *entries;
    TlbPages run[TLB_RUNS]; // as in TlbRuns
    uint64_t addend;        // of the RAM met last
    TlbCold *cold; // behind the entries, in the same allocation
    uint64_t size;
    uint64_t used;       // entries that are not empty
    uint64_t window_max; // R5.20
    int64_t window_start;
    bool dirty; // something was entered since the last flush
    unsigned next_victim;
    uint64_t evictions; // since tlb_relieve last grew it
    AddrRanges large; // where entries come from page-table entries that map more than a page
    unsigned large_bits; // log2 of the most bytes that one of those maps
    TlbEntry victim[TLB_VICTIMS];
    TlbCold victim_cold[TLB_VICTIMS];
} TlbTable;

typedef struct { // how a miss is counted (tlb_causes.c)
    uint16_t space;
    uint8_t cause, size; // TlbMissCause; 0..TLB_SIZE_NONE
} TlbMiss;

typedef struct { // a lookup that was taken back, to be counted when the access is done another way
    gva_t page;
    uint64_t *counter; // NULL: none
    TlbMiss miss;      // if that is fill_ok
} TlbDeferred;

typedef struct {
    uint64_t key;
    unsigned asid;
    unsigned space; // tlb_causes.c
    uint64_t left_at; // Tlb.n_left when another one took its place
    TlbTable table[TLB_SPACE_INDEXES];
} TlbContext;

struct Tlb {
    struct AddressSpace *as;
    struct CodePages *code;
    TlbHooks hooks;
    bool dynamic;
    unsigned start_bits;
    unsigned data_mmu, fetch_mmu;
    uint64_t *fast_mask;
    TlbEntry **fast_table;
    TlbRuns *runs; // of tlb_set_runs, or NULL
    const RamBlock *copied; // of tlb_set_ram_copy
    int64_t delta;
    int64_t (*now)(void *opaque);
    void *now_opaque;
    TlbDeferred deferred[2]; // the two pages of one access
    ram_t atomic_ram;        // tlb_atomic: the bytes on a page with code that are being stored to
    unsigned atomic_size;    // ... how many, 0 if the page has none
    bool atomic_locked;      // tlb_atomic took the big lock
    TlbTable *table[TLB_MMU_INDEXES]; // those of the current context, and machine
    TlbTable machine;
    TlbContext *context[TLB_CONTEXTS]; // NULL: not made yet; the first n_contexts are there
    unsigned n_contexts, current;
    uint64_t n_left;
    TlbFetched fetched;
    struct _GArray *watches; // tlb_watch.c; NULL: nothing is watched
    void (*watch_hook)(void *opaque, const TlbWatched *it);
    void *watch_opaque;
    bool (*guard)(void *opaque, const TlbAsked *it); // NULL: none
    void *guard_opaque;
    struct TlbCauses *causes; // NULL: not kept
    TlbMiss miss;             // with causes: of the last lookup that missed, or was counted again
    Tap *tap; // NULL: none
    TlbStats stats;
};

// What a lookup found, copied, so that fills, flushes and remaps after it do not matter.
typedef struct {
    gva_t va;
    gpa_t pa;
    uint8_t *host;  // of va; valid unless TLB_MMIO is set
    ram_t ram;      // of va; likewise
    MemoryRegion *device; // the page is all of this one; good until the first callback. NULL: look it up
    uint64_t offset;      // in it
    unsigned flags; // TLB_* of the comparator
    unsigned mmu;
    unsigned large_bits; // as in TlbTranslation
    bool global;         // likewise
    uint64_t *counter; // the counter that took this lookup; set after a fault too
    TlbMiss miss;      // if that is fill_ok or fill_fault
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

// Takes back what a lookup counted.
void tlb_uncount(Tlb *tlb, const TlbLook *look, MemAccess access);
// Takes back what a successful lookup counted: the same access comes again by another function, which then
// counts it in the same place. n: 0 or 1, which page of the access.
void tlb_defer(Tlb *tlb, const TlbLook *look, MemAccess access, unsigned n);
// Counts again what tlb_defer took back, if it was such a data access and did not come again.
void tlb_recount(Tlb *tlb, MemAccess access);

static inline gpa_t tlb_cold_page(const TlbCold *c)
{
    return c->pa & PAGE_MASK;
}

static inline unsigned tlb_cold_bits(const TlbCold *c)
{
    return (unsigned)(c->pa & (TLB_COLD_GLOBAL - 1));
}

// --- tlb_causes.c: all of these only with tlb->causes
// The page has no entry for this access: why? Before anything is translated.
TlbMiss tlb_miss_begin(Tlb *tlb, gva_t page, MemAccess access, unsigned mmu);
// It has one now, with that beside it.
void tlb_miss_filled(Tlb *tlb, TlbMiss *miss, gva_t page, unsigned mmu, const TlbCold *cold);
void tlb_miss_count(Tlb *tlb, const TlbMiss *miss, unsigned mmu, MemAccess access, int n); // n: 1, or -1: takes it back
// An entry left the table of the current context for good.
void tlb_causes_dropped(Tlb *tlb, unsigned mmu, gva_t page);
// Entries of a context's table, or NULL: the machine's, were flushed by address; all of them went, for this reason.
void tlb_causes_page(Tlb *tlb, const TlbContext *c, unsigned mmu, gva_t page);
void tlb_causes_emptied(Tlb *tlb, const TlbContext *c, unsigned mmu, TlbMissCause cause);
// Global pages are flushed wherever they are. page: TLB_EMPTY: all of them.
void tlb_causes_global(Tlb *tlb, unsigned mmu, gva_t page, TlbMissCause cause);
void tlb_causes_context(Tlb *tlb, TlbContext *c); // it has got its key
void tlb_causes_privilege(Tlb *tlb);              // the fetch MMU index is about to change
void tlb_causes_free(Tlb *tlb);

// --- tlb_watch.c
void tlb_watch_flag(const Tlb *tlb, TlbEntry *e); // sets the flag where the entry's page is watched
// The access went well and an entry of it has the flag: tells the hook if it touched watched bytes.
void tlb_watch_tell(Tlb *tlb, const TlbLook *first, unsigned size, MemAccess access, uint64_t value);
// The same beforehand: asks the guard. False: *fault, the access is not to be done.
bool tlb_watch_ask(Tlb *tlb, const TlbAsked *it, MemFault *fault);
void tlb_watch_free(Tlb *tlb);

// Stores to the page need no bookkeeping: it holds no code, and nobody waits for it to be written.
bool tlb_ram_is_dirty(const Tlb *tlb, ram_t ram);

// The host address that this TLB uses for a section of RAM or ROM.
uint8_t *tlb_section_host(const Tlb *tlb, const MemorySection *s);

// --- tlb_run.c
// The entry that was just made may belong to a run: what translation said about its page, and that page's place in the
// RAM's flat range: the bytes of it before and behind the page.
void tlb_run_add(Tlb *tlb, unsigned mmu, const TlbEntry *e, const TlbCold *cold, const TlbTranslation *tr,
                 uint64_t ram_before, uint64_t ram_after);
// Forgets runs that hold the page.
void tlb_run_drop_page(TlbTable *t, gva_t page);
void tlb_run_mark(TlbTable *t, ram_t start, uint64_t len); // these pages may not be stored to any more
void tlb_run_update(Tlb *tlb);                   // writes runs

// Takes the flag off the entry of a store, if it is still there.
void tlb_clear_notdirty(Tlb *tlb, const TlbLook *look);
