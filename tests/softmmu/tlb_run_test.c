// SPDX-License-Identifier: GPL-3.0-or-later
// Runs of pages: what they hold, where they end, and what ends them.
#include "tests/softmmu/tlb_board.h"

static Board board;
static Tlb *tlb;
static TlbRuns runs;
static TlbEntry *table;
static uint64_t mask;
static uint64_t same_before, same_after; // of what the hook answers
static bool writable;
static uint8_t large_bits;

static bool translate(void *opaque, gva_t va, unsigned size, MemAccess access, unsigned mmu, TlbTranslation *out,
                      MemFault *fault)
{
    (void)opaque, (void)size, (void)mmu;
    if (access == ACCESS_WRITE && !writable) {
        *fault = (MemFault){FAULT_PAGE, access, va};
        return false;
    }
    *out = (TlbTranslation){.page = va & PAGE_MASK, .allow = {true, writable, true}, .whole_page = true,
                            .large_bits = large_bits, .same_before = same_before, .same_after = same_after};
    return true;
}

static void no_code(void *opaque, ram_t start, uint64_t len)
{
    (void)opaque, (void)start, (void)len;
}

static int setup(void **state)
{
    (void)state;
    board_init(&board, 6, no_code, NULL);
    TlbHooks hooks = {translate, NULL};
    tlb = tlb_new(&board.as, board.code, &hooks, 6, &mask, &table);
    code_pages_add_tlb(board.code, tlb);
    tlb_set_runs(tlb, &runs);
    same_before = same_after = UINT64_C(1) << 40;
    writable = true;
    large_bits = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    code_pages_remove_tlb(board.code, tlb);
    tlb_free(tlb);
    board_deinit(&board);
    return 0;
}

// The number of the run that an access at va finds, or -1; its host address must be the right one.
static int run_at(gva_t va, MemAccess access)
{
    for (unsigned k = access; k < TLB_RUNS; k += 2)
        if (va - runs.run[k].start < runs.run[k].size) {
            assert_int_equal(runs.addend + va, (uintptr_t)board.ram.ram->host + (va - RAM_BASE));
            return (int)k;
        }
    return -1;
}

static void touch(gva_t va, MemAccess access)
{
    assert_non_null(tlb_ram(tlb, va, 1, access));
    tlb_relieve(tlb);
}

static ram_t ram_of(gva_t va)
{
    return board.ram.ram->offset + (va - RAM_BASE);
}

static void all_of_ram(void **state)
{
    (void)state;
    assert_int_equal(run_at(RAM_BASE, ACCESS_READ), -1);
    touch(RAM_BASE + 0x5123, ACCESS_READ);
    for (int k = ACCESS_READ; k <= ACCESS_WRITE; k++) {
        assert_true(run_at(RAM_BASE, k) >= 0);
        assert_int_equal(run_at(RAM_BASE - 1, k), -1);
        assert_true(run_at(RAM_BASE + RAM_SIZE - TLB_RUN_BYTES, k) >= 0);
        assert_int_equal(run_at(RAM_BASE + RAM_SIZE - TLB_RUN_BYTES + 1, k), -1); // not all of its bytes are there
    }
}

static void translation_limits(void **state)
{
    (void)state;
    same_before = PAGE_SIZE;
    same_after = 2 * PAGE_SIZE;
    touch(RAM_BASE + 0x8000, ACCESS_READ);
    assert_true(run_at(RAM_BASE + 0x7000, ACCESS_READ) >= 0);
    assert_int_equal(run_at(RAM_BASE + 0x6fff, ACCESS_READ), -1);
    assert_true(run_at(RAM_BASE + 0xb000 - TLB_RUN_BYTES, ACCESS_READ) >= 0);
    assert_int_equal(run_at(RAM_BASE + 0xb000, ACCESS_READ), -1);
}

static void read_only(void **state)
{
    (void)state;
    writable = false;
    touch(RAM_BASE, ACCESS_READ);
    assert_true(run_at(RAM_BASE + 0x4000, ACCESS_READ) >= 0);
    assert_int_equal(run_at(RAM_BASE + 0x4000, ACCESS_WRITE), -1);
}

