// SPDX-License-Identifier: GPL-3.0-or-later
// -device edu and -device hitb: they are PCI devices in QEMU; here each has a place of its own in the memory map, which
// the device tree tells.
#include "machine/board_mmio.h"

#include <inttypes.h>
#include <string.h>

#define SIZE       UINT64_C(0x100000)
#define FIRST_ADDR UINT64_C(0x4000000) // where virt has its platform bus and most boards nothing
#define LAST_ADDR  UINT64_C(0xffffffff)
#define FIRST_IRQ  64 // of virt's platform bus
#define LAST_IRQ   95

// What of the board's memory map lies in the device's bytes from addr on, or NULL.
static const MemoryRegion *what_lies_at(const Board *b, gpa_t addr)
{
    MemoryRegion *mr = memory_region_find(b->bus.system, addr, SIZE).mr;
    if (mr)
        memory_region_unref(mr); // the board has it
    return mr;
}

static bool find_place(const Board *b, const MmioItem *item, gpa_t *addr, GError **error)
{
    *addr = item->addr;
    if (item->addr == MMIO_ITEM_ANYWHERE) {
        for (*addr = FIRST_ADDR; *addr < LAST_ADDR; *addr += SIZE)
            if (!what_lies_at(b, *addr))
                return true;
        return board_fail(error, "-device %s: the board %s has no free place below 4 GiB; addr= says one", item->driver,
                          b->type->name);
    }
    if (*addr % PAGE_SIZE || *addr > UINT64_MAX - SIZE)
        return board_fail(error, "-device %s: addr=0x%" PRIx64 " is not the start of a page with 1 MiB behind it",
                          item->driver, *addr);
    const MemoryRegion *there = what_lies_at(b, *addr);
    return !there || board_fail(error, "-device %s: addr=0x%" PRIx64 ": %s is there", item->driver, *addr, there->name);
}

static bool irq_is_taken(const Board *b, unsigned irq)
{
    for (guint i = 0; i < b->bus.devices->len; i++)
        if (((const Device *)b->bus.devices->pdata[i])->row->irq == irq)
            return true;
    return false;
}

static bool find_irq(const Board *b, const MmioItem *item, unsigned *irq, GError **error)
{
    *irq = item->irq;
    if (!b->bus.interrupts)
        return !*irq || board_fail(error, "-device %s: irq=%u: the board %s has no interrupt controller", item->driver,
                                   *irq, b->type->name);
    if (!*irq) {
        for (*irq = FIRST_IRQ; *irq < LAST_IRQ && irq_is_taken(b, *irq);)
            ++*irq;
    } else if (*irq > LAST_IRQ) {
        return board_fail(error, "-device %s: irq=%u: only 1 to %u are there", item->driver, *irq, LAST_IRQ);
    }
    return !irq_is_taken(b, *irq) || board_fail(error, "-device %s: irq=%u: another device has it", item->driver, *irq);
}

static void row_free(gpointer data)
{
    DeviceRow *row = data;
    g_free((char *)(uintptr_t)row->properties);
    g_free(row);
}

static bool plug(Board *b, const MmioItem *item, GError **error)
{
    DeviceRow row = {.type = strcmp(item->driver, "edu") ? &device_hitb : &device_edu};
    if (!find_place(b, item, &row.base, error) || !find_irq(b, item, &row.irq, error))
        return false;
    row.name = row.type == &device_edu ? "edu-mmio" : "hitb-mmio";
    row.properties = g_strdup_printf("mask=0x%" PRIx64 "%s%s", item->dma_mask, item->id ? ",id=" : "",
                                     item->id ? item->id : "");
    DeviceRow *kept = g_memdup2(&row, sizeof row);
    g_ptr_array_add(b->more_rows, kept);
    return device_new(&b->bus, kept, error);
}

bool board_plug_mmio(Board *b, GError **error)
{
    const GArray *items = b->config.mmio;
    bool ok = true;
    b->more_rows = g_ptr_array_new_with_free_func(row_free);
    for (guint i = 0; ok && items && i < items->len; i++)
        ok = plug(b, &g_array_index(items, MmioItem, i), error);
    return ok;
}
