// SPDX-License-Identifier: GPL-3.0-or-later
// The list of address spaces, transactions, and reading the view that a space shows.
#pragma once
#include "softmmu/memory.h"

// Every address space, in creation order; belongs to space.c. Under the big lock.
GPtrArray *space_list(void);
// The outermost commit has work to do (R1.41). Inside a transaction.
void space_mark_pending(void);
// Eventfds of regions changed; no view does.
void space_mark_eventfds_pending(void);
bool space_is_pending(void); // either of the two is marked
// The view that the space shows; stays whole until space_leave, whatever is committed meanwhile.
const FlatView *space_enter(AddressSpace *as);
void space_leave(void);
// Whoever keeps what address_space_lookup and translations said forgets it now (the commit hook). Under the big lock.
void space_forget_translations(void);
void space_pages_clean(ram_t start, uint64_t len); // the clean hook, or the same
