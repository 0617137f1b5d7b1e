// SPDX-License-Identifier: GPL-3.0-or-later
// Memory slots: the vectors of memory/spec.md 3.4 (T160, T164), and the kernel's rules (T161, T162).
#include "tests/softmmu/fixture.h"
// then
#include "softmmu/dirty.h"
#include "softmmu/slots.h"
#include <errno.h>

static SlotRecorder *rec;
static SlotTable table;

static int setup_slots(void **state)
{
    setup(state);
    rec = slot_recorder_new();
    return 0;
}

static int teardown_slots(void **state)
{
    if (table.backend) {
        slot_table_deinit(&table);
    }
    assert_int_equal(rec->slots->len, 0); // all were taken back
    slot_recorder_free(rec);
    teardown(state);
    return 0;
}

static void start(const MemoryRegion *base)
{
    rec->base = (uint64_t)(uintptr_t)memory_region_ram_ptr(base);
    slot_table_init(&table, &rec->b, 0, &as, "slot");
}

#define assert_log(text) \
    do { \
        assert_string_equal(rec->log->str, text); \
        g_string_truncate(rec->log, 0); \
    } while (0)

static void assert_slots(const char *text)
{
    g_autoptr(GString) out = g_string_new(NULL);
    slot_recorder_print(rec, out);
    assert_string_equal(out->str, text);
}

// --- the vectors ---------------------------------------------------------------------------------------------------

static void t160_clabpu(void **state) // T160
{
    (void)state;
    MemoryRegion *mrom = add(sys, 0x1000, rom("mrom", 0xf000)), *dram = add(sys, 0x80000000, ram("ram", 0x80000000));
    start(dram);
    g_autofree char *first = g_strdup_printf(
        "slot=0 flags=0x2 gpa=0x1000 size=0xf000 ua=base+%#" PRIx64 " ret=0\n"
        "slot=1 flags=0 gpa=0x80000000 size=0x80000000 ua=base+0 ret=0\n",
        (uint64_t)(uintptr_t)memory_region_ram_ptr(mrom) - rec->base);
    assert_log(first);
    add_prio(sys, 0x80002000, io("htif", 0x48), 1);
    assert_log("slot=1 flags=0 gpa=0x80000000 size=0 ua=base+0 ret=0\n"
               "slot=1 flags=0 gpa=0x80000000 size=0x2000 ua=base+0 ret=0\n"
               "slot=2 flags=0 gpa=0x80003000 size=0x7fffd000 ua=base+0x3000 ret=0\n");
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *own = g_strdup_printf("slot=0 flags=0x2 gpa=0x1000 size=0xf000 ram+%#" PRIx64 "\n"
                                           "slot=1 flags=0 gpa=0x80000000 size=0x2000 ram+%#" PRIx64 "\n"
                                           "slot=2 flags=0 gpa=0x80003000 size=0x7fffd000 ram+%#" PRIx64 "\n",
                                           mrom->ram->offset, dram->ram->offset, dram->ram->offset + 0x3000);
    slot_table_print(&table, out);
    assert_string_equal(out->str, own);
}

static void t160_pc(void **state) // T160
{
    (void)state;
    MemoryRegion *pc = ram("pc.ram", UINT64_C(4) << 30);
    add(sys, 0, alias("ram-below-4g", pc, 0, 0xc0000000));
    add(sys, UINT64_C(1) << 32, alias("ram-above-4g", pc, 0xc0000000, 0x40000000));
    start(pc);
    assert_log("slot=0 flags=0 gpa=0 size=0xc0000000 ua=base+0 ret=0\n"
               "slot=1 flags=0 gpa=0x100000000 size=0x40000000 ua=base+0xc0000000 ret=0\n");
    add_prio(sys, 0xfee00000, io("apic", 0x100000), 0x1000); // a device is no slot
    assert_log("");
}

static void t160_romd(void **state) // T160
{
    (void)state;
    static const MemoryRegionOps nothing;
    MemoryRegion *flash = region_alloc();
    assert_true(memory_region_init_rom_device(flash, &nothing, NULL, "flash", 0x2000, NULL));
    add(sys, 0x20000000, flash);
    start(flash);
    assert_log("slot=0 flags=0x2 gpa=0x20000000 size=0x2000 ua=base+0 ret=0\n");
    memory_region_rom_device_set_romd(flash, false);
    assert_log("slot=0 flags=0x2 gpa=0x20000000 size=0 ua=base+0 ret=0\n");
    memory_region_rom_device_set_romd(flash, true);
    assert_log("slot=0 flags=0x2 gpa=0x20000000 size=0x2000 ua=base+0 ret=0\n");
}

