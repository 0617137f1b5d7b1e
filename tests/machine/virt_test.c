// SPDX-License-Identifier: GPL-3.0-or-later
// virt's smaller devices: real-time clock, test finisher, fw_cfg, empty virtio transports; its boot rules and its
// device tree against QEMU's; reset.
#include "frontend/hart.h"
#include "tests/machine/fixture.h"
#include <libfdt.h>
#include <string.h>

#define RTC 0x101000u
#define FINISHER 0x100000u
#define FW_CFG 0x10100000u
#define PLIC 0xc000000u
#define DRAM 0x80000000u

static void start(Fixture *f)
{
    f->config.board = "virt";
    fixture_boot(f);
}

static uint64_t rtc_time(Fixture *f)
{
    uint64_t low = fixture_ld(f, RTC, 4);
    return fixture_ld(f, RTC + 4, 4) << 32 | low;
}

static void rtc_set(Fixture *f, unsigned reg, uint64_t value)
{
    fixture_st(f, RTC + reg + 4, 4, value >> 32);
    fixture_st(f, RTC + reg, 4, value & 0xffffffff);
}

static void goldfish_time(void **state)
{
    Fixture *f = *state;
    f->config.rtc_base_ns = UINT64_C(1795296841000000000);
    f->now_ns = 5;
    start(f);
    assert_int_equal(rtc_time(f), f->config.rtc_base_ns + 5);
    f->now_ns = 1000000005;
    assert_int_equal(rtc_time(f), f->config.rtc_base_ns + 1000000005);
    uint64_t low = fixture_ld(f, RTC, 4);
    f->now_ns += UINT64_C(1) << 32; // the high half is that of the read of the low one
    assert_int_equal(fixture_ld(f, RTC + 4, 4) << 32 | low, f->config.rtc_base_ns + 1000000005);
    rtc_set(f, 0, UINT64_C(0x123456789abcdef0));
    assert_int_equal(rtc_time(f), UINT64_C(0x123456789abcdef0));
    f->now_ns += 0x110;
    assert_int_equal(rtc_time(f), UINT64_C(0x123456789abce000));
}

static bool rtc_raised(const Fixture *f)
{
    return f->irqs[0] >> IRQ_S_EXT & 1;
}

static void goldfish_alarm(void **state)
{
    Fixture *f = *state;
    f->config.rtc_base_ns = 1000000;
    start(f);
    fixture_st(f, PLIC + 4 * 11, 4, 1);
    fixture_st(f, PLIC + 0x2080, 4, 1 << 11);
    unsigned deadlines = f->deadlines[0];
    rtc_set(f, 8, 1005000);
    assert_int_equal(f->deadlines[0], deadlines + 1);
    assert_int_equal(fixture_ld(f, RTC + 0x18, 4), 1); // it is set
    assert_int_equal(fixture_ld(f, RTC + 8, 4), 1005000);
    fixture_st(f, RTC + 0x10, 4, 1);
    assert_int_equal(board_next_deadline_ns(f->board, 0, 1), 5000);
    f->now_ns = 4999;
    board_run_timers(f->board, 0, 1, f->now_ns);
    assert_false(rtc_raised(f));
    f->now_ns = 5000;
    board_run_timers(f->board, 0, 1, f->now_ns);
    assert_true(rtc_raised(f));
    assert_int_equal(fixture_ld(f, RTC + 0x18, 4), 0);
    assert_int_equal(fixture_ld(f, PLIC + 0x201004, 4), 11);
    fixture_st(f, RTC + 0x1c, 4, 0);
    fixture_st(f, PLIC + 0x201004, 4, 11);
    assert_false(rtc_raised(f));
    rtc_set(f, 8, 1); // has been
    assert_true(rtc_raised(f));
    fixture_st(f, RTC + 0x10, 4, 0);
    rtc_set(f, 8, 99000000);
    fixture_st(f, RTC + 0x14, 4, 1); // cleared
    assert_int_equal(fixture_ld(f, RTC + 0x18, 4), 0);
    assert_int_equal(board_next_deadline_ns(f->board, 0, 1), UINT64_MAX);
}

