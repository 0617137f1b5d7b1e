// SPDX-License-Identifier: GPL-3.0-or-later
// Booting Linux: its image formats, packed and not, where they and the initrd go, and -device loader.
#include "machine/load_item.h"
#include "tests/machine/fixture.h"
#include <gio/gio.h>
#include <libfdt.h>
#include <string.h>

#define MIB         (UINT64_C(1) << 20)
#define RAM         UINT64_C(0x80000000)
#define KERNEL      UINT64_C(0x80200000)
#define MROM_START  0x1018
#define MROM_FDT    0x1020
#define MROM_NEXT   0x1038
#define IMAGE_WORD  0x11

// A file of size bytes that starts with the header of a RISC-V Linux Image; the rest of it is IMAGE_WORD.
static GByteArray *linux_image(uint64_t text_offset, uint64_t image_size, unsigned size)
{
    GByteArray *image = g_byte_array_new();
    g_byte_array_set_size(image, size);
    memset(image->data, IMAGE_WORD, size);
    memset(image->data, 0, 64);
    text_offset = GUINT64_TO_LE(text_offset);
    image_size = GUINT64_TO_LE(image_size);
    memcpy(image->data + 0x08, &text_offset, 8);
    memcpy(image->data + 0x10, &image_size, 8);
    memcpy(image->data + 0x30, "RISCV\0\0\0RSC\x05", 12);
    return image;
}

static const char *linux_file(Fixture *f, uint64_t text_offset, uint64_t image_size, unsigned size)
{
    g_autoptr(GByteArray) image = linux_image(text_offset, image_size, size);
    return fixture_file(f, "Image", image->data, image->len);
}

static GBytes *gzip(const void *data, size_t size)
{
    g_autoptr(GConverter) c = G_CONVERTER(g_zlib_compressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP, 1));
    g_autofree uint8_t *out = g_malloc(size + 1024);
    gsize taken, made;
    GConverterResult done =
        g_converter_convert(c, data, size, out, size + 1024, G_CONVERTER_INPUT_AT_END, &taken, &made, NULL);
    assert_int_equal(done, G_CONVERTER_FINISHED);
    return g_bytes_new(out, made);
}

static const char *gzip_file(Fixture *f, const char *name, const void *data, size_t size)
{
    g_autoptr(GBytes) packed = gzip(data, size);
    gsize n;
    const void *bytes = g_bytes_get_data(packed, &n);
    return fixture_file(f, name, bytes, n);
}

static void check_boot(Fixture *f, uint64_t start, uint64_t next)
{
    fixture_boot(f);
    assert_int_equal(fixture_ld(f, MROM_START, 8), start);
    assert_int_equal(fixture_ld(f, MROM_NEXT, 8), next);
}

// linux,initrd-start or -end of the device tree in guest memory.
static uint64_t chosen(Fixture *f, const char *name)
{
    static uint8_t tree[65536];
    uint64_t at = fixture_ld(f, MROM_FDT, 8);
    assert_int_equal(address_space_read(board_memory(f->board), at, MEMTXATTRS_NONE, tree, sizeof tree), MEMTX_OK);
    int len;
    const void *value = fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), name, &len);
    assert_non_null(value);
    assert_int_equal(len, 8);
    return fdt64_ld(value);
}

static void linux_place(void **state)
{
    Fixture *f = *state;
    f->config.bios = fixture_blank(f, "fw.bin", 4096);
    f->config.kernel = linux_file(f, 2 * MIB, 3 * MIB, 4096);
    check_boot(f, RAM, KERNEL);
    assert_int_equal(fixture_ld(f, KERNEL + 64, 1), IMAGE_WORD);
    f->config.kernel = linux_file(f, 4 * MIB, 3 * MIB, 4096); // a kernel may ask for more distance
    check_boot(f, RAM, RAM + 4 * MIB);
    f->config.bios = fixture_blank(f, "fw.bin", 7 * MIB); // firmware is longer than the kernel's distance
    check_boot(f, RAM, RAM + 8 * MIB);
    f->config.bios = "none"; // nobody but the kernel: it starts where the reset vector goes
    check_boot(f, RAM, RAM);
    f->config.kernel = linux_file(f, UINT64_MAX - 4095, 3 * MIB, 4096);
    f->config.bios = fixture_blank(f, "fw.bin", 4096);
    check_boot(f, RAM, KERNEL);
    f->config.kernel = linux_file(f, 2 * MIB, 127 * MIB, 4096);
    fixture_fails(f, "Image: 0x80200000-0x880fffff lies outside RAM");
    f->config.kernel = linux_file(f, 2 * MIB, UINT64_MAX, 4096);
    fixture_fails(f, "lies outside RAM");
}

