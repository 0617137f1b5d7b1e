// SPDX-License-Identifier: GPL-3.0-or-later
// What all virtio devices have in common: life, status, features, interrupts, serving their queues.
#include "machine/devices/virtio.h"

#include "util/log.h"
#include <string.h>

#define COMMON_FEATURES \
    (UINT64_C(1) << VIRTIO_F_VERSION_1 | UINT64_C(1) << VIRTIO_F_INDIRECT_DESC | UINT64_C(1) << VIRTIO_F_EVENT_IDX)
#define BYTES_AT_ONCE (UINT64_C(32) << 20) // of chains, before others get their turn

const VirtioType *virtio_type_find(const char *name)
{
    static const VirtioType *const types[] = {&virtio_blk, &virtio_console, &virtio_net, &virtio_rng};
    for (unsigned i = 0; i < G_N_ELEMENTS(types); i++)
        if (!strcmp(types[i]->name, name))
            return types[i];
    return NULL;
}

static void serve_deferred(void *opaque)
{
    VirtioDevice *v = opaque;
    unsigned queues = v->deferred;
    v->deferred = 0;
    for (unsigned i = 0; i < v->n_queues; i++)
        if (queues >> i & 1)
            virtio_notify(v, i);
}

void virtio_defer(VirtioDevice *v, unsigned queue)
{
    v->deferred |= 1u << queue;
    device_timer_arm(&v->timer, device_now_ns(v->slot) + 1); // not in the same round of timers
}

void virtio_notify_soon(VirtioDevice *v, unsigned queue)
{
    v->deferred |= 1u << queue;
    device_timer_arm(&v->timer, 0);
}

VirtioDevice *virtio_new(const VirtioType *type, Device *slot, const VirtioItem *item, GError **error)
{
    g_assert(type->config_size <= VIRTIO_CONFIG);
    VirtioDevice *v = g_malloc0(type->size);
    v->type = type;
    v->slot = slot;
    v->memory = slot->bus->memory;
    v->offered = COMMON_FEATURES;
    v->n_queues = type->queues;
    device_timer_init(&v->timer, slot, serve_deferred, v);
    if (!type->realize(v, item, error)) {
        g_free(v);
        return NULL;
    }
    g_assert(v->n_queues <= VIRTIO_QUEUES);
    return v;
}

void virtio_free(VirtioDevice *v)
{
    if (!v)
        return;
    device_timer_arm(&v->timer, UINT64_MAX);
    if (v->type->unrealize)
        v->type->unrealize(v);
    g_free(v);
}

void virtio_reset(VirtioDevice *v)
{
    memset(v->queues, 0, sizeof v->queues);
    v->status = 0;
    v->features = 0;
    v->deferred = 0;
    device_timer_arm(&v->timer, UINT64_MAX);
    if (v->type->reset)
        v->type->reset(v);
    virtio_set_interrupts(v, 0);
}

void virtio_set_interrupts(VirtioDevice *v, uint32_t interrupts)
{
    v->interrupts = interrupts;
    device_set_irq(v->slot, interrupts);
}

void virtio_set_config(VirtioDevice *v, unsigned at, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        v->config[at + i] = (uint8_t)(value >> (8 * i));
}

void virtio_config_changed(VirtioDevice *v)
{
    v->generation++;
    if (v->status & VIRTIO_DRIVER_OK)
        virtio_set_interrupts(v, v->interrupts | VIRTIO_INT_CONFIG);
}

bool virtio_broken(VirtioDevice *v, const char *why)
{
    if (v->status & VIRTIO_NEEDS_RESET)
        return false;
    if (log_on(LOG_GUEST_ERROR))
        log_printf("%s: %s: the device needs a reset\n", v->type->name, why);
    v->status |= VIRTIO_NEEDS_RESET;
    if (v->status & VIRTIO_DRIVER_OK)
        virtio_set_interrupts(v, v->interrupts | VIRTIO_INT_CONFIG);
    return false;
}

void virtio_set_status(VirtioDevice *v, uint8_t status, uint64_t wanted)
{
    uint8_t before = v->status;
    status = (status & ~VIRTIO_NEEDS_RESET) | (before & VIRTIO_NEEDS_RESET);
    if (status & ~before & VIRTIO_FEATURES_OK) {
        if (wanted & ~v->offered)
            status &= ~VIRTIO_FEATURES_OK;
        else
            v->features = wanted; // even without VERSION_1, as small drivers have it (6.2)
    }
    v->status = status;
    if (status & ~before & VIRTIO_DRIVER_OK)
        for (unsigned i = 0; i < v->n_queues; i++) // what was put there before
            virtio_notify(v, i);
}

void virtio_notify(VirtioDevice *v, unsigned queue)
{
    bool live = v->status & VIRTIO_DRIVER_OK && !(v->status & VIRTIO_NEEDS_RESET);
    if (live && queue < v->n_queues && v->queues[queue].ready)
        v->type->notify(v, queue);
}

void virtio_serve(VirtioDevice *v, unsigned queue, uint32_t (*serve)(VirtioDevice *v, const VirtioChain *c))
{
    Virtqueue *q = &v->queues[queue];
    VirtioChain *c = &v->chain;
    unsigned served = 0;
    uint64_t bytes = 0;
    while (served < q->size && bytes < BYTES_AT_ONCE && virtqueue_pop(v, q, c)) {
        uint32_t written = serve(v, c);
        if (v->status & VIRTIO_NEEDS_RESET)
            return;
        if (written == VIRTIO_LATER) {
            virtqueue_untake(q);
            break;
        }
        virtqueue_push(v, q, c, written);
        served++;
        bytes += c->out + c->in;
    }
    virtqueue_signal(v, q);
    if (served == q->size || bytes >= BYTES_AT_ONCE)
        virtio_defer(v, queue);
}
