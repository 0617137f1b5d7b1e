// SPDX-License-Identifier: GPL-3.0-or-later
// A driver for virtio-mmio as small as it can be.
#include "tests/machine/virtio_rig.h"

#define HEADER UINT64_C(0x80105000)
#define STATUS UINT64_C(0x80105100)

void rig_add_drive(Fixture *f, const char *id, const char *file, bool readonly)
{
    DriveItem item = {.id = id, .file = file, .readonly = readonly, .unsafe = true}; // the host's disk is slow
    if (!f->config.drives)
        f->config.drives = g_array_new(FALSE, FALSE, sizeof item);
    g_array_append_val((GArray *)f->config.drives, item);
}

void rig_add_device(Fixture *f, const char *driver, const char *drive, int bus)
{
    VirtioItem item = {.driver = driver, .drive = drive, .serial = drive ? "serial of it" : NULL, .bus = bus};
    if (!f->config.virtio)
        f->config.virtio = g_array_new(FALSE, FALSE, sizeof item);
    g_array_append_val((GArray *)f->config.virtio, item);
}

void rig_free(Fixture *f)
{
    if (f->config.drives)
        g_array_free((GArray *)f->config.drives, TRUE);
    if (f->config.virtio)
        g_array_free((GArray *)f->config.virtio, TRUE);
    f->config.drives = f->config.virtio = NULL;
}

int rig_teardown(void **state)
{
    fixture_reset(*state);
    rig_free(*state);
    return fixture_teardown(state);
}

VirtioRig rig_at_last_slot(Fixture *f)
{
    return (VirtioRig){.f = f, .base = LAST_SLOT};
}

VirtioRig rig_boot(Fixture *f, const char *disk)
{
    f->config.board = "virt";
    if (disk)
        rig_add_drive(f, "d", disk, false);
    rig_add_device(f, disk ? "virtio-blk-device" : "virtio-rng-device", disk ? "d" : NULL, -1);
    fixture_boot(f);
    return rig_at_last_slot(f);
}

uint32_t rig_read(const VirtioRig *r, unsigned reg)
{
    return (uint32_t)fixture_ld(r->f, r->base + reg, 4);
}

void rig_write(const VirtioRig *r, unsigned reg, uint32_t value)
{
    fixture_st(r->f, r->base + reg, 4, value);
}

bool rig_negotiate(const VirtioRig *r, uint64_t features)
{
    rig_write(r, R_STATUS, 0);
    rig_write(r, R_STATUS, S_DRIVER);
    for (unsigned half = 0; half < 2; half++) {
        rig_write(r, R_DRIVER_SEL, half);
        rig_write(r, R_DRIVER_FEATURES, (uint32_t)(features >> (32 * half)));
    }
    rig_write(r, R_STATUS, S_DRIVER | S_FEATURES_OK);
    return rig_read(r, R_STATUS) & S_FEATURES_OK;
}

static void put_address(const VirtioRig *r, unsigned reg, uint64_t addr)
{
    rig_write(r, reg, (uint32_t)addr);
    rig_write(r, reg + 4, (uint32_t)(addr >> 32));
}

// Where something of the present queue is.
static gpa_t place(const VirtioRig *r, gpa_t of_first)
{
    return of_first + NEXT_QUEUE * r->queue;
}

void rig_queue(VirtioRig *r)
{
    for (gpa_t a = DESC; a < TABLE; a += 0x1000)
        for (unsigned i = 0; i < 0x100; i += 8)
            fixture_st(r->f, place(r, a + i), 8, 0);
    rig_write(r, R_QUEUE_SEL, r->queue);
    rig_write(r, R_NUM, QUEUE_SIZE);
    put_address(r, R_DESC, place(r, DESC));
    put_address(r, R_DRIVER, place(r, AVAIL));
    put_address(r, R_DEVICE, place(r, USED));
    rig_write(r, R_READY, 1);
    r->offered[r->queue] = 0;
}

void rig_on(VirtioRig *r, unsigned queue)
{
    assert_true(queue < QUEUES);
    r->queue = queue;
}

void rig_start_queues(VirtioRig *r, uint64_t features, unsigned n)
{
    assert_true(rig_negotiate(r, features | VERSION_1));
    for (unsigned i = n; i-- > 0;) {
        rig_on(r, i);
        rig_queue(r);
    }
    rig_write(r, R_STATUS, S_LIVE);
    assert_int_equal(rig_read(r, R_STATUS), S_LIVE);
}

void rig_start(VirtioRig *r, uint64_t features)
{
    rig_start_queues(r, features, 1);
}

void rig_desc(const VirtioRig *r, unsigned n, uint64_t addr, uint32_t size, unsigned flags, unsigned next)
{
    gpa_t at = place(r, DESC) + 16 * n;
    fixture_st(r->f, at, 8, addr);
    fixture_st(r->f, at + 8, 4, size);
    fixture_st(r->f, at + 12, 2, flags);
    fixture_st(r->f, at + 14, 2, next);
}

void rig_offer(VirtioRig *r, unsigned head)
{
    uint16_t *offered = &r->offered[r->queue];
    fixture_st(r->f, place(r, AVAIL) + 4 + 2 * (*offered % QUEUE_SIZE), 2, head);
    fixture_st(r->f, place(r, AVAIL) + 2, 2, ++*offered);
}

void rig_kick(const VirtioRig *r)
{
    rig_write(r, R_NOTIFY, r->queue);
}

void rig_send(VirtioRig *r, unsigned n, uint64_t addr, uint32_t size, unsigned flags)
{
    rig_desc(r, n, addr, size, flags, 0);
    rig_offer(r, n);
    rig_kick(r);
}

unsigned rig_used(const VirtioRig *r)
{
    return (unsigned)fixture_ld(r->f, place(r, USED) + 2, 2);
}

uint32_t rig_written(const VirtioRig *r)
{
    return (uint32_t)fixture_ld(r->f, place(r, USED) + 8 + 8 * ((rig_used(r) - 1) % QUEUE_SIZE), 4);
}

unsigned rig_request(VirtioRig *r, unsigned type, uint64_t sector, uint32_t size)
{
    fixture_st(r->f, HEADER, 8, type);
    fixture_st(r->f, HEADER + 8, 8, sector);
    fixture_st(r->f, STATUS, 1, 0xff);
    rig_desc(r, 0, HEADER, 16, NEXT, size ? 1 : 2);
    rig_desc(r, 1, DATA, size, NEXT | (type & 1 ? 0 : WRITE), 2); // odd ones have data to read
    rig_desc(r, 2, STATUS, 1, WRITE, 0);
    rig_offer(r, 0);
    rig_kick(r);
    return (unsigned)fixture_ld(r->f, STATUS, 1);
}