// What is no whole page of guest and host has no slot; what is left of it may be.
static void t160_part_pages(void **state) // T160
{
    (void)state;
    static uint8_t pages[3 * 4096] __attribute__((aligned(4096)));
    MemoryRegion *odd = region_alloc();
    memory_region_init_ram_ptr(odd, "odd", 0x1800, pages + 0x800);
    add(sys, 0x10000800, odd);
    start(odd);
    assert_log("slot=0 flags=0 gpa=0x10001000 size=0x1000 ua=base+0x800 ret=0\n");
    memory_region_set_size(odd, 0xc00);
    assert_log("slot=0 flags=0 gpa=0x10001000 size=0 ua=base+0x800 ret=0\n");
    add(sys, 0x20000800, ram("even", 0x1800)); // its host memory begins with a page, so the slot's would not
    assert_log("");
    assert_int_equal(table.refused, 0);
}

static void t164_readonly_toggle(void **state) // T164
{
    (void)state;
    MemoryRegion *r = add(sys, 0, ram("r", 0x4000));
    start(r);
    g_string_truncate(rec->log, 0);
    memory_region_set_readonly(r, true);
    assert_log("slot=0 flags=0 gpa=0 size=0 ua=base+0 ret=0\nslot=0 flags=0x2 gpa=0 size=0x4000 ua=base+0 ret=0\n");
    memory_region_set_readonly(r, false);
    assert_log("slot=0 flags=0x2 gpa=0 size=0 ua=base+0 ret=0\nslot=0 flags=0 gpa=0 size=0x4000 ua=base+0 ret=0\n");
}

// A window that is read-only is a read-only slot, as it is for CPU and transfers (R1.25, docs/memory.md).
static void readonly_window(void **state)
{
    (void)state;
    MemoryRegion *r = ram("r", 0x4000), *al = alias("al", r, 0x1000, 0x2000);
    memory_region_set_readonly(al, true);
    add(sys, 0x8000, al);
    start(r);
    assert_log("slot=0 flags=0x2 gpa=0x8000 size=0x2000 ua=base+0x1000 ret=0\n");
}

// R3.34: all removals come before all additions, so what moves over another one finds room.
static void moves_in_one_commit(void **state)
{
    (void)state;
    MemoryRegion *a = add(sys, 0x1000, ram("a", 0x1000)), *b = add(sys, 0x2000, ram("b", 0x1000));
    start(a);
    rec->base = 0;
    memory_transaction_begin();
    memory_region_set_address(a, 0x2000);
    memory_region_set_address(b, 0x1000);
    memory_transaction_commit();
    assert_int_equal(table.refused, 0);
    g_autofree char *text = g_strdup_printf(
        "slot=0 flags=0 gpa=0x1000 size=0x1000 ua=base+%#" PRIx64 "\n"
        "slot=1 flags=0 gpa=0x2000 size=0x1000 ua=base+%#" PRIx64 "\n",
        (uint64_t)(uintptr_t)memory_region_ram_ptr(b), (uint64_t)(uintptr_t)memory_region_ram_ptr(a));
    assert_slots(text);
}

// --- limits of backends (R3.30, R3.35) ------------------------------------------------------------------------------

static void table_grows(void **state)
{
    (void)state;
    MemoryRegion *r = ram("r", 0x100000);
    memory_transaction_begin();
    for (unsigned i = 0; i < 40; i++) {
        add(sys, 0x2000 * i, alias("al", r, 0x1000 * i, 0x1000));
    }
    memory_transaction_commit();
    start(r);
    assert_int_equal(table.n, 64);
    assert_int_equal(rec->slots->len, 40);
}

static void few_slots(void **state)
{
    (void)state;
    rec->b.nr_slots = 2;
    MemoryRegion *r = add(sys, 0, ram("r", 0x1000));
    add(sys, 0x2000, ram("s", 0x1000));
    add(sys, 0x4000, ram("t", 0x1000));
    start(r);
    assert_int_equal(table.n, 2);
    assert_int_equal(table.refused, 1);
    assert_int_equal(rec->slots->len, 2);
}

static void large_ranges_are_split(void **state)
{
    (void)state;
    rec->b.max_slot_size = 0x3000;
    MemoryRegion *r = add(sys, 0x10000, ram("r", 0x8000));
    start(r);
    assert_slots("slot=0 flags=0 gpa=0x10000 size=0x3000 ua=base+0\n"
                 "slot=1 flags=0 gpa=0x13000 size=0x3000 ua=base+0x3000\n"
                 "slot=2 flags=0 gpa=0x16000 size=0x2000 ua=base+0x6000\n");
    memory_region_set_log(r, true, DIRTY_VGA);
    assert_slots("slot=0 flags=0x1 gpa=0x10000 size=0x3000 ua=base+0\n"
                 "slot=1 flags=0x1 gpa=0x13000 size=0x3000 ua=base+0x3000\n"
                 "slot=2 flags=0x1 gpa=0x16000 size=0x2000 ua=base+0x6000\n");
    memory_region_set_log(r, false, DIRTY_VGA);
    memory_region_set_enabled(r, false);
    assert_slots("");
}

