// SPDX-License-Identifier: GPL-3.0-or-later
// The list of address spaces, transactions, and reading the view that a space shows.
#pragma once
#include "softmmu/memory.h"

// Every address space, in creation order; belongs to space.c. Under the big lock.
GPtrArray *space_list(void);
// The outermost commit has work to do (R1.41). Inside a transaction.
void space_mark_pending(void);
// The view that the space shows; stays whole until space_leave, whatever is committed meanwhile.
const FlatView *space_enter(AddressSpace *as);
void space_leave(void);
// True if a view that some space shows now has a range of mr. Under the big lock.
bool space_shows(const MemoryRegion *mr);
