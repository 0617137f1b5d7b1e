// SPDX-License-Identifier: GPL-3.0-or-later
// The tap: what a hart's memory accesses look like to a TLB, written down while the guest runs (docs/tlb.md).
//
// An access of the page that the access before it touched is a hit in any TLB and changes no order of replacement, so
// engines only write a record where the page changes: of data accesses (loads and stores together), and of fetches. The
// other accesses are counted. The same records, in the same order, come from every engine.
//
// Everything else that matters to a TLB stands between them as events: what translation said about a page, faults,
// fences, satp, privilege. Records of a hart are written by its own thread; a full buffer is handed to whoever listens.
#pragma once
#include "util/access.h"
#include <stddef.h>

typedef struct {
    uint64_t what;  // access: the guest virtual address of its first byte in the page; event: see TapEvent
    uint32_t tag;   // bits 0, 1: MemAccess, or TAP_EVENT; bit 2: TAP_CROSS; from bit 3: the site, or the TapEvent
    // data access: low 16 bits of Tap.loads | low 16 bits of Tap.stores << 16, both without this access;
    // fetch: low 32 bits of the instructions retired before it; event: see TapEvent
    uint32_t count;
} TapRecord;
_Static_assert(sizeof(TapRecord) == 16, "compiled code writes this layout");

#define TAP_KIND 3u
#define TAP_EVENT 3u  // in TAP_KIND
// The second page of an access over two pages: a lookup more, always written. count is that of the access, as in the
// record of its first page, which is counted where that page is: by that record, or the one before if there is none.
#define TAP_CROSS 4u
#define TAP_SHIFT 3   // of site and event
#define TAP_SITES (1u << 28)

// A site is a half-word of guest code in a block: blocks get sites in the order in which they are made, one for each
// two bytes of their length, and the site of an access is that of its instruction.
typedef enum {
    // These three come together: when a slice begins, before each event that changes what accesses mean (SPACE, MODE,
    // FLUSH, FLUSH_ALL, END), and often enough that no 16-bit count overflows between two. A stream begins with them,
    // SPACE and MODE.
    TAP_TIME,       // what: instructions retired so far
    TAP_LOADS,      // what: Tap.loads
    TAP_STORES,     // what: Tap.stores
    // what: bits 0, 1: privilege of fetches, 2, 3: of data accesses (MPRV), 4, 5: they are translated. It has changed.
    TAP_MODE,
    TAP_SPACE,      // what: satp, from now on
    // What translation said when the emulator walked the page tables, in the present space; before or behind the
    // access. what: page | TAP_PAGE_*; count: log2 of the bytes that its page-table entry maps. Not for addresses that
    // are not translated.
    TAP_PAGE,
    // Translation, protection or, of atomics, alignment refused the data access last written, which is written even if
    // it passes, or a fetch, for which no other record is written. what: address; count: MemAccess. last_* is
    // TAP_NO_PAGE then.
    TAP_FAULT,
    TAP_FLUSH,      // sfence.vma, sinval.vma: what: address; count: ASID | TAP_FLUSH_*
    TAP_FLUSH_ALL,  // by another cause; what: TapFlushCause
    TAP_BLOCK,      // a block got sites; what: its guest address; count: half-words
    TAP_BLOCK_OPS,  // behind TAP_BLOCK: what: instructions | loads << 16 | stores << 32; count: number of the block
    TAP_BLOCK_RUNS, // what: executions of block number `count` since it was made; before END and when it is dropped
    // The emulator's own TLB (not hardware's) had no entry for the access last written, or a fetch. what: address;
    // count: MemAccess | TlbMissCause << 2 (softmmu/tlb.h). For the host report by symbol only.
    TAP_HOST_MISS,
    TAP_END,        // of the hart's stream
    TAP_EVENTS
} TapEvent;

// allow: what the translation lets this privilege do; a page may be written only when its D bit is set.
enum { TAP_PAGE_READ = 1, TAP_PAGE_WRITE = 2, TAP_PAGE_EXEC = 4, TAP_PAGE_GLOBAL = 8 };
enum { TAP_FLUSH_ASID = 1u << 16, TAP_FLUSH_VA = 1u << 17 }; // rs2, rs1 were not x0
typedef enum { TAP_FLUSH_RESET, TAP_FLUSH_PMP, TAP_FLUSH_MAP } TapFlushCause; // MAP: the board's, no hardware TLB's

