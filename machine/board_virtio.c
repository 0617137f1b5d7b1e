// SPDX-License-Identifier: GPL-3.0-or-later
// Virtio devices of the command line, put into a board's transports.
#include "machine/board_virtio.h"

#include "machine/board_types.h"
#include "machine/devices/devices.h"
#include "machine/devices/virtio.h"
#include <string.h>

static GPtrArray *transports(const DeviceBus *bus)
{
    GPtrArray *found = g_ptr_array_new();
    for (guint i = 0; i < bus->devices->len; i++) {
        const Device *d = bus->devices->pdata[i];
        if (d->type == &device_virtio_mmio)
            g_ptr_array_add(found, bus->devices->pdata[i]);
    }
    return found;
}

// Without bus= the highest free one, as QEMU.
static Device *find_place(const BoardConfig *config, const DeviceBus *bus, const VirtioItem *item, GError **error)
{
    g_autoptr(GPtrArray) all = transports(bus);
    const char *board = config->board ? config->board : "clabpu";
    Device *place = NULL;
    if (!all->len) {
        board_fail(error, "-device %s: the board %s has no place for virtio devices (-M virt has)", item->driver,
                   board);
    } else if (item->bus >= (int)all->len) {
        board_fail(error, "-device %s: bus=virtio-mmio-bus.%d: the board %s has %u of them", item->driver, item->bus,
                   board, all->len);
    } else if (item->bus >= 0) {
        place = all->pdata[item->bus];
        if (!virtio_mmio_is_free(place)) {
            board_fail(error, "-device %s: bus=virtio-mmio-bus.%d: another device is there", item->driver, item->bus);
            place = NULL;
        }
    } else {
        for (guint i = all->len; !place && i-- > 0;)
            if (virtio_mmio_is_free(all->pdata[i]))
                place = all->pdata[i];
        if (!place)
            board_fail(error, "-device %s: all %u places for virtio devices are taken", item->driver, all->len);
    }
    return place;
}

// The image that an item names, which no item before it may have.
static bool find_image(const BoardConfig *config, guint index, VirtioItem *item, GError **error)
{
    for (guint i = 0; item->drive && i < index; i++)
        if (!g_strcmp0(g_array_index(config->virtio, VirtioItem, i).drive, item->drive))
            return board_fail(error, "-device %s: drive=%s: another device has it", item->driver, item->drive);
    for (guint i = 0; item->drive && i < config->drives->len; i++) {
        const DriveItem *d = &g_array_index(config->drives, DriveItem, i);
        if (!g_strcmp0(d->id, item->drive))
            item->image = d;
    }
    return !item->drive || item->image || board_fail(error, "-device %s: drive=%s: there is no -drive with this id",
                                                     item->driver, item->drive);
}

static Console *find_console(const BoardConfig *config, const char *id)
{
    for (guint i = 0; config->chardevs && i < config->chardevs->len; i++) {
        const BoardChardev *c = &g_array_index(config->chardevs, BoardChardev, i);
        if (!g_strcmp0(c->id, id))
            return c->console;
    }
    return NULL;
}

static struct NetUser *find_net(const BoardConfig *config, const char *id)
{
    for (guint i = 0; id && config->netdevs && i < config->netdevs->len; i++) {
        const BoardNetdev *n = &g_array_index(config->netdevs, BoardNetdev, i);
        if (!strcmp(n->id, id))
            return n->net;
    }
    return NULL;
}

// The ports of an item, which keeps them.
static void find_ports(const BoardConfig *config, guint index, VirtioItem *item, VirtioPort ports[VIRTIO_PORTS])
{
    item->ports = ports;
    for (guint i = 0; config->ports && i < config->ports->len; i++) {
        const VirtioPort *p = &g_array_index(config->ports, VirtioPort, i);
        if (p->device != index)
            continue;
        g_assert(item->n_ports < VIRTIO_PORTS); // the command line gives each a number of its own
        ports[item->n_ports] = *p;
        ports[item->n_ports++].console = find_console(config, p->chardev);
    }
}

static bool plug(const BoardConfig *config, const DeviceBus *bus, guint index, GError **error)
{
    VirtioItem item = g_array_index(config->virtio, VirtioItem, index);
    VirtioPort ports[VIRTIO_PORTS];
    const VirtioType *type = virtio_type_find(item.driver);
    g_assert(type); // the command line knows them by the same names
    if (!find_image(config, index, &item, error))
        return false;
    item.net = find_net(config, item.netdev);
    find_ports(config, index, &item, ports);
    Device *place = find_place(config, bus, &item, error);
    return place && virtio_mmio_plug(place, type, &item, error);
}

bool board_plug_virtio(const BoardConfig *config, const DeviceBus *bus, GError **error)
{
    bool ok = true;
    for (guint i = 0; ok && config->virtio && i < config->virtio->len; i++)
        ok = plug(config, bus, i, error);
    return ok;
}
