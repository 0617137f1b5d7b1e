// SPDX-License-Identifier: GPL-3.0-or-later
// The listings of QEMU's virt and spike boards, from trees of the same shape (T122, T125, T126, V9).
#include "tests/softmmu/fixture.h"
// then
#include <string.h>

static AddressSpace cpu, ports, pci, edu;
static MemoryRegion *bus_master, *mmio, *flash;

static const MemoryRegionOps nothing;

static MemoryRegion *romd(const char *name, uint64_t size)
{
    MemoryRegion *mr = region_alloc();
    assert_true(memory_region_init_rom_device(mr, &nothing, NULL, name, size, NULL));
    return mr;
}

static MemoryRegion *other_romd(uint64_t addr, const char *name)
{
    return add(sys, addr, romd(name, 0x2000000));
}

static void add_devices(void)
{
    static const struct {
        const char *name;
        uint64_t addr, size;
    } rows[] = {
        {"riscv.sifive.test", 0x100000, 0x1000},
        {"goldfish_rtc", 0x101000, 0x24},
        {"riscv.sifive.plic", 0xc000000, 0x600000},
        {"serial", 0x10000000, 8},
        {"fwcfg.data", 0x10100000, 8},
        {"fwcfg.ctl", 0x10100008, 2},
        {"fwcfg.dma", 0x10100010, 8},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        add(sys, rows[i].addr, io(rows[i].name, rows[i].size));
    }
    for (unsigned i = 0; i < 8; i++) {
        add(sys, 0x10001000 + i * 0x1000, io("virtio-mmio", 0x200));
    }
}

static void add_pci(void)
{
    MemoryRegion *window = io("gpex_mmio_window", SPACE), *ecam = io("pcie-mmcfg-mmio", 0x10000000);
    MemoryRegion *io_window = add(sys, 0x3000000, io("gpex_ioport_window", 0x10000));
    mmio = add(window, 0, container("gpex_mmio", SPACE));
    add(io_window, 0, container("gpex_ioport", 0x10000));
    add(sys, 0x30000000, alias("pcie-ecam", ecam, 0, 0x10000000));
    add(sys, 0x40000000, alias("pcie-mmio", window, 0x40000000, 0x40000000));
    add(sys, UINT64_C(0x400000000), alias("pcie-mmio-high", window, UINT64_C(0x400000000), UINT64_C(0x400000000)));
    MemoryRegion *root = container("bus master container", SPACE);
    bus_master = alias("bus master", sys, 0, SPACE);
    memory_region_set_enabled(bus_master, false);
    add(root, 0, bus_master);
    address_space_init(&pci, root, "gpex-root");
}

static int setup_virt(void **state)
{
    setup(state);
    address_space_init(&cpu, sys, "cpu-memory-0");
    add(sys, 0x1000, rom("riscv_virt_board.mrom", 0xf000));
    add(sys, 0x80000000, ram("riscv_virt_board.ram", 0x8000000));
    add(sys, 0x4000000, container("platform bus", 0x2000000));
    flash = other_romd(0x20000000, "virt.flash0");
    other_romd(0x22000000, "virt.flash1");
    add_devices();
    add_pci();
    address_space_init(&ports, io("io", 0x10000), "I/O");
    return 0;
}

static int teardown_virt(void **state)
{
    address_space_deinit(&cpu);
    address_space_deinit(&ports);
    address_space_deinit(&pci);
    return teardown(state);
}

static gint by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// The groups of a listing, sorted: QEMU's order is accidental (R4.2). Numbers of flat views go.
static char *sorted_groups(const char *text)
{
    g_auto(GStrv) groups = g_strsplit(text, "\n\n", -1);
    guint n = g_strv_length(groups);
    for (guint i = 0; i < n; i++) {
        if (g_str_has_prefix(groups[i], "FlatView #")) {
            memmove(groups[i], strchr(groups[i], '\n'), strlen(strchr(groups[i], '\n')) + 1);
        }
    }
    qsort(groups, n, sizeof *groups, by_text);
    return g_strjoinv("\n\n", groups);
}

