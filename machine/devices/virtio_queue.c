// SPDX-License-Identifier: GPL-3.0-or-later
// Split virtqueues (virtio 1.2, 2.7), and the bytes of their chains.
#include "machine/devices/virtio.h"

#include "softmmu/memory_ldst.h"
#include <string.h>

#define MEMORY_ONLY ((MemTxAttrs){.memory = 1})
#define DESC_SIZE 16

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 }; // flags of a descriptor
enum { AVAIL_NO_INTERRUPT = 1 };

typedef struct { // as it lies in memory, little-endian
    uint64_t addr;
    uint32_t size;
    uint16_t flags, next;
} Desc;

typedef struct { // of the used ring
    uint32_t id, size;
} Used;

static bool load16(VirtioDevice *v, gpa_t addr, uint16_t *value)
{
    MemTxResult r;
    *value = address_space_lduw_le(v->memory, addr, MEMORY_ONLY, &r);
    return r == MEMTX_OK || virtio_broken(v, "a ring is not in memory");
}

static bool store16(VirtioDevice *v, gpa_t addr, uint16_t value)
{
    MemTxResult r;
    address_space_stw_le(v->memory, addr, value, MEMORY_ONLY, &r);
    return r == MEMTX_OK || virtio_broken(v, "a ring is not in memory");
}

void virtqueue_start(Virtqueue *q)
{
    q->next_avail = q->next_used = q->signalled = 0;
    q->ready = true;
}

// --- chains --------------------------------------------------------------------------------------------------------

static bool load_desc(VirtioDevice *v, gpa_t addr, Desc *d)
{
    if (address_space_read(v->memory, addr, MEMORY_ONLY, d, sizeof *d) != MEMTX_OK)
        return virtio_broken(v, "a descriptor is not in memory");
    d->addr = GUINT64_FROM_LE(d->addr);
    d->size = GUINT32_FROM_LE(d->size);
    d->flags = GUINT16_FROM_LE(d->flags);
    d->next = GUINT16_FROM_LE(d->next);
    return true;
}

static bool add_buffer(VirtioDevice *v, VirtioChain *c, const Desc *d)
{
    bool writable = d->flags & DESC_WRITE;
    if (!writable && c->n > c->n_out)
        return virtio_broken(v, "a chain has a buffer to read behind one to write");
    if (c->n == VIRTIO_CHAIN)
        return virtio_broken(v, "a chain is too long");
    if (c->out + c->in + d->size > UINT32_MAX)
        return virtio_broken(v, "a chain has more than 4 GiB");
    c->buffers[c->n++] = (VirtioBuffer){d->addr, d->size};
    c->n_out += !writable;
    *(writable ? &c->in : &c->out) += d->size;
    return true;
}

// A table of descriptors elsewhere (2.7.5.3), in which the chain goes on and ends.
static bool enter_table(VirtioDevice *v, const Desc *d, bool inside)
{
    if (!virtio_has(v, VIRTIO_F_INDIRECT_DESC))
        return virtio_broken(v, "an indirect descriptor, which was not agreed on");
    if (inside || d->flags & DESC_NEXT)
        return virtio_broken(v, "an indirect descriptor inside or before others");
    if (!d->size || d->size % DESC_SIZE || d->size / DESC_SIZE > VIRTIO_CHAIN)
        return virtio_broken(v, "an indirect table of a wrong size");
    return true;
}

static bool load_chain(VirtioDevice *v, const Virtqueue *q, VirtioChain *c)
{
    gpa_t table = q->desc;
    unsigned size = q->size, at = c->head, left = size;
    bool inside = false;
    c->n = c->n_out = 0;
    c->out = c->in = 0;
    for (;;) {
        Desc d;
        if (!left--) // each descriptor of a table is used once, or there is a loop
            return virtio_broken(v, "a chain is a loop");
        if (at >= size)
            return virtio_broken(v, "a descriptor's number is too large");
        if (!load_desc(v, table + DESC_SIZE * (gpa_t)at, &d))
            return false;
        if (d.flags & DESC_INDIRECT) {
            if (!enter_table(v, &d, inside))
                return false;
            inside = true;
            table = d.addr;
            size = left = d.size / DESC_SIZE;
            at = 0;
            continue;
        }
        if (!add_buffer(v, c, &d))
            return false;
        if (!(d.flags & DESC_NEXT))
            return true;
        at = d.next;
    }
}

