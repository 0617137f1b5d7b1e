// SPDX-License-Identifier: GPL-3.0-or-later
// The boards' region trees against listings of QEMU and of the seeds (memory/spec.md 4.2, V1 to V8), as sets of groups:
// the order of groups is undefined there (R4.2).
#include "machine/devices/devices.h"
#include "tests/machine/fixture.h"
#include <string.h>

#define FLAT 0x100 // memory_print_flat

static gint by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// The groups of a listing, sorted; of a flat one without their numbers.
static char *groups(const char *text, bool flat)
{
    g_auto(GStrv) parts = g_strsplit(text, "\n\n", -1);
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    for (char **p = parts; *p; p++) {
        const char *group = flat && **p ? strchr(*p, '\n') : *p;
        if (group && *group)
            g_ptr_array_add(sorted, (char *)group);
    }
    g_ptr_array_sort(sorted, by_text);
    g_ptr_array_add(sorted, NULL);
    return g_strjoinv("\n\n", (char **)sorted->pdata);
}

static char *listing(unsigned flags)
{
    GString *out = g_string_new(NULL);
    if (flags & FLAT)
        memory_print_flat(out, flags & ~FLAT);
    else
        memory_print_tree(out, flags);
    return g_string_free(out, FALSE);
}

static void compare(const char *expected, const char *got, bool flat)
{
    g_autofree char *e = groups(expected, flat), *g = groups(got, flat);
    assert_string_equal(g, e);
}

static char *data_file(const char *name)
{
    char *text, *path = g_build_filename(test_data, name, NULL);
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_free(path);
    return text;
}

static void start(Fixture *f, const char *board)
{
    f->config.board = board;
    f->config.ram_size = 0;
    fixture_boot(f);
}

// The board's listings, plain and others, are those in the files q10.BOARD.*
static void check_board(Fixture *f, const char *board, const char *const *forms)
{
    static const struct {
        const char *form;
        unsigned flags;
    } known[] = {{"mtree", 0}, {"mtree-f", FLAT}, {"mtree-D", MTREE_DISABLED}, {"mtree-o", MTREE_OWNER}};
    start(f, board);
    for (; *forms; forms++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(known); i++) {
            if (strcmp(known[i].form, *forms))
                continue;
            g_autofree char *name = g_strdup_printf("q10.%s.%s", board, *forms);
            g_autofree char *expected = data_file(name), *got = listing(known[i].flags);
            compare(expected, got, known[i].flags & FLAT);
        }
    }
}

// The sifive_u map of seed 0. Four address spaces share one view.
static void t120_sifive_u(void **state)
{
    Fixture *f = *state;
    check_board(f, "sifive_u", (const char *const[]){"mtree", "mtree-f", "mtree-o", NULL});
    assert_int_equal(board_harts(f->board), 2);
    assert_ptr_equal(board_cpu_memory(f->board, 0)->view, board_memory(f->board)->view);
    assert_ptr_equal(board_cpu_memory(f->board, 1)->view, board_memory(f->board)->view);
}

static void t121_clabpu_memory(void **state)
{
    g_autofree char *expected = data_file("clabpu-memory.mtree");
    start(*state, "clabpu-memory");
    g_autofree char *got = listing(0);
    compare(expected, got, false);
}

// The virt map of seed 3.
static void t122_virt(void **state)
{
    check_board(*state, "virt", (const char *const[]){"mtree", "mtree-f", "mtree-o", NULL});
}

// V6: the registers of HTIF where the program's symbols are, in the way of QEMU.
static void t123_htif_symbols(void **state)
{
    Fixture *f = *state;
    const TestSymbol htif[] = {{"tohost", 0x80001000, 8}, {"fromhost", 0x80001040, 8}, {0}};
    f->config.kernel = fixture_elf_file(f, "k.elf", 0x80000000, 0x80000000, htif);
    f->config.htif_compat_qemu = true;
    f->config.board = "clabpu";
    fixture_boot(f);
    g_autofree char *got = listing(FLAT);
    compare("FlatView #0\n AS \"memory\", root: system\n AS \"cpu-memory-0\", root: system\n"
            " Root memory region: system\n"
            "  0000000000001000-000000000000ffff (prio 0, rom): riscv.clabpu.mrom\n"
            "  0000000002000000-0000000002003fff (prio 0, i/o): riscv.aclint.swi\n"
            "  0000000002004000-000000000200bfff (prio 0, i/o): riscv.aclint.mtimer\n"
            "  0000000080000000-0000000080000fff (prio 0, ram): clabpu.ram\n"
            "  0000000080001000-0000000080001047 (prio 1, i/o): riscv.htif.uart\n"
            "  0000000080001048-0000000087ffffff (prio 0, ram): clabpu.ram @0000000000001048\n\n"
            "FlatView #1\n AS \"I/O\", root: io\n Root memory region: io\n"
            "  0000000000000000-000000000000ffff (prio 0, i/o): io\n\n",
            got, true);
}

// V7, and with it the state right behind the making of the four globals of seeds 1 to 3.
static void t124_none(void **state)
{
    check_board(*state, "none", (const char *const[]){"mtree", "mtree-f", NULL});
}