static void packed_kernel(void **state)
{
    Fixture *f = *state;
    f->config.bios = fixture_blank(f, "fw.bin", 4096);
    g_autoptr(GByteArray) image = linux_image(2 * MIB, 6 * MIB, 5 * MIB);
    f->config.kernel = gzip_file(f, "Image.gz", image->data, image->len);
    check_boot(f, RAM, KERNEL);
    assert_int_equal(fixture_ld(f, KERNEL + 0x38, 4), 0x05435352);
    assert_int_equal(fixture_ld(f, KERNEL + 5 * MIB - 1, 1), IMAGE_WORD);
    assert_int_equal(fixture_ld(f, KERNEL + 5 * MIB, 1), 0);

    g_autoptr(GBytes) packed = gzip(image->data, image->len);
    gsize size;
    const uint8_t *bytes = g_bytes_get_data(packed, &size);
    f->config.kernel = fixture_file(f, "cut.gz", bytes, size / 2);
    fixture_fails(f, "cut.gz: damaged gzip file");
    g_autofree uint8_t *damaged = g_memdup2(bytes, size);
    damaged[size - 6] ^= 1; // in the checksum
    f->config.kernel = fixture_file(f, "bad.gz", damaged, size);
    fixture_fails(f, "bad.gz: damaged gzip file");
    f->config.kernel = fixture_file(f, "start.gz", bytes, 2);
    fixture_fails(f, "start.gz: damaged gzip file");
    f->config.ram_size = 4 * MIB;
    f->config.kernel = gzip_file(f, "Image.gz", image->data, image->len);
    fixture_fails(f, "Image.gz: unpacks to more than fits into RAM");
    f->config.kernel = gzip_file(f, "empty.gz", "", 0);
    fixture_fails(f, "empty.gz: empty");
    f->config.kernel = gzip_file(f, "script.gz", "#!/bin/sh\n", 10);
    fixture_fails(f, "script.gz: a script");
}

static void packed_uimage(void **state)
{
    Fixture *f = *state;
    g_autoptr(GBytes) packed = gzip("kernel!!", 8);
    gsize size;
    const void *bytes = g_bytes_get_data(packed, &size);
    uint8_t image[256] = {0x27, 0x05, 0x19, 0x56};
    image[15] = (uint8_t)size;
    image[16] = image[20] = 0x80;
    image[17] = image[21] = 0x40;
    image[31] = 1; // gzip
    memcpy(image + 64, bytes, size);
    f->config.kernel = fixture_file(f, "uImage", image, 64 + size);
    check_boot(f, RAM, RAM + 4 * MIB);
    assert_memory_equal("kernel!!", (uint64_t[]){fixture_ld(f, RAM + 4 * MIB, 8)}, 8);
    image[31] = 3; // lzma
    f->config.kernel = fixture_file(f, "uImage", image, 64 + size);
    fixture_fails(f, "uImage: compressed uImage");
}

// Linux' vmlinux: physical addresses from 0, a virtual entry.
static void vmlinux(void **state)
{
    Fixture *f = *state;
    const TestSegment segments[] = {{0, 0x2000, "text", 4}, {0x2d3000, 0x1000, "data", 4}, {0}};
    g_autoptr(GByteArray) elf = fixture_elf(0xffffffff80000000, segments, NULL);
    f->config.bios = fixture_blank(f, "fw.bin", 4096);
    f->config.kernel = fixture_file(f, "vmlinux", elf->data, elf->len);
    check_boot(f, RAM, KERNEL);
    assert_int_equal(fixture_ld(f, KERNEL, 4), 0x74786574);
    assert_int_equal(fixture_ld(f, KERNEL + 0x2d3000, 4), 0x61746164);
    f->config.kernel = NULL;
    f->config.bios = f->config.kernel = fixture_file(f, "vmlinux", elf->data, elf->len);
    fixture_fails(f, "vmlinux, segment 0: 0x0-0x1fff lies outside RAM"); // as firmware it is any ELF file
    g_autoptr(GByteArray) low = fixture_elf(0x1000, segments, NULL);
    f->config.bios = "none";
    f->config.kernel = fixture_file(f, "low.elf", low->data, low->len);
    fixture_fails(f, "low.elf, segment 0: 0x0-0x1fff lies outside RAM");
}

// R6.4, and where it would make a kernel fail: bss, and the place fw_jump copies the device tree to.
static void initrd_place(void **state)
{
    static const struct {
        uint64_t ram, bss, initrd, at;
    } rows[] = {
        {1024, 4, 3, KERNEL + 512 * MIB}, {2048, 4, 3, KERNEL + 512 * MIB}, {128, 4, 3, KERNEL + 64 * MIB},
        {96, 4, 3, KERNEL + 48 * MIB},    {128, 70, 3, KERNEL + 70 * MIB}, // bss beyond half of RAM
        {64, 4, 3, RAM + 36 * MIB},       {48, 4, 3, KERNEL + 24 * MIB},   {48, 4, 10, RAM + 36 * MIB},
    };
    Fixture *f = *state;
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        f->config.bios = fixture_blank(f, "fw.bin", 4096);
        f->config.kernel = linux_file(f, 2 * MIB, rows[i].bss * MIB, 4096);
        f->config.initrd = fixture_blank(f, "initrd", rows[i].initrd * MIB);
        f->config.ram_size = rows[i].ram * MIB;
        check_boot(f, RAM, KERNEL);
        assert_int_equal(chosen(f, "linux,initrd-start"), rows[i].at);
        assert_int_equal(chosen(f, "linux,initrd-end"), rows[i].at + rows[i].initrd * MIB);
        assert_int_equal(fixture_ld(f, rows[i].at, 1), 0x5a);
        assert_true(fixture_ld(f, MROM_FDT, 8) >= rows[i].at + rows[i].initrd * MIB);
    }
    f->config.ram_size = 40 * MIB;
    f->config.initrd = fixture_blank(f, "initrd", 15 * MIB);
    fixture_fails(f, "initrd: 0x");
}