static void check_groups(bool flat, unsigned flags, const char *file)
{
    g_autofree char *path = g_strdup_printf("tests/softmmu/vectors/%s", file), *want = NULL;
    g_autoptr(GString) got = g_string_new(NULL);
    assert_true(g_file_get_contents(path, &want, NULL, NULL));
    if (flat) {
        memory_print_flat(got, flags);
    } else {
        memory_print_tree(got, flags);
    }
    g_autofree char *a = sorted_groups(got->str), *b = sorted_groups(want);
    assert_string_equal(a, b);
}

static void t122_virt(void **state) // T122
{
    (void)state;
    add(sys, 0x2000000, io("riscv.aclint.swi", 0x4000));
    add(sys, 0x2004000, io("riscv.aclint.mtimer", 0x8000));
    check_groups(false, 0, "seed3-virt.mtree.txt");
}

static void t126_disabled_bus_master(void **state) // T126
{
    (void)state;
    add(sys, 0x2000000, io("riscv.aclint.swi", 0x4000));
    add(sys, 0x2004000, io("riscv.aclint.mtimer", 0x8000));
    check_groups(false, MTREE_DISABLED, "virt.mtree-D.txt");
}

// An alias window cut by a BAR; the device's space shows the system once its bus mastering is on (R1.33).
static void t125_edu(void **state) // T125
{
    (void)state;
    MemoryRegion *root = container("bus master container", SPACE), *own = alias("bus master", sys, 0, SPACE);
    address_space_init(&edu, root, "edu");
    assert_null(edu.view->root);
    add(root, 0, own);
    add_prio(mmio, 0x40000000, io("edu-mmio", 0x100000), 1);
    assert_ptr_equal(edu.view, as.view);
    check_groups(true, 0, "virt-edu.mtree-f.txt");
    memory_region_set_enabled(own, false);
    assert_null(edu.view->root);
    address_space_deinit(&edu);
}

// T070: the mode of a ROM device in both listings (R1.7).
static void t070_mode_in_listings(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        memory_region_rom_device_set_romd(flash, i);
        memory_print_tree(text, 0);
        memory_print_flat(text, 0);
        static const char *const lines[] = {
            "\n    0000000020000000-0000000021ffffff (prio 0, i/o): virt.flash0\n",
            "\n    0000000020000000-0000000021ffffff (prio 0, romd): virt.flash0\n",
            "\n  0000000020000000-0000000021ffffff (prio 0, i/o): virt.flash0\n",
            "\n  0000000020000000-0000000021ffffff (prio 0, romd): virt.flash0\n",
        };
        for (unsigned k = 0; k < G_N_ELEMENTS(lines); k++) {
            assert_int_equal(strstr(text->str, lines[k]) != NULL, k % 2 == i);
        }
    }
}

