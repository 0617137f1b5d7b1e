// SPDX-License-Identifier: GPL-3.0-or-later
// The software TLB of one hart, and the guest accesses that go through it (memory/spec.md 5).
//
// An access hits when one comparator equals its address: host address = addend + guest virtual address. Every
// special case is a flag bit in the comparator's low 12 bits, which makes the compare fail; the slow path
// then looks at the flags. Tables exist per MMU index, so privilege changes flush nothing.
//
// The indexes below the last one are translated by page tables, and each has a table per context: the address space
// that a number (the key) stands for. Going to another space and back flushes nothing, as long as no more than
// TLB_CONTEXTS of them are in use. Each context keeps its own copy of what is the same in all of them (global pages).
//
// Physical accesses, PMP and translation are behind TlbHooks and the AddressSpace.
//
// A Tlb belongs to the thread that runs its hart: every function here is for that thread, or for another one while the
// hart is stopped. A commit hook (memory_set_commit_hook) that runs in another thread stops it.
#pragma once
#include "util/access.h"
#include <stddef.h>

struct AddressSpace;
struct CodePages;
struct RamBlock;
struct Tap;

// Flag bits of a comparator (R5.3).
#define TLB_INVALID  0x800u // translate again on every access (PMP granule smaller than a page)
#define TLB_NOTDIRTY 0x400u // a write needs bookkeeping (the page holds translated code, or is clean in a dirty log)
#define TLB_MMIO     0x200u // call the dispatcher
#define TLB_DISCARD  0x100u // write to ROM: dropped
#define TLB_WATCH    0x080u // somebody watches bytes of the page for this kind of access
#define TLB_EMPTY    (~UINT64_C(0))

typedef struct TlbEntry { // the layout that interpreter and compiled code inline
    uint64_t cmp[ACCESS_KINDS]; // by MemAccess: page address | flags, or TLB_EMPTY if not allowed
    uint64_t addend;
} TlbEntry;
_Static_assert(sizeof(TlbEntry) == 32 && offsetof(TlbEntry, addend) == 24, "the JIT inlines this layout");

#define TLB_MMU_INDEXES 4 // 0 U, 1 S, 2 S with SUM, 3 M (R5.2)
#define TLB_SPACE_INDEXES 3 // of these, the first ones belong to a context
#define TLB_CONTEXTS    16
#define TLB_MIN_BITS    6
#define TLB_START_BITS  8
#define TLB_MAX_BITS    22
#define TLB_VICTIMS     8

// What translation says about one page.
typedef struct {
    gpa_t page; // physical address of the 4 KiB page
    bool allow[ACCESS_KINDS];
    bool whole_page; // false: the answer holds for this access only (PMP granule below 4 KiB)
    uint8_t large_bits; // log2 of the bytes that one page-table entry maps here, if more than a page; else 0
    bool global; // the same in all address spaces
    bool translated; // page tables say so
    uint64_t same_before, same_after; // so many bytes before and behind the page have this answer too, at this distance
} TlbTranslation;

// Runs: many pages of plain RAM, one behind the other for the guest, that an access of some kind may touch without
// bookkeeping and that have the same addend. Compiled code tests them in front of the TLB: the TLB_RUN_BYTES from va on
// are inside if va - start < size.
#define TLB_RUN_BYTES 128
#define TLB_RUNS 4 // the largest for loads, that for stores; then a second one for each
typedef struct {
    struct {
        uint64_t start, size;
    } run[TLB_RUNS];
    uint64_t addend;
} TlbRuns;

typedef struct {
    // Translates va for an access of size bytes, all in one page, under MMU index mmu. False: *fault says
    // why. allow[access] is true on success; the other kinds tell what the same entry may also serve. *out is
    // zeroed beforehand. May read and write guest memory (page tables), must not call the TLB.
    bool (*translate)(void *opaque, gva_t va, unsigned size, MemAccess access, unsigned mmu,
                      TlbTranslation *out, MemFault *fault);
    void *opaque;
} TlbHooks;

