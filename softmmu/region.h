// SPDX-License-Identifier: GPL-3.0-or-later
// What the files about regions share.
#pragma once
#include "softmmu/memory.h"

__uint128_t region_full_size(uint64_t size); // UINT64_MAX means 2^64 (R1.3)
// Makes an initialised region answer by callbacks; asserts that the ops are well formed. NULL: it rejects.
void region_set_ops(MemoryRegion *mr, const MemoryRegionOps *ops, void *opaque);
// Whether a ROM device's reads, or any other RAM's, go straight to host memory.
static inline bool region_reads_directly(const MemoryRegion *mr)
{
    return mr->ram && (mr->kind != REGION_ROM_DEVICE || mr->romd);
}
