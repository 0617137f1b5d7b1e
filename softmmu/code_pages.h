// SPDX-License-Identifier: GPL-3.0-or-later
// Which RAM pages hold translated code, so that writes invalidate exactly what they touch (R5.60..63).
//
// Invariant: while a page is marked, every TLB entry through which it can be stored to has TLB_NOTDIRTY.
// Marking sets the flag at once; clearing leaves it, and the next store through such an entry takes it away.
//
// Harts. Each hart has its own code and its own CodePages: a view of the set that all of them share, which knows for
// each page the views that have code there. A hart's own stores invalidate its own code at once. What they hit of
// the other views is noted there, in granules of 64 bytes, and dropped by code_pages_drain: the architecture asks for
// no more than that at the other hart's fence.i (unpriv. spec 3.1).
//
// Threads. test, clear and written may be called from any thread. mark, drain and invalidate are for the thread that
// runs the view's hart. The first mark of a page reaches into the TLBs of all harts; it happens between the begin
// and end of CodePagesHooks, when no other hart is running. invalidate, for a store of the hart itself, must not free
// the block that contains the store.
#pragma once
#include "util/access.h"

struct Tlb;
typedef struct CodePages CodePages;

#define CODE_PAGES_VIEWS 64 // harts, at most

typedef struct { // around what needs all other harts stopped; NULL: there are none
    void *opaque;
    void (*begin)(void *opaque); // may let other harts run until it returns
    void (*end)(void *opaque);
} CodePagesHooks;

// invalidate(opaque, start, len): drop every translation that overlaps these RAM bytes (never more than one
// page per call); it calls code_pages_clear for pages where none is left.
CodePages *code_pages_new(void (*invalidate)(void *opaque, ram_t start, uint64_t len), void *opaque);
// The view of one more hart on the set of another. Before either hart runs.
CodePages *code_pages_new_view(CodePages *other, void (*invalidate)(void *opaque, ram_t start, uint64_t len),
                               void *opaque);
void code_pages_free(CodePages *cp); // the registered TLBs must not be used after that; the set goes with its last view
void code_pages_set_hooks(CodePages *cp, const CodePagesHooks *hooks); // for all views; before the harts run
void code_pages_add_tlb(CodePages *cp, struct Tlb *tlb); // its entries get the NOTDIRTY flag for code pages
void code_pages_remove_tlb(CodePages *cp, struct Tlb *tlb); // before tlb_free, when cp lives on

// The page of addr holds code of this view from now on. Mark a page before reading the bytes that are translated (a
// block over two pages: both): a store that comes in between is then seen. True: other harts ran meanwhile, so that
// the guest's memory map may be another one.
bool code_pages_mark(CodePages *cp, ram_t addr);
void code_pages_clear(CodePages *cp, ram_t addr); // ... no longer
bool code_pages_test(const CodePages *cp, ram_t addr); // ... of any view
// The bytes around addr, [*start, *end) at first, up to the next pages that hold code of any view: narrows them. addr's
// own page holds none.
void code_pages_gap(const CodePages *cp, ram_t addr, ram_t *start, ram_t *end);
// RAM bytes were written by this view's hart: invalidates if their pages hold code, in other views later. Called after
// the data moved, so that a block made from the old bytes in the meantime goes too.
void code_pages_written(CodePages *cp, ram_t start, uint64_t len);
// ... by somebody else than a hart: every view invalidates later.
void code_pages_written_by_other(CodePages *cp, ram_t start, uint64_t len);
// Invalidates what others have written. At fence.i, and now and then.
void code_pages_drain(CodePages *cp);

// Every store is reported too, whatever its page holds (-accel check): stored(opaque, start, len) after the
// data moved, or just before for an atomic access; code_pages_test is then true for all pages. Flush the TLBs
// after setting it.
void code_pages_watch(CodePages *cp, void (*stored)(void *opaque, ram_t start, uint64_t len), void *opaque);
