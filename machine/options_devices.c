// SPDX-License-Identifier: GPL-3.0-or-later
// Options about virtio devices and what is behind them: -drive, -device virtio-..., -object, -global.
#include "machine/options_set.h"

#include "machine/options_value.h"
#include <limits.h>
#include <string.h>

#define BUS "virtio-mmio-bus."
#define BUS_MAX 1000 // the board's own limit is lower
#define SERIAL_MAX 20
#define UNIT_MAX 1000 // likewise

// --- -drive --------------------------------------------------------------------------------------------------------

typedef struct {
    Options *options;
    DriveItem item;
    bool has_unit;
} Drive;

TEXT_PROPERTY(drive_file, Drive, file)
TEXT_PROPERTY(drive_id, Drive, id)

static bool drive_interface(void *opaque, const char *option, const char *value, GError **error)
{
    ((Drive *)opaque)->item.plugged = !strcmp(value, "virtio");
    ((Drive *)opaque)->item.flash = !strcmp(value, "pflash");
    if (!strcmp(value, "virtio") || !strcmp(value, "pflash") || !strcmp(value, "none"))
        return true;
    return value_error(error, option, "'%s' is not supported, only 'none', 'virtio' and 'pflash' are", value);
}

static bool drive_unit(void *opaque, const char *option, const char *value, GError **error)
{
    uint64_t n;
    if (!value_count(option, value, 0, UNIT_MAX, &n, error))
        return false;
    ((Drive *)opaque)->item.unit = (unsigned)n;
    ((Drive *)opaque)->has_unit = true;
    return true;
}

static bool drive_format(void *opaque, const char *option, const char *value, GError **error)
{
    ((Drive *)opaque)->item.checked = true;
    return !strcmp(value, "raw") || value_error(error, option, "'%s' is not supported, only 'raw' is", value);
}

static bool drive_readonly(void *opaque, const char *option, const char *value, GError **error)
{
    return value_on_off(option, value, &((Drive *)opaque)->item.readonly, error);
}

static bool drive_cache(void *opaque, const char *option, const char *value, GError **error)
{
    ((Drive *)opaque)->item.unsafe = !strcmp(value, "unsafe");
    if (!strcmp(value, "unsafe") || !strcmp(value, "writeback"))
        return true;
    return value_error(error, option, "'%s' is not supported, only 'writeback' and 'unsafe' are", value);
}

static bool drive_media(void *opaque, const char *option, const char *value, GError **error)
{
    (void)opaque;
    return !strcmp(value, "disk") || value_error(error, option, "'%s' is not supported, only 'disk' is", value);
}

static bool id_is_taken(const Options *o, const char *id)
{
    for (unsigned i = 0; i < o->drives->len; i++)
        if (!g_strcmp0(g_array_index(o->drives, DriveItem, i).id, id))
            return true;
    return false;
}

static bool unit_is_taken(const Options *o, unsigned unit)
{
    for (unsigned i = 0; i < o->drives->len; i++) {
        const DriveItem *d = &g_array_index(o->drives, DriveItem, i);
        if (d->flash && d->unit == unit)
            return true;
    }
    return false;
}

// Contents of a flash: without unit= the first one that has none yet, as in QEMU.
static bool choose_unit(Drive *d, const char *option, GError **error)
{
    if (!d->item.flash)
        return !d->has_unit || value_error(error, option, "unit= is for if=pflash");
    while (!d->has_unit && unit_is_taken(d->options, d->item.unit))
        d->item.unit++;
    return !unit_is_taken(d->options, d->item.unit) ||
           value_error(error, option, "if=pflash,unit=%u: another -drive has it", d->item.unit);
}