// Per MMU index and access kind (spec 5.8). Each lookup counts once, in one of these; an access over two
// pages is two lookups (one, if its first page faults). hit: a slow path was called and found a plain entry
// (misaligned accesses; engines count the hits that they inline). slow_*: found an entry with
// that flag. The rest: found in a victim; translated and entered; translated and refused. A function that refuses
// what the caller then does with tlb_load, tlb_store or tlb_fetch_mmio leaves the counting to those.
typedef struct {
    uint64_t hit, slow_mmio, slow_notdirty, slow_discard, slow_recheck, slow_watch;
    uint64_t victim_hit, fill_ok, fill_fault;
} TlbCounters;

typedef struct Tlb Tlb;

// A TLB whose fast-path words (mask and table of the current data MMU index) are kept up to date in
// *fast_mask and *fast_table, which belong to the hart and outlive the TLB; both MMU indexes are 3 (M) at
// first. bits: log2 of the entries per table, TLB_MIN_BITS..TLB_MAX_BITS, or 0: start with 2^TLB_START_BITS
// and let flushes resize (R5.20). code may be NULL (no code tracking); else the caller also registers the TLB
// there (code_pages_add_tlb).
Tlb *tlb_new(struct AddressSpace *as, struct CodePages *code, const TlbHooks *hooks, unsigned bits,
             uint64_t *fast_mask, TlbEntry **fast_table);
void tlb_free(Tlb *tlb);

// Keeps runs, and those of the current data MMU index in *runs. Like the entries they stay good while nothing is
// flushed or marked. What fills find shows in *runs only after the next tlb_relieve or tlb_set_mmu, so that compiled
// code may keep the addend while it runs.
void tlb_set_runs(Tlb *tlb, TlbRuns *runs);

// The clock of R5.20 in microseconds, by default the host's; a deterministic run gives one made of
// instructions.
void tlb_set_clock(Tlb *tlb, int64_t (*now)(void *opaque), void *opaque);

// R5.20: the number of entries that a table of size entries gets at a flush, where window_max is the largest
// number in use since the window began and expired tells whether the window of 100 ms is over.
uint64_t tlb_new_size(uint64_t size, uint64_t window_max, bool expired);

// This TLB sees, in place of the RAM block, a copy of it that lies delta bytes from the original (-accel check). What
// nobody can write is seen where it is; other RAM is accessed piece by piece, so tlb_ram refuses it as it does devices.
// of NULL: no copy. Flushes.
void tlb_set_ram_copy(Tlb *tlb, const struct RamBlock *of, int64_t delta);

void tlb_set_mmu(Tlb *tlb, unsigned data_mmu, unsigned fetch_mmu); // R5.2: no flush

// Slow paths write what they find out to the tap (util/tap.h), which outlives the TLB. While there is one, whoever
// calls tlb_load, tlb_store, tlb_atomic or tlb_probe has called tap_begin, and tlb_ram is not called. NULL: none.
void tlb_set_tap(Tlb *tlb, struct Tap *tap);

// Makes the context of the space key the current one; asid is what flushes know it by. The one that was left longest
// ago is given up if there is no room. The first context has key 0 and asid 0.
void tlb_set_context(Tlb *tlb, uint64_t key, unsigned asid);

// Grows a dynamic table that keeps throwing out what it needs (its entries evicted twice over since it was last looked
// at). A guest that never flushes would otherwise stay at the first size, since R5.20 resizes in flushes only.
// Between slices: table and mask change, and runs appear.
void tlb_relieve(Tlb *tlb);

