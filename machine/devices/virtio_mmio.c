// SPDX-License-Identifier: GPL-3.0-or-later
// A virtio transport of the MMIO kind (virtio 1.2, 4.2) that nothing is plugged into: its device id is 0, so drivers
// leave it alone.
#include "machine/devices/devices.h"

#define MAGIC   0x74726976 // "virt"
#define VERSION 2
#define VENDOR  0x554d4551 // as QEMU's

typedef struct {
    Device device;
    MemoryRegion mr;
} Transport;

static uint64_t transport_read(void *opaque G_GNUC_UNUSED, uint64_t addr, unsigned size G_GNUC_UNUSED)
{
    switch (addr) {
    case 0x000: return MAGIC;
    case 0x004: return VERSION;
    case 0x00c: return VENDOR;
    default: return 0;
    }
}

static void transport_write(void *opaque G_GNUC_UNUSED, uint64_t addr G_GNUC_UNUSED, uint64_t data G_GNUC_UNUSED,
                            unsigned size G_GNUC_UNUSED)
{
}

static const MemoryRegionOps transport_ops = {
    .read = transport_read,
    .write = transport_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 4},
    .impl = {.min_access_size = 1, .max_access_size = 4},
};

static bool realize(Device *d, GError **error G_GNUC_UNUSED)
{
    Transport *t = (Transport *)d;
    memory_region_init_io(&t->mr, &transport_ops, t, d->row->name, d->row->size);
    device_map(d, &t->mr, 0);
    return true;
}

static void unrealize(Device *d)
{
    Transport *t = (Transport *)d;
    device_unmap(d, &t->mr);
    memory_region_deinit(&t->mr);
}

static void describe(const Device *d, DtWriter *w)
{
    device_node(d, w, "virtio_mmio", "virtio,mmio", 0x1000);
    dt_end(w);
}

const DeviceType device_virtio_mmio = {"virtio-mmio", sizeof(Transport), realize, unrealize, .describe = describe};
