// SPDX-License-Identifier: GPL-3.0-or-later
// Options about -chardev and what is connected to it: -serial chardev:ID, and the ports of virtio-serial-device.
#include "machine/options_set.h"

#include "machine/options_value.h"
#include <string.h>

#define CHARDEV "chardev:"

// --- -chardev ------------------------------------------------------------------------------------------------------

typedef struct {
    Options *options;
    ChardevItem item;
    bool has_append, has_signal;
} Chardev;

static bool chardev_kind(void *opaque, const char *option, const char *value, GError **error)
{
    static const char *const names[] = {[CHARDEV_STDIO] = "stdio", [CHARDEV_NULL] = "null", [CHARDEV_FILE] = "file"};
    const char *name = choose(LIST_CHARDEV, option, value, error);
    for (unsigned i = 0; name && i < G_N_ELEMENTS(names); i++)
        if (!strcmp(name, names[i]))
            ((Chardev *)opaque)->item.kind = (ChardevKind)i;
    return name;
}

TEXT_PROPERTY(chardev_id, Chardev, id)
TEXT_PROPERTY(chardev_path, Chardev, path)

static bool chardev_append(void *opaque, const char *option, const char *value, GError **error)
{
    Chardev *c = opaque;
    c->has_append = true;
    return value_on_off(option, value, &c->item.append, error);
}

static bool chardev_mux(void *opaque, const char *option, const char *value, GError **error)
{
    return value_on_off(option, value, &((Chardev *)opaque)->item.mux, error);
}

static bool chardev_signal(void *opaque, const char *option, const char *value, GError **error)
{
    Chardev *c = opaque;
    bool on;
    if (!value_on_off(option, value, &on, error))
        return false;
    c->has_signal = true;
    c->item.no_signals = !on;
    return true;
}

static const ChardevItem *find_chardev(const Options *o, const char *id)
{
    for (unsigned i = 0; i < o->chardevs->len; i++) {
        const ChardevItem *c = &g_array_index(o->chardevs, ChardevItem, i);
        if (!strcmp(c->id, id))
            return c;
    }
    return NULL;
}

static const ChardevItem *find_stdio(const Options *o)
{
    for (unsigned i = 0; i < o->chardevs->len; i++) {
        const ChardevItem *c = &g_array_index(o->chardevs, ChardevItem, i);
        if (c->kind == CHARDEV_STDIO)
            return c;
    }
    return NULL;
}

bool set_chardev(Options *o, const char *option, const char *value, GError **error)
{
    static const ValueProperty properties[] = {
        {"backend", chardev_kind}, {"id", chardev_id},   {"path", chardev_path},
        {"append", chardev_append}, {"mux", chardev_mux}, {"signal", chardev_signal},
    };
    Chardev c = {.options = o};
    if (!value_properties(option, value, properties, G_N_ELEMENTS(properties), &c, error))
        return false;
    bool file = c.item.kind == CHARDEV_FILE;
    if (!c.item.id)
        return value_error(error, option, "needs id=");
    if (file && !c.item.path)
        return value_error(error, option, "file needs path=");
    if (!file && (c.item.path || c.has_append))
        return value_error(error, option, "only file takes %s=", c.item.path ? "path" : "append");
    if ((c.item.mux || c.has_signal) && c.item.kind != CHARDEV_STDIO)
        return value_error(error, option, "only stdio takes %s=", c.item.mux ? "mux" : "signal");
    if (c.item.mux && !c.has_signal)
        c.item.no_signals = true; // there is Ctrl-A x
    if (find_chardev(o, c.item.id))
        return value_error(error, option, "id=%s: another -chardev has it", c.item.id);
    const ChardevItem *other = c.item.kind == CHARDEV_STDIO ? find_stdio(o) : NULL;
    if (other)
        return value_error(error, option, "stdio: the -chardev with id=%s has stdin and stdout already", other->id);
    g_array_append_val(o->chardevs, c.item);
    return true;
}

// --- ports ---------------------------------------------------------------------------------------------------------

typedef struct {
    Options *options;
    VirtioPort item;
    const char *bus;
} Port;

static bool port_driver(void *opaque, const char *option, const char *value, GError **error)
{
    (void)option, (void)error; // is_serial_port knows it
    ((Port *)opaque)->item.is_console = !strcmp(value, "virtconsole");
    return true;
}

TEXT_PROPERTY(port_chardev, Port, chardev)
TEXT_PROPERTY(port_name, Port, name)

static bool port_nr(void *opaque, const char *option, const char *value, GError **error)
{
    uint64_t n;
    if (!value_count(option, value, 0, VIRTIO_PORTS - 1, &n, error))
        return false;
    ((Port *)opaque)->item.nr = (int)n;
    return true;
}

static bool port_bus(void *opaque, const char *option, const char *value, GError **error)
{
    Port *p = opaque;
    if (!g_str_has_suffix(value, ".0"))
        return value_error(error, option, "'%s' is not the id of a virtio-serial-device with .0 behind it", value);
    p->bus = options_keep(p->options, value);
    return true;
}

