// SPDX-License-Identifier: GPL-3.0-or-later
// Boards, boot vectors (R6.6), listings, wrong options, signatures.
#include "tests/machine/fixture.h"
#include <string.h>
#include <sys/stat.h>

static void check_listing(Fixture *f, const char *board, const char *file)
{
    char *expected, *path = g_build_filename(test_data, file, NULL);
    assert_true(g_file_get_contents(path, &expected, NULL, NULL));
    g_free(path);
    f->config.board = board;
    f->config.ram_size = 0; // default: 2 GiB
    fixture_boot(f);
    GString *out = g_string_new(NULL);
    memory_print_tree(out, 0);
    assert_string_equal(out->str, expected);
    g_string_free(out, TRUE);
    g_free(expected);
}

static void listing_memory(void **state)
{
    check_listing(*state, "clabpu-memory", "clabpu-memory.mtree");
}

static void listing_clabpu(void **state)
{
    check_listing(*state, "clabpu", "clabpu.mtree");
}

// All words of the MROM: code, start, FDT, the info block, and zeros behind it.
static void check_mrom(Fixture *f, uint64_t start, uint64_t next_addr, uint64_t fdt)
{
    static const uint32_t code[6] = {0x00000297, 0x02828613, 0xf1402573, 0x0202b583, 0x0182b283, 0x00028067};
    fixture_boot(f);
    assert_int_equal(board_reset_pc(f->board, 0), 0x1000);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(fixture_ld(f, 0x1000 + 4 * i, 4), code[i]);
    const uint64_t words[] = {start, fdt, 0x4942534f, 2, next_addr, 1, 0, 0, 0, 0};
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++)
        assert_int_equal(fixture_ld(f, 0x1018 + 8 * i, 8), words[i]);
    assert_int_equal(fixture_ld(f, fdt, 4), 0xedfe0dd0); // the FDT magic, big-endian
}

// R6.6, row by row.
static void t140_boot_vectors(void **state)
{
    Fixture *f = *state;
    BoardConfig *c = &f->config;
    const TestSymbol htif[] = {{"tohost", 0x80000800, 8}, {"fromhost", 0x80000840, 8}, {0}};
    const char *elf = fixture_elf_file(f, "k.elf", 0x80000000, 0x80000000, htif);
    const char *raw = fixture_blank(f, "k.raw", 5000), *initrd = fixture_blank(f, "initrd", 0x2dc6c0);
    c->kernel = elf;
    check_mrom(f, 0x80000000, 0x80000000, 0x87e00000);
    c->kernel = raw;
    check_mrom(f, 0x80000000, 0x80000000, 0x87e00000);
    c->bios = NULL;
    check_mrom(f, 0x80000000, 0x80200000, 0x87e00000);
    assert_int_equal(fixture_ld(f, 0x80200000, 8), 0x5a5a5a5a5a5a5a5a);
    c->bios = "none";
    c->kernel = elf;
    c->initrd = initrd;
    check_mrom(f, 0x80000000, 0x80000000, 0x87e00000);
    assert_int_equal(fixture_ld(f, 0x84000000, 8), 0x5a5a5a5a5a5a5a5a);
    assert_int_equal(fixture_ld(f, 0x842dc6b8, 8), 0x5a5a5a5a5a5a5a5a);
    assert_int_equal(fixture_ld(f, 0x842dc6c0, 8), 0);
    c->bios = elf;
    c->kernel = raw;
    check_mrom(f, 0x80000000, 0x80200000, 0x87e00000);
    assert_int_equal(fixture_ld(f, 0x84200000, 1), 0x5a);
    c->bios = "none";
    c->kernel = elf;
    c->ram_size = UINT64_C(64) << 20;
    check_mrom(f, 0x80000000, 0x80000000, 0x83e00000);
    assert_int_equal(fixture_ld(f, 0x82000000, 1), 0x5a);
    c->ram_size = UINT64_C(2) << 30;
    check_mrom(f, 0x80000000, 0x80000000, 0xffe00000);
    assert_int_equal(fixture_ld(f, 0xa0000000, 1), 0x5a);
    c->kernel = c->initrd = NULL;
    c->ram_size = UINT64_C(4) << 30;
    check_mrom(f, 0x80000000, 0, 0x17fe00000);
}

