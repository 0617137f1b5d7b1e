// SPDX-License-Identifier: GPL-3.0-or-later
// The listings, byte for byte (T015, T018, T020, T022, T120 to T129).
#include "tests/softmmu/fixture.h"
// then
#include <string.h>

static char *tree(bool disabled_too)
{
    GString *s = g_string_new(NULL);
    memory_print_tree(s, disabled_too ? MTREE_DISABLED : 0);
    return g_string_free(s, FALSE);
}

static char *flat(void)
{
    GString *s = g_string_new(NULL);
    memory_print_flat(s, 0);
    return g_string_free(s, FALSE);
}

#define assert_listing(call, want) \
    do { \
        g_autofree char *listing_ = (call); \
        assert_string_equal(listing_, want); \
    } while (0)

#define HEAD "address-space: memory\n  0000000000000000-ffffffffffffffff (prio 0, i/o): system\n"

static void check_file(const char *path)
{
    g_autofree char *want = NULL;
    GError *error = NULL;
    if (!g_file_get_contents(path, &want, NULL, &error)) {
        fail_msg("%s", error->message);
    }
    assert_listing(tree(false), want);
}

static void t121_clabpu(void **state) // T121
{
    (void)state;
    AddressSpace cpu, ports;
    address_space_init(&cpu, sys, "cpu-memory-0");
    address_space_init(&ports, io("io", 0x10000), "I/O");
    add(sys, 0x80000000, ram("clabpu.ram", UINT64_C(2) << 30));
    add(sys, 0x1000, rom("riscv.clabpu.mrom", 0xf000));
    check_file("tests/softmmu/vectors/seed0-clabpu.mtree.txt");
    assert_listing(flat(),
                   "FlatView #0\n AS \"memory\", root: system\n AS \"cpu-memory-0\", root: system\n"
                   " Root memory region: system\n"
                   "  0000000000001000-000000000000ffff (prio 0, rom): riscv.clabpu.mrom\n"
                   "  0000000080000000-00000000ffffffff (prio 0, ram): clabpu.ram\n\n"
                   "FlatView #1\n AS \"I/O\", root: io\n Root memory region: io\n"
                   "  0000000000000000-000000000000ffff (prio 0, i/o): io\n\n");
    address_space_deinit(&cpu);
    address_space_deinit(&ports);
}

static const struct {
    const char *name;
    uint64_t addr, size;
    int32_t priority;
    char kind; // 'i' MMIO, 'r' ROM, 'm' RAM
} sifive_u[] = {
    {"riscv.sifive.u.mrom", 0x1000, 0xf000, 0, 'r'},
    {"riscv.sifive.u.flash0", 0x20000000, 0x10000000, 0, 'm'},
    {"riscv.sifive.u.ram", 0x80000000, 0x8000000, 0, 'm'},
    {"riscv.aclint.swi", 0x2000000, 0x4000, 0, 'i'},
    {"riscv.aclint.mtimer", 0x2004000, 0x8000, 0, 'i'},
    {"riscv.sifive.u.l2cc", 0x2010000, 0x1000, -1000, 'i'},
    {"sifive.pdma", 0x3000000, 0x100000, 0, 'i'},
    {"riscv.sifive.u.l2lim", 0x8000000, 0x2000000, 0, 'm'},
    {"riscv.sifive.plic", 0xc000000, 0x4000000, 0, 'i'},
    {"riscv.sifive.u.prci", 0x10000000, 0x1000, 0, 'i'},
    {"riscv.sifive.uart", 0x10010000, 0x20, 0, 'i'},
    {"riscv.sifive.uart", 0x10011000, 0x20, 0, 'i'},
    {"sifive-pwm", 0x10020000, 0x100, 0, 'i'},
    {"sifive-pwm", 0x10021000, 0x100, 0, 'i'},
    {"sifive.spi", 0x10040000, 0x1000, 0, 'i'},
    {"sifive.spi", 0x10050000, 0x1000, 0, 'i'},
    {"sifive_soc.gpio", 0x10060000, 0x100, 0, 'i'},
    {"riscv.sifive.u.otp", 0x10070000, 0x1000, 0, 'i'},
    {"enet", 0x10090000, 0x800, 0, 'i'},
    {"riscv.sifive.u.gem-mgmt", 0x100a0000, 0x1000, -1000, 'i'},
    {"riscv.sifive.u.dmc", 0x100b0000, 0x10000, -1000, 'i'},
};

