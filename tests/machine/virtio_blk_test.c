// SPDX-License-Identifier: GPL-3.0-or-later
// Virtio disks: requests and what they leave in the image; images that cannot be used; where devices go.
#include "machine/io_pool.h"
#include "tests/machine/virtio_rig.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTORS 8
#define FLUSH (UINT64_C(1) << 9)
#define CONFIG_WCE (UINT64_C(1) << 11)
#define RO (1u << 5)

// Byte i of the image is i / 512 + i.
static const char *make_image(Fixture *f, size_t size)
{
    uint8_t data[SECTORS * 512];
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i / 512 + i);
    return fixture_file(f, "disk", data, size);
}

static unsigned image_byte(const char *path, long at)
{
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    int c = fgetc(f);
    fclose(f);
    return (unsigned)c;
}

static void reads(void **state)
{
    Fixture *f = *state;
    VirtioRig r = rig_boot(f, make_image(f, SECTORS * 512));
    rig_start(&r, 0);
    assert_int_equal(rig_request(&r, BLK_IN, 3, 1024), BLK_OK);
    assert_int_equal(rig_written(&r), 1025);
    for (unsigned i = 0; i < 1024; i += 7)
        assert_int_equal(fixture_ld(f, DATA + i, 1), (i / 512 + 3 + i) & 0xff);
    assert_int_equal(rig_request(&r, BLK_IN, 0, SECTORS * 512), BLK_OK);
    assert_int_equal(rig_request(&r, BLK_IN, SECTORS, 0), BLK_OK);
    const struct {
        uint64_t sector;
        uint32_t size;
    } wrong[] = {{SECTORS, 512}, {0, SECTORS * 512 + 512}, {SECTORS - 1, 1024}, {0, 511}, {0, 1},
                 {SECTORS + 1, 0}, {UINT64_MAX, 512}, {UINT64_MAX >> 9, 512}, {UINT64_C(1) << 55, 512}, {0, 64 << 20}};
    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
        assert_int_equal(rig_request(&r, BLK_IN, wrong[i].sector, wrong[i].size), BLK_IOERR);
        assert_int_equal(rig_request(&r, BLK_OUT, wrong[i].sector, wrong[i].size), BLK_IOERR);
    }
    assert_int_equal(rig_read(&r, R_STATUS), S_LIVE);
}

static void writes(void **state)
{
    Fixture *f = *state;
    const char *path = make_image(f, SECTORS * 512);
    VirtioRig r = rig_boot(f, path);
    rig_start(&r, FLUSH);
    for (unsigned i = 0; i < 1024; i++)
        fixture_st(f, DATA + i, 1, 0xc3);
    assert_int_equal(rig_request(&r, BLK_OUT, 2, 1024), BLK_OK);
    assert_int_equal(rig_written(&r), 1);
    assert_int_equal(rig_request(&r, BLK_FLUSH, 0, 0), BLK_OK);
    assert_int_equal(image_byte(path, 1023), (1023 / 512 + 1023) & 0xff);
    assert_int_equal(image_byte(path, 1024), 0xc3);
    assert_int_equal(image_byte(path, 2047), 0xc3);
    assert_int_equal(image_byte(path, 2048), (2048 / 512 + 2048) & 0xff);
    assert_int_equal(rig_request(&r, BLK_IN, 3, 512), BLK_OK);
    assert_int_equal(fixture_ld(f, DATA + 511, 1), 0xc3);
}

static void other_requests(void **state)
{
    Fixture *f = *state;
    VirtioRig r = rig_boot(f, make_image(f, SECTORS * 512));
    char id[21] = {0};
    rig_start(&r, 0);
    assert_int_equal(rig_request(&r, BLK_GET_ID, 0, 20), BLK_OK);
    assert_int_equal(address_space_read(board_memory(f->board), DATA, MEMTXATTRS_NONE, id, 20), MEMTX_OK);
    assert_string_equal(id, "serial of it");
    assert_int_equal(rig_request(&r, BLK_GET_ID, 0, 512), BLK_OK);
    assert_int_equal(rig_written(&r), 20);
    assert_int_equal(rig_request(&r, BLK_GET_ID, 0, 3), BLK_OK);
    assert_int_equal(rig_request(&r, 3, 0, 512), BLK_UNSUPP);
    assert_int_equal(rig_request(&r, 0xffffffff, 0, 512), BLK_UNSUPP);
    assert_int_equal(rig_request(&r, BLK_FLUSH, 0, 0), BLK_OK);
}

