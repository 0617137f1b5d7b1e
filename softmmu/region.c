// SPDX-License-Identifier: GPL-3.0-or-later
// Regions: those without host memory, references, owners, the end (spec 1.1, 1.2).
//
// A region is embedded in its device, so nobody frees it; references tell when it may go. There are none left once the
// last view that shows it has retired and every finder and mapper has let go. Each counts for the owner too, so that
// an owner without references has no region that anybody looks at.
#include "softmmu/grace.h"
#include "softmmu/ioeventfd.h"
#include "softmmu/lock.h"
#include "softmmu/ram.h"
#include "softmmu/region.h"

__uint128_t region_full_size(uint64_t size)
{
    return size == UINT64_MAX ? (__uint128_t)1 << 64 : size;
}

void memory_region_init(MemoryRegion *mr, const char *name, uint64_t size)
{
    *mr = (MemoryRegion){
        .name = g_strdup(name ? name : ""),
        .size = region_full_size(size),
        .subregions = g_ptr_array_new(),
        .enabled = true,
        .romd = true,
    };
}

static bool is_access_size(unsigned size)
{
    return size <= 8 && (size & (size - 1)) == 0; // 0: not declared
}

void region_set_ops(MemoryRegion *mr, const MemoryRegionOps *ops, void *opaque)
{
    if (ops) {
        g_assert(is_access_size(ops->valid.min_access_size) && is_access_size(ops->valid.max_access_size));
        g_assert(is_access_size(ops->impl.min_access_size) && is_access_size(ops->impl.max_access_size));
    }
    mr->ops = ops;
    mr->opaque = opaque;
    mr->terminates = true;
}

void memory_region_init_io(MemoryRegion *mr, const MemoryRegionOps *ops, void *opaque, const char *name,
                           uint64_t size)
{
    memory_region_init(mr, name, size);
    region_set_ops(mr, ops, opaque);
}

void memory_region_init_alias(MemoryRegion *mr, const char *name, MemoryRegion *target, uint64_t offset,
                              uint64_t size)
{
    g_assert(target);
    memory_region_init(mr, name, size);
    mr->alias = target;
    mr->alias_offset = offset;
}

// Views go when their readers have left; the rest is up to others.
static void wait_for_references(MemoryRegion *mr)
{
    memory_lock();
    while (__atomic_load_n(&mr->refs, __ATOMIC_ACQUIRE)) {
        grace_wait();
        if (__atomic_load_n(&mr->refs, __ATOMIC_ACQUIRE)) {
            lock_pause();
        }
    }
    memory_unlock();
}

void memory_region_deinit(MemoryRegion *mr)
{
    memory_transaction_begin();
    g_assert(!memory_region_is_mapped(mr));
    while (mr->subregions->len) {
        memory_region_del_subregion(mr, mr->subregions->pdata[0]);
    }
    memory_transaction_commit();
    wait_for_references(mr);
    ram_block_free(mr->ram);
    ioeventfds_free(mr);
    g_ptr_array_free(mr->subregions, TRUE);
    g_free((char *)mr->name);
    *mr = (MemoryRegion){0};
}

// --- references --------------------------------------------------------------------------------------------

void memory_owner_init(MemoryOwner *owner, const char *type, const char *path, bool device,
                       void (*release)(MemoryOwner *owner))
{
    *owner = (MemoryOwner){.path = path, .type = type, .device = device, .refs = 1, .release = release};
}

static void owner_ref(MemoryOwner *owner)
{
    if (owner) {
        __atomic_add_fetch(&owner->refs, 1, __ATOMIC_RELAXED);
    }
}

void memory_owner_unref(MemoryOwner *owner)
{
    if (!owner || __atomic_sub_fetch(&owner->refs, 1, __ATOMIC_ACQ_REL)) {
        return;
    }
    if (owner->release) {
        memory_lock();
        owner->release(owner);
        memory_unlock();
    }
}

void memory_region_ref(MemoryRegion *mr)
{
    owner_ref(mr->owner);
    __atomic_add_fetch(&mr->refs, 1, __ATOMIC_RELAXED);
}

void memory_region_unref(MemoryRegion *mr)
{
    MemoryOwner *owner = mr->owner; // the region may be gone after the next line
    unsigned left = __atomic_sub_fetch(&mr->refs, 1, __ATOMIC_RELEASE);
    g_assert(left != UINT_MAX);
    memory_owner_unref(owner);
}

void memory_region_set_owner(MemoryRegion *mr, MemoryOwner *owner)
{
    g_assert(!mr->refs);
    mr->owner = owner;
}

void memory_region_set_parent(MemoryRegion *mr, MemoryOwner *parent)
{
    mr->parent = parent;
}

void memory_region_set_reentrant(MemoryRegion *mr, bool reentrant)
{
    mr->reentrant = reentrant;
}

// --- questions ---------------------------------------------------------------------------------------------

uint64_t memory_region_size(const MemoryRegion *mr)
{
    return mr->size > UINT64_MAX ? UINT64_MAX : (uint64_t)mr->size;
}

uint8_t *memory_region_ram_ptr(const MemoryRegion *mr)
{
    g_assert(mr->ram);
    return mr->ram->host;
}

bool memory_region_is_mapped(const MemoryRegion *mr)
{
    return mr->container || mr->mapped_by_alias;
}
