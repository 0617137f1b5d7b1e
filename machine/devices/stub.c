// SPDX-License-Identifier: GPL-3.0-or-later
// Devices of which a board has only the place: any access succeeds, and is logged under unimp.
#include "machine/devices/devices.h"

#include "util/log.h"
#include <inttypes.h>

typedef struct {
    Device device;
    uint64_t value; // of reads
    bool quiet;
} Stub;

static uint64_t stub_read(void *opaque, uint64_t addr, unsigned size)
{
    const Stub *s = opaque;
    if (!s->quiet && log_on(LOG_UNIMP))
        log_printf("%s: unimplemented device read (size %u, offset 0x%" PRIx64 ")\n", s->device.row->name, size, addr);
    return s->value;
}

static void stub_write(void *opaque, uint64_t addr, uint64_t data, unsigned size)
{
    const Stub *s = opaque;
    if (!s->quiet && log_on(LOG_UNIMP))
        log_printf("%s: unimplemented device write (size %u, offset 0x%" PRIx64 ", value 0x%" PRIx64 ")\n",
                   s->device.row->name, size, addr, data);
}

static const MemoryRegionOps stub_ops = {
    .read = stub_read,
    .write = stub_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
    .impl = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
};

// reads=ones: a bus on which nobody answers; not logged. Else reads give 0.
static bool realize(Device *d, GError **error G_GNUC_UNUSED)
{
    Stub *s = (Stub *)d;
    g_autofree char *reads = device_property(d, "reads");
    s->quiet = reads;
    s->value = reads ? UINT64_MAX : 0;
    device_map_io(d, &stub_ops, d->row->size);
    return true;
}

const DeviceType device_stub = {"stub", sizeof(Stub), realize, device_unrealize};
