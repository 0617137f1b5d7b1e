// SPDX-License-Identifier: GPL-3.0-or-later
// SiFive's test finisher: a store ends the run with a status, or resets the machine.
#include "machine/devices/devices.h"

#include "util/log.h"
#include <inttypes.h>

#define FAIL  0x3333 // the exit status is in the upper half
#define PASS  0x5555
#define RESET 0x7777

static uint64_t finisher_read(void *opaque G_GNUC_UNUSED, uint64_t addr G_GNUC_UNUSED, unsigned size G_GNUC_UNUSED)
{
    return 0;
}

static void finisher_write(void *opaque, uint64_t addr, uint64_t data, unsigned size)
{
    const DeviceBus *bus = ((Device *)opaque)->bus;
    unsigned command = addr ? 0 : data & 0xffff;
    if (command == PASS)
        bus->exit(bus->opaque, 0);
    else if (command == FAIL)
        bus->exit(bus->opaque, data >> 16 & 0xffff);
    else if (command == RESET)
        bus->reset(bus->opaque);
    else if (log_on(LOG_GUEST_ERROR))
        log_printf("sifive.test: store of 0x%" PRIx64 " (size %u) at 0x%" PRIx64 " ignored\n", data, size, addr);
}

static const MemoryRegionOps finisher_ops = {
    .read = finisher_read,
    .write = finisher_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 2, .max_access_size = 4},
    .impl = {.min_access_size = 2, .max_access_size = 4},
};

static bool realize(Device *d, GError **error G_GNUC_UNUSED)
{
    device_map_io(d, &finisher_ops, d->row->size);
    return true;
}

static void describe(const Device *d, DtWriter *w)
{
    device_node(d, w, "test", "sifive,test1 sifive,test0 syscon", 0);
    dt_end(w);
}

static void describe_root(const Device *d, DtWriter *w)
{
    static const struct {
        const char *node, *compatible;
        unsigned value;
    } uses[] = {{"poweroff", "syscon-poweroff", PASS}, {"reboot", "syscon-reboot", RESET}};
    for (unsigned i = 0; i < G_N_ELEMENTS(uses); i++) {
        dt_begin(w, "%s", uses[i].node);
        dt_u32(w, "value", uses[i].value);
        dt_u32(w, "offset", 0);
        dt_u32(w, "regmap", device_phandle(d));
        dt_string(w, "compatible", uses[i].compatible);
        dt_end(w);
    }
}

const DeviceType device_sifive_test = {
    "test finisher", sizeof(Device), realize, device_unrealize, .describe = describe, .describe_root = describe_root,
};
