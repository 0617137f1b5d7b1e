// SPDX-License-Identifier: GPL-3.0-or-later
// Regions that translate: the chain of lookups, and telling who remembers results.
#include "softmmu/iommu.h"
#include "softmmu/flatview.h"
#include "softmmu/region.h"
#include "softmmu/space.h"

#define MAX_CHAIN 16 // a guest may make a circle of translations; what goes through more is unassigned

void memory_region_init_iommu(MemoryRegion *mr, const IommuOps *ops, void *opaque, const char *name, uint64_t size)
{
    g_assert(ops->translate);
    memory_region_init(mr, name, size);
    region_set_ops(mr, NULL, opaque);
    mr->iommu = ops;
}

static IommuEntry translate(const MemorySection *s, IommuAccess access, MemTxAttrs attrs)
{
    const MemoryRegion *mr = s->mr;
    memory_lock();
    unsigned index = mr->iommu->attrs_to_index ? mr->iommu->attrs_to_index(mr->opaque, attrs) : 0;
    IommuEntry e = mr->iommu->translate(mr->opaque, s->offset, access, index);
    memory_unlock();
    return e;
}

// Bytes from the offset to the end of the page.
static uint64_t rest_of_page(uint64_t offset, uint64_t mask)
{
    uint64_t last = mask - (offset & mask);
    return last == UINT64_MAX ? UINT64_MAX : last + 1;
}

MemorySection iommu_resolve(MemorySection s, IommuAccess access, MemTxAttrs attrs, IommuAccess *perm)
{
    IommuAccess all = IOMMU_RW;
    for (unsigned i = 0; s.mr && s.mr->iommu; i++) {
        IommuEntry e = translate(&s, access, attrs);
        uint64_t len = MIN(s.len, rest_of_page(s.offset, e.mask)), before = MIN(s.before, s.offset & e.mask);
        all &= e.perm;
        if (!all || (all & access) != access || i == MAX_CHAIN) {
            s = (MemorySection){.addr = s.addr, .len = len};
            all = IOMMU_NONE;
            break;
        }
        s = flatview_section(space_enter(e.target), (e.translated & ~e.mask) | (s.offset & e.mask));
        space_leave();
        s.len = MIN(s.len, len);
        s.before = MIN(s.before, before);
    }
    if (perm) {
        *perm = all;
    }
    return s;
}

// --- notifications -----------------------------------------------------------------------------------------

void memory_region_add_iommu_notifier(MemoryRegion *mr, IommuNotifier *n)
{
    memory_lock();
    g_assert(mr->iommu && n->first <= n->last);
    n->next = mr->notifiers;
    mr->notifiers = n;
    memory_unlock();
}

void memory_region_del_iommu_notifier(MemoryRegion *mr, IommuNotifier *n)
{
    memory_lock();
    IommuNotifier **p = &mr->notifiers;
    while (*p && *p != n) {
        p = &(*p)->next;
    }
    g_assert(*p);
    *p = n->next;
    memory_unlock();
}

void memory_region_notify_iommu(MemoryRegion *mr, unsigned index, const IommuEntry *e)
{
    bool unmap = e->perm == IOMMU_NONE;
    uint64_t last = e->mask > UINT64_MAX - e->addr ? UINT64_MAX : e->addr + e->mask;
    memory_lock();
    g_assert(mr->iommu);
    for (IommuNotifier *n = mr->notifiers, *next; n; n = next) {
        next = n->next; // it may remove itself
        bool wanted = unmap ? n->unmap : n->map;
        if (wanted && n->index == index && e->addr <= n->last && n->first <= last) {
            n->notify(n, e);
        }
    }
    if (unmap) {
        space_forget_translations();
    }
    memory_unlock();
}