// --- rings ---------------------------------------------------------------------------------------------------------

// Whether there is something to take. Before the answer is no the driver is told to say when there is (2.7.10).
static bool available(VirtioDevice *v, const Virtqueue *q)
{
    uint16_t avail;
    if (!load16(v, q->avail + 2, &avail))
        return false;
    if (avail == q->next_avail && virtio_has(v, VIRTIO_F_EVENT_IDX)) {
        if (!store16(v, q->used + 4 + sizeof(Used) * q->size, q->next_avail))
            return false;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (!load16(v, q->avail + 2, &avail))
            return false;
    }
    if ((uint16_t)(avail - q->next_avail) > q->size)
        return virtio_broken(v, "more chains are available than there are descriptors");
    return avail != q->next_avail;
}

bool virtqueue_pop(VirtioDevice *v, Virtqueue *q, VirtioChain *c)
{
    if (!q->ready || v->status & VIRTIO_NEEDS_RESET || !available(v, q))
        return false;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (!load16(v, q->avail + 4 + 2 * (q->next_avail % q->size), &c->head))
        return false;
    q->next_avail++;
    return load_chain(v, q, c);
}

void virtqueue_untake(Virtqueue *q)
{
    q->next_avail--;
}

void virtqueue_push(VirtioDevice *v, Virtqueue *q, const VirtioChain *c, uint32_t written)
{
    Used used = {GUINT32_TO_LE((uint32_t)c->head), GUINT32_TO_LE(written)};
    gpa_t at = q->used + 4 + sizeof used * (q->next_used % q->size);
    if (address_space_write(v->memory, at, MEMORY_ONLY, &used, sizeof used) != MEMTX_OK) {
        virtio_broken(v, "a ring is not in memory");
        return;
    }
    __atomic_thread_fence(__ATOMIC_RELEASE);
    store16(v, q->used + 2, ++q->next_used);
}

void virtqueue_signal(VirtioDevice *v, Virtqueue *q)
{
    uint16_t before = q->signalled, now = q->next_used, word;
    bool event = virtio_has(v, VIRTIO_F_EVENT_IDX);
    if (before == now || v->status & VIRTIO_NEEDS_RESET)
        return;
    q->signalled = now;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!load16(v, event ? q->avail + 4 + 2 * (gpa_t)q->size : q->avail, &word))
        return;
    bool wanted = event ? (uint16_t)(now - word - 1) < (uint16_t)(now - before) : !(word & AVAIL_NO_INTERRUPT);
    if (wanted)
        virtio_set_interrupts(v, v->interrupts | VIRTIO_INT_USED);
}

// --- the bytes of a chain ------------------------------------------------------------------------------------------

static bool copy(VirtioDevice *v, const VirtioBuffer *b, uint64_t at, uint8_t *data, uint64_t size, bool is_write)
{
    for (; size; b++) {
        if (at >= b->size) {
            at -= b->size;
            continue;
        }
        uint64_t n = MIN(size, b->size - at);
        if (address_space_rw(v->memory, b->addr + at, MEMORY_ONLY, data, n, is_write) != MEMTX_OK)
            return virtio_broken(v, "a buffer is not in memory");
        data += n;
        size -= n;
        at = 0;
    }
    return true;
}

bool virtio_chain_read(VirtioDevice *v, const VirtioChain *c, uint64_t at, void *data, uint64_t size)
{
    g_assert(at <= c->out && size <= c->out - at);
    return copy(v, c->buffers, at, data, size, false);
}

bool virtio_chain_write(VirtioDevice *v, const VirtioChain *c, uint64_t at, const void *data, uint64_t size)
{
    g_assert(at <= c->in && size <= c->in - at);
    return copy(v, c->buffers + c->n_out, at, (uint8_t *)data, size, true); // which is only read from
}
