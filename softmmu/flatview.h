// SPDX-License-Identifier: GPL-3.0-or-later
// Flat views: a region tree rendered into sorted, disjoint ranges, and lookups in them.
#pragma once
#include "softmmu/memory.h"

// The region whose rendering is the same as root's, so that spaces can share it; NULL: nothing is visible
// (R1.31).
MemoryRegion *flatview_reduce_root(MemoryRegion *root);
// What a reduced root shows: FlatRange, ascending, disjoint, merged. The caller owns the array, and no references.
GArray *flatview_render(MemoryRegion *root);
bool flatview_can_merge(const FlatRange *a, const FlatRange *b); // neighbours that are one range (R1.30)
// Renders a reduced root. For NULL always the same, empty view. The caller owns one reference.
FlatView *flatview_new(MemoryRegion *root);
FlatView *flatview_ref(FlatView *view);
void flatview_unref(FlatView *view); // the last one retires it (softmmu/grace.h); under the big lock

// The range that holds addr, else the first one above it, else NULL.
const FlatRange *flatview_find(const FlatView *view, gpa_t addr);
MemorySection flatview_section(const FlatView *view, gpa_t addr);
