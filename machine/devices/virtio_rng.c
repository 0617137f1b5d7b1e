// SPDX-License-Identifier: GPL-3.0-or-later
// Virtio's entropy device (virtio 1.2, 5.4). In runs that repeat its bytes do too.
#include "machine/devices/virtio.h"

#include <sys/random.h>

#define AT_ONCE 256 // bytes for one chain, which the host gives in one piece; there may be room for more

typedef struct {
    VirtioDevice virtio;
    GRand *repeating; // NULL: the host's
} Rng;

static bool fill(const Rng *r, uint8_t *data, size_t size)
{
    if (!r->repeating)
        return getrandom(data, size, 0) == (ssize_t)size;
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)g_rand_int(r->repeating);
    return true;
}

static uint32_t serve(VirtioDevice *v, const VirtioChain *c)
{
    uint8_t data[AT_ONCE];
    size_t size = MIN(c->in, sizeof data);
    if (c->out)
        virtio_broken(v, "a buffer to read");
    else if (fill((Rng *)v, data, size) && virtio_chain_write(v, c, 0, data, size))
        return (uint32_t)size;
    return 0;
}

static void notify(VirtioDevice *v, unsigned queue)
{
    virtio_serve(v, queue, serve);
}

static bool realize(VirtioDevice *v, const VirtioItem *item G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    if (v->slot->bus->repeats)
        ((Rng *)v)->repeating = g_rand_new_with_seed(1);
    return true;
}

static void unrealize(VirtioDevice *v)
{
    g_clear_pointer(&((Rng *)v)->repeating, g_rand_free);
}

const VirtioType virtio_rng = {"virtio-rng-device", 4, sizeof(Rng), 1, 0, realize, unrealize, NULL, notify, NULL};