static void finisher(void **state)
{
    Fixture *f = *state;
    start(f);
    assert_true(board_can_exit(f->board));
    assert_int_equal(fixture_ld(f, FINISHER, 4), 0);
    fixture_st(f, FINISHER, 4, 0x1234);
    fixture_st(f, FINISHER + 4, 4, 0x5555);
    assert_int_equal(f->exits + f->resets, 0);
    fixture_st(f, FINISHER, 4, 0x5555);
    assert_true(f->exits == 1 && f->exit_code == 0);
    fixture_st(f, FINISHER, 4, 42 << 16 | 0x3333);
    assert_true(f->exits == 2 && f->exit_code == 42);
    fixture_st(f, FINISHER, 2, 0x7777);
    assert_int_equal(f->resets, 1);
}

static void select_item(Fixture *f, unsigned item)
{
    fixture_st(f, FW_CFG + 8, 2, GUINT16_SWAP_LE_BE(item));
}

static void fw_cfg_data(void **state)
{
    Fixture *f = *state;
    f->config.harts = 3;
    start(f);
    select_item(f, 0);
    for (const char *p = "QEMU"; *p; p++)
        assert_int_equal(fixture_ld(f, FW_CFG, 1), *p);
    assert_int_equal(fixture_ld(f, FW_CFG, 1), 0);
    select_item(f, 0);
    assert_int_equal(fixture_ld(f, FW_CFG, 4), 0x554d4551); // as the bytes lie in memory
    select_item(f, 1);
    assert_int_equal(fixture_ld(f, FW_CFG, 4), 3);
    select_item(f, 3);
    assert_int_equal(fixture_ld(f, FW_CFG, 8), 128 << 20);
    select_item(f, 5);
    assert_int_equal(fixture_ld(f, FW_CFG, 2), 3);
    select_item(f, 0x19); // no files
    assert_int_equal(fixture_ld(f, FW_CFG, 8), 0);
    select_item(f, 0x4444);
    assert_int_equal(fixture_ld(f, FW_CFG, 8), 0);
    MemTxResult r;
    address_space_ld(board_memory(f->board), FW_CFG + 8, 2, &r);
    assert_int_equal(r, MEMTX_DECODE_ERROR);
}

static void put_be(Fixture *f, gpa_t at, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++)
        fixture_st(f, at + i, 1, value >> (8 * (size - 1 - i)) & 0xff);
}

static uint64_t run_dma(Fixture *f, uint32_t control, uint32_t length, uint64_t to)
{
    put_be(f, DRAM, 4, control);
    put_be(f, DRAM + 4, 4, length);
    put_be(f, DRAM + 8, 8, to);
    fixture_st(f, FW_CFG + 0x14, 4, __builtin_bswap32(DRAM));
    return __builtin_bswap32((uint32_t)fixture_ld(f, DRAM, 4));
}

static void fw_cfg_dma(void **state)
{
    Fixture *f = *state;
    start(f);
    assert_int_equal(__builtin_bswap64(fixture_ld(f, FW_CFG + 0x10, 8)), UINT64_C(0x51454d5520434647));
    assert_int_equal(fixture_ld(f, FW_CFG + 0x10, 4), 0x554d4551); // "QEMU"
    fixture_st(f, DRAM + 0x100, 8, UINT64_MAX);
    assert_int_equal(run_dma(f, 0x000a, 6, DRAM + 0x100), 0); // select 0, read
    assert_int_equal(fixture_ld(f, DRAM + 0x100, 8), UINT64_C(0xffff0000554d4551));
    assert_int_equal(run_dma(f, 0x0008, 0, 0), 0);
    assert_int_equal(run_dma(f, 0x0004, 2, 0), 0); // skip
    assert_int_equal(run_dma(f, 0x0002, 1, DRAM + 0x100), 0);
    assert_int_equal(fixture_ld(f, DRAM + 0x100, 1), 'M');
    assert_int_equal(run_dma(f, 0x0010, 1, DRAM + 0x100), 1); // write
    assert_int_equal(run_dma(f, 0x000a, 4, 0x10), 1);         // nothing there
    put_be(f, DRAM, 4, 0x000a);
    put_be(f, DRAM + 4, 4, 4);
    put_be(f, DRAM + 8, 8, DRAM + 0x200);
    fixture_st(f, FW_CFG + 0x10, 8, __builtin_bswap64(DRAM)); // in one store
    assert_int_equal(fixture_ld(f, DRAM + 0x200, 4), 0x554d4551);
    // A transfer over the device's own registers is denied.
    put_be(f, DRAM, 4, 0x000a);
    put_be(f, DRAM + 4, 4, 8);
    put_be(f, DRAM + 8, 8, FW_CFG + 0x10);
    fixture_st(f, FW_CFG + 0x14, 4, __builtin_bswap32(DRAM));
    assert_int_equal(__builtin_bswap32((uint32_t)fixture_ld(f, DRAM, 4)), 1);
}