bool set_drive(Options *o, const char *option, const char *value, GError **error)
{
    static const ValueProperty properties[] = {
        {"file", drive_file},         {"if", drive_interface},       {"id", drive_id},       {"format", drive_format},
        {"readonly", drive_readonly}, {"read-only", drive_readonly}, {"cache", drive_cache}, {"media", drive_media},
        {"unit", drive_unit},
    };
    Drive d = {.options = o};
    if (!value_properties(option, value, properties, G_N_ELEMENTS(properties), &d, error))
        return false;
    if (!d.item.file)
        return value_error(error, option, "needs file=");
    if (!choose_unit(&d, option, error))
        return false;
    if (!d.item.id && !d.item.plugged && !d.item.flash)
        return value_error(error, option, "needs if=virtio, or id= for a -device virtio-blk-device,drive=");
    if (!d.item.id) {
        g_autofree char *id = g_strdup_printf("%s%u", d.item.flash ? "pflash" : "virtio",
                                              d.item.flash ? d.item.unit : o->drives->len);
        d.item.id = options_keep(o, id);
    }
    if (id_is_taken(o, d.item.id))
        return value_error(error, option, "id=%s: another -drive has it", d.item.id);
    g_array_append_val(o->drives, d.item);
    return true;
}

void add_drive_devices(Options *o)
{
    for (unsigned i = 0; i < o->drives->len; i++) {
        const DriveItem *d = &g_array_index(o->drives, DriveItem, i);
        VirtioItem item = {.driver = "virtio-blk-device", .drive = d->id, .bus = -1};
        if (d->plugged)
            g_array_append_val(o->virtio, item);
    }
}

// --- -device virtio-... --------------------------------------------------------------------------------------------

typedef struct {
    Options *options;
    VirtioItem item;
    bool has_mac;
} Virtio;

TEXT_PROPERTY(virtio_drive, Virtio, drive)
TEXT_PROPERTY(virtio_rng, Virtio, rng)
TEXT_PROPERTY(virtio_netdev, Virtio, netdev)
TEXT_PROPERTY(virtio_id, Virtio, id)

static bool virtio_driver(void *opaque, const char *option, const char *value, GError **error)
{
    ((Virtio *)opaque)->item.driver = choose(LIST_DEVICE, option, value, error);
    return ((Virtio *)opaque)->item.driver;
}

static bool virtio_bus(void *opaque, const char *option, const char *value, GError **error)
{
    uint64_t n;
    if (!g_str_has_prefix(value, BUS))
        return value_error(error, option, "'%s' is not " BUS "N", value);
    if (!value_count(option, value + strlen(BUS), 0, BUS_MAX, &n, error))
        return false;
    ((Virtio *)opaque)->item.bus = (int)n;
    return true;
}

static bool virtio_serial(void *opaque, const char *option, const char *value, GError **error)
{
    Virtio *v = opaque;
    if (strlen(value) > SERIAL_MAX)
        return value_error(error, option, "'%s' has more than %d characters", value, SERIAL_MAX);
    v->item.serial = options_keep(v->options, value);
    return true;
}

static bool virtio_mac(void *opaque, const char *option, const char *value, GError **error)
{
    Virtio *v = opaque;
    v->has_mac = true;
    return parse_mac(option, value, v->item.mac, error);
}