static void t120_sifive_u(void **state) // T120
{
    (void)state;
    static const char *const names[] = {"dma", "cpu-memory-1", "cpu-memory-0"}; // listed by name
    AddressSpace spaces[3], ports;
    for (unsigned i = 0; i < 3; i++) {
        address_space_init(&spaces[i], sys, names[i]);
    }
    address_space_init(&ports, io("io", 0x10000), "I/O");
    for (unsigned i = 0; i < G_N_ELEMENTS(sifive_u); i++) {
        MemoryRegion *(*make)(const char *, uint64_t) =
            sifive_u[i].kind == 'r' ? rom : sifive_u[i].kind == 'm' ? ram : io;
        add_prio(sys, sifive_u[i].addr, make(sifive_u[i].name, sifive_u[i].size), sifive_u[i].priority);
    }
    check_file("tests/softmmu/vectors/seed0-sifive_u.mtree.txt");
    for (unsigned i = 0; i < 3; i++) {
        address_space_deinit(&spaces[i]);
    }
    address_space_deinit(&ports);
}

static void t123_htif_in_ram(void **state) // T123
{
    (void)state;
    add(sys, 0x80000000, ram("ram", 0x8000000));
    add_prio(sys, 0x80001000, io("htif", 0x48), 1);
    assert_listing(flat(), "FlatView #0\n AS \"memory\", root: system\n Root memory region: system\n"
                           "  0000000080000000-0000000080000fff (prio 0, ram): ram\n"
                           "  0000000080001000-0000000080001047 (prio 1, i/o): htif\n"
                           "  0000000080001048-0000000087ffffff (prio 0, ram): ram @0000000000001048\n\n");
}

static void t124_no_machine(void **state) // T124
{
    (void)state;
    AddressSpace ports;
    address_space_init(&ports, io("io", 0x10000), "I/O");
    assert_listing(tree(false), HEAD "\naddress-space: I/O\n"
                                     "  0000000000000000-000000000000ffff (prio 0, i/o): io\n\n");
    assert_listing(flat(), "FlatView #0\n AS \"memory\", root: system\n Root memory region: (none)\n"
                           "  No rendered FlatView\n\n"
                           "FlatView #1\n AS \"I/O\", root: io\n Root memory region: io\n"
                           "  0000000000000000-000000000000ffff (prio 0, i/o): io\n\n");
    address_space_deinit(&ports);
}

// V3's tail: a disabled alias is hidden, but its target is listed.
static void t126_bus_master(void **state) // T126
{
    (void)state;
    AddressSpace dma;
    MemoryRegion *master = container("bus master container", SPACE);
    MemoryRegion *al = add(master, 0, alias("bus master", sys, 0, SPACE));
    memory_region_set_enabled(al, false);
    address_space_init(&dma, master, "gpex-root");
    add(sys, 0x1000, ram("ram", 0x1000));
    static const char root[] = "  0000000000000000-ffffffffffffffff (prio 0, i/o): bus master container\n";
    static const char body[] = "  0000000000000000-ffffffffffffffff (prio 0, i/o): system\n"
                               "    0000000000001000-0000000000001fff (prio 0, ram): ram\n\n";
    g_autofree char *hidden = g_strdup_printf("address-space: memory\n%saddress-space: gpex-root\n%s\n"
                                              "memory-region: system\n%s", body, root, body);
    assert_listing(tree(false), hidden);
    g_autofree char *shown = g_strdup_printf(
        "address-space: memory\n%saddress-space: gpex-root\n%s"
        "    0000000000000000-ffffffffffffffff (prio 0, i/o): alias bus master @system "
        "0000000000000000-ffffffffffffffff [disabled]\n\nmemory-region: system\n%s",
        body, root, body);
    assert_listing(tree(true), shown);
    g_autofree char *off = flat();
    assert_non_null(strstr(off, "FlatView #1\n AS \"gpex-root\", root: bus master container\n"
                                " Root memory region: (none)\n  No rendered FlatView\n"));
    memory_region_set_enabled(al, true); // R1.33: bus mastering on, one view for both
    assert_listing(flat(), "FlatView #0\n AS \"memory\", root: system\n"
                           " AS \"gpex-root\", root: bus master container\n Root memory region: system\n"
                           "  0000000000001000-0000000000001fff (prio 0, ram): ram\n\n");
    address_space_deinit(&dma);

    address_space_init(&dma, al = alias("window", sys, 0, SPACE), "alias root");
    assert_listing(flat(), "FlatView #0\n AS \"memory\", root: system\n"
                           " AS \"alias root\", root: window, alias system\n Root memory region: system\n"
                           "  0000000000001000-0000000000001fff (prio 0, ram): ram\n\n");
    address_space_deinit(&dma);
}