static void virtio_without_devices(void **state)
{
    Fixture *f = *state;
    start(f);
    for (unsigned i = 1; i <= 8; i++) {
        gpa_t base = 0x10000000u + 0x1000 * i;
        assert_int_equal(fixture_ld(f, base, 4), 0x74726976);
        assert_int_equal(fixture_ld(f, base + 4, 4), 2);
        assert_int_equal(fixture_ld(f, base + 8, 4), 0);
        fixture_st(f, base + 0x70, 4, 1);
        assert_int_equal(fixture_ld(f, base + 0x70, 4), 0);
    }
}

// --- device tree ---------------------------------------------------------------------------------------------------

// Each property and node as a line "/path/name = bytes"; sorted, because order means nothing.
static void flatten(GPtrArray *out, const void *fdt, int node, const char *path)
{
    int p, child, len;
    const char *name;
    fdt_for_each_property_offset(p, fdt, node)
    {
        const uint8_t *value = fdt_getprop_by_offset(fdt, p, &name, &len);
        GString *line = g_string_new(NULL);
        g_string_printf(line, "%s/%s =", path, name);
        for (int i = 0; i < len; i++)
            g_string_append_printf(line, " %02x", value[i]);
        g_ptr_array_add(out, g_string_free(line, FALSE));
    }
    fdt_for_each_subnode(child, fdt, node)
    {
        g_autofree char *below = g_strdup_printf("%s/%s", path, fdt_get_name(fdt, child, NULL));
        flatten(out, fdt, child, below);
    }
}

static gint by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool left_out(const char *line)
{
    static const char *const places[] = {
        "/soc/pci@",     // there is no PCI
        "/pmu/",         // the counters' events are found through the SBI
        "/chosen/rng-seed =",
        "/cpus/cpu@0/riscv,c", "/cpus/cpu@1/riscv,c", // block sizes, which QEMU 7.2 does not tell
        "/cpus/cpu@0/riscv,isa-", "/cpus/cpu@1/riscv,isa-", // the newer form of riscv,isa
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(places); i++)
        if (g_str_has_prefix(line, places[i]))
            return true;
    return false;
}

static GPtrArray *tree_lines(const void *fdt)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    flatten(lines, fdt, 0, "");
    for (guint i = 0; i < lines->len;)
        if (left_out(lines->pdata[i]))
            g_ptr_array_remove_index(lines, i);
        else
            i++;
    g_ptr_array_sort(lines, by_text);
    g_ptr_array_add(lines, g_strdup("the end"));
    return lines;
}