static void rom_and_devices(void **state)
{
    (void)state;
    touch(ROM_BASE, ACCESS_READ);
    assert_null(tlb_ram(tlb, DEV_BASE, 1, ACCESS_READ));
    for (unsigned k = 0; k < TLB_RUNS; k++)
        assert_int_equal(runs.run[k].size, 0);
}

// A device in the middle of RAM: both sides are known, the device's page is in neither.
static void two_runs(void **state)
{
    (void)state;
    MemoryRegion hole;
    memory_region_init_io(&hole, &recorder_any_ops, &board.rec, "hole", 8);
    memory_region_add_subregion_overlap(&board.root, RAM_BASE + 0x2000, &hole, 1);
    tlb_flush(tlb);
    touch(RAM_BASE + 0x1000, ACCESS_READ);
    touch(RAM_BASE + 0x3000, ACCESS_READ);
    for (int k = ACCESS_READ; k <= ACCESS_WRITE; k++) {
        assert_int_equal(run_at(RAM_BASE + 0x3000, k), k); // the larger one
        assert_int_equal(run_at(RAM_BASE + 0x1000, k), k + 2);
        assert_int_equal(run_at(RAM_BASE + 0x2000, k), -1);
        assert_int_equal(run_at(RAM_BASE + 0x2fff, k), -1);
    }
    memory_region_del_subregion(&board.root, &hole);
    memory_region_deinit(&hole);
}

// Pages with code are not stored to, whether they were marked before or after.
static void code(void **state)
{
    (void)state;
    code_pages_mark(board.code, ram_of(RAM_BASE + 0x3000));
    code_pages_mark(board.code, ram_of(RAM_BASE + 0x20000));
    touch(RAM_BASE + 0x10000, ACCESS_WRITE);
    assert_true(run_at(RAM_BASE + 0x3000, ACCESS_READ) >= 0);
    assert_int_equal(run_at(RAM_BASE + 0x3fff, ACCESS_WRITE), -1);
    assert_true(run_at(RAM_BASE + 0x4000, ACCESS_WRITE) >= 0);
    assert_int_equal(run_at(RAM_BASE + 0x20000, ACCESS_WRITE), -1);
    code_pages_mark(board.code, ram_of(RAM_BASE + 0x8000));
    assert_int_equal(run_at(RAM_BASE + 0x7000, ACCESS_WRITE), -1); // the smaller part is forgotten
    assert_int_equal(run_at(RAM_BASE + 0x8000, ACCESS_WRITE), -1);
    assert_true(run_at(RAM_BASE + 0x9000, ACCESS_WRITE) >= 0);
    code_pages_mark(board.code, ram_of(RAM_BASE + 0x1f000));
    assert_int_equal(run_at(RAM_BASE + 0x1f000, ACCESS_WRITE), -1);
    assert_true(run_at(RAM_BASE + 0x1e000, ACCESS_WRITE) >= 0);
}