#define TAP_NO_PAGE UINT64_C(0x5555555555555001) // Tap.last_*: no access passes

typedef struct Tap Tap;
struct Tap { // in IrEnv, at fixed offsets for compiled code
    TapRecord *cursor, *end; // NULL, NULL: off
    // The page of the last data access: its address, | 0xfff if that page was stored to since it became the last one,
    // so that a load passes if (va ^ last_data) < 4096 and a store if (va | 0xfff) == last_data. TAP_NO_PAGE after an
    // event that changes what accesses mean.
    uint64_t last_data;
    uint64_t last_fetch; // page of the last fetch, or TAP_NO_PAGE
    // Data accesses started, each instruction's once: LR is a load, SC (whatever it does) and AMO are stores, cbo.zero
    // is a store, the other cbo are loads. Baseline code adds those of a block when it enters it.
    uint64_t loads, stores;
    // cursor has reached end: takes the records, sets cursor back, where cursor[-1] can be read and is the last record
    // still. On the hart's thread, or another one while the hart is stopped.
    void (*full)(Tap *tap);
    void *opaque;
    // Of the data access that is in a slow path (softmmu/access.c), and is among loads and stores: its tag; whether a
    // record of it was written.
    uint32_t tag;
    bool written;
    bool late; // the board's memory map changed: TAP_FLUSH_MAP is still to be written
};

static inline void tap_put(Tap *tap, uint64_t what, uint32_t tag, uint32_t count)
{
    *tap->cursor++ = (TapRecord){what, tag, count};
    if (tap->cursor == tap->end)
        tap->full(tap);
}

// Nothing if the tap is off.
static inline void tap_event(Tap *tap, TapEvent event, uint64_t what, uint32_t count)
{
    if (tap && tap->cursor)
        tap_put(tap, what, (uint32_t)event << TAP_SHIFT | TAP_EVENT, count);
}

// Does it need no record?
static inline bool tap_passes(const Tap *tap, uint64_t va, MemAccess access)
{
    return access == ACCESS_READ ? (va ^ tap->last_data) < PAGE_SIZE : (va | ~PAGE_MASK) == tap->last_data;
}

static inline uint32_t tap_count(const Tap *tap)
{
    return (uint32_t)(tap->loads & 0xffff) | (uint32_t)tap->stores << 16;
}

// The record of a data access that is not counted yet. tag: its site << TAP_SHIFT.
static inline void tap_record(Tap *tap, uint64_t va, MemAccess access, uint32_t tag)
{
    tap->last_data = access == ACCESS_READ ? va & PAGE_MASK : va | ~PAGE_MASK;
    tap_put(tap, va, tag | access, tap_count(tap));
}

// A fetch, with icount instructions retired before it.
static inline void tap_record_fetch(Tap *tap, uint64_t va, uint32_t tag, uint64_t icount)
{
    tap->last_fetch = va & PAGE_MASK;
    tap_put(tap, va, tag | ACCESS_FETCH, (uint32_t)icount);
}

// Counts or takes back one data access.
static inline void tap_add(Tap *tap, MemAccess access, uint64_t n)
{
    *(access == ACCESS_READ ? &tap->loads : &tap->stores) += n;
}

static inline void tap_forget(Tap *tap)
{
    tap->last_data = tap->last_fetch = TAP_NO_PAGE;
}

// Before a slow path (Tap.tag): the access is counted, and its record was written last unless it passed.
static inline void tap_begin(Tap *tap, uint64_t va, MemAccess access, uint32_t tag)
{
    const TapRecord *last = &tap->cursor[-1];
    tap_add(tap, access, UINT64_MAX);
    tap->tag = tag;
    tap->written = last->what == va && last->tag == (tag | access) && last->count == tap_count(tap);
    tap_add(tap, access, 1);
}

// In a slow path: the access goes on to the page of va.
static inline void tap_cross(Tap *tap, uint64_t va, MemAccess access)
{
    tap_add(tap, access, UINT64_MAX);
    tap_record(tap, va, access, tap->tag | TAP_CROSS);
    tap_add(tap, access, 1);
    tap->written = true;
}

// In a slow path: the access is refused at va.
static inline void tap_refused(Tap *tap, uint64_t va, MemAccess access)
{
    if (!tap->written) {
        tap_add(tap, access, UINT64_MAX);
        tap_record(tap, va, access, tap->tag);
        tap_add(tap, access, 1);
    }
    tap_event(tap, TAP_FAULT, va, access);
    tap_forget(tap);
}