// Flushes do not touch the hart's jump cache (R5.40): that is for the caller.
void tlb_flush(Tlb *tlb); // all indexes and contexts; clean tables are skipped (R5.41)
// One page, or all pages of the page-table entry that maps va if it maps more than one: all indexes and contexts.
void tlb_flush_page(Tlb *tlb, gva_t va);
// The same for contexts alone, the last index left out, with any asid or one (TLB_ANY_ASID, or the number).
#define TLB_ANY_ASID (~0u)
void tlb_flush_space(Tlb *tlb, unsigned asid);
void tlb_flush_space_page(Tlb *tlb, gva_t va, unsigned asid);

// Sets NOTDIRTY in every entry through which these pages of RAM can be stored to: one has code now (called by
// CodePages), or they are clean in a dirty log.
void tlb_mark(Tlb *tlb, ram_t start, uint64_t len);

// --- slow paths. All may fill the table (TlbEntry pointers are void then) and call devices, locked.

// A guest load/store of 1, 2, 4 or 8 bytes, any alignment, RAM or device (spec 2.4, 2.8). False: *fault; what
// devices or the first of two pages have seen by then stays done. Naturally aligned accesses to RAM are
// single host accesses. A store to a code page calls code_pages_written for its bytes after they moved. On a
// page that is not wholly one RAM, each piece (R2.10) that falls on unassigned bytes is refused as a whole;
// one that lies over two ranges is halved until each part has one range.
bool tlb_load(Tlb *tlb, gva_t va, unsigned size, uint64_t *value, MemFault *fault);
bool tlb_store(Tlb *tlb, gva_t va, unsigned size, uint64_t value, MemFault *fault);

// The host address of [va, va+size) if it is plain RAM that this access may touch now without bookkeeping
// (NOTDIRTY is resolved first when the page holds no code any more); else NULL, with no side effect visible
// to the guest. access: ACCESS_READ or ACCESS_WRITE. Works across pages only if the host memory is
// contiguous. Good for this one access: after it the page may get code, or may have been entered for this
// address only (R5.5 invalid).
void *tlb_ram(Tlb *tlb, gva_t va, unsigned size, MemAccess access);

// Alignment, translation and permission of an atomic access of 4 or 8 bytes, checked in that order (R2.49).
// access: READ for LR, WRITE for SC and AMO. True: *host is RAM to operate on, or NULL for a device or ROM,
// where the caller uses tlb_load and tlb_store (R2.60); a fault of that tlb_load becomes ACCESS_WRITE if it
// is for an AMO. Meanwhile, until tlb_atomic_done, the hart has the big lock: no other one comes between the two, since
// whatever is accessed that way is so by every hart. False: *fault. NOTDIRTY pages are handled as a store would, before
// the caller's store: the hart may translate nothing in between. What other harts translate then is for
// tlb_atomic_done, to be called after the store and whenever tlb_atomic said true.
bool tlb_atomic(Tlb *tlb, gva_t va, unsigned size, MemAccess access, void **host, MemFault *fault);
// The load of an SC or AMO, when *host was NULL: tlb_load, counted as a lookup that no load started.
bool tlb_atomic_load(Tlb *tlb, gva_t va, unsigned size, uint64_t *value, MemFault *fault);
void tlb_atomic_done(Tlb *tlb);

// Whether an access of size bytes, all in one page, would be permitted. False: *fault.
bool tlb_probe(Tlb *tlb, gva_t va, unsigned size, MemAccess access, MemFault *fault);
// Stores zero to [va, va + size): va is a multiple of size, a power of two from 8 up to a page. Permission is looked
// at for all of it beforehand; what lies behind a device's refusal is left. False: *fault.
bool tlb_zero(Tlb *tlb, gva_t va, unsigned size, MemFault *fault);

// Instruction fetch. True: *host points at the bytes of va (valid to the end of its page) and *ram names
// them, or *host is NULL when the page is not RAM or ROM, or its permissions are finer than a page (then
// tlb_fetch_mmio reads parcels one by one; va is even). False: *fault.
bool tlb_fetch(Tlb *tlb, gva_t va, const uint8_t **host, ram_t *ram, MemFault *fault);
bool tlb_fetch_mmio(Tlb *tlb, gva_t va, uint16_t *parcel, MemFault *fault);
// What translation said about the page of the last tlb_fetch that succeeded.
typedef struct {
    bool global;
    uint8_t large_bits;
} TlbFetched;
TlbFetched tlb_fetched(const Tlb *tlb);