// QEMU's first address that no device before has.
static void default_mac(const Options *o, unsigned char mac[6])
{
    static const unsigned char first[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
    memcpy(mac, first, sizeof first);
    for (unsigned i = 0; i < o->virtio->len; i++) {
        if (memcmp(g_array_index(o->virtio, VirtioItem, i).mac, mac, sizeof first))
            continue;
        mac[5]++;
        i = UINT_MAX; // from the beginning again
    }
}

// A property that the kind of device has not got, or NULL.
static const char *misplaced(const Virtio *v)
{
    const VirtioItem *i = &v->item;
    bool block = !strcmp(i->driver, "virtio-blk-device"), net = !strcmp(i->driver, "virtio-net-device");
    return i->drive && !block                                      ? "drive"
           : i->serial && !block                                   ? "serial"
           : i->rng && strcmp(i->driver, "virtio-rng-device") != 0 ? "rng"
           : i->netdev && !net                                     ? "netdev"
           : v->has_mac && !net                                    ? "mac"
                                                                   : NULL;
}

bool is_virtio_device(const char *value)
{
    return g_str_has_prefix(device_driver_name(value), "virtio");
}

bool set_virtio_device(Options *o, const char *option, const char *value, GError **error)
{
    static const ValueProperty properties[] = {
        {"driver", virtio_driver}, {"bus", virtio_bus},       {"id", virtio_id},
        {"drive", virtio_drive},   {"serial", virtio_serial}, {"rng", virtio_rng},
        {"netdev", virtio_netdev}, {"mac", virtio_mac},
    };
    Virtio v = {.options = o, .item = {.bus = -1}};
    if (!value_properties(option, value, properties, G_N_ELEMENTS(properties), &v, error))
        return false;
    if (!strcmp(v.item.driver, "virtio-blk-device") && !v.item.drive)
        return value_error(error, option, "virtio-blk-device needs drive=, the id of a -drive");
    if (!strcmp(v.item.driver, "virtio-net-device") && !v.item.netdev)
        return value_error(error, option, "virtio-net-device needs netdev=, the id of a -netdev");
    const char *wrong = misplaced(&v);
    if (wrong)
        return value_error(error, option, "%s takes no %s=", v.item.driver, wrong);
    if (v.item.netdev && !v.has_mac)
        default_mac(o, v.item.mac);
    g_array_append_val(o->virtio, v.item);
    return true;
}

// --- -object -------------------------------------------------------------------------------------------------------

// Scripts written for QEMU say where the entropy device gets its bytes.
typedef struct {
    Options *options;
    struct {
        const char *id;
    } item;
    bool builtin, named_file;
} Object;

TEXT_PROPERTY(object_id, Object, id)

static bool object_type(void *opaque, const char *option, const char *value, GError **error)
{
    ((Object *)opaque)->builtin = !strcmp(value, "rng-builtin");
    if (!strcmp(value, "rng-random") || !strcmp(value, "rng-builtin"))
        return true;
    return value_error(error, option, "'%s' is not supported, only 'rng-random' and 'rng-builtin' are", value);
}

static bool object_filename(void *opaque, const char *option, const char *value, GError **error)
{
    ((Object *)opaque)->named_file = true;
    if (!strcmp(value, "/dev/urandom") || !strcmp(value, "/dev/random"))
        return true;
    return value_error(error, option, "'%s' is not supported, only '/dev/urandom' and '/dev/random' are", value);
}

static bool has_object(const Options *o, const char *id)
{
    for (unsigned i = 0; i < o->objects->len; i++)
        if (!strcmp(o->objects->pdata[i], id))
            return true;
    return false;
}

bool set_object(Options *o, const char *option, const char *value, GError **error)
{
    static const ValueProperty properties[] = {
        {"qom-type", object_type}, {"id", object_id}, {"filename", object_filename},
    };
    Object object = {.options = o};
    if (!value_properties(option, value, properties, G_N_ELEMENTS(properties), &object, error))
        return false;
    if (!object.item.id)
        return value_error(error, option, "needs id=");
    if (has_object(o, object.item.id))
        return value_error(error, option, "id=%s: another -object has it", object.item.id);
    if (object.builtin && object.named_file)
        return value_error(error, option, "rng-builtin takes no filename=");
    g_ptr_array_add(o->objects, (void *)object.item.id);
    return true;
}

bool check_objects(const Options *o, GError **error)
{
    for (unsigned i = 0; i < o->virtio->len; i++) {
        const VirtioItem *v = &g_array_index(o->virtio, VirtioItem, i);
        if (v->rng && !has_object(o, v->rng))
            return value_error(error, "-device", "rng=%s: there is no -object with this id", v->rng);
    }
    return true;
}

// --- -global -------------------------------------------------------------------------------------------------------

// Scripts written for QEMU ask for what is the only way here.
bool set_global(Options *o, const char *option, const char *value, GError **error)
{
    const char *known = "virtio-mmio.force-legacy=";
    bool legacy;
    (void)o;
    if (!g_str_has_prefix(value, known))
        return value_error(error, option, "'%s' is not supported, only '%soff' is", value, known);
    if (!value_on_off(option, value + strlen(known), &legacy, error))
        return false;
    return !legacy || value_error(error, option, "virtio-mmio has no legacy interface, only version 2");
}
