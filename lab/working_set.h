// SPDX-License-Identifier: GPL-3.0-or-later
// How many different pages are used in each window of instructions, of whatever length the windows turn out to need.
#pragma once
#include "util/access.h"
#include <glib.h>

typedef struct WorkingSet WorkingSet;

WorkingSet *working_set_new(void);
void working_set_free(WorkingSet *w);
// A page (its first address and, in the low bits, whatever else tells it from others) is used at this time, and until
// the next page is. insns never falls.
void working_set_touch(WorkingSet *w, uint64_t page, uint32_t space, uint64_t insns);
// From now on no page is used.
void working_set_leave(WorkingSet *w, uint64_t insns);
void working_set_end(WorkingSet *w, uint64_t insns); // the run's length
// log2 of the window that leaves at most WORKING_SET_WINDOWS of them.
unsigned working_set_bits(const WorkingSet *w);
#define WORKING_SET_WINDOWS 512
// Pages in window n of 2^bits instructions; bits: working_set_bits or more.
uint32_t working_set_pages(const WorkingSet *w, unsigned bits, uint64_t n);
