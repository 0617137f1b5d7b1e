// SPDX-License-Identifier: GPL-3.0-or-later
// Which RAM pages hold translated code, so that writes invalidate exactly what they touch (R5.60..63).
//
// Invariant: while a page is marked, every TLB entry through which it can be stored to has TLB_NOTDIRTY.
// Marking sets the flag at once; clearing leaves it, and the next store through such an entry takes it away.
//
// Threads. test, clear and written may be called from any thread. mark and add_tlb reach into TLBs, so they
// are for the thread that runs the hart, while the harts of all other registered TLBs are stopped. invalidate
// runs in the thread that calls code_pages_written: for device DMA and loaders that is the main thread, under
// memory_lock. It must be safe against a hart that is just executing the code (ask the hart to drop it, or
// wait for it), and for a store of the hart itself it must not free the block that contains the store.
#pragma once
#include "util/access.h"

struct Tlb;
typedef struct CodePages CodePages;

// invalidate(opaque, start, len): drop every translation that overlaps these RAM bytes (never more than one
// page per call); it calls code_pages_clear for pages where none is left.
CodePages *code_pages_new(void (*invalidate)(void *opaque, ram_t start, uint64_t len), void *opaque);
void code_pages_free(CodePages *cp);                     // the registered TLBs must not be used after that
void code_pages_add_tlb(CodePages *cp, struct Tlb *tlb); // its entries get the NOTDIRTY flag for code pages
void code_pages_remove_tlb(CodePages *cp, struct Tlb *tlb); // before tlb_free, when cp lives on

// The page of addr holds code from now on. Mark a page before reading the bytes that are translated (a block
// over two pages: both): a store that comes in between is then seen.
void code_pages_mark(CodePages *cp, ram_t addr);
void code_pages_clear(CodePages *cp, ram_t addr); // ... no longer
bool code_pages_test(const CodePages *cp, ram_t addr);
// RAM bytes were written by anyone: invalidates if their pages hold code. Called after the data moved, so
// that a block made from the old bytes in the meantime goes too (only tlb_atomic, where nothing can come
// between on the hart's own thread, calls it just before).
void code_pages_written(CodePages *cp, ram_t start, uint64_t len);

// Every store is reported too, whatever its page holds (-accel check): stored(opaque, start, len) after the
// data moved, or just before for an atomic access; code_pages_test is then true for all pages. Flush the TLBs
// after setting it.
void code_pages_watch(CodePages *cp, void (*stored)(void *opaque, ram_t start, uint64_t len), void *opaque);
