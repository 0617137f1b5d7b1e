// SPDX-License-Identifier: GPL-3.0-or-later
// The devices of a board, and what was loaded into its memory, as text in the shape of QEMU's info qtree and info roms.
#include "machine/board_types.h"
#include "machine/mrom.h"

#include <inttypes.h>
#include <string.h>

// A device's regions are part of it.
static bool is_of(const Device *d, const MemoryRegion *mr)
{
    const char *begin = (const char *)d, *at = (const char *)mr;
    return at >= begin && at < begin + d->type->size;
}

static void print_regions(const Device *d, GString *out)
{
    const GPtrArray *regions = d->bus->regions;
    for (guint i = 0; i < regions->len; i++) {
        const MemoryRegion *mr = regions->pdata[i];
        if (!is_of(d, mr))
            continue;
        uint64_t at = mr->container ? mr->addr : UINT64_MAX; // as QEMU shows what is mapped nowhere
        g_string_append_printf(out, "    mmio %016" PRIx64 "/%016" PRIx64 "\n", at, memory_region_size(mr));
    }
}

static void print_device(const Device *d, GString *out)
{
    g_string_append_printf(out, "  dev: %s, id \"%s\"\n    name = \"%s\"\n", d->type->name, d->id ? d->id : "",
                           d->row->name);
    if (d->row->irq)
        g_string_append_printf(out, "    irq = %u\n", d->row->irq);
    g_auto(GStrv) properties = g_strsplit(d->row->properties ? d->row->properties : "", ",", -1);
    for (char **p = properties; *p; p++) {
        const char *equals = strchr(*p, '=');
        if (equals)
            g_string_append_printf(out, "    %.*s = \"%s\"\n", (int)(equals - *p), *p, equals + 1);
    }
    print_regions(d, out);
}

void board_print_devices(Board *b, GString *out)
{
    memory_lock();
    g_string_append(out, "bus: main-system-bus\n  type System\n");
    for (guint i = 0; i < b->bus.devices->len; i++)
        print_device(b->bus.devices->pdata[i], out);
    memory_unlock();
}

void board_print_roms(Board *b, GString *out)
{
    AddressSpace *as = &address_space_memory;
    memory_lock();
    if (b->rom_row) {
        loader_print_row(out, as, b->rom_row->base, MROM_INFO, "mrom.reset");
        loader_print_row(out, as, b->rom_row->base + MROM_INFO, MROM_IMAGE_SIZE - MROM_INFO, "mrom.finfo");
    }
    if (b->loader)
        loader_print(b->loader, out);
    memory_unlock();
}
