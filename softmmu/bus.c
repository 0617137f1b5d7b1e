// SPDX-License-Identifier: GPL-3.0-or-later
// Physical accesses through an address space: DMA, loaders, single values (spec 2.5, 2.6).
//
// A transfer goes through one view from start to end, even if a device it calls changes the topology. Unlike
// the CPU, a transfer narrows its accesses to what a device takes (R2.21); like the CPU, it never reaches
// past the end of the range a device shows (docs/memory.md).
#include "softmmu/bus.h"
#include "softmmu/access_host.h"
#include "softmmu/dirty.h"
#include "softmmu/flatview.h"
#include "softmmu/iommu.h"
#include "softmmu/memory_ldst.h"
#include "softmmu/region.h"
#include "softmmu/space.h"

static void (*ram_written_hook)(void *opaque, ram_t start, uint64_t len);
static void *ram_written_opaque;

void memory_set_ram_written_hook(void (*hook)(void *opaque, ram_t start, uint64_t len), void *opaque)
{
    ram_written_hook = hook;
    ram_written_opaque = opaque;
}

void memory_ram_written(ram_t start, uint64_t len)
{
    dirty_mark(start, len);
    if (ram_written_hook) {
        ram_written_hook(ram_written_opaque, start, len);
    }
}

static void section_written(const MemorySection *s, uint64_t len)
{
    memory_ram_written(s->mr->ram->offset + s->offset, len);
}

// The size of the next access to a device with len bytes to go (R2.20).
static unsigned step_size(const MemorySection *s, uint64_t len)
{
    const MemoryRegionOps *ops = s->mr->ops;
    uint64_t size = ops->valid.max_access_size ? ops->valid.max_access_size : 4;
    if (!ops->impl.unaligned && s->offset) {
        size = MIN(size, s->offset & -s->offset);
    }
    size = MIN(size, len);
    return 1u << (63 - __builtin_clzll(size));
}

static MemTxResult device_step(const MemorySection *s, const BusAccess *t, uint8_t *buf, unsigned size)
{
    uint64_t le = 0; // the buffer's bytes in memory order
    if (t->is_write) {
        memcpy(&le, buf, size);
        return memory_region_dispatch_write(s->mr, s->offset, GUINT64_FROM_LE(le), size, t->attrs);
    }
    uint64_t value;
    MemTxResult result = memory_region_dispatch_read(s->mr, s->offset, &value, size, t->attrs);
    le = GUINT64_TO_LE(value);
    memcpy(buf, &le, size);
    return result;
}

MemorySection bus_section(const FlatView *view, gpa_t addr, const BusAccess *a)
{
    MemorySection s = flatview_section(view, addr);
    if (s.mr && s.mr->iommu) {
        s = iommu_resolve(s, a->is_write ? IOMMU_WO : IOMMU_RO, a->attrs, NULL);
    }
    return s;
}

bool bus_direct(const MemorySection *s, const BusAccess *a)
{
    if (!s->host || s->mr->kind == REGION_RAM_DEVICE) {
        return false;
    }
    return !a->is_write || s->direct_write || (a->into_rom && !s->mr->ram->fixed);
}

// R2.25: an access that is for memory only met something else.
static bool denied(const MemorySection *s, const BusAccess *a)
{
    return a->attrs.memory && !(s->mr && s->mr->ram && s->mr->kind != REGION_ROM_DEVICE);
}

// Does the first part of a transfer, at most *len bytes that lie in s; *len says how many those were.
static MemTxResult transfer_step(const MemorySection *s, const BusAccess *t, uint8_t *buf, uint64_t *len)
{
    bool refused = denied(s, t), direct = !refused && bus_direct(s, t);
    if (direct && t->is_write) {
        memcpy(s->host, buf, *len);
        section_written(s, *len);
        return MEMTX_OK;
    }
    if (direct) {
        memcpy(buf, s->host, *len);
        return MEMTX_OK;
    }
    if (t->ram_only) {
        return MEMTX_OK;
    }
    if (!refused && s->mr && s->mr->ops) {
        *len = step_size(s, *len);
        return device_step(s, t, buf, (unsigned)*len);
    }
    if (!t->is_write) {
        memset(buf, 0, *len);
    }
    return refused ? MEMTX_ACCESS_ERROR : MEMTX_DECODE_ERROR;
}

