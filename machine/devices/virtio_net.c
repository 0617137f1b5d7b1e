// SPDX-License-Identifier: GPL-3.0-or-later
// Virtio's network card (virtio 1.2, 5.1): a pair of queues, one buffer for each frame, no offloads.
//
// What the network does not take at once stays in its chain; what the driver gives no room for waits in the network.
#include "machine/devices/virtio.h"

#include "machine/net_user.h"
#include <string.h>

enum { F_MAC = 5, F_STATUS = 16 };
enum { CONFIG_MAC = 0, CONFIG_STATUS = 6, CONFIG_SIZE = 8 };
enum { LINK_UP = 1 };
enum { RX, TX };

#define HEADER 12       // virtio_net_hdr; all zeroes but
#define NUM_BUFFERS 10  // ... this, which drivers of before version 1 do not know (5.1.6.1)

typedef struct {
    VirtioDevice virtio;
    NetUser *net;  // NULL: no cable
    GBytes *frame; // for which there was no room, or NULL
} Net;

static unsigned header_size(const VirtioDevice *v)
{
    return virtio_has(v, VIRTIO_F_VERSION_1) ? HEADER : NUM_BUFFERS;
}

static uint32_t transmit(VirtioDevice *v, const VirtioChain *c)
{
    const Net *n = (const Net *)v;
    uint8_t frame[NET_FRAME_MAX];
    unsigned header = header_size(v);
    if (c->in || c->out < header) {
        virtio_broken(v, c->in ? "a buffer to write among those to transmit" : "a frame without a header");
        return 0;
    }
    uint64_t size = c->out - header;
    if (!n->net || size < NET_FRAME_MIN || size > sizeof frame) // nobody would take such a one off a cable
        return 0;
    if (!virtio_chain_read(v, c, header, frame, size))
        return 0;
    return net_user_send(n->net, frame, size) ? 0 : VIRTIO_LATER;
}

// The next frame that fits into so many bytes, which stays n->frame, or NULL. One that does not is lost.
static const void *next_frame(Net *n, uint64_t room, gsize *size)
{
    while (n->net) {
        if (!n->frame)
            n->frame = net_user_take(n->net);
        const void *data = n->frame ? g_bytes_get_data(n->frame, size) : NULL;
        if (!data || *size <= room)
            return data;
        g_clear_pointer(&n->frame, g_bytes_unref);
    }
    return NULL;
}

static uint32_t receive(VirtioDevice *v, const VirtioChain *c)
{
    Net *n = (Net *)v;
    const uint8_t start[HEADER] = {[NUM_BUFFERS] = 1};
    unsigned header = header_size(v);
    if (c->out || c->in < header) {
        virtio_broken(v, c->out ? "a buffer to read among those to receive" : "no room for a header");
        return 0;
    }
    gsize size;
    const void *data = next_frame(n, c->in - header, &size);
    if (!data)
        return VIRTIO_LATER;
    if (!virtio_chain_write(v, c, 0, start, header) || !virtio_chain_write(v, c, header, data, size))
        return 0;
    g_clear_pointer(&n->frame, g_bytes_unref);
    return header + (uint32_t)size;
}

static void notify(VirtioDevice *v, unsigned queue)
{
    virtio_serve(v, queue, queue == RX ? receive : transmit);
}

// On the network's thread.
static void on_ready(void *opaque)
{
    virtio_notify_soon(opaque, RX);
    virtio_notify_soon(opaque, TX);
}

// What has come for the driver before is of no use to the next one.
static void reset(VirtioDevice *v)
{
    Net *n = (Net *)v;
    gsize size;
    next_frame(n, 0, &size);
}

static bool realize(VirtioDevice *v, const VirtioItem *item, GError **error G_GNUC_UNUSED)
{
    Net *n = (Net *)v;
    n->net = item->net;
    v->offered |= 1 << F_MAC | 1 << F_STATUS;
    memcpy(v->config + CONFIG_MAC, item->mac, sizeof item->mac);
    virtio_set_config(v, CONFIG_STATUS, n->net ? LINK_UP : 0, 2);
    if (n->net)
        net_user_set_card(n->net, on_ready, v);
    return true;
}

static void unrealize(VirtioDevice *v)
{
    Net *n = (Net *)v;
    if (n->net)
        net_user_set_card(n->net, NULL, NULL);
    g_clear_pointer(&n->frame, g_bytes_unref);
}

const VirtioType virtio_net = {
    "virtio-net-device", 1, sizeof(Net), 2, CONFIG_SIZE, realize, unrealize, reset, notify, NULL,
};