// The start address: ELF firmware enters at its entry; an ELF kernel only when it is the program itself.
static void t151_start_address(void **state)
{
    Fixture *f = *state;
    BoardConfig *c = &f->config;
    const char *elf = fixture_elf_file(f, "k.elf", 0x80001000, 0x80001008, NULL);
    c->kernel = elf;
    check_mrom(f, 0x80000000, 0x80001000, 0x87e00000);
    c->start_at_entry = true;
    check_mrom(f, 0x80001008, 0x80001000, 0x87e00000);
    c->kernel = NULL;
    c->bios = elf;
    check_mrom(f, 0x80001008, 0, 0x87e00000);
}

static void t151_uimage(void **state)
{
    Fixture *f = *state;
    uint8_t image[64 + 16] = {0x27, 0x05, 0x19, 0x56};
    image[15] = 16;                       // size
    image[16] = 0x80, image[17] = 0x40;   // load at 0x80400000
    image[20] = 0x80, image[21] = 0x40, image[23] = 4; // entry
    memset(image + 64, 0xab, 16);
    f->config.kernel = fixture_file(f, "uImage", image, sizeof image);
    check_mrom(f, 0x80000000, 0x80400004, 0x87e00000);
    assert_int_equal(fixture_ld(f, 0x80400000, 8), 0xabababababababab);
    image[31] = 1;
    f->config.kernel = fixture_file(f, "uImage", image, sizeof image);
    fixture_fails(f, "uImage: damaged gzip");
    image[31] = 0;
    image[15] = 17;
    f->config.kernel = fixture_file(f, "uImage", image, sizeof image);
    fixture_fails(f, "uImage: damaged uImage");
}

static void t151_wrong_options(void **state)
{
    Fixture *f = *state;
    BoardConfig *c = &f->config, plain = *c;
    c->append = "console=hvc0";
    fixture_fails(f, "-append needs -kernel");
    c->initrd = "x";
    fixture_fails(f, "-initrd needs -kernel");
    *c = plain;
    c->harts = 9;
    fixture_fails(f, "-smp 9");
    *c = plain;
    c->board = "raspi";
    fixture_fails(f, "-M raspi");
    *c = plain;
    c->ram_size = UINT64_C(1) << 63;
    fixture_fails(f, "-m");
    c->ram_size = 4097;
    fixture_fails(f, "-m");
    c->ram_size = UINT64_C(1) << 55;
    fixture_reset(f);
    assert_false(fixture_load(f)); // more than the host can reserve
    fixture_reset(f);
    *c = plain;
    c->ram_size = 1 << 20;
    fixture_boot(f); // nothing loaded: the tree fits at the start of RAM
    c->kernel = fixture_blank(f, "k.raw", 64);
    fixture_fails(f, "device tree does not fit");
    *c = plain;
    c->kernel = "/nonexistent/kernel";
    fixture_fails(f, "/nonexistent/kernel");
    c->kernel = "/";
    fixture_fails(f, "not a regular file");
    *c = plain;
    c->chroot = "/nonexistent";
    fixture_fails(f, "/nonexistent");
    *c = plain;
    c->bios = c->kernel = fixture_elf_file(f, "k.elf", 0x80000000, 0x80000000, NULL);
    fixture_fails(f, "overlaps");
    c->bios = "none";
    c->initrd = fixture_blank(f, "big", 63 << 20);
    fixture_fails(f, "device tree does not fit");
}