static bool port_id(void *opaque, const char *option, const char *value, GError **error)
{
    (void)opaque, (void)option, (void)value, (void)error; // nothing here refers to it
    return true;
}

bool is_serial_port(const char *value)
{
    return device_driver_is(value, "virtconsole") || device_driver_is(value, "virtserialport");
}

static bool port_is_taken(const Options *o, unsigned device, int nr)
{
    for (unsigned i = 0; i < o->ports->len; i++) {
        const VirtioPort *p = &g_array_index(o->ports, VirtioPort, i);
        if (p->device == device && p->nr == nr)
            return true;
    }
    return false;
}

// Which port of a device is free; port 0 is for a console. -1: none.
static int free_port(const Options *o, unsigned device, bool console)
{
    for (int nr = !console; nr < VIRTIO_PORTS; nr++)
        if (!port_is_taken(o, device, nr))
            return nr;
    return -1;
}

// Puts a port into a device: the one that bus names, else the first one that has room.
static bool place_port(const Options *o, const char *option, Port *p, GError **error)
{
    bool found = false;
    for (unsigned i = 0; i < o->virtio->len; i++) {
        const VirtioItem *v = &g_array_index(o->virtio, VirtioItem, i);
        g_autofree char *bus = g_strdup_printf("%s.0", v->id ? v->id : "");
        if (strcmp(v->driver, "virtio-serial-device") || (p->bus && strcmp(p->bus, bus)))
            continue;
        found = true;
        int nr = p->item.nr >= 0 ? p->item.nr : free_port(o, i, p->item.is_console);
        if (nr < 0 || (port_is_taken(o, i, nr) && !p->bus))
            continue;
        if (port_is_taken(o, i, nr))
            return value_error(error, option, "nr=%d: another port of %s has it", nr, p->bus);
        p->item.nr = nr;
        p->item.device = i;
        return true;
    }
    const char *driver = p->item.is_console ? "virtconsole" : "virtserialport";
    if (found)
        return value_error(error, option, "%s: no virtio-serial-device has room for it", driver);
    return p->bus ? value_error(error, option, "bus=%s: no virtio-serial-device before it has this id", p->bus)
                  : value_error(error, option, "%s needs a -device virtio-serial-device before it", driver);
}

bool set_serial_port(Options *o, const char *option, const char *value, GError **error)
{
    static const ValueProperty properties[] = {
        {"driver", port_driver}, {"chardev", port_chardev}, {"name", port_name},
        {"nr", port_nr},         {"bus", port_bus},         {"id", port_id},
    };
    Port p = {.options = o, .item = {.nr = -1}};
    if (!value_properties(option, value, properties, G_N_ELEMENTS(properties), &p, error))
        return false;
    if (!p.item.chardev)
        return value_error(error, option, "%s needs chardev=, the id of a -chardev",
                           p.item.is_console ? "virtconsole" : "virtserialport");
    if (!p.item.nr && !p.item.is_console)
        return value_error(error, option, "nr=0: port 0 is for a virtconsole");
    if (!place_port(o, option, &p, error))
        return false;
    g_array_append_val(o->ports, p.item);
    return true;
}

// --- what only makes sense together --------------------------------------------------------------------------------

static unsigned users(const Options *o, const char *id)
{
    unsigned n = g_str_has_prefix(o->serial, CHARDEV) && !strcmp(o->serial + strlen(CHARDEV), id);
    for (unsigned i = 0; i < o->ports->len; i++)
        n += !strcmp(g_array_index(o->ports, VirtioPort, i).chardev, id);
    return n;
}

bool check_chardevs(Options *o, GError **error)
{
    const ChardevItem *stdio = find_stdio(o);
    if (stdio && !o->serial_given)
        o->serial = "null";
    if (stdio && g_str_has_suffix(o->serial, "stdio"))
        return value_error(error, "-serial", "%s: the -chardev with id=%s has stdin and stdout already", o->serial,
                           stdio->id);
    if (stdio && !stdio->mux && o->monitor == MONITOR_STDIO)
        return value_error(error, "-monitor", "stdio: the -chardev with id=%s is there already (mux=on has both)",
                           stdio->id);
    const char *serial = g_str_has_prefix(o->serial, CHARDEV) ? o->serial + strlen(CHARDEV) : NULL;
    if (serial && !find_chardev(o, serial))
        return value_error(error, "-serial", "%s: there is no -chardev with this id", o->serial);
    for (unsigned i = 0; i < o->ports->len; i++) {
        const char *id = g_array_index(o->ports, VirtioPort, i).chardev;
        if (!find_chardev(o, id))
            return value_error(error, "-device", "chardev=%s: there is no -chardev with this id", id);
    }
    for (unsigned i = 0; i < o->chardevs->len; i++) {
        const char *id = g_array_index(o->chardevs, ChardevItem, i).id;
        if (users(o, id) > 1)
            return value_error(error, "-chardev", "id=%s: more than one thing is connected to it", id);
    }
    return true;
}
