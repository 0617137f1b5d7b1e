// SPDX-License-Identifier: GPL-3.0-or-later
// A virtio transport of the MMIO kind (virtio 1.2, 4.2). Without a device behind it its device id is 0, so drivers
// leave it alone.
#include "machine/devices/devices.h"
#include "machine/devices/virtio.h"

#include "util/log.h"
#include <gio/gio.h>
#include <inttypes.h>

#define MAGIC   0x74726976 // "virt"
#define VERSION 2
#define VENDOR  0x554d4551 // as QEMU's

enum {
    MAGIC_VALUE = 0x000,
    VERSION_NUMBER = 0x004,
    DEVICE_ID = 0x008,
    VENDOR_ID = 0x00c,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    QUEUE_SEL = 0x030,
    QUEUE_NUM_MAX = 0x034,
    QUEUE_NUM = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESC = 0x080, // low half; the high half is the next register
    QUEUE_DRIVER = 0x090,
    QUEUE_DEVICE = 0x0a0,
    SHM_LEN = 0x0b0,
    SHM_BASE = 0x0b8,
    CONFIG_GENERATION = 0x0fc,
    CONFIG = 0x100,
};

typedef struct {
    Device device;
    MemoryRegion mr;
    VirtioDevice *virtio; // NULL: nothing is plugged in
    uint32_t device_sel, driver_sel, queue_sel;
    uint64_t wanted; // features, by the driver
} Transport;

static void complain(const Transport *t, const char *what, uint64_t addr)
{
    if (log_on(LOG_GUEST_ERROR))
        log_printf("%s at 0x%" PRIx64 ": %s 0x%" PRIx64 "\n", t->mr.name, t->device.row->base, what, addr);
}

// The queue that is selected, or NULL.
static Virtqueue *selected(const Transport *t)
{
    return t->queue_sel < t->virtio->n_queues ? &t->virtio->queues[t->queue_sel] : NULL;
}

// --- configuration of the device -----------------------------------------------------------------------------------

static uint64_t read_config(const VirtioDevice *v, uint64_t at, unsigned size)
{
    uint64_t value = 0;
    if (at + size > v->type->config_size)
        return UINT64_MAX;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)v->config[at + i] << (8 * i);
    return value;
}

static void write_config(VirtioDevice *v, uint64_t at, uint64_t data, unsigned size)
{
    if (!v->type->config_written || at + size > v->type->config_size)
        return;
    for (unsigned i = 0; i < size; i++)
        v->type->config_written(v, (unsigned)at + i, (uint8_t)(data >> (8 * i)));
    v->generation++;
}

// --- registers -----------------------------------------------------------------------------------------------------

static uint32_t read_register(const Transport *t, uint64_t addr)
{
    const VirtioDevice *v = t->virtio;
    const Virtqueue *q = selected(t);
    switch (addr) {
    case DEVICE_ID: return v->type->id;
    case DEVICE_FEATURES: return t->device_sel < 2 ? (uint32_t)(v->offered >> (32 * t->device_sel)) : 0;
    case QUEUE_NUM_MAX: return q ? VIRTIO_QUEUE_SIZE : 0;
    case QUEUE_READY: return q && q->ready;
    case INTERRUPT_STATUS: return v->interrupts;
    case STATUS: return v->status;
    case SHM_LEN:
    case SHM_LEN + 4:
    case SHM_BASE:
    case SHM_BASE + 4: return UINT32_MAX; // there is no shared memory
    case CONFIG_GENERATION: return v->generation;
    }
    complain(t, "read of register", addr);
    return 0;
}

static uint64_t transport_read(void *opaque, uint64_t addr, unsigned size)
{
    const Transport *t = opaque;
    if (addr >= CONFIG)
        return t->virtio ? read_config(t->virtio, addr - CONFIG, size) : 0;
    if (size != 4 || addr % 4) { // 4.2.2.2
        complain(t, "read that is not of 32 bits at", addr);
        return 0;
    }
    switch (addr) {
    case MAGIC_VALUE: return MAGIC;
    case VERSION_NUMBER: return VERSION;
    case VENDOR_ID: return VENDOR;
    }
    return t->virtio ? read_register(t, addr) : 0;
}

static void write_features(Transport *t, uint32_t data)
{
    unsigned shift = 32 * t->driver_sel;
    if (t->driver_sel > 1 || t->virtio->status & VIRTIO_FEATURES_OK)
        return;
    t->wanted = (t->wanted & ~((uint64_t)UINT32_MAX << shift)) | (uint64_t)data << shift;
}