// --- watches (R5.5): debuggers and traces ------------------------------------------------------------------
typedef enum { TLB_FOUND, TLB_FOUND_VICTIM, TLB_FILLED } TlbFound;

typedef struct { // a load, store or atomic access of watched bytes that did not fault
    gva_t va;
    unsigned size;
    MemAccess access; // of an atomic access: as in tlb_atomic
    uint64_t value;   // loaded or stored; of an atomic access on RAM: what was there before
    gpa_t pa;
    const uint8_t *host; // NULL: a device, or RAM that is accessed piece by piece
    TlbFound found;      // how the translation (of the first page) was found
} TlbWatched;

// hook(opaque, it) is called after each access of watched bytes (an atomic one on RAM: before it), on the hart's
// thread; it does not call the TLB. While anything is watched there are no runs. NULL: no hook.
void tlb_set_watch_hook(Tlb *tlb, void (*hook)(void *opaque, const TlbWatched *it), void *opaque);
// Watches [va, va + len), which does not wrap, for loads and LR, for stores and other atomics, or both. In all spaces.
// A watch is taken back by the same arguments; false: there is no such watch. Between slices; flushes.
void tlb_watch(Tlb *tlb, gva_t va, uint64_t len, bool reads, bool writes);
bool tlb_unwatch(Tlb *tlb, gva_t va, uint64_t len, bool reads, bool writes);

// A guard is asked before each access of watched bytes (an access over two pages once, an atomic one once), on the
// hart's thread; it does not call the TLB. False: nothing is done, the access is refused by FAULT_STOP, and the
// instruction can be done again. NULL: no guard.
typedef struct {
    gva_t va;
    unsigned size;
    bool reads, writes; // both: an AMO
} TlbAsked;
void tlb_set_guard(Tlb *tlb, bool (*guard)(void *opaque, const TlbAsked *it), void *opaque);

// --- statistics --------------------------------------------------------------------------------------------
// What flushed, by operation; TLB_FLUSH_OTHER: tlb_flush (the map, PMP, a reset).
typedef enum {
    TLB_FLUSH_ALL, TLB_FLUSH_VA, TLB_FLUSH_ASID, TLB_FLUSH_VA_ASID, TLB_FLUSH_OTHER, TLB_FLUSH_KINDS
} TlbFlushKind;

typedef struct {
    TlbCounters kind[TLB_MMU_INDEXES][ACCESS_KINDS];
    uint64_t evict[TLB_MMU_INDEXES], victim_drop[TLB_MMU_INDEXES], flush_all[TLB_MMU_INDEXES];
    uint64_t flush_page[TLB_MMU_INDEXES], flush_elided[TLB_MMU_INDEXES];
    uint64_t flush_asid[TLB_MMU_INDEXES]; // of flush_all and flush_elided, those of one asid
    uint64_t grow[TLB_MMU_INDEXES], shrink[TLB_MMU_INDEXES]; // times that a table was resized
    // By how much in all, over all tables of the index: log2 of the new size less that of the old one.
    int64_t size_steps[TLB_MMU_INDEXES];
    uint64_t size[TLB_MMU_INDEXES], used[TLB_MMU_INDEXES];   // entries of the current context, without the victims
    uint64_t context_switch, context_new, context_evict; // tlb_set_context: another, a new one, in place of an old one
    uint64_t flushes[TLB_FLUSH_KINDS];   // operations, whether there was something to flush or not
    uint64_t crossings[ACCESS_KINDS];    // second lookups of accesses over two pages
    uint64_t unstarted[ACCESS_KINDS];    // lookups for what engines do not count: tlb_atomic_load
    uint64_t not_looked_up[ACCESS_KINDS]; // accesses refused before a lookup: misaligned atomic ones
} TlbStats;
void tlb_stats(const Tlb *tlb, TlbStats *out);