static unsigned clear(VirtioRig *r, unsigned type, uint64_t sector, uint32_t sectors, uint32_t flags)
{
    fixture_st(r->f, DATA, 8, sector);
    fixture_st(r->f, DATA + 8, 4, sectors);
    fixture_st(r->f, DATA + 12, 4, flags);
    return rig_request(r, type, 0, 16);
}

static void clears(void **state)
{
    Fixture *f = *state;
    const char *path = make_image(f, 1000);
    VirtioRig r = rig_boot(f, path);
    rig_start(&r, FLUSH);
    assert_int_equal(clear(&r, BLK_WRITE_ZEROES, 0, 0, 0), BLK_OK);
    assert_int_equal(clear(&r, BLK_WRITE_ZEROES, 2, 1, 0), BLK_IOERR);
    assert_int_equal(clear(&r, BLK_DISCARD, 1, 2, 0), BLK_IOERR);
    assert_int_equal(clear(&r, BLK_DISCARD, UINT64_MAX, 1, 0), BLK_IOERR);
    assert_int_equal(clear(&r, BLK_DISCARD, 0, UINT32_MAX, 0), BLK_IOERR);
    assert_int_equal(clear(&r, BLK_WRITE_ZEROES, 0, 1, 2), BLK_UNSUPP);
    assert_int_equal(clear(&r, BLK_DISCARD, 0, 1, 1), BLK_UNSUPP);
    assert_int_equal(rig_request(&r, BLK_WRITE_ZEROES, 0, 15), BLK_IOERR);
    assert_int_equal(rig_request(&r, BLK_WRITE_ZEROES, 0, 32), BLK_IOERR);
    assert_int_equal(image_byte(path, 7), 7);
    assert_int_equal(clear(&r, BLK_WRITE_ZEROES, 0, 1, 0), BLK_OK);
    assert_int_equal(rig_written(&r), 1);
    assert_int_equal(image_byte(path, 7), 0);
    assert_int_equal(image_byte(path, 513), 513 / 512 + 513 - 512);
    assert_int_equal(clear(&r, BLK_WRITE_ZEROES, 1, 1, 1), BLK_OK);
    assert_int_equal(image_byte(path, 513), 0);
    assert_int_equal(image_byte(path, 1000), (unsigned)EOF); // it has not grown
    assert_int_equal(clear(&r, BLK_DISCARD, 0, 2, 0), BLK_OK);
    assert_int_equal(rig_request(&r, BLK_IN, 0, 1024), BLK_OK);
}

// Header, data and status may be cut anywhere (5.2.6.4).
static void any_framing(void **state)
{
    Fixture *f = *state;
    VirtioRig r = rig_boot(f, make_image(f, SECTORS * 512));
    rig_start(&r, 0);
    fixture_st(f, DATA, 8, BLK_IN);
    fixture_st(f, DATA + 0x103, 8, 2);
    rig_desc(&r, 0, DATA, 3, NEXT, 1);
    rig_desc(&r, 1, DATA + 3, 5, NEXT, 2);
    rig_desc(&r, 2, DATA + 0x103, 8, NEXT, 3);
    rig_desc(&r, 3, DATA + 0x201, 1, NEXT | WRITE, 4);
    rig_desc(&r, 4, DATA + 0x301, 512, WRITE, 0);
    rig_offer(&r, 0);
    rig_kick(&r);
    assert_int_equal(rig_written(&r), 513);
    assert_int_equal(fixture_ld(f, DATA + 0x201, 1), 2);
    assert_int_equal(fixture_ld(f, DATA + 0x301, 1), 3);
    assert_int_equal(fixture_ld(f, DATA + 0x301 + 510, 1), (2 + 511) & 0xff);
    assert_int_equal(fixture_ld(f, DATA + 0x301 + 511, 1), BLK_OK);
    // A write whose data begins in the header's buffer.
    fixture_st(f, DATA, 8, BLK_OUT);
    fixture_st(f, DATA + 8, 8, 0);
    rig_desc(&r, 0, DATA, 16 + 512, NEXT, 1);
    rig_desc(&r, 1, DATA + 0x1000, 1, WRITE, 0);
    fixture_st(f, DATA + 16, 1, 0x77);
    rig_offer(&r, 0);
    rig_kick(&r);
    assert_int_equal(fixture_ld(f, DATA + 0x1000, 1), BLK_OK);
    assert_int_equal(rig_request(&r, BLK_IN, 0, 512), BLK_OK);
    assert_int_equal(fixture_ld(f, DATA, 1), 0x77);
}