static void t127_disabled_container(void **state) // T127
{
    (void)state;
    MemoryRegion *box = add(sys, 0x1000, container("box", 0x1000));
    add(box, 0x100, io("d", 0x10));
    memory_region_set_enabled(box, false);
    assert_listing(tree(false), HEAD "      0000000000001100-000000000000110f (prio 0, i/o): d\n\n");
    assert_listing(tree(true), HEAD "    0000000000001000-0000000000001fff (prio 0, i/o): box [disabled]\n"
                                    "      0000000000001100-000000000000110f (prio 0, i/o): d\n\n");
}

static void t018_readonly_alias(void **state) // T018
{
    (void)state;
    MemoryRegion *r = add(sys, 0x5000, ram("ram", 0x1000)), *al = add(sys, 0x1000, alias("window", r, 0, 0x1000));
    memory_region_set_readonly(al, true);
    assert_listing(tree(false),
                   HEAD "    0000000000001000-0000000000001fff (prio 0, ram): alias window @ram "
                        "0000000000000000-0000000000000fff\n"
                        "    0000000000005000-0000000000005fff (prio 0, ram): ram\n\n"
                        "memory-region: ram\n  0000000000005000-0000000000005fff (prio 0, ram): ram\n\n");
    assert_listing(flat(), "FlatView #0\n AS \"memory\", root: system\n Root memory region: system\n"
                           "  0000000000001000-0000000000001fff (prio 0, rom): ram\n"
                           "  0000000000005000-0000000000005fff (prio 0, ram): ram\n\n");
}

static void t128_siblings(void **state) // T128
{
    (void)state;
    add_prio(sys, 0x2000, io("high address", 1), 9);
    add(sys, 0x1000, io("old", 1));
    add(sys, 0x1000, io("new", 1));
    add_prio(sys, 0x1000, io("low", 1), -2147483647 - 1);
    add_prio(sys, 0x1000, io("high", 1), 3);
    assert_listing(tree(false), HEAD "    0000000000001000-0000000000001000 (prio 3, i/o): high\n"
                                     "    0000000000001000-0000000000001000 (prio 0, i/o): new\n"
                                     "    0000000000001000-0000000000001000 (prio 0, i/o): old\n"
                                     "    0000000000001000-0000000000001000 (prio -2147483648, i/o): low\n"
                                     "    0000000000002000-0000000000002000 (prio 9, i/o): high address\n\n");
}

static void t129_overflow(void **state) // T129
{
    (void)state;
    MemoryRegion *box = add(sys, UINT64_C(0xfffffffffffff000), container("box", 0x2000));
    add(box, 0x1000, io("wrapped", 0x10));
    add(sys, 0x10, io("empty", 0)); // T015
    assert_listing(tree(false),
                   HEAD "    0000000000000010-0000000000000010 (prio 0, i/o): empty\n"
                        "[DETECTED OVERFLOW!]     fffffffffffff000-0000000000000fff (prio 0, i/o): box\n"
                        "[DETECTED OVERFLOW!]       0000000000000000-000000000000000f (prio 0, i/o): "
                        "wrapped\n\n");
}