// Pages that somebody waits for, many at once (R3.23): in the middle of a run, past its end, around it. The runs and
// entries of others stay.
static void marked_range(void **state)
{
    (void)state;
    touch(RAM_BASE, ACCESS_WRITE);
    touch(RAM_BASE + 0xa000, ACCESS_WRITE);
    tlb_mark(tlb, ram_of(RAM_BASE + 0x8000), 0x4000);
    assert_int_equal(run_at(RAM_BASE + 0x7fff, ACCESS_WRITE), -1); // the smaller part is forgotten
    assert_int_equal(run_at(RAM_BASE + 0x8000, ACCESS_WRITE), -1);
    assert_int_equal(run_at(RAM_BASE + 0xbfff, ACCESS_WRITE), -1);
    assert_true(run_at(RAM_BASE + 0xc000, ACCESS_WRITE) >= 0);
    assert_true(run_at(RAM_BASE + 0x8000, ACCESS_READ) >= 0);
    tlb_mark(tlb, ram_of(RAM_BASE + 0x30000), 0x100000);
    assert_int_equal(run_at(RAM_BASE + 0x30000, ACCESS_WRITE), -1);
    assert_true(run_at(RAM_BASE + 0x2f000, ACCESS_WRITE) >= 0);
    tlb_mark(tlb, ram_of(RAM_BASE + 0xb000), 0x1000); // not in it
    tlb_mark(tlb, ram_of(RAM_BASE + 0x30000), 0x1000);
    assert_true(run_at(RAM_BASE + 0xc000, ACCESS_WRITE) >= 0);
    assert_true(run_at(RAM_BASE + 0x2f000, ACCESS_WRITE) >= 0);

    TlbStats s;
    MemFault fault;
    tlb_stats(tlb, &s);
    uint64_t slow = s.kind[3][ACCESS_WRITE].slow_notdirty, filled = s.kind[3][ACCESS_WRITE].fill_ok;
    assert_true(tlb_store(tlb, RAM_BASE + 0xa008, 8, 1, &fault)); // marked
    assert_true(tlb_store(tlb, RAM_BASE + 0xa008, 8, 2, &fault)); // once
    assert_true(tlb_store(tlb, RAM_BASE + 8, 8, 1, &fault));      // never was
    tlb_stats(tlb, &s);
    assert_int_equal(s.kind[3][ACCESS_WRITE].slow_notdirty, slow + 1);
    assert_int_equal(s.kind[3][ACCESS_WRITE].fill_ok, filled);
    tlb_mark(tlb, 0, UINT64_MAX);
    assert_int_equal(run_at(RAM_BASE + 0x2f000, ACCESS_WRITE), -1);
    assert_int_equal(run_at(RAM_BASE + 0xc000, ACCESS_WRITE), -1);
}

// What a fill finds is not seen before compiled code has come back.
static void not_at_once(void **state)
{
    (void)state;
    assert_non_null(tlb_ram(tlb, RAM_BASE, 1, ACCESS_READ));
    assert_int_equal(run_at(RAM_BASE, ACCESS_READ), -1);
    tlb_relieve(tlb);
    assert_true(run_at(RAM_BASE, ACCESS_READ) >= 0);
}

static void flushes(void **state)
{
    (void)state;
    touch(RAM_BASE, ACCESS_READ);
    tlb_flush_page(tlb, RAM_BASE + 0x6000);
    assert_int_equal(run_at(RAM_BASE, ACCESS_READ), -1);
    touch(RAM_BASE + 0x1000, ACCESS_READ);
    assert_true(run_at(RAM_BASE, ACCESS_READ) >= 0);
    tlb_set_mmu(tlb, 0, 0); // another table
    assert_int_equal(run_at(RAM_BASE, ACCESS_READ), -1);
    tlb_set_mmu(tlb, 3, 3);
    assert_true(run_at(RAM_BASE, ACCESS_READ) >= 0);
    tlb_flush(tlb);
    assert_int_equal(run_at(RAM_BASE, ACCESS_READ), -1);
}

// Nobody looks at runs under page tables.
static void translated(void **state)
{
    (void)state;
    large_bits = 16;
    touch(RAM_BASE + 0x2000, ACCESS_WRITE);
    same_before = same_after = large_bits = 0;
    touch(RAM_BASE + 0x13000, ACCESS_WRITE);
    for (unsigned k = 0; k < TLB_RUNS; k++)
        assert_int_equal(runs.run[k].size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_of_ram, setup, teardown),
        cmocka_unit_test_setup_teardown(translation_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(read_only, setup, teardown),
        cmocka_unit_test_setup_teardown(rom_and_devices, setup, teardown),
        cmocka_unit_test_setup_teardown(two_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(code, setup, teardown),
        cmocka_unit_test_setup_teardown(marked_range, setup, teardown),
        cmocka_unit_test_setup_teardown(not_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(flushes, setup, teardown),
        cmocka_unit_test_setup_teardown(translated, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