// V8: a PCI function's BAR cuts the window that shows the bus, and its bus mastering shares the view of the system.
static void t125_edu_on_virt(void **state)
{
    static const DeviceRow rows[] = {
        {&device_edu, "edu-mmio", 0x40000000, 0, 1, 0, "in=gpex_mmio"},
        {&device_container, "edu bus master", 0, UINT64_MAX, 0, 0, "in=-"},
        {&device_alias, "bus master", 0, UINT64_MAX, 0, 0, "in=edu bus master,of=system"},
        {&device_space, "edu", .properties = "of=edu bus master"},
    };
    Fixture *f = *state;
    start(f, "virt");
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++)
        fixture_add_device(f, &rows[i]);
    g_autofree char *got = listing(FLAT);
    assert_non_null(strstr(got, "  0000000030000000-000000003fffffff (prio 0, i/o): pcie-mmcfg-mmio\n"
                                "  0000000040000000-00000000400fffff (prio 1, i/o): edu-mmio\n"
                                "  0000000040100000-000000007fffffff (prio 0, i/o): gpex_mmio_window "
                                "@0000000040100000\n"
                                "  0000000080000000-0000000087ffffff (prio 0, ram): riscv_virt_board.ram\n"
                                "  0000000400000000-00000007ffffffff (prio 0, i/o): gpex_mmio_window "
                                "@0000000400000000\n"));
    assert_non_null(strstr(got, " AS \"memory\", root: system\n AS \"cpu-memory-0\", root: system\n"
                                " AS \"edu\", root: edu bus master\n Root memory region: system\n"));
    assert_int_equal(fixture_ld(f, 0x40000000, 4), 0x010000ed);
}

// The bus mastering of virt's PCI root is there, disabled.
static void t126_disabled_bus_master(void **state)
{
    check_board(*state, "virt", (const char *const[]){"mtree-D", NULL});
    g_autofree char *got = listing(MTREE_DISABLED);
    assert_non_null(strstr(got, "alias bus master @system 0000000000000000-ffffffffffffffff [disabled]\n"));
}

// With more RAM than lies below 16 GiB virt's upper PCI window moves up (and costs no host memory).
static void virt_high_window_moves(void **state)
{
    Fixture *f = *state;
    f->config.board = "virt";
    f->config.ram_size = UINT64_C(20) << 30;
    fixture_boot(f);
    g_autofree char *got = listing(0);
    assert_non_null(strstr(got, "0000000080000000-000000057fffffff (prio 0, ram): riscv_virt_board.ram\n"));
    assert_non_null(strstr(got, "0000000800000000-0000000bffffffff (prio 0, i/o): alias pcie-mmio-high "
                                "@gpex_mmio_window 0000000800000000-0000000bffffffff\n"));
}

// Stubs read 0 and ignore stores, successfully; the empty container of virt's platform bus fails.
static void places_without_devices(void **state)
{
    Fixture *f = *state;
    MemTxResult r;
    start(f, "sifive_u");
    const gpa_t stubs[] = {0x2010000, 0x3000000, 0xc200004, 0x10000000, 0x10020000, 0x10070010, 0x100a0008, 0x100b0000};
    for (unsigned i = 0; i < G_N_ELEMENTS(stubs); i++) {
        fixture_st(f, stubs[i], 4, 0x12345678);
        assert_int_equal(fixture_ld(f, stubs[i], 4), 0);
        fixture_st(f, stubs[i], 1, 1);
        assert_int_equal(fixture_ld(f, stubs[i], 8), 0);
    }
    fixture_st(f, 0x8000000, 8, 0x1122334455667788);
    fixture_st(f, 0x20000000, 8, 1);
    assert_int_equal(fixture_ld(f, 0x8000004, 4), 0x11223344);
    start(f, "virt");
    assert_int_equal(fixture_ld(f, 0x40000000, 4), 0xffffffff);
    assert_int_equal(fixture_ld(f, 0x7ffffff8, 8), UINT64_MAX);
    assert_int_equal(fixture_ld(f, 0x30000000, 2), 0xffff);
    assert_int_equal(fixture_ld(f, 0x30003ff, 1), 0xff);
    assert_int_equal(fixture_ld(f, 0x4ffffffff, 1), 0xff);
    fixture_st(f, 0x40000000, 4, 1);
    address_space_ld(board_memory(f->board), 0x4000000, 4, &r);
    assert_int_equal(r, MEMTX_DECODE_ERROR);
    address_space_st(board_memory(f->board), 0x5fffff8, 8, 1, &r);
    assert_int_equal(r, MEMTX_DECODE_ERROR);
}

int main(int argc, char **argv)
{
    test_data = argc > 1 ? argv[1] : ".";
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(t120_sifive_u),       TEST(t121_clabpu_memory),       TEST(t122_virt),
        TEST(t123_htif_symbols),   TEST(t124_none),                TEST(t125_edu_on_virt),
        TEST(t126_disabled_bus_master), TEST(virt_high_window_moves), TEST(places_without_devices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