// A kernel that knows no read-only slots must not let the guest write what it may not.
static void no_readonly_slots(void **state)
{
    (void)state;
    rec->b.readonly_ok = false;
    add(sys, 0, rom("rom", 0x1000));
    start(add(sys, 0x1000, ram("r", 0x1000)));
    assert_log("slot=0 flags=0 gpa=0x1000 size=0x1000 ua=base+0 ret=0\n");
}

// --- dirty logs (R3.31 to R3.33) ------------------------------------------------------------------------------------

static void log_flag(void **state)
{
    (void)state;
    MemoryRegion *r = add(sys, 0x1000, ram("r", 0x8000));
    start(r);
    g_string_truncate(rec->log, 0);
    memory_set_translator(true); // no reason for the kernel to log
    assert_log("");
    memory_region_set_log(r, true, DIRTY_VGA);
    assert_log("slot=0 flags=0x1 gpa=0x1000 size=0x8000 ua=base+0 ret=0\n");
    assert_true(memory_global_dirty_log_start(DIRTY_USER_RATE, NULL));
    assert_log(""); // it logs already
    memory_region_set_log(r, false, DIRTY_VGA);
    assert_log("");
    memory_global_dirty_log_stop(DIRTY_USER_RATE);
    assert_log("slot=0 flags=0 gpa=0x1000 size=0x8000 ua=base+0 ret=0\n");
    memory_set_translator(false);
}

static uint64_t take(MemoryRegion *r)
{
    uint64_t bits = 0;
    DirtySnapshot *s = memory_region_snapshot_and_clear_dirty(r, 0, memory_region_size(r), DIRTY_VGA);
    for (unsigned i = 0; i < memory_region_size(r) / PAGE_SIZE; i++) {
        bits |= (uint64_t)dirty_snapshot_get(s, i * PAGE_SIZE, PAGE_SIZE) << i;
    }
    dirty_snapshot_free(s);
    return bits;
}

// What the guest of the kernel wrote is in the log: when it is read, and when the slot goes (R3.32).
static void log_is_merged(void **state)
{
    (void)state;
    MemoryRegion *r = add(sys, 0x1000, ram("r", 0x8000));
    memory_region_set_log(r, true, DIRTY_VGA);
    start(r);
    (void)take(r);
    slot_recorder_touch(rec, 0x6000, 1);
    slot_recorder_touch(rec, 0x2fff, 2);
    assert_int_equal(take(r), 1 << 5 | 1 << 1 | 1 << 2);
    assert_int_equal(take(r), 0);
    slot_recorder_touch(rec, 0x1000, 1);
    memory_region_set_enabled(r, false);
    assert_int_equal(take(r), 1);
    memory_region_set_enabled(r, true);
    slot_recorder_touch(rec, 0x8000, 1);
    memory_region_set_log(r, false, DIRTY_VGA);
    assert_int_equal(take(r), 1 << 7);
}

// --- listings (R4.10) -----------------------------------------------------------------------------------------------

static void r410_flat_listing(void **state)
{
    (void)state;
    MemoryRegion *r = add(sys, 0x1000, ram("r", 0x2000));
    add(sys, 0x3000, io("dev", 0x1000));
    add(sys, 0x4800, ram("odd", 0x1000));
    start(r);
    g_autoptr(GString) out = g_string_new(NULL);
    memory_print_flat(out, 0);
    assert_string_equal(out->str, "FlatView #0\n AS \"memory\", root: system\n Root memory region: system\n"
                                  "  0000000000001000-0000000000002fff (prio 0, ram): r slot\n"
                                  "  0000000000003000-0000000000003fff (prio 0, i/o): dev\n"
                                  "  0000000000004800-00000000000057ff (prio 0, ram): odd\n\n");
}

// --- the kernel's rules ---------------------------------------------------------------------------------------------

static uint8_t memory[32 * 4096] __attribute__((aligned(4096)));

typedef struct {
    uint32_t slot, flags;
    uint64_t gpa, size, host; // host: offset in memory
    int result;
} Rule;

