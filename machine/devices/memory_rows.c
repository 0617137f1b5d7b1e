// SPDX-License-Identifier: GPL-3.0-or-later
// The rows of a board that are memory and its structure: RAM, ROM, containers, aliases, address spaces.
#include "machine/devices/devices.h"
#include "util/bits.h"
#include <inttypes.h>

static uint64_t size_of(const Device *d)
{
    return d->row->size ? d->row->size : d->bus->ram_size;
}

static bool ram_realize(Device *d, GError **error)
{
    if (!memory_region_init_ram(&d->mr, d->row->name, size_of(d), error))
        return false;
    device_map(d, &d->mr, 0);
    return true;
}

static bool rom_realize(Device *d, GError **error)
{
    if (!memory_region_init_rom(&d->mr, d->row->name, size_of(d), error))
        return false;
    device_map(d, &d->mr, 0);
    return true;
}

static bool container_realize(Device *d, GError **error G_GNUC_UNUSED)
{
    memory_region_init(&d->mr, d->row->name, d->row->size);
    device_map(d, &d->mr, 0);
    return true;
}

// A bus that devices may be plugged into at run time, which nobody does.
static void describe_platform_bus(const Device *d, DtWriter *w)
{
    const uint32_t ranges[] = {0, (uint32_t)(d->row->base >> 32), (uint32_t)d->row->base, (uint32_t)d->row->size};
    dt_begin(w, "platform-bus@%" PRIx64, d->row->base);
    dt_u32(w, "interrupt-parent", device_phandle(d->bus->interrupts));
    dt_cells(w, "ranges", ranges, 4);
    dt_u32(w, "#address-cells", 1);
    dt_u32(w, "#size-cells", 1);
    dt_words(w, "compatible", "qemu,platform simple-bus");
    dt_end(w);
}

// The RAM from offset on that the board has, at most limit bytes.
static uint64_t ram_behind(const Device *d, uint64_t offset)
{
    uint64_t ram = d->bus->ram_size;
    return offset < ram ? MIN(ram - offset, device_property_number(d, "limit", UINT64_MAX)) : 0;
}

// of=REGION, offset=N: what it shows. Size 0: a part of the RAM of at most limit=N bytes; without one it is not mapped.
// above=BASE: a window on the same addresses of REGION, behind the RAM that starts at BASE if that reaches the row's
// base, aligned to its size. enabled=0: not now.
static bool alias_realize(Device *d, GError **error G_GNUC_UNUSED)
{
    g_autofree char *target = device_property(d, "of");
    uint64_t offset = device_property_number(d, "offset", 0), ram = device_property_number(d, "above", 0), moved = 0;
    uint64_t size = d->row->size ? d->row->size : ram_behind(d, offset);
    if (ram) {
        offset = MAX(d->row->base, align_up(ram + d->bus->ram_size, size));
        moved = offset - d->row->base;
    }
    memory_region_init_alias(&d->mr, d->row->name, device_region(d->bus, target), offset, size);
    memory_region_set_enabled(&d->mr, device_property_number(d, "enabled", 1));
    if (size)
        device_map(d, &d->mr, moved);
    return true;
}

typedef struct {
    Device device;
    AddressSpace as;
} SpaceDevice;

// of=REGION: its root.
static bool space_realize(Device *d, GError **error G_GNUC_UNUSED)
{
    g_autofree char *root = device_property(d, "of");
    address_space_init(&((SpaceDevice *)d)->as, device_region(d->bus, root), d->row->name);
    return true;
}

static void space_unrealize(Device *d)
{
    address_space_deinit(&((SpaceDevice *)d)->as);
}

const DeviceType device_ram = {"ram", sizeof(Device), ram_realize, device_unrealize, DEVICE_IS_MEMORY};
const DeviceType device_rom = {"rom", sizeof(Device), rom_realize, device_unrealize, DEVICE_IS_BOARD};
const DeviceType device_container = {"container", sizeof(Device), container_realize, device_unrealize, DEVICE_IS_BOARD};
const DeviceType device_platform_bus = {
    "platform bus", sizeof(Device), container_realize, device_unrealize, DEVICE_IS_BOARD,
    .describe_root = describe_platform_bus,
};
const DeviceType device_alias = {"alias", sizeof(Device), alias_realize, device_unrealize, DEVICE_IS_BOARD};
const DeviceType device_space = {"space", sizeof(SpaceDevice), space_realize, space_unrealize, DEVICE_IS_BOARD};