static void read_only(void **state)
{
    Fixture *f = *state;
    const char *path = make_image(f, SECTORS * 512);
    assert_int_equal(chmod(path, 0444), 0);
    rig_add_drive(f, "d", path, true);
    rig_add_device(f, "virtio-blk-device", "d", -1);
    f->config.board = "virt";
    fixture_boot(f);
    VirtioRig r = rig_at_last_slot(f);
    assert_true(rig_read(&r, R_FEATURES) & RO);
    rig_start(&r, 0); // a driver that does not care
    assert_int_equal(rig_request(&r, BLK_OUT, 0, 512), BLK_IOERR);
    assert_int_equal(clear(&r, BLK_WRITE_ZEROES, 0, 1, 0), BLK_IOERR);
    assert_int_equal(clear(&r, BLK_DISCARD, 0, 1, 0), BLK_IOERR);
    assert_int_equal(rig_request(&r, BLK_FLUSH, 0, 0), BLK_OK);
    assert_int_equal(rig_request(&r, BLK_IN, 0, 512), BLK_OK);
    assert_int_equal(image_byte(path, 5), 5);
}

static void write_cache(void **state)
{
    Fixture *f = *state;
    const char *path = make_image(f, SECTORS * 512);
    VirtioRig r = rig_boot(f, path);
    fixture_reset(f);
    g_array_index(f->config.drives, DriveItem, 0).unsafe = false; // flushes reach the host
    fixture_boot(f);
    for (unsigned i = 0; i < 3; i++) {
        rig_start(&r, i == 0 ? 0 : i == 1 ? FLUSH : FLUSH | CONFIG_WCE);
        unsigned generation = rig_read(&r, R_GENERATION);
        assert_int_equal(fixture_ld(f, r.base + R_CONFIG + 32, 1), 1);
        fixture_st(f, r.base + R_CONFIG + 32, 1, 0);
        assert_int_equal(fixture_ld(f, r.base + R_CONFIG + 32, 1), i < 2);
        fixture_st(f, r.base + R_CONFIG, 4, 99); // the capacity is not to be written
        assert_int_equal(rig_read(&r, R_CONFIG), SECTORS);
        if (i == 2)
            assert_true(rig_read(&r, R_GENERATION) != generation);
        assert_int_equal(rig_request(&r, BLK_OUT, 0, 512), BLK_OK);
        assert_int_equal(rig_request(&r, BLK_FLUSH, 0, 0), BLK_OK);
    }
}

// --- what waits for the host ---------------------------------------------------------------------------------------

// With threads for that, and flushes that reach the host.
static VirtioRig boot_with_pool(Fixture *f, const char *path, size_t size)
{
    rig_add_drive(f, "d", fixture_blank(f, path, size), false);
    g_array_index(f->config.drives, DriveItem, 0).unsafe = false;
    rig_add_device(f, "virtio-blk-device", "d", -1);
    f->config.board = "virt";
    f->config.io = io_pool_new();
    fixture_boot(f);
    return rig_at_last_slot(f);
}

static int teardown_pool(void **state)
{
    Fixture *f = *state;
    fixture_reset(f);
    io_pool_free(f->config.io);
    return rig_teardown(state);
}

// The status of the request that was made last, once it has come back.
static unsigned await(VirtioRig *r, unsigned used)
{
    for (unsigned i = 0; i < 10000 && rig_used(r) < used; i++, g_usleep(1000)) {
        memory_lock();
        r->f->now_ns += 1000;
        board_run_timers(r->f->board, 0, 1, r->f->now_ns);
        memory_unlock();
    }
    assert_int_equal(rig_used(r), used);
    return (unsigned)fixture_ld(r->f, UINT64_C(0x80105100), 1);
}

