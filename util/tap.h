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
#define TAP_CROSS 4u  // the second page of an access over two pages: a lookup more. Always written.
#define TAP_SHIFT 3   // of site and event
#define TAP_SITES (1u << 28)

// A site is a half-word of guest code in a block: blocks get sites in the order in which they are made, one for each
// two bytes of their length, and the site of an access is that of its instruction.
typedef enum {
    // These three come together: when a slice begins, before each event that changes what accesses mean (SPACE, MODE,
    // FLUSH, FLUSH_ALL, END), and often enough that no 16-bit count overflows between two.
    TAP_TIME,       // what: instructions retired so far
    TAP_LOADS,      // what: Tap.loads
    TAP_STORES,     // what: Tap.stores
    TAP_MODE,       // what: bits 0, 1: privilege of fetches, 2, 3: of data accesses (MPRV), 4, 5: they are translated
    TAP_SPACE,      // what: satp, from now on
    // What translation said when the emulator walked the page tables, in the present space; before or behind the
    // access. what: page | TAP_PAGE_*; count: log2 of the bytes that its page-table entry maps. Not for addresses that
    // are not translated.
    TAP_PAGE,
    // Translation or protection refused the data access last written, or a fetch, for which no other record is written.
    // what: address; count: MemAccess. last_* is TAP_NO_PAGE then.
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
    uint64_t loads, stores; // data accesses started, each instruction's once
    // cursor has reached end: takes the records, sets cursor back. On the hart's thread.
    void (*full)(Tap *tap);
    void *opaque;
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
