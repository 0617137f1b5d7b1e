// SPDX-License-Identifier: GPL-3.0-or-later
// The machine's roots.
#include "softmmu/system.h"

#define PORTS 65536

AddressSpace address_space_memory, address_space_io;
static MemoryRegion system_memory, system_io;

static uint64_t port_read(void *opaque G_GNUC_UNUSED, uint64_t addr G_GNUC_UNUSED, unsigned size G_GNUC_UNUSED)
{
    return UINT64_MAX;
}

static void port_write(void *opaque G_GNUC_UNUSED, uint64_t addr G_GNUC_UNUSED, uint64_t data G_GNUC_UNUSED,
                       unsigned size G_GNUC_UNUSED)
{
}

static const MemoryRegionOps port_ops = {
    .read = port_read,
    .write = port_write,
    .endianness = DEVICE_NATIVE_ENDIAN,
    .valid = {.unaligned = true},
    .impl = {.unaligned = true},
};

void memory_map_init(MemoryOwner *parent)
{
    g_assert(!address_space_memory.view); // one machine at a time
    memory_region_init(&system_memory, "system", UINT64_MAX);
    memory_region_init_io(&system_io, &port_ops, NULL, "io", PORTS);
    memory_region_set_parent(&system_memory, parent);
    memory_region_set_parent(&system_io, parent);
    address_space_init(&address_space_memory, &system_memory, "memory");
    address_space_init(&address_space_io, &system_io, "I/O");
}

void memory_map_exit(void)
{
    address_space_deinit(&address_space_io);
    address_space_deinit(&address_space_memory);
    memory_region_deinit(&system_io);
    memory_region_deinit(&system_memory);
}

MemoryRegion *get_system_memory(void)
{
    return &system_memory;
}

MemoryRegion *get_system_io(void)
{
    return &system_io;
}
