// SPDX-License-Identifier: GPL-3.0-or-later
// -device edu and -device hitb: the teaching devices, at a place in the memory map.
#include "machine/options_set.h"

#include "machine/options_value.h"
#include <string.h>

#define IRQ_MAX 1023 // the board's own limit is lower

typedef struct {
    Options *options;
    MmioItem item;
} Mmio;

static bool mmio_driver(void *opaque, const char *option, const char *value, GError **error)
{
    Mmio *m = opaque;
    m->item.driver = choose(LIST_DEVICE, option, value, error);
    return m->item.driver;
}

static bool mmio_addr(void *opaque, const char *option, const char *value, GError **error)
{
    return value_count(option, value, 0, UINT64_MAX - 1, &((Mmio *)opaque)->item.addr, error);
}

static bool mmio_dma_mask(void *opaque, const char *option, const char *value, GError **error)
{
    return value_count(option, value, 0, UINT64_MAX, &((Mmio *)opaque)->item.dma_mask, error);
}

static bool mmio_irq(void *opaque, const char *option, const char *value, GError **error)
{
    uint64_t n;
    if (!value_count(option, value, 1, IRQ_MAX, &n, error))
        return false;
    ((Mmio *)opaque)->item.irq = (unsigned)n;
    return true;
}

static bool mmio_id(void *opaque, const char *option, const char *value, GError **error)
{
    Mmio *m = opaque;
    m->item.id = options_keep(m->options, value);
    return (*value && !strpbrk(value, ",=")) || value_error(error, option, "'%s' is no name", value);
}

bool is_mmio_device(const char *value)
{
    return device_driver_is(value, "edu") || device_driver_is(value, "hitb");
}

bool set_mmio_device(Options *o, const char *option, const char *value, GError **error)
{
    static const ValueProperty properties[] = {
        {"driver", mmio_driver}, {"addr", mmio_addr}, {"irq", mmio_irq}, {"dma_mask", mmio_dma_mask}, {"id", mmio_id},
    };
    Mmio m = {.options = o, .item = {.addr = MMIO_ITEM_ANYWHERE, .dma_mask = UINT64_MAX}};
    if (!value_properties(option, value, properties, G_N_ELEMENTS(properties), &m, error))
        return false;
    g_array_append_val(o->mmio, m.item);
    return true;
}