// The hart goes on; others' requests are served meanwhile.
static void flush_waits(void **state)
{
    VirtioRig r = boot_with_pool(*state, "disk", SECTORS * 512);
    rig_start(&r, FLUSH);
    assert_int_equal(rig_request(&r, BLK_OUT, 0, 512), BLK_OK);
    rig_write(&r, R_ACK, 1);
    assert_int_equal(rig_request(&r, BLK_FLUSH, 0, 0), 0xff); // comes back on the harts' thread, so not yet
    assert_int_equal(rig_used(&r), 1);
    rig_desc(&r, 3, DATA + 0x2000, 16, NEXT, 4); // a second one of other descriptors
    rig_desc(&r, 4, DATA, 512, NEXT | WRITE, 5);
    rig_desc(&r, 5, DATA + 0x3000, 1, WRITE, 0);
    fixture_st(r.f, DATA + 0x2000, 8, BLK_IN);
    fixture_st(r.f, DATA + 0x2008, 8, 3);
    rig_offer(&r, 3);
    rig_kick(&r);
    await(&r, 3);
    assert_int_equal(fixture_ld(r.f, UINT64_C(0x80105100), 1), BLK_OK);
    assert_int_equal(fixture_ld(r.f, DATA + 0x3000, 1), BLK_OK);
    assert_int_equal(fixture_ld(r.f, DATA + 511, 1), 0x5a);
    assert_int_equal(rig_read(&r, R_INTERRUPTS), 1);
}

// Without a flush command every write is one, and comes back when it is safe.
static void write_through_waits(void **state)
{
    VirtioRig r = boot_with_pool(*state, "disk", SECTORS * 512);
    rig_start(&r, 0);
    fixture_st(r.f, DATA, 8, 0x1122);
    assert_int_equal(rig_request(&r, BLK_OUT, 0, 512), 0xff);
    assert_int_equal(await(&r, 1), BLK_OK);
    assert_int_equal(rig_written(&r), 1);
}

// Reads of what the host has not in memory, more than it fetches at once.
static void cold_reads(void **state)
{
    enum { SIZE = 8 << 20 };
    Fixture *f = *state;
    VirtioRig r = boot_with_pool(f, "disk", SIZE);
    const char *path = g_array_index(f->config.drives, DriveItem, 0).file;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    unsigned waited = 0;
    rig_start(&r, 0);
    for (unsigned i = 0; i < 8; i++) {
        uint64_t sector = (i * 5 + 1) % 8 * (SIZE / 8 / 512);
        fdatasync(fd);
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        fixture_st(f, DATA + 300000, 8, 0);
        waited += rig_request(&r, BLK_IN, sector, 300032) == 0xff;
        assert_int_equal(await(&r, i + 1), BLK_OK);
        assert_int_equal(rig_written(&r), 300033);
        assert_int_equal(fixture_ld(f, DATA + 300000, 8), UINT64_C(0x5a5a5a5a5a5a5a5a));
    }
    print_message("%u of 8 reads have waited\n", waited); // where the file system can say that
    close(fd);
}

// What is under way when the device is reset is forgotten; the next driver sees nothing of it.
static void reset_forgets(void **state)
{
    VirtioRig r = boot_with_pool(*state, "disk", SECTORS * 512);
    for (unsigned i = 0; i < 50; i++) {
        rig_start(&r, FLUSH);
        assert_int_equal(rig_request(&r, BLK_OUT, 0, 512), BLK_OK);
        assert_int_equal(rig_request(&r, BLK_FLUSH, 0, 0), 0xff);
        if (i & 1)
            g_usleep(2000); // until it is done, perhaps
        if (i == 40)
            assert_true(board_reset(r.f->board, NULL));
    }
    rig_start(&r, FLUSH);
    assert_int_equal(rig_request(&r, BLK_FLUSH, 0, 0), 0xff);
    assert_int_equal(await(&r, 1), BLK_OK);
    assert_int_equal(rig_request(&r, BLK_FLUSH, 0, 0), 0xff); // and the end of the board
}

// The last sector of an image that ends in it: what is not there reads as zero.
static void odd_size(void **state)
{
    Fixture *f = *state;
    VirtioRig r = rig_boot(f, make_image(f, 1000));
    assert_int_equal(rig_read(&r, R_CONFIG), 2);
    rig_start(&r, 0);
    fixture_st(f, DATA + 500, 8, UINT64_MAX);
    assert_int_equal(rig_request(&r, BLK_IN, 1, 512), BLK_OK);
    assert_int_equal(fixture_ld(f, DATA + 487, 1), (999 / 512 + 999) & 0xff);
    assert_int_equal(fixture_ld(f, DATA + 488, 8), 0);
    assert_int_equal(fixture_ld(f, DATA + 504, 8), 0);
    assert_int_equal(rig_request(&r, BLK_IN, 2, 512), BLK_IOERR);
}

// --- what cannot be ------------------------------------------------------------------------------------------------

static void one_disk_fails(Fixture *f, const char *file, const char *part)
{
    rig_free(f);
    rig_add_drive(f, "d", file, false);
    rig_add_device(f, "virtio-blk-device", "d", -1);
    fixture_fails(f, part);
}