// q7.virt-smp2.dtb is what qemu-system-riscv64 7.2 -M virt,dumpdtb= -smp 2 -m 256M says, packed.
static void device_tree_is_qemus(void **state)
{
    Fixture *f = *state;
    g_autofree char *path = g_build_filename(test_data, "q7.virt-smp2.dtb", NULL), *theirs, *ours;
    assert_true(g_file_get_contents(path, &theirs, NULL, NULL));
    f->config.isa = fdt_getprop(theirs, fdt_path_offset(theirs, "/cpus/cpu@0"), "riscv,isa", NULL);
    f->config.mmu_type = "riscv,sv48";
    f->config.harts = 2;
    f->config.ram_size = 256 << 20;
    start(f);
    const char *dtb = fixture_path(f, "dtb");
    assert_true(board_dump_dtb(f->board, dtb, NULL));
    assert_true(g_file_get_contents(dtb, &ours, NULL, NULL));
    g_autoptr(GPtrArray) expected = tree_lines(theirs), got = tree_lines(ours);
    for (guint i = 0; i < MIN(expected->len, got->len); i++)
        assert_string_equal(got->pdata[i], expected->pdata[i]);
    assert_in_range(got->len, 100, 300);
    assert_int_equal(fixture_ld(f, 0x8fe00000, 4), 0xedfe0dd0);
}

// --- boot and reset ------------------------------------------------------------------------------------------------

static void boot_rules(void **state)
{
    Fixture *f = *state;
    const char *firmware = fixture_blank(f, "fw", 5000);
    f->config.kernel = fixture_blank(f, "kernel", 5000);
    f->config.initrd = fixture_blank(f, "initrd", 4096);
    f->config.bios = firmware;
    start(f);
    assert_int_equal(board_reset_pc(f->board, 0), 0x1000);
    assert_int_equal(fixture_ld(f, 0x1018, 8), 0x80000000); // start
    assert_int_equal(fixture_ld(f, 0x1020, 8), 0x87e00000); // device tree
    assert_int_equal(fixture_ld(f, 0x1038, 8), 0x80200000); // next_addr
    assert_int_equal(fixture_ld(f, 0x84200000, 1), 0x5a);
}

// What was loaded is as it was; the rest of RAM and the time are not touched; the devices are reset.
static void machine_reset(void **state)
{
    Fixture *f = *state;
    f->config.kernel = fixture_blank(f, "kernel", 5000);
    start(f);
    fixture_st(f, DRAM, 8, 1);
    fixture_st(f, 0x81000000, 8, 77);
    fixture_st(f, 0x87e00000, 4, 0);
    fixture_st(f, 0x10000007, 1, 0xa5);       // the scratch register of the UART
    fixture_st(f, 0x20000000, 1, 0x90);       // the flash leaves romd mode
    fixture_st(f, 0x2000000, 4, 1);           // MSIP
    fixture_st(f, 0x2004000, 8, UINT64_MAX);  // mtimecmp
    assert_true(f->irqs[0] >> IRQ_M_SOFT & 1);
    assert_false(f->irqs[0] >> IRQ_M_TIMER & 1);
    assert_true(board_reset(f->board, NULL));
    assert_int_equal(fixture_ld(f, DRAM, 8), 0x5a5a5a5a5a5a5a5a);
    assert_int_equal(fixture_ld(f, 0x81000000, 8), 77);
    assert_int_equal(fixture_ld(f, 0x87e00000, 4), 0xedfe0dd0);
    assert_int_equal(fixture_ld(f, 0x10000007, 1), 0);
    assert_int_equal(fixture_ld(f, 0x20000000, 4), 0);
    assert_false(f->irqs[0] >> IRQ_M_SOFT & 1);
    assert_true(f->irqs[0] >> IRQ_M_TIMER & 1);
    // The file is gone: the error names it.
    GError *error = NULL;
    assert_int_equal(remove(f->config.kernel), 0);
    assert_false(board_reset(f->board, &error));
    assert_non_null(strstr(error->message, f->config.kernel));
    g_error_free(error);
}

int main(int argc, char **argv)
{
    test_data = argc > 1 ? argv[1] : ".";
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(goldfish_time), TEST(goldfish_alarm),         TEST(finisher),             TEST(fw_cfg_data),
        TEST(fw_cfg_dma),    TEST(virtio_without_devices), TEST(device_tree_is_qemus), TEST(boot_rules),
        TEST(machine_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
