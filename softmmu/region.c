// SPDX-License-Identifier: GPL-3.0-or-later
// Regions: lifecycle, the tree, and the setters with what they mark as pending (spec 1.1 to 1.3, R1.41).
//
// "Enabled" in the pending rule is the region's own flag, not whether anything is visible: cheap to test, and
// at worst a commit renders the same views again.
#include "softmmu/grace.h"
#include "softmmu/ram.h"
#include "softmmu/space.h"

static __uint128_t full_size(uint64_t size)
{
    return size == UINT64_MAX ? (__uint128_t)1 << 64 : size;
}

void memory_region_init(MemoryRegion *mr, const char *name, uint64_t size)
{
    *mr = (MemoryRegion){
        .name = g_strdup(name ? name : ""),
        .size = full_size(size),
        .subregions = g_ptr_array_new(),
        .enabled = true,
    };
}

static bool is_access_size(unsigned size)
{
    return size <= 8 && (size & (size - 1)) == 0; // 0: not declared
}

void memory_region_init_io(MemoryRegion *mr, const MemoryRegionOps *ops, void *opaque, const char *name,
                           uint64_t size)
{
    if (ops) {
        g_assert(is_access_size(ops->valid.min_access_size) && is_access_size(ops->valid.max_access_size));
        g_assert(is_access_size(ops->impl.min_access_size) && is_access_size(ops->impl.max_access_size));
    }
    memory_region_init(mr, name, size);
    mr->ops = ops;
    mr->opaque = opaque;
    mr->terminates = true;
}

bool memory_region_init_ram(MemoryRegion *mr, const char *name, uint64_t size, GError **error)
{
    RamBlock *ram = ram_block_new(name, size, error);
    if (!ram) {
        return false;
    }
    memory_region_init(mr, name, size);
    mr->ram = ram;
    mr->terminates = true;
    return true;
}

bool memory_region_init_rom(MemoryRegion *mr, const char *name, uint64_t size, GError **error)
{
    if (!memory_region_init_ram(mr, name, size, error)) {
        return false;
    }
    mr->readonly = true;
    return true;
}

void memory_region_init_alias(MemoryRegion *mr, const char *name, MemoryRegion *target, uint64_t offset,
                              uint64_t size)
{
    g_assert(target);
    memory_region_init(mr, name, size);
    mr->alias = target;
    mr->alias_offset = offset;
}

void memory_region_deinit(MemoryRegion *mr)
{
    g_assert(!mr->container);
    memory_transaction_begin();
    while (mr->subregions->len) {
        memory_region_del_subregion(mr, mr->subregions->pdata[0]);
    }
    memory_transaction_commit();
    memory_lock();
    g_assert(!space_shows(mr));
    grace_wait();
    memory_unlock();
    ram_block_free(mr->ram);
    g_ptr_array_free(mr->subregions, TRUE);
    g_free((char *)mr->name);
    *mr = (MemoryRegion){0};
}

void memory_region_set_owner(MemoryRegion *mr, void *owner)
{
    mr->owner = owner;
}

uint64_t memory_region_size(const MemoryRegion *mr)
{
    return mr->size > UINT64_MAX ? UINT64_MAX : (uint64_t)mr->size;
}

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

void memory_region_add_subregion_overlap(MemoryRegion *container, uint64_t addr, MemoryRegion *child,
                                         int32_t priority)
{
    g_assert(!child->container && !container->alias);
    memory_transaction_begin();
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
    mark_if(container->enabled && child->enabled);
    memory_transaction_commit();
}

void memory_region_add_subregion(MemoryRegion *container, uint64_t addr, MemoryRegion *child)
{
    memory_region_add_subregion_overlap(container, addr, child, 0);
}

void memory_region_del_subregion(MemoryRegion *container, MemoryRegion *child)
{
    g_assert(child->container == container);
    memory_transaction_begin();
    gboolean found = g_ptr_array_remove(container->subregions, child);
    g_assert(found);
    child->container = NULL;
    mark_if(container->enabled && child->enabled);
    memory_transaction_commit();
}

void memory_region_set_address(MemoryRegion *mr, uint64_t addr)
{
    if (mr->addr == addr) {
        return;
    }
    MemoryRegion *container = mr->container;
    if (!container) {
        mr->addr = addr;
        return;
    }
    memory_transaction_begin();
    memory_region_del_subregion(container, mr);
    memory_region_add_subregion_overlap(container, addr, mr, mr->priority);
    memory_transaction_commit();
}

void memory_region_set_enabled(MemoryRegion *mr, bool enabled)
{
    if (mr->enabled == enabled) {
        return;
    }
    memory_transaction_begin();
    mr->enabled = enabled;
    space_mark_pending();
    memory_transaction_commit();
}

void memory_region_set_size(MemoryRegion *mr, uint64_t size)
{
    if (mr->size == full_size(size)) {
        return;
    }
    g_assert(!mr->ram || full_size(size) <= mr->ram->size);
    memory_transaction_begin();
    mr->size = full_size(size);
    space_mark_pending();
    memory_transaction_commit();
}

// The setters of flags that matter only while the region itself is enabled.
static void set_flag(MemoryRegion *mr, bool *flag, bool value)
{
    if (*flag == value) {
        return;
    }
    memory_transaction_begin();
    *flag = value;
    mark_if(mr->enabled);
    memory_transaction_commit();
}

void memory_region_set_readonly(MemoryRegion *mr, bool readonly)
{
    set_flag(mr, &mr->readonly, readonly);
}

void memory_region_set_unmergeable(MemoryRegion *mr, bool unmergeable)
{
    set_flag(mr, &mr->unmergeable, unmergeable);
}

void memory_region_set_alias_offset(MemoryRegion *mr, uint64_t offset)
{
    g_assert(mr->alias);
    if (mr->alias_offset == offset) {
        return;
    }
    memory_transaction_begin();
    mr->alias_offset = offset;
    mark_if(mr->enabled);
    memory_transaction_commit();
}
