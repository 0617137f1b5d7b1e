// SPDX-License-Identifier: GPL-3.0-or-later
// The tree of regions: who contains whom, and the setters with what they mark as pending (spec 1.2, 1.3, R1.41).
//
// "Enabled" in the pending rule is the region's own flag, not whether anything is visible: cheap to test, and
// at worst a commit renders the same views again.
#include "softmmu/region.h"
#include "softmmu/space.h"

// True if rendering from would come to mr.
static bool reaches(const MemoryRegion *from, const MemoryRegion *mr)
{
    if (from == mr || (from->alias && reaches(from->alias, mr))) {
        return true;
    }
    for (guint i = 0; i < from->subregions->len; i++) {
        if (reaches(from->subregions->pdata[i], mr)) {
            return true;
        }
    }
    return false;
}

static void mark_if(bool visible)
{
    if (visible) {
        space_mark_pending();
    }
}

// R1.11: everything that an alias in a container leads to counts as mapped.
static void count_aliases(MemoryRegion *mr, int by)
{
    for (mr = mr->alias; mr; mr = mr->alias) {
        mr->mapped_by_alias += (unsigned)by;
    }
}

void memory_region_add_subregion_overlap(MemoryRegion *container, uint64_t addr, MemoryRegion *child,
                                         int32_t priority)
{
    memory_transaction_begin();
    g_assert(!child->container && !container->alias);
    g_assert(!reaches(child, container));
    child->container = container;
    child->addr = addr;
    child->priority = priority;
    guint i = 0; // the newest comes first among its equals (R1.21)
    while (i < container->subregions->len &&
           ((MemoryRegion *)container->subregions->pdata[i])->priority > priority) {
        i++;
    }
    g_ptr_array_insert(container->subregions, (gint)i, child);
    count_aliases(child, 1);
    mark_if(container->enabled && child->enabled);
    memory_transaction_commit();
}

void memory_region_add_subregion(MemoryRegion *container, uint64_t addr, MemoryRegion *child)
{
    memory_region_add_subregion_overlap(container, addr, child, 0);
}

void memory_region_del_subregion(MemoryRegion *container, MemoryRegion *child)
{
    memory_transaction_begin();
    g_assert(child->container == container);
    gboolean found = g_ptr_array_remove(container->subregions, child);
    g_assert(found);
    child->container = NULL;
    count_aliases(child, -1);
    mark_if(container->enabled && child->enabled);
    memory_transaction_commit();
}

void memory_region_set_address(MemoryRegion *mr, uint64_t addr)
{
    memory_transaction_begin();
    MemoryRegion *container = mr->container;
    if (mr->addr != addr && container) {
        memory_region_del_subregion(container, mr);
        memory_region_add_subregion_overlap(container, addr, mr, mr->priority);
    }
    mr->addr = addr;
    memory_transaction_commit();
}

void memory_region_set_enabled(MemoryRegion *mr, bool enabled)
{
    memory_transaction_begin();
    mark_if(mr->enabled != enabled);
    mr->enabled = enabled;
    memory_transaction_commit();
}

void memory_region_set_size(MemoryRegion *mr, uint64_t size)
{
    memory_transaction_begin();
    g_assert(!mr->ram || region_full_size(size) <= mr->ram->size);
    mark_if(mr->size != region_full_size(size));
    mr->size = region_full_size(size);
    memory_transaction_commit();
}

// The setters of flags that matter only while the region itself is enabled.
static void set_flag(MemoryRegion *mr, bool *flag, bool value)
{
    memory_transaction_begin();
    mark_if(*flag != value && mr->enabled);
    *flag = value;
    memory_transaction_commit();
}

void memory_region_set_readonly(MemoryRegion *mr, bool readonly)
{
    g_assert(readonly || !mr->ram || !mr->ram->fixed);
    set_flag(mr, &mr->readonly, readonly);
}

void memory_region_set_nonvolatile(MemoryRegion *mr, bool nonvolatile)
{
    set_flag(mr, &mr->nonvolatile, nonvolatile);
}

void memory_region_set_unmergeable(MemoryRegion *mr, bool unmergeable)
{
    set_flag(mr, &mr->unmergeable, unmergeable);
}

void memory_region_rom_device_set_romd(MemoryRegion *mr, bool on)
{
    g_assert(mr->kind == REGION_ROM_DEVICE);
    set_flag(mr, &mr->romd, on);
}

void memory_region_set_alias_offset(MemoryRegion *mr, uint64_t offset)
{
    memory_transaction_begin();
    g_assert(mr->alias);
    mark_if(mr->alias_offset != offset && mr->enabled);
    mr->alias_offset = offset;
    memory_transaction_commit();
}