static void unusable_images(void **state)
{
    Fixture *f = *state;
    f->config.board = "virt";
    one_disk_fails(f, fixture_path(f, "absent"), "absent: No such file or directory");
    one_disk_fails(f, f->dir, "directory");
    one_disk_fails(f, "/dev/null", "/dev/null: neither a regular file nor a block device");
    const char *fifo = fixture_path(f, "fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    one_disk_fails(f, fifo, "fifo: neither");
    const char *qcow = fixture_file(f, "q.img", "QFI\xfb\0\0\0\3", 8);
    one_disk_fails(f, qcow, "q.img: looks like a qcow2 image");
    g_array_index(f->config.drives, DriveItem, 0).checked = true;
    fixture_boot(f);
    fixture_reset(f);
    const char *image = make_image(f, SECTORS * 512);
    int fd = open(image, O_RDONLY | O_CLOEXEC);
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    one_disk_fails(f, image, "disk: the image is in use");
    g_array_index(f->config.drives, DriveItem, 0).readonly = true; // two readers
    fixture_boot(f);
    fixture_reset(f);
    close(fd);
    g_array_index(f->config.drives, DriveItem, 0).readonly = false;
    fixture_boot(f);
}

static void unusable_places(void **state)
{
    Fixture *f = *state;
    f->config.board = "clabpu";
    rig_add_device(f, "virtio-rng-device", NULL, -1);
    fixture_fails(f, "-device virtio-rng-device: the board clabpu has no place for virtio devices");
    f->config.board = "virt";
    rig_add_device(f, "virtio-rng-device", NULL, 7);
    fixture_fails(f, "bus=virtio-mmio-bus.7: another device is there");
    rig_free(f);
    rig_add_device(f, "virtio-rng-device", NULL, 8);
    fixture_fails(f, "bus=virtio-mmio-bus.8: the board virt has 8 of them");
    rig_free(f);
    for (unsigned i = 0; i < 9; i++)
        rig_add_device(f, "virtio-rng-device", NULL, -1);
    fixture_fails(f, "all 8 places for virtio devices are taken");
    rig_free(f);
    rig_add_drive(f, "d", make_image(f, 512), false);
    rig_add_device(f, "virtio-blk-device", "e", -1);
    fixture_fails(f, "drive=e: there is no -drive with this id");
    rig_free(f);
    rig_add_drive(f, "d", make_image(f, 512), true);
    rig_add_device(f, "virtio-blk-device", "d", -1);
    rig_add_device(f, "virtio-blk-device", "d", -1);
    fixture_fails(f, "drive=d: another device has it");
}

// As QEMU: from the last transport down.
static void places(void **state)
{
    Fixture *f = *state;
    f->config.board = "virt";
    rig_add_drive(f, "a", fixture_blank(f, "a", 512), false);
    rig_add_drive(f, "b", fixture_blank(f, "b", 1024), false);
    rig_add_drive(f, "c", fixture_blank(f, "c", 1536), false);
    rig_add_device(f, "virtio-blk-device", "a", -1);
    rig_add_device(f, "virtio-blk-device", "c", 0);
    rig_add_device(f, "virtio-rng-device", NULL, 6);
    rig_add_device(f, "virtio-blk-device", "b", -1);
    fixture_boot(f);
    static const unsigned ids[] = {2, 0, 0, 0, 0, 2, 4, 2}, sectors[] = {3, 0, 0, 0, 0, 2, UINT32_MAX, 1};
    for (unsigned i = 0; i < 8; i++) {
        VirtioRig r = {f, FIRST_SLOT + 0x1000 * i, 0};
        assert_int_equal(rig_read(&r, R_DEVICE_ID), ids[i]);
        assert_int_equal(rig_read(&r, R_CONFIG), sectors[i]);
    }
}

int main(int argc, char **argv)
{
    test_data = argc > 1 ? argv[1] : ".";
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, rig_teardown)
#define POOL(name) cmocka_unit_test_setup_teardown(name, fixture_setup, teardown_pool)
    const struct CMUnitTest tests[] = {
        POOL(flush_waits), POOL(write_through_waits), POOL(cold_reads), POOL(reset_forgets),
        TEST(reads),       TEST(writes),   TEST(other_requests),  TEST(any_framing),     TEST(read_only), TEST(clears),
        TEST(write_cache), TEST(odd_size), TEST(unusable_images), TEST(unusable_places), TEST(places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