static const Rule rules[] = {
    {0, 0, 0, 0x4000, 0, 0}, // new
    {5, 0, 0, 0, 0, -EINVAL}, // nothing to delete
    {1, 0, 0x2000, 0x2000, 0, -EEXIST}, // overlaps
    {1, 0, 0x4000, 0x4000, 0, 0}, // adjacent, the same host memory
    {1, 0, 0x4000, 0x2000, 0, -EINVAL}, // another size
    {1, 0, 0x4000, 0x4000, 0x1000, -EINVAL}, // another host address
    {1, 0, 0x3000, 0x4000, 0, -EEXIST}, // moved over another one
    {1, 0, 0x10000, 0x4000, 0, 0}, // moved
    {1, SLOT_LOG_DIRTY, 0x10000, 0x4000, 0, 0},
    {1, 0, 0x10000, 0x4000, 0, 0},
    {1, SLOT_READONLY, 0x10000, 0x4000, 0, -EINVAL}, // toggled
    {1, 0, 0x10000, 0x4000, 0, 0}, // repeated
    {2, SLOT_READONLY, 0x20000, 0x1000, 0, 0},
    {2, 0, 0x20000, 0x1000, 0, -EINVAL},
    {3, 0, 0x30800, 0x1000, 0, -EINVAL}, // unaligned
    {3, 0, 0x30000, 0x1800, 0, -EINVAL},
    {3, 0, 0x30000, 0x1000, 0x800, -EINVAL},
    {3, 0x80, 0x30000, 0x1000, 0, -EINVAL}, // unknown flag
    {3, 0, UINT64_C(0xfffffffffffff000), 0x2000, 0, -EINVAL}, // wraps
    {7 << 16, 0, 0x30000, 0x1000, 0, -EINVAL}, // there is no such address space
    {1, 0, 0, 0, 0, 0}, // deleted
    {1, 0, 0, 0, 0, -EINVAL}, // again
    {1, SLOT_LOG_DIRTY, 0x10000, 0x4000, 0x4000, 0}, // anew
};

static int request(SlotBackend *b, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t size, uint64_t host)
{
    return b->set_region(b, &(SlotRegion){slot, flags, gpa, size, (uint64_t)(uintptr_t)memory + host});
}

static void check_rules(SlotBackend *b)
{
    uint64_t bits[1] = {~UINT64_C(0)};
    for (unsigned i = 0; i < G_N_ELEMENTS(rules); i++) {
        const Rule *r = &rules[i];
        int result = request(b, r->slot, r->flags, r->gpa, r->size, r->host);
        if (result != r->result) {
            fail_msg("rule %u: %d in place of %d", i, result, r->result);
        }
    }
    assert_int_equal(request(b, b->nr_slots, 0, 0x30000, 0x1000, 0), -EINVAL);
    assert_int_equal(request(b, b->nr_slots - 1, 0, 0x30000, 0x1000, 0), 0);
    assert_int_equal(b->get_dirty(b, 0, 0x4000, bits), -ENOENT); // does not log
    assert_int_equal(b->get_dirty(b, 9, 0x4000, bits), -ENOENT); // is not there
    assert_int_equal(b->get_dirty(b, 1, 0x4000, bits), 0);
    assert_int_equal(bits[0], 0);
}

static void t161_rules_of_the_recorder(void **state) // T161
{
    (void)state;
    SlotRecorder *r = slot_recorder_new();
    check_rules(&r->b);
    slot_recorder_touch(r, 0x12000, 1);
    uint64_t bits[1];
    assert_int_equal(r->b.get_dirty(&r->b, 1, 0x4000, bits), 0);
    assert_int_equal(bits[0], 1 << 2);
    assert_int_equal(r->b.get_dirty(&r->b, 1, 0x4000, bits), 0);
    assert_int_equal(bits[0], 0);
    slot_recorder_free(r);
}

static void t162_rules_of_the_kernel(void **state) // T162
{
    (void)state;
    g_autoptr(GError) error = NULL;
    SlotBackend *b = slot_kvm_new(&error);
    if (!b) {
        print_message("SKIP: no /dev/kvm: %s\n", error->message);
        skip();
    }
    check_rules(b);
    slot_kvm_free(b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_slots, teardown_slots)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(t160_clabpu),
        TEST(t160_pc),
        TEST(t160_romd),
        TEST(t160_part_pages),
        TEST(t164_readonly_toggle),
        TEST(readonly_window),
        TEST(moves_in_one_commit),
        TEST(table_grows),
        TEST(few_slots),
        TEST(large_ranges_are_split),
        TEST(no_readonly_slots),
        TEST(log_flag),
        TEST(log_is_merged),
        TEST(r410_flat_listing),
        cmocka_unit_test(t161_rules_of_the_recorder),
        cmocka_unit_test(t162_rules_of_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