static void write_status(Transport *t, uint8_t status)
{
    if (status) {
        virtio_set_status(t->virtio, status, t->wanted);
        return;
    }
    virtio_reset(t->virtio);
    t->device_sel = t->driver_sel = t->queue_sel = 0;
    t->wanted = 0;
}

static void write_ready(Transport *t, Virtqueue *q, bool ready)
{
    if (!ready) {
        q->ready = false;
    } else if (!q->size || q->size > VIRTIO_QUEUE_SIZE || q->size & (q->size - 1)) {
        complain(t, "a queue is to be ready that has the size", q->size);
    } else if (!q->ready) {
        virtqueue_start(q);
    }
}

static void set_half(gpa_t *address, bool high, uint32_t data)
{
    *address = high ? (*address & UINT32_MAX) | (gpa_t)data << 32 : (*address & ~(gpa_t)UINT32_MAX) | data;
}

// Of the queue that is selected; while it is in use only that it is ready no more.
static void write_queue(Transport *t, uint64_t addr, uint32_t data)
{
    Virtqueue *q = selected(t);
    if (!q || (q->ready && addr != QUEUE_READY)) {
        complain(t, q ? "the queue is in use, register" : "no such queue, register", addr);
        return;
    }
    switch (addr) {
    case QUEUE_NUM: q->size = data; break;
    case QUEUE_READY: write_ready(t, q, data & 1); break;
    case QUEUE_DESC:
    case QUEUE_DESC + 4: set_half(&q->desc, addr & 4, data); break;
    case QUEUE_DRIVER:
    case QUEUE_DRIVER + 4: set_half(&q->avail, addr & 4, data); break;
    case QUEUE_DEVICE:
    case QUEUE_DEVICE + 4: set_half(&q->used, addr & 4, data); break;
    default: complain(t, "store to register", addr);
    }
}

static void transport_write(void *opaque, uint64_t addr, uint64_t data, unsigned size)
{
    Transport *t = opaque;
    VirtioDevice *v = t->virtio;
    if (!v)
        return;
    if (addr >= CONFIG) {
        write_config(v, addr - CONFIG, data, size);
        return;
    }
    if (size != 4 || addr % 4) {
        complain(t, "store that is not of 32 bits at", addr);
        return;
    }
    switch (addr) {
    case DEVICE_FEATURES_SEL: t->device_sel = (uint32_t)data; break;
    case DRIVER_FEATURES_SEL: t->driver_sel = (uint32_t)data; break;
    case DRIVER_FEATURES: write_features(t, (uint32_t)data); break;
    case QUEUE_SEL: t->queue_sel = (uint32_t)data; break;
    case QUEUE_NOTIFY: virtio_notify(v, (unsigned)data); break;
    case INTERRUPT_ACK: virtio_set_interrupts(v, v->interrupts & ~(uint32_t)data); break;
    case STATUS: write_status(t, (uint8_t)data); break;
    default: write_queue(t, addr, (uint32_t)data);
    }
}

static const MemoryRegionOps transport_ops = {
    .read = transport_read,
    .write = transport_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8},
    .impl = {.min_access_size = 1, .max_access_size = 4},
};

// --- life ----------------------------------------------------------------------------------------------------------

bool virtio_mmio_is_free(const Device *d)
{
    return !((const Transport *)d)->virtio;
}

bool virtio_mmio_plug(Device *d, const VirtioType *type, const VirtioItem *item, GError **error)
{
    Transport *t = (Transport *)d;
    g_assert(!t->virtio);
    t->virtio = virtio_new(type, d, item, error);
    return t->virtio;
}

static void reset(Device *d)
{
    Transport *t = (Transport *)d;
    if (t->virtio)
        write_status(t, 0);
}

static bool realize(Device *d, GError **error G_GNUC_UNUSED)
{
    Transport *t = (Transport *)d;
    memory_region_init_io(&t->mr, &transport_ops, t, d->row->name, d->row->size);
    device_map(d, &t->mr, 0);
    return true;
}

static void unrealize(Device *d)
{
    Transport *t = (Transport *)d;
    virtio_free(t->virtio);
    device_unmap(d, &t->mr);
    memory_region_deinit(&t->mr);
}

static void describe(const Device *d, DtWriter *w)
{
    device_node(d, w, "virtio_mmio", "virtio,mmio", 0x1000);
    dt_end(w);
}

const DeviceType device_virtio_mmio = {
    "virtio-mmio", sizeof(Transport), realize, unrealize, .reset = reset, .describe = describe,
};