static MemTxResult transfer(AddressSpace *as, gpa_t addr, const BusAccess *t, uint8_t *buf, uint64_t len)
{
    MemTxResult result = MEMTX_OK;
    const FlatView *view = space_enter(as);
    while (len) {
        MemorySection s = bus_section(view, addr, t);
        uint64_t part = MIN(len, s.len);
        result |= transfer_step(&s, t, buf, &part);
        addr += part;
        buf += part;
        len -= part;
    }
    space_leave();
    return result;
}

MemTxResult address_space_rw(AddressSpace *as, gpa_t addr, MemTxAttrs attrs, void *buf, uint64_t len,
                             bool is_write)
{
    BusAccess t = {.attrs = attrs, .is_write = is_write, .into_rom = attrs.debug};
    return transfer(as, addr, &t, buf, len);
}

MemTxResult address_space_read(AddressSpace *as, gpa_t addr, MemTxAttrs attrs, void *buf, uint64_t len)
{
    return address_space_rw(as, addr, attrs, buf, len, false);
}

MemTxResult address_space_write(AddressSpace *as, gpa_t addr, MemTxAttrs attrs, const void *buf, uint64_t len)
{
    return address_space_rw(as, addr, attrs, (void *)buf, len, true);
}

MemTxResult address_space_write_rom(AddressSpace *as, gpa_t addr, const void *buf, uint64_t len)
{
    BusAccess t = {.is_write = true, .into_rom = true, .ram_only = true};
    return transfer(as, addr, &t, (void *)buf, len);
}

// --- single values (spec 2.6) ------------------------------------------------------------------------------

static void set_result(MemTxResult *result, MemTxResult value)
{
    if (result) {
        *result = value;
    }
}

// The region that an access which is not direct is dispatched to; NULL: none takes it.
static MemoryRegion *target(const MemorySection *s, unsigned size)
{
    return s->len >= size ? s->mr : NULL;
}

uint64_t address_space_load(AddressSpace *as, gpa_t addr, unsigned size, MemTxAttrs attrs, MemTxResult *result)
{
    g_assert(size == 1 || size == 2 || size == 4 || size == 8);
    uint64_t value = 0;
    MemTxResult r = MEMTX_OK;
    BusAccess a = {.attrs = attrs};
    MemorySection s = bus_section(space_enter(as), addr, &a);
    if (denied(&s, &a)) {
        r = MEMTX_ACCESS_ERROR;
    } else if (s.len >= size && bus_direct(&s, &a)) {
        value = host_load(s.host, size);
    } else {
        r = memory_region_dispatch_read(target(&s, size), s.offset, &value, size, attrs);
    }
    space_leave();
    set_result(result, r);
    return value;
}

void address_space_store(AddressSpace *as, gpa_t addr, unsigned size, uint64_t value, MemTxAttrs attrs,
                         MemTxResult *result)
{
    g_assert(size == 1 || size == 2 || size == 4 || size == 8);
    MemTxResult r = MEMTX_OK;
    BusAccess a = {.attrs = attrs, .is_write = true, .into_rom = attrs.debug};
    MemorySection s = bus_section(space_enter(as), addr, &a);
    if (denied(&s, &a)) {
        r = MEMTX_ACCESS_ERROR;
    } else if (s.len >= size && bus_direct(&s, &a)) {
        host_store(s.host, size, value);
        section_written(&s, size);
    } else {
        r = memory_region_dispatch_write(target(&s, size), s.offset, value, size, attrs);
    }
    space_leave();
    set_result(result, r);
}

uint64_t address_space_ld(AddressSpace *as, gpa_t addr, unsigned size, MemTxResult *result)
{
    return address_space_load(as, addr, size, MEMTXATTRS_NONE, result);
}

void address_space_st(AddressSpace *as, gpa_t addr, unsigned size, uint64_t value, MemTxResult *result)
{
    address_space_store(as, addr, size, value, MEMTXATTRS_NONE, result);
}
