// SPDX-License-Identifier: GPL-3.0-or-later
// Options whose properties only make sense together: -smp, -device loader, -icount.
#include "machine/options_set.h"

#include "machine/options_value.h"
#include <gio/gio.h>
#include <string.h>

#define HARTS_MAX    UINT16_MAX // the board's own limit is lower
#define ICOUNT_MAX   10         // 1024 ns per instruction, as QEMU

// --- -smp ----------------------------------------------------------------------------------------------------------

typedef struct {
    uint64_t cpus, maxcpus, sockets, cores, threads; // 0: not given
} Topology;

#define COUNT_PROPERTY(field)                                                                                    \
    static bool smp_##field(void *opaque, const char *option, const char *value, GError **error)                 \
    {                                                                                                            \
        return value_count(option, value, 1, HARTS_MAX, &((Topology *)opaque)->field, error);                    \
    }
COUNT_PROPERTY(cpus)
COUNT_PROPERTY(maxcpus)
COUNT_PROPERTY(sockets)
COUNT_PROPERTY(cores)
COUNT_PROPERTY(threads)

// As QEMU: what is left out follows from the rest, and the product is maxcpus. Only the number of harts matters here.
bool set_smp(Options *o, const char *option, const char *value, GError **error)
{
    static const ValueProperty properties[] = {
        {"cpus", smp_cpus},   {"maxcpus", smp_maxcpus}, {"sockets", smp_sockets},
        {"cores", smp_cores}, {"threads", smp_threads},
    };
    Topology t = {0};
    if (!value_properties(option, value, properties, G_N_ELEMENTS(properties), &t, error))
        return false;
    uint64_t product = MAX(t.sockets, 1) * MAX(t.cores, 1) * MAX(t.threads, 1); // at most 48 bits
    uint64_t max = t.maxcpus ? t.maxcpus : t.cpus ? t.cpus : product;
    bool all = t.sockets && t.cores && t.threads;
    if (all ? product != max : max % product)
        return value_error(error, option, "sockets, cores and threads do not multiply to %" G_GUINT64_FORMAT, max);
    if (t.cpus > max)
        return value_error(error, option, "%" G_GUINT64_FORMAT " harts are more than maxcpus", t.cpus);
    if (max > HARTS_MAX)
        return value_error(error, option, "%" G_GUINT64_FORMAT " harts are too many", max);
    o->harts = (unsigned)(t.cpus ? t.cpus : max);
    return true;
}

// --- -device loader ------------------------------------------------------------------------------------------------

typedef struct {
    Options *options;
    LoadItem item;
    bool named, has_data, has_len, big_endian;
} Device;

static bool device_driver(void *opaque, const char *option, const char *value, GError **error)
{
    ((Device *)opaque)->named = !strcmp(value, "loader");
    return ((Device *)opaque)->named || choose(LIST_DEVICE, option, value, error);
}

TEXT_PROPERTY(loader_file, Device, file)

static bool loader_addr(void *opaque, const char *option, const char *value, GError **error)
{
    Device *d = opaque;
    d->item.has_addr = true;
    return value_count(option, value, 0, UINT64_MAX, &d->item.addr, error);
}

static bool loader_data(void *opaque, const char *option, const char *value, GError **error)
{
    Device *d = opaque;
    d->has_data = true;
    return value_count(option, value, 0, UINT64_MAX, &d->item.data, error);
}

static bool loader_data_len(void *opaque, const char *option, const char *value, GError **error)
{
    Device *d = opaque;
    uint64_t n;
    if (!value_count(option, value, 1, 8, &n, error))
        return false;
    d->has_len = true;
    d->item.data_len = (unsigned)n;
    return true;
}

static bool loader_data_be(void *opaque, const char *option, const char *value, GError **error)
{
    return value_on_off(option, value, &((Device *)opaque)->big_endian, error);
}

static bool loader_force_raw(void *opaque, const char *option, const char *value, GError **error)
{
    return value_on_off(option, value, &((Device *)opaque)->item.force_raw, error);
}

static bool loader_cpu_num(void *opaque, const char *option, const char *value, GError **error)
{
    uint64_t n;
    if (!value_count(option, value, 0, HARTS_MAX, &n, error))
        return false;
    ((Device *)opaque)->item.hart = (int)n;
    return true;
}

// What does not go together, or NULL.
static const char *why_not(const Device *d)
{
    const LoadItem *i = &d->item;
    if (!d->named)
        return "needs the word 'loader' in front";
    if (i->file && (d->has_data || d->has_len))
        return "file= and data= exclude each other";
    if (d->has_data != d->has_len)
        return "data= and data-len= are needed together";
    if (d->has_data && !i->has_addr)
        return "data= needs addr=";
    if (i->force_raw && !i->file)
        return "force-raw= needs file=";
    if (d->big_endian && !d->has_data)
        return "data-be= needs data=";
    if (!i->file && !d->has_data && !(i->has_addr && i->hart >= 0))
        return "needs file=, or addr= with data= or cpu-num=";
    return NULL;
}

const char *device_driver_name(const char *value)
{
    return g_str_has_prefix(value, "driver=") ? value + strlen("driver=") : value;
}

bool device_driver_is(const char *value, const char *driver)
{
    const char *name = device_driver_name(value);
    return strcspn(name, ",") == strlen(driver) && g_str_has_prefix(name, driver);
}

bool set_device(Options *o, const char *option, const char *value, GError **error)
{
    static const ValueProperty properties[] = {
        {"driver", device_driver},     {"file", loader_file},       {"addr", loader_addr},
        {"data", loader_data},         {"data-len", loader_data_len}, {"data-be", loader_data_be},
        {"force-raw", loader_force_raw}, {"cpu-num", loader_cpu_num},
    };
    if (is_serial_port(value))
        return set_serial_port(o, option, value, error);
    if (is_virtio_device(value))
        return set_virtio_device(o, option, value, error);
    if (is_mmio_device(value))
        return set_mmio_device(o, option, value, error);
    if (!strcmp(value, "help")) {
        o->command = COMMAND_PRINT_DEVICES;
        return true;
    }
    Device d = {.options = o, .item = {.hart = -1}};
    if (!value_properties(option, value, properties, G_N_ELEMENTS(properties), &d, error))
        return false;
    const char *why = why_not(&d);
    if (why)
        return value_error(error, option, "%s", why);
    if (d.big_endian)
        d.item.data = GUINT64_SWAP_LE_BE(d.item.data) >> (64 - 8 * d.item.data_len);
    g_array_append_val(o->load_items, d.item);
    return true;
}

// --- -icount -------------------------------------------------------------------------------------------------------

static bool icount_shift(void *opaque, const char *option, const char *value, GError **error)
{
    uint64_t n;
    if (!value_count(option, value, 0, ICOUNT_MAX, &n, error))
        return false;
    *(int *)opaque = (int)n;
    return true;
}

// QEMU's align and sleep tie virtual time to the host's; here they are apart.
static bool icount_off(void *opaque, const char *option, const char *value, GError **error)
{
    bool on;
    (void)opaque;
    if (!value_on_off(option, value, &on, error))
        return false;
    return !on || value_error(error, option, "'%s' is not supported, only 'off' is", value);
}

bool set_icount(Options *o, const char *option, const char *value, GError **error)
{
    static const ValueProperty properties[] = {{"shift", icount_shift}, {"align", icount_off}, {"sleep", icount_off}};
    int shift = -1;
    if (!value_properties(option, value, properties, G_N_ELEMENTS(properties), &shift, error))
        return false;
    if (shift < 0)
        return value_error(error, option, "needs shift=N");
    o->icount_shift = shift;
    return true;
}