static void check_signature(Fixture *f, unsigned granularity, const char *expected)
{
    char *text;
    f->config.signature_granularity = granularity;
    fixture_boot(f);
    for (unsigned i = 0; i < 20; i++)
        fixture_st(f, 0x80000100 + i, 1, i);
    fixture_st(f, 0x80000800, 8, 1);
    assert_int_equal(f->exits, 1);
    assert_int_equal(f->exit_code, 0);
    assert_true(g_file_get_contents(f->config.signature, &text, NULL, NULL));
    assert_string_equal(text, expected);
    g_free(text);
}

static void t152_signature(void **state)
{
    Fixture *f = *state;
    const TestSymbol symbols[] = {{"tohost", 0x80000800, 8}, {"fromhost", 0x80000840, 8},
                                  {"begin_signature", 0x80000100, 0}, {"end_signature", 0x80000114, 0}, {0}};
    f->config.kernel = fixture_elf_file(f, "k.elf", 0x80000000, 0x80000000, symbols);
    f->config.signature = fixture_path(f, "signature");
    check_signature(f, 4, "03020100\n07060504\n0b0a0908\n0f0e0d0c\n13121110\n");
    check_signature(f, 8, "0706050403020100\n0f0e0d0c0b0a0908\n0000000013121110\n");
    check_signature(f, 0, "0f0e0d0c0b0a09080706050403020100\n00000000000000000000000013121110\n");
    f->config.signature = "/nonexistent/signature";
    fixture_fails(f, "/nonexistent/signature");
    f->config.signature = fixture_path(f, "signature");
    f->config.kernel = fixture_elf_file(f, "k2.elf", 0x80000000, 0x80000000, NULL);
    fixture_fails(f, "begin_signature");
}

static void symbols(void **state)
{
    Fixture *f = *state;
    const TestSymbol symbols[] = {
        {"main", 0x80000004, 8}, {"tail", 0x80000100, 0}, {"$x", 0x80000006, 0}, {0}};
    f->config.kernel = fixture_elf_file(f, "k.elf", 0x80000000, 0x80000000, symbols);
    fixture_boot(f);
    uint64_t offset, addr;
    assert_null(board_symbol(f->board, 0x80000003, &offset));
    assert_string_equal(board_symbol(f->board, 0x8000000b, &offset), "main");
    assert_int_equal(offset, 7);
    assert_null(board_symbol(f->board, 0x8000000c, NULL));
    assert_string_equal(board_symbol(f->board, 0x80000200, &offset), "tail");
    assert_int_equal(offset, 0x100);
    assert_true(board_symbol_address(f->board, "main", &addr));
    assert_int_equal(addr, 0x80000004);
    assert_false(board_symbol_address(f->board, "$x", &addr));
    assert_false(board_can_exit(f->board));
}

static void io_space(void **state)
{
    Fixture *f = *state;
    MemTxResult r;
    f->config.harts = 3;
    fixture_boot(f);
    assert_int_equal(board_harts(f->board), 3);
    assert_int_equal(address_space_ld(board_io(f->board), 0x3f8, 1, &r), 0xff);
    assert_int_equal(r, MEMTX_OK);
    assert_int_equal(address_space_ld(board_io(f->board), 0x3f9, 2, NULL), 0xffff);
    address_space_st(board_io(f->board), 0x3f8, 4, 0, &r);
    assert_int_equal(r, MEMTX_OK);
    address_space_st(board_cpu_memory(f->board, 2), 0x80000010, 8, 0x1234, &r);
    assert_int_equal(fixture_ld(f, 0x80000010, 8), 0x1234);
}

int main(int argc, char **argv)
{
    test_data = argc > 1 ? argv[1] : ".";
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(listing_memory), TEST(listing_clabpu),     TEST(t140_boot_vectors), TEST(t151_start_address),
        TEST(t151_uimage),    TEST(t151_wrong_options), TEST(t152_signature),    TEST(symbols),
        TEST(io_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