static void add_item(Fixture *f, LoadItem item)
{
    GArray *items = (GArray *)f->config.items;
    g_array_append_val(items, item);
}

static void loader_items(void **state)
{
    Fixture *f = *state;
    g_autoptr(GArray) items = g_array_new(FALSE, FALSE, sizeof(LoadItem));
    f->config.items = items;
    f->config.harts = 3;
    f->config.kernel = fixture_elf_file(f, "k.elf", RAM, RAM, NULL);
    const TestSymbol symbols[] = {{"extra", RAM + MIB, 4}, {0}};
    const char *elf = fixture_elf_file(f, "extra.elf", RAM + MIB, RAM + MIB + 8, symbols);
    const char *raw = fixture_blank(f, "raw", 100);
    add_item(f, (LoadItem){.file = elf, .hart = 1});
    add_item(f, (LoadItem){.file = raw, .has_addr = true, .addr = RAM + 3 * MIB, .hart = -1});
    add_item(f, (LoadItem){.file = elf, .force_raw = true, .has_addr = true, .addr = RAM + 4 * MIB, .hart = -1});
    add_item(f, (LoadItem){.has_addr = true, .addr = RAM + 16, .data = 0x1122334455667788, .data_len = 3, .hart = 0});
    add_item(f, (LoadItem){.has_addr = true, .addr = RAM + 0x123456, .hart = 2});
    check_boot(f, RAM, RAM);
    assert_int_equal(board_reset_pc(f->board, 0), 0x1000); // a value starts nobody
    assert_int_equal(board_reset_pc(f->board, 1), RAM + MIB + 8);
    assert_int_equal(board_reset_pc(f->board, 2), RAM + 0x123456);
    assert_int_equal(fixture_ld(f, RAM + 3 * MIB + 96, 8), 0x5a5a5a5a);
    assert_int_equal(fixture_ld(f, RAM + 4 * MIB, 4), 0x464c457f);
    assert_int_equal(fixture_ld(f, RAM + 16, 4), 0x667788);
    assert_string_equal(board_symbol(f->board, RAM + MIB, NULL), "extra");

    g_array_set_size(items, 0);
    add_item(f, (LoadItem){.file = raw, .has_addr = true, .addr = RAM + 8, .hart = -1});
    fixture_fails(f, "raw: 0x80000008-0x8000006b overlaps");
    g_array_set_size(items, 0);
    add_item(f, (LoadItem){.file = raw, .hart = -1}); // no address: 0
    fixture_fails(f, "raw: 0x0-0x63 lies outside RAM");
    g_array_set_size(items, 0);
    add_item(f, (LoadItem){.has_addr = true, .addr = RAM - 1, .data_len = 2, .hart = -1});
    fixture_fails(f, "-device loader: 0x7fffffff-0x80000000 lies outside RAM");
    g_array_set_size(items, 0);
    add_item(f, (LoadItem){.has_addr = true, .addr = RAM, .hart = 3});
    fixture_fails(f, "cpu-num=3");
}

// A program loaded beside the kernel does not decide where HTIF is.
static void items_and_htif(void **state)
{
    Fixture *f = *state;
    g_autoptr(GArray) items = g_array_new(FALSE, FALSE, sizeof(LoadItem));
    const TestSymbol htif[] = {{"tohost", RAM + MIB + 64, 8}, {"fromhost", RAM + MIB + 128, 8}, {0}};
    f->config.items = items;
    add_item(f, (LoadItem){.file = fixture_elf_file(f, "extra.elf", RAM + MIB, RAM + MIB, htif), .hart = -1});
    f->config.kernel = fixture_elf_file(f, "k.elf", RAM, RAM, NULL);
    fixture_boot(f);
    fixture_st(f, 0x1000008, 8, 2 * 7 + 1);
    assert_int_equal(f->exits, 1);
    assert_int_equal(f->exit_code, 7);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(linux_place),  TEST(packed_kernel), TEST(packed_uimage),  TEST(vmlinux),
        TEST(initrd_place), TEST(loader_items),  TEST(items_and_htif),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
