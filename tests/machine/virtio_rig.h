// SPDX-License-Identifier: GPL-3.0-or-later
// A driver for virtio-mmio as small as it can be, for the tests of virtio devices: queues of 8 entries in RAM.
#pragma once
#include "tests/machine/fixture.h"

#define LAST_SLOT 0x10008000u // where the first device goes
#define FIRST_SLOT 0x10001000u

#define QUEUE_SIZE 8
#define DESC  UINT64_C(0x80100000)
#define AVAIL UINT64_C(0x80101000)
#define USED  UINT64_C(0x80102000)
#define TABLE UINT64_C(0x80103000) // for indirect descriptors
#define DATA  UINT64_C(0x80110000)
#define NEXT_QUEUE UINT64_C(0x20000) // from the memory of one queue to that of the next
#define QUEUES 8

enum { // registers
    R_DEVICE_ID = 0x08, R_FEATURES = 0x10, R_FEATURES_SEL = 0x14, R_DRIVER_FEATURES = 0x20, R_DRIVER_SEL = 0x24,
    R_QUEUE_SEL = 0x30, R_NUM_MAX = 0x34, R_NUM = 0x38, R_READY = 0x44, R_NOTIFY = 0x50, R_INTERRUPTS = 0x60,
    R_ACK = 0x64, R_STATUS = 0x70, R_DESC = 0x80, R_DRIVER = 0x90, R_DEVICE = 0xa0, R_GENERATION = 0xfc,
    R_CONFIG = 0x100,
};
enum { S_DRIVER = 3, S_FEATURES_OK = 8, S_DRIVER_OK = 4, S_LIVE = 15, S_NEEDS_RESET = 64 };
enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };
enum { BLK_IN, BLK_OUT, BLK_FLUSH = 4, BLK_GET_ID = 8, BLK_DISCARD = 11, BLK_WRITE_ZEROES = 13 };
enum { BLK_OK, BLK_IOERR, BLK_UNSUPP };
#define VERSION_1 (UINT64_C(1) << 32)
#define EVENT_IDX (UINT64_C(1) << 29)
#define INDIRECT_DESC (UINT64_C(1) << 28)

typedef struct {
    Fixture *f;
    gpa_t base; // of the transport
    unsigned queue; // that the functions below are about
    uint16_t offered[QUEUES]; // chains so far
} VirtioRig;

typedef struct { // what a test puts into a queue
    unsigned queue;
    uint64_t addr;
    uint32_t size;
    unsigned flags;
} RigBuffer;

// The transport of the first device that is plugged in.
VirtioRig rig_at_last_slot(Fixture *f);
// Boots virt with the fixture's config and one more device: a disk of the file (NULL: the entropy device).
VirtioRig rig_boot(Fixture *f, const char *disk);
// Adds to the fixture's config; strings are the caller's. drive NULL: none, bus -1: any.
void rig_add_drive(Fixture *f, const char *id, const char *file, bool readonly);
void rig_add_device(Fixture *f, const char *driver, const char *drive, int bus);
void rig_free(Fixture *f); // what these made; the board is gone
int rig_teardown(void **state); // of cmocka, where there is nothing else to free

uint32_t rig_read(const VirtioRig *r, unsigned reg);
void rig_write(const VirtioRig *r, unsigned reg, uint32_t value);
// Reset, features, a fresh queue, DRIVER_OK. The two parts of it.
void rig_start(VirtioRig *r, uint64_t features);
bool rig_negotiate(const VirtioRig *r, uint64_t features); // up to FEATURES_OK: whether it stays
void rig_queue(VirtioRig *r); // the present one, at the addresses above and NEXT_QUEUE for each before it
void rig_start_queues(VirtioRig *r, uint64_t features, unsigned n); // rig_start with more than one queue
void rig_on(VirtioRig *r, unsigned queue);

void rig_desc(const VirtioRig *r, unsigned n, uint64_t addr, uint32_t size, unsigned flags, unsigned next);
void rig_offer(VirtioRig *r, unsigned head); // into the available ring
void rig_kick(const VirtioRig *r);
// A chain of one descriptor, offered and told of.
void rig_send(VirtioRig *r, unsigned n, uint64_t addr, uint32_t size, unsigned flags);
unsigned rig_used(const VirtioRig *r);       // chains that came back so far
uint32_t rig_written(const VirtioRig *r);    // bytes, of the last of them

// A request of a disk in three descriptors, data at DATA; runs it, and returns its status (0xff: none came back).
unsigned rig_request(VirtioRig *r, unsigned type, uint64_t sector, uint32_t size);
