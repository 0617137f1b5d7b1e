// SPDX-License-Identifier: GPL-3.0-or-later
// Physical accesses through an address space: DMA, loaders, single values (spec 2.5, 2.6).
//
// A transfer goes through one view from start to end, even if a device it calls changes the topology. Unlike
// the CPU, a transfer narrows its accesses to what a device takes (R2.21); like the CPU, it never reaches
// past the end of the range a device shows (docs/memory.md).
#include "softmmu/flatview.h"
#include "softmmu/space.h"
#include <string.h>

typedef struct {
    MemTxAttrs attrs;
    bool is_write;
    bool into_rom;  // a direct write may change read-only memory
    bool ram_only;  // skip the rest without a word
} Transfer;

static void (*ram_written_hook)(void *opaque, ram_t start, uint64_t len);
static void *ram_written_opaque;

void memory_set_ram_written_hook(void (*hook)(void *opaque, ram_t start, uint64_t len), void *opaque)
{
    ram_written_hook = hook;
    ram_written_opaque = opaque;
}

void memory_ram_written(ram_t start, uint64_t len)
{
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

static MemTxResult device_step(const MemorySection *s, const Transfer *t, uint8_t *buf, unsigned size)
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

// Does the first part of a transfer, at most *len bytes that lie in s; *len says how many those were.
static MemTxResult transfer_step(const MemorySection *s, const Transfer *t, uint8_t *buf, uint64_t *len)
{
    bool direct = t->is_write ? s->direct_write || (s->host && t->into_rom) : s->host != NULL;
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
    bool denied = t->attrs.memory && !s->host;
    if (!denied && s->mr && s->mr->ops) {
        *len = step_size(s, *len);
        return device_step(s, t, buf, (unsigned)*len);
    }
    if (!t->is_write) {
        memset(buf, 0, *len);
    }
    return denied ? MEMTX_ACCESS_ERROR : MEMTX_DECODE_ERROR;
}

static MemTxResult transfer(AddressSpace *as, gpa_t addr, const Transfer *t, uint8_t *buf, uint64_t len)
{
    MemTxResult result = MEMTX_OK;
    const FlatView *view = space_enter(as);
    while (len) {
        MemorySection s = flatview_section(view, addr);
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
    Transfer t = {.attrs = attrs, .is_write = is_write, .into_rom = attrs.debug};
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
    Transfer t = {.is_write = true, .into_rom = true, .ram_only = true};
    return transfer(as, addr, &t, (void *)buf, len);
}

// Loads and stores of host memory in one piece, so that harts that run beside see all of it or nothing.
static uint64_t host_load(const uint8_t *host, unsigned size)
{
    uint64_t le = 0;
    switch (size) {
    case 1: return *host;
    case 2: memcpy(&le, host, 2); break;
    case 4: memcpy(&le, host, 4); break;
    default: memcpy(&le, host, 8); break;
    }
    return GUINT64_FROM_LE(le);
}

static void host_store(uint8_t *host, unsigned size, uint64_t value)
{
    uint64_t le = GUINT64_TO_LE(value);
    switch (size) {
    case 1: memcpy(host, &le, 1); break;
    case 2: memcpy(host, &le, 2); break;
    case 4: memcpy(host, &le, 4); break;
    default: memcpy(host, &le, 8); break;
    }
}

static void set_result(MemTxResult *result, MemTxResult value)
{
    if (result) {
        *result = value;
    }
}

uint64_t address_space_ld(AddressSpace *as, gpa_t addr, unsigned size, MemTxResult *result)
{
    g_assert(size == 1 || size == 2 || size == 4 || size == 8);
    uint64_t value = 0;
    MemTxResult r = MEMTX_OK;
    MemorySection s = flatview_section(space_enter(as), addr);
    if (s.host && s.len >= size) {
        value = host_load(s.host, size);
    } else {
        r = memory_region_dispatch_read(s.len >= size ? s.mr : NULL, s.offset, &value, size, MEMTXATTRS_NONE);
    }
    space_leave();
    set_result(result, r);
    return value;
}

void address_space_st(AddressSpace *as, gpa_t addr, unsigned size, uint64_t value, MemTxResult *result)
{
    g_assert(size == 1 || size == 2 || size == 4 || size == 8);
    MemTxResult r = MEMTX_OK;
    MemorySection s = flatview_section(space_enter(as), addr);
    if (s.direct_write && s.len >= size) {
        host_store(s.host, size, value);
        section_written(&s, size);
    } else {
        r = memory_region_dispatch_write(s.len >= size ? s.mr : NULL, s.offset, value, size, MEMTXATTRS_NONE);
    }
    space_leave();
    set_result(result, r);
}
