// SPDX-License-Identifier: GPL-3.0-or-later
// Regions that translate: an access to one goes on in another address space (R1.8).
#pragma once
#include "softmmu/memory.h"

typedef enum { IOMMU_NONE = 0, IOMMU_RO = 1, IOMMU_WO = 2, IOMMU_RW = 3 } IommuAccess; // bits: read, write

typedef struct { // one mapping
    AddressSpace *target; // outlives the region; NULL if perm is IOMMU_NONE
    uint64_t addr;        // offset in the region (notifications)
    gpa_t translated;     // where it leads: (translated & ~mask) | (offset & mask)
    uint64_t mask;        // of the offset in the mapped page; a power of two less one
    IommuAccess perm;     // NONE: nothing is mapped there
} IommuEntry;

struct IommuOps {
    // What an access to the offset meets. access NONE: just tell; else a device may record a fault. index: below. Under
    // the big lock; may be called at any time, also by the page-table walk of a hart, so it changes no memory map.
    IommuEntry (*translate)(void *opaque, uint64_t offset, IommuAccess access, unsigned index);
    unsigned (*attrs_to_index)(void *opaque, MemTxAttrs attrs); // which of several tables; NULL: 0
};

void memory_region_init_iommu(MemoryRegion *mr, const IommuOps *ops, void *opaque, const char *name, uint64_t size);

struct IommuNotifier { // zeroed but for these
    void (*notify)(IommuNotifier *n, const IommuEntry *e);
    void *opaque;
    bool map, unmap;         // which notifications
    uint64_t first, last;    // offsets, inclusive
    unsigned index;
    IommuNotifier *next; // private
};
void memory_region_add_iommu_notifier(MemoryRegion *mr, IommuNotifier *n);
void memory_region_del_iommu_notifier(MemoryRegion *mr, IommuNotifier *n);
// The device's tables changed: [e->addr, e->addr + e->mask] leads to e now, or nowhere (perm NONE: an unmap). After an
// unmap no CPU uses what it knew of the region: the commit hook runs (memory_set_commit_hook), as after a commit. A
// device whose tables shrink calls it before the guest may rely on that. Takes the big lock.
void memory_region_notify_iommu(MemoryRegion *mr, unsigned index, const IommuEntry *e);

// The section behind s, if s is in a region that translates, and so on until it is not: at most the translated page;
// unassigned where the access (NONE: any) is not permitted. perm, if not NULL, tells what is permitted all the way.
MemorySection iommu_resolve(MemorySection s, IommuAccess access, MemTxAttrs attrs, IommuAccess *perm);