// Why a lookup missed (docs/tlb.md, "The host softTLB"); the first that applies.
typedef enum {
    TLB_MISS_FAULT,      // translation refused
    TLB_MISS_UPGRADE,    // there is an entry, but not for this kind of access
    TLB_MISS_COLD,       // never there
    TLB_MISS_FLUSH_ALL, TLB_MISS_FLUSH_VA, TLB_MISS_FLUSH_ASID, // the guest flushed it
    TLB_MISS_CONTEXT,    // another space took its context, or it is a global page that only other contexts have
    TLB_MISS_OTHER,      // tlb_flush
    TLB_MISS_RESIZE,     // tlb_relieve
    TLB_MISS_CONFLICT,   // replaced although the table had empty entries
    TLB_MISS_CAPACITY,   // replaced in a full table
    TLB_MISS_FORGOTTEN,  // there was no room to remember the page
    TLB_MISS_CAUSES
} TlbMissCause;
extern const char *const tlb_miss_cause_names[TLB_MISS_CAUSES]; // "fault", ...

// Keeps causes from now on: once, behind tlb_new. pages: so many are remembered at most, in each context and MMU index
// that has them (TLB_CAUSE_PAGES: 64 MB when that is reached). Costs time where lookups miss or entries go, only.
#define TLB_CAUSE_PAGES (UINT64_C(1) << 21)
void tlb_set_causes(Tlb *tlb, uint64_t pages);

#define TLB_PAGE_SIZES 6 // 4 KiB, 64 KiB, 2 MiB, 1 GiB, 512 GiB, 256 TiB
#define TLB_SIZE_NONE TLB_PAGE_SIZES // of faults
#define TLB_PRIVILEGES 4
typedef struct {
    uint64_t miss[TLB_MMU_INDEXES][ACCESS_KINDS][TLB_MISS_CAUSES];
    uint64_t size[TLB_MMU_INDEXES][ACCESS_KINDS][TLB_PAGE_SIZES + 1]; // the same misses
    uint64_t lookups[TLB_PRIVILEGES][ACCESS_KINDS]; // all that TlbCounters count, by fetch MMU index: 0 U, 1 S, 3 M
    uint64_t privilege[TLB_PRIVILEGES][ACCESS_KINDS]; // misses, likewise
    uint64_t crossings[TLB_PRIVILEGES][ACCESS_KINDS], unstarted[TLB_PRIVILEGES][ACCESS_KINDS];
    uint64_t not_looked_up[TLB_PRIVILEGES][ACCESS_KINDS];
    uint64_t remembered; // pages
    uint64_t lost;       // misses of pages that ought to be there: always 0
} TlbMissStats;
bool tlb_miss_stats(const Tlb *tlb, TlbMissStats *out); // false: causes are not kept

typedef enum { TLB_SPACE, TLB_SPACE_MACHINE, TLB_SPACE_MORE } TlbSpaceKind;
typedef struct { // the misses of a space
    TlbSpaceKind kind; // MACHINE: the last MMU index; MORE: of all spaces behind the first TLB_SPACES
    uint64_t key;      // tlb_set_context's
    unsigned asid;
    uint64_t miss[ACCESS_KINDS][TLB_MISS_CAUSES];
} TlbSpaceStats;
#define TLB_SPACES 4096
unsigned tlb_spaces(const Tlb *tlb); // with causes only, else 0
TlbSpaceStats tlb_space_stats(const Tlb *tlb, unsigned n);

// Does what is counted agree with the tables (spec 5.8)? NULL: it does; else a line with the numbers, which the caller
// frees. On the hart's thread, or while it is stopped.
char *tlb_check(const Tlb *tlb);