// T018, T020, T130: alias lines and the groups of their targets.
static void aliases(void **state)
{
    (void)state;
    MemoryRegion *r = add(sys, 0x8000, ram("ram", 0x1000)), *o = rom("rom", 0x1000);
    MemoryRegion *a1 = alias("a1", r, 0x100, 0x800);
    MemoryRegion *a2 = add_prio(sys, 0x1000, alias("a2", a1, 0, 0x400), 7);
    MemoryRegion *a3 = add(sys, 0x2000, alias("a3", o, 0x10, 0x20));
    add(sys, 0x3000, alias("a4", a1, 0, 0));
    memory_region_set_readonly(a2, true);
    memory_region_set_enabled(o, false);
    assert_listing(tree(false),
                   HEAD "    0000000000001000-00000000000013ff (prio 7, ram): alias a2 @a1 "
                        "0000000000000000-00000000000003ff\n"
                        "    0000000000002000-000000000000201f (prio 0, rom): alias a3 @rom "
                        "0000000000000010-000000000000002f\n"
                        "    0000000000003000-0000000000003000 (prio 0, ram): alias a4 @a1 "
                        "0000000000000000-0000000000000000\n"
                        "    0000000000008000-0000000000008fff (prio 0, ram): ram\n\n"
                        "memory-region: a1\n  0000000000000000-00000000000007ff (prio 0, ram): alias a1 @ram "
                        "0000000000000100-00000000000008ff\n\n"
                        "memory-region: rom\n\n"
                        "memory-region: ram\n  0000000000008000-0000000000008fff (prio 0, ram): ram\n\n");
    assert_listing(flat(), "FlatView #0\n AS \"memory\", root: system\n Root memory region: system\n"
                           "  0000000000001000-00000000000013ff (prio 0, rom): ram @0000000000000100\n"
                           "  0000000000008000-0000000000008fff (prio 0, ram): ram\n\n");
    assert_false(a3->readonly);
}

// What stands before and in place of the type; alias lines have their own nv- and the final target's type.
static void t130_types(void **state) // T130
{
    (void)state;
    static uint8_t page[0x1000] __attribute__((aligned(16)));
    MemoryRegion *d = region_alloc(), *r = ram("pmem", 0x1000), *o = region_alloc();
    static const MemoryRegionOps nothing;
    memory_region_init_ram_device_ptr(d, "bar", sizeof page, page);
    assert_true(memory_region_init_rom_device(o, &nothing, NULL, "flash", 0x1000, NULL));
    memory_region_set_nonvolatile(r, true);
    memory_region_set_nonvolatile(d, true);
    MemoryRegion *inner = alias("inner", o, 0, 0x1000), *outer = alias("outer", inner, 0, 0x800);
    memory_region_set_nonvolatile(outer, true);
    add(sys, 0x1000, d);
    add(sys, 0x2000, r);
    add(sys, 0x3000, outer);
    assert_listing(tree(false),
                   HEAD "    0000000000001000-0000000000001fff (prio 0, nv-ramd): bar\n"
                        "    0000000000002000-0000000000002fff (prio 0, nv-ram): pmem\n"
                        "    0000000000003000-00000000000037ff (prio 0, nv-romd): alias outer @inner "
                        "0000000000000000-00000000000007ff\n\n"
                        "memory-region: inner\n  0000000000000000-0000000000000fff (prio 0, romd): alias inner @flash "
                        "0000000000000000-0000000000000fff\n\n"
                        "memory-region: flash\n  0000000000000000-0000000000000fff (prio 0, romd): flash\n\n");
    assert_listing(flat(), "FlatView #0\n AS \"memory\", root: system\n Root memory region: system\n"
                           "  0000000000001000-0000000000001fff (prio 0, nv-ramd): bar\n"
                           "  0000000000002000-0000000000002fff (prio 0, nv-ram): pmem\n"
                           "  0000000000003000-00000000000037ff (prio 0, nv-romd): flash\n\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(t121_clabpu),
        TEST(t120_sifive_u),
        TEST(t123_htif_in_ram),
        TEST(t124_no_machine),
        TEST(t126_bus_master),
        TEST(t018_readonly_alias),
        TEST(t127_disabled_container),
        TEST(t128_siblings),
        TEST(t129_overflow),
        TEST(aliases),
        TEST(t130_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
