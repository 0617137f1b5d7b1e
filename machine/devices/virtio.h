// SPDX-License-Identifier: GPL-3.0-or-later
// Virtio devices (virtio 1.2): what transport (virtio_mmio.c), queues (virtio_queue.c) and the devices share.
//
// Everything in guest memory that a device is told about may be wrong: addresses, lengths, indices, chains. Accesses
// reach RAM only, never registers. Whatever cannot be right ends in virtio_broken: the device stops and the driver is
// told that it needs a reset (2.1.2). All functions run under the big lock.
#pragma once
#include "machine/devices/device.h"
#include "machine/virtio_item.h"

#define VIRTIO_QUEUES     32   // most of a device
#define VIRTIO_QUEUE_SIZE 256  // most entries of a queue
#define VIRTIO_CHAIN      1024 // most buffers of a chain
#define VIRTIO_CONFIG     64   // most bytes of configuration
#define VIRTIO_LATER      UINT32_MAX // in place of a number of bytes: the chain is to be served again later

enum { // bits of the device's status (2.1)
    VIRTIO_ACKNOWLEDGE = 1,
    VIRTIO_DRIVER = 2,
    VIRTIO_DRIVER_OK = 4,
    VIRTIO_FEATURES_OK = 8,
    VIRTIO_NEEDS_RESET = 64,
    VIRTIO_FAILED = 128,
};
enum { VIRTIO_F_INDIRECT_DESC = 28, VIRTIO_F_EVENT_IDX = 29, VIRTIO_F_VERSION_1 = 32 }; // feature bits (6)
enum { VIRTIO_INT_USED = 1, VIRTIO_INT_CONFIG = 2 };                                    // reasons of an interrupt

typedef struct VirtioDevice VirtioDevice;

typedef struct { // a split virtqueue (2.7)
    unsigned size;           // entries
    gpa_t desc, avail, used; // descriptor table, driver area, device area
    bool ready;
    uint16_t next_avail; // the next entry of the available ring to take
    uint16_t next_used;  // ... of the used ring to fill
    uint16_t signalled;  // next_used when an interrupt was last thought about
} Virtqueue;

typedef struct {
    gpa_t addr;
    uint32_t size;
} VirtioBuffer;

typedef struct {       // a chain of descriptors: first the buffers that the device reads, then those it writes
    uint16_t head;     // by which the driver knows it
    unsigned n, n_out; // buffers; of them the device reads n_out
    uint64_t out, in;  // bytes that the device reads, that it writes
    VirtioBuffer buffers[VIRTIO_CHAIN];
} VirtioChain;

typedef struct { // a kind of device
    const char *name; // of -device
    uint32_t id;      // 5
    size_t size;      // of the object, which begins with a VirtioDevice
    unsigned queues, config_size;
    // Sets features and config, and n_queues if that is not the usual. Error: one line without the option's name.
    // unrealize undoes it and may be NULL.
    bool (*realize)(VirtioDevice *v, const VirtioItem *item, GError **error);
    void (*unrealize)(VirtioDevice *v);
    void (*reset)(VirtioDevice *v);                      // may be NULL
    void (*notify)(VirtioDevice *v, unsigned queue);     // there may be something in a queue; the driver is ready
    void (*config_written)(VirtioDevice *v, unsigned at, uint8_t byte); // may be NULL: nothing can be written
} VirtioType;

struct VirtioDevice {
    const VirtioType *type;
    const Device *slot; // the transport
    AddressSpace *memory;
    uint64_t offered, features; // what the device can; what the driver has taken of that
    uint8_t status;
    uint32_t interrupts;   // VIRTIO_INT_*
    uint32_t generation;   // of config
    unsigned n_queues;
    unsigned deferred;     // queues, by bit, that are served when timer fires
    DeviceTimer timer;
    Virtqueue queues[VIRTIO_QUEUES];
    uint8_t config[VIRTIO_CONFIG];
    VirtioChain chain; // the one that is being served
};

// --- virtio_device.c: what is the same for all of them
extern const VirtioType virtio_blk, virtio_console, virtio_net, virtio_rng;
// The kind that has this name, or NULL.
const VirtioType *virtio_type_find(const char *name);
// Makes a device in a slot; the error says what was wrong with the item.
VirtioDevice *virtio_new(const VirtioType *type, Device *slot, const VirtioItem *item, GError **error);
void virtio_free(VirtioDevice *v);
void virtio_reset(VirtioDevice *v); // 2.4
// The driver's status, not 0; what it may not say is ignored.
void virtio_set_status(VirtioDevice *v, uint8_t status, uint64_t wanted_features);
void virtio_notify(VirtioDevice *v, unsigned queue); // by the driver; any number
static inline bool virtio_has(const VirtioDevice *v, unsigned feature)
{
    return v->features >> feature & 1;
}
void virtio_set_interrupts(VirtioDevice *v, uint32_t interrupts); // and the line
// The driver has broken the rules: DEVICE_NEEDS_RESET. Returns false.
bool virtio_broken(VirtioDevice *v, const char *why);
// Do what virtio_notify does, soon, on a thread that runs harts: for such threads, and for others. Under the big lock.
void virtio_defer(VirtioDevice *v, unsigned queue);
void virtio_notify_soon(VirtioDevice *v, unsigned queue);
void virtio_set_config(VirtioDevice *v, unsigned at, uint64_t value, unsigned size); // little-endian
void virtio_config_changed(VirtioDevice *v); // after that, once the driver has begun
// Serves the chains of a queue, each once, by serve, which returns how many bytes it has written to the chain. At most
// a queue full of them at once; the rest when others had their turn. VIRTIO_LATER: this one is the next again.
void virtio_serve(VirtioDevice *v, unsigned queue, uint32_t (*serve)(VirtioDevice *v, const VirtioChain *c));

// --- virtio_queue.c
void virtqueue_start(Virtqueue *q); // empty, from entry 0 on
// Takes the next chain, if there is one. False: none, or the device is broken.
bool virtqueue_pop(VirtioDevice *v, Virtqueue *q, VirtioChain *c);
void virtqueue_untake(Virtqueue *q); // it is the next one again
// Gives it back with the number of bytes written to it.
void virtqueue_push(VirtioDevice *v, Virtqueue *q, const VirtioChain *c, uint32_t written);
// Interrupts the driver if it wants to know of what was given back since the last time.
void virtqueue_signal(VirtioDevice *v, Virtqueue *q);
// Copies from the bytes that the device reads, to those that it writes. at + size is inside them. False: broken.
bool virtio_chain_read(VirtioDevice *v, const VirtioChain *c, uint64_t at, void *data, uint64_t size);
bool virtio_chain_write(VirtioDevice *v, const VirtioChain *c, uint64_t at, const void *data, uint64_t size);

// --- virtio_mmio.c
// Plugs a device into a transport (a Device of device_virtio_mmio) where none is; the transport owns it.
bool virtio_mmio_plug(Device *transport, const VirtioType *type, const VirtioItem *item, GError **error);
bool virtio_mmio_is_free(const Device *transport);