// V9 of the specification.
static void spike_owners(void **state)
{
    (void)state;
    static MemoryOwner unattached, swi, mtimer, memory; // outlive the regions
    AddressSpace space, io_space;
    memory_owner_init(&unattached, "container", "/machine/unattached", false, NULL);
    memory_owner_init(&swi, "riscv.aclint.swi", "/machine/unattached/device[0]", true, NULL);
    memory_owner_init(&mtimer, "riscv.aclint.mtimer", "/machine/unattached/device[1]", true, NULL);
    memory_owner_init(&memory, "memory-backend-ram", "/objects/riscv.spike.ram", false, NULL);
    const struct {
        uint64_t addr;
        MemoryRegion *mr;
        MemoryOwner *owner;
    } rows[] = {
        {0x1000, rom("riscv.spike.mrom", 0xf000), NULL},
        {0x1000000, io("riscv.htif.uart", 16), NULL},
        {0x2000000, io("riscv.aclint.swi", 0x4000), &swi},
        {0x2004000, io("riscv.aclint.mtimer", 0x8000), &mtimer},
        {0x80000000, ram("riscv.spike.ram", 0x8000000), &memory},
    };
    MemoryRegion *board = container("system", SPACE), *io_root = io("io", 0x10000);
    address_space_deinit(&as); // not to be listed
    memory_region_set_parent(board, &unattached);
    memory_region_set_parent(io_root, &unattached);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        memory_region_set_owner(rows[i].mr, rows[i].owner);
        memory_region_set_parent(rows[i].mr, rows[i].owner ? rows[i].owner : &unattached);
        add_prio(board, rows[i].addr, rows[i].mr, i == 1);
    }
    address_space_init(&space, board, "memory");
    address_space_init(&as, board, "cpu-memory-0");
    address_space_init(&io_space, io_root, "I/O");
    check_groups(false, MTREE_OWNER, "spike.mtree-o.txt");
    check_groups(true, MTREE_OWNER, "spike.mtree-f-o.txt");
    address_space_deinit(&space);
    address_space_deinit(&io_space);
}

// The other forms of an owner.
static void owner_forms(void **state)
{
    (void)state;
    static MemoryOwner named, typed;
    memory_owner_init(&named, "edu", "/machine/peripheral/e", true, NULL);
    named.id = "e";
    memory_owner_init(&typed, "backend", NULL, false, NULL);
    MemoryRegion *a = io("a", 0x10), *b = io("b", 0x10);
    memory_region_set_owner(a, &named);
    memory_region_set_parent(a, &typed);
    add(sys, 0, a);
    memory_region_set_enabled(b, false);
    add(sys, 0x10, b);
    g_autoptr(GString) text = g_string_new(NULL);
    memory_print_tree(text, MTREE_OWNER | MTREE_DISABLED);
    assert_string_equal(text->str,
                        "address-space: memory\n"
                        "  0000000000000000-ffffffffffffffff (prio 0, i/o): system orphan\n"
                        "    0000000000000000-000000000000000f (prio 0, i/o): a owner:{dev id=e} "
                        "parent:{obj type=backend}\n"
                        "    0000000000000010-000000000000001f (prio 0, i/o): b [disabled] orphan\n\n");
}

// -d: our own structure.
static void dispatch(void **state)
{
    (void)state;
    static uint8_t page[0x1000] __attribute__((aligned(16)));
    MemoryRegion *ptr = region_alloc();
    memory_region_init_ram_ptr(ptr, "ptr", sizeof page, page);
    add(sys, 0x1000, ptr);
    add(sys, 0x2000, rom("rom", 0x1800));
    add_prio(sys, 0x1ff8, io("over", 16), 1);
    add(sys, 0x4000, device(&nothing, NULL, "dev", 0x10));
    add(sys, 0x8000, romd("flash", 0x1000));
    g_autoptr(GString) text = g_string_new(NULL);
    memory_print_flat(text, MTREE_DISPATCH);
    assert_string_equal(
        strstr(text->str, "  Dispatch"),
        "  Dispatch\n    5 ranges, found in at most 3 steps; all else is unassigned\n"
        "    #0 @0000000000001000..0000000000001ff7 ptr [read direct, write direct] within a page\n"
        "    #1 @0000000000001ff8..0000000000002007 over [read rejected, write rejected] part of the first and last "
        "page\n"
        "    #2 @0000000000002008..00000000000037ff rom [read direct, write dropped] part of the first and last page\n"
        "    #3 @0000000000004000..000000000000400f dev [read call, write call] within a page\n"
        "    #4 @0000000000008000..0000000000008fff flash [read direct, write call]\n\n");
}

#define VIRT(f) cmocka_unit_test_setup_teardown(f, setup_virt, teardown_virt)
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIRT(t122_virt), VIRT(t126_disabled_bus_master), VIRT(t125_edu), VIRT(t070_mode_in_listings),
        TEST(spike_owners), TEST(owner_forms), TEST(dispatch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
