// SPDX-License-Identifier: GPL-3.0-or-later
// Dirty logs: exact pages, one slow store each, and who else marks (memory/spec.md 3.3; T112, R3.25).
#include "softmmu/dirty.h"
#include "softmmu/memory_map.h"
#include "tests/softmmu/tlb_board.h"

static Board board;
static unsigned slow; // stores that the inlined compare refused
static TlbRuns runs;

static void invalidate(void *opaque, ram_t start, uint64_t len)
{
    (void)opaque, (void)len;
    code_pages_clear(board.code, start);
}

static void flush(void *opaque)
{
    tlb_flush(opaque);
}

static int setup(void **state)
{
    bool tracked = !*state; // the state of a test without code tracking is not NULL
    board_init(&board, 8, tracked ? invalidate : NULL, NULL);
    memory_set_commit_hook(flush, board.tlb);
    slow = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    memory_set_commit_hook(NULL, NULL);
    memory_set_ram_written_hook(NULL, NULL);
    board_deinit(&board);
    assert_false(dirty_any_clean());
    return 0;
}

#define PAGE(n) (RAM_BASE + (n) * PAGE_SIZE)

// As an engine stores: inlined if the compare says so.
static void store(gva_t va, unsigned size, uint64_t value)
{
    MemFault fault;
    if (board_hits(&board, va, size, ACCESS_WRITE)) {
        memcpy((void *)(uintptr_t)(board_entry(&board, va)->addend + va), &value, size);
        return;
    }
    slow++;
    assert_true(tlb_store(board.tlb, va, size, value, &fault));
}

static void log_vga(bool on)
{
    memory_region_set_log(&board.ram, on, DIRTY_VGA);
}

static void clear(DirtyClient client)
{
    memory_region_reset_dirty(&board.ram, 0, RAM_SIZE, client);
}

// The dirty pages of the client, a bit each, which are clear then.
static uint64_t take(DirtyClient client)
{
    uint64_t bits = 0;
    DirtySnapshot *s = memory_region_snapshot_and_clear_dirty(&board.ram, 0, RAM_SIZE, client);
    for (unsigned i = 0; i < RAM_SIZE / PAGE_SIZE; i++)
        bits |= (uint64_t)dirty_snapshot_get(s, i * PAGE_SIZE, PAGE_SIZE) << i;
    dirty_snapshot_free(s);
    return bits;
}

#define ALL (UINT64_MAX >> (64 - RAM_SIZE / PAGE_SIZE))
#define BIT(n) (UINT64_C(1) << (n))

// R3.25.
static void t112_snapshot_and_clear(void **state) // T112
{
    (void)state;
    log_vga(true);
    assert_int_equal(take(DIRTY_VGA), ALL); // R1.4
    for (unsigned round = 0; round < 3; round++) {
        store(PAGE(3) + 5, 1, 1);
        store(PAGE(7) + 9, 1, 2);
        store(PAGE(9) + 0xffc, 8, UINT64_C(0x1122334455667788));
        slow = 0;
        for (unsigned i = 0; i < 100; i++) { // the first ones have paid
            store(PAGE(3) + i, 1, i);
            store(PAGE(7) + 8 * i, 8, i);
            store(PAGE(9) + 4 * i, 4, i);
            store(PAGE(10) + 8 * i, 8, i);
        }
        assert_int_equal(slow, 0);
        assert_int_equal(take(DIRTY_VGA), BIT(3) | BIT(7) | BIT(9) | BIT(10));
        assert_int_equal(take(DIRTY_VGA), 0);
    }
    log_vga(false);
    memory_region_reset_dirty(&board.ram, 0, 1, DIRTY_VGA);
}

// Each page takes the slow path once after each clear, and never without.
static void t112_slow_stores(void **state) // T112
{
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        store(PAGE(i % 4) + i, 1, i);
    assert_int_equal(slow, 4); // fills
    log_vga(true);
    clear(DIRTY_VGA);
    slow = 0;
    for (unsigned i = 0; i < 20; i++)
        store(PAGE(i % 4) + i, 1, i);
    assert_int_equal(slow, 4);
    MemFault fault;
    uint64_t value;
    clear(DIRTY_VGA);
    assert_true(tlb_load(board.tlb, PAGE(1), 8, &value, &fault)); // fills the entry, and marks nothing
    assert_false(board_hits(&board, PAGE(1), 8, ACCESS_WRITE));
    assert_true(board_hits(&board, PAGE(1), 8, ACCESS_READ));
    assert_int_equal(take(DIRTY_VGA), 0);
    TlbStats before, after;
    assert_true(tlb_load(board.tlb, PAGE(1), 8, &value, &fault));
    tlb_stats(board.tlb, &before);
    slow = 0;
    for (unsigned i = 0; i < 50; i++)
        store(PAGE(1) + 8 * i, 8, i);
    tlb_stats(board.tlb, &after);
    assert_int_equal(slow, 1);
    assert_int_equal(after.kind[3][ACCESS_WRITE].slow_notdirty - before.kind[3][ACCESS_WRITE].slow_notdirty, 1);
    log_vga(false);
    store(PAGE(0), 1, 0);
    store(PAGE(2), 1, 0); // what stays clean after the log is off costs one slow store more
    slow = 0;
    store(PAGE(0), 1, 0);
    assert_int_equal(slow, 0);
}

// R3.23 as we have it: exactly the pages asked for.
static void only_the_pages_asked_for(void **state)
{
    (void)state;
    memory_region_reset_dirty(&board.ram, 0x3fff, 2, DIRTY_VGA); // the bytes on both sides
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(memory_region_get_dirty(&board.ram, i * PAGE_SIZE, PAGE_SIZE, DIRTY_VGA), i != 3 && i != 4);
    assert_true(memory_region_get_dirty(&board.ram, 0, RAM_SIZE, DIRTY_VGA));
    assert_false(memory_region_get_dirty(&board.ram, 0x3800, 0x1000, DIRTY_VGA));
    assert_true(memory_region_get_dirty(&board.ram, 0, RAM_SIZE, DIRTY_MIGRATION));
    DirtySnapshot *s = memory_region_snapshot_and_clear_dirty(&board.ram, 0x2800, 0x1000, DIRTY_VGA);
    assert_true(dirty_snapshot_get(s, 0x2800, 1));
    assert_false(dirty_snapshot_get(s, 0x3000, 0x800));
    dirty_snapshot_free(s);
}

// R3.24: a store sets the bits of both clients, and each clears its own.
static void two_clients(void **state)
{
    (void)state;
    clear(DIRTY_VGA);
    clear(DIRTY_MIGRATION);
    store(PAGE(5), 8, 1);
    assert_int_equal(take(DIRTY_VGA), BIT(5));
    slow = 0;
    store(PAGE(5), 8, 1);
    assert_int_equal(slow, 1);
    assert_int_equal(take(DIRTY_MIGRATION), BIT(5));
    store(PAGE(5), 8, 1);
    assert_int_equal(take(DIRTY_MIGRATION), BIT(5));
    assert_int_equal(take(DIRTY_VGA), BIT(5));
}

// Code and log share one flag: it goes when neither needs it any more.
static void code_and_log(void **state)
{
    (void)state;
    ram_t page = board.ram.ram->offset + 2 * PAGE_SIZE;
    assert_true(memory_region_get_dirty(&board.ram, 2 * PAGE_SIZE, 1, DIRTY_CODE));
    store(PAGE(2), 8, 1);
    code_pages_mark(board.code, page + 0x800);
    assert_false(memory_region_get_dirty(&board.ram, 2 * PAGE_SIZE, 1, DIRTY_CODE));
    assert_false(board_hits(&board, PAGE(2), 8, ACCESS_WRITE));
    clear(DIRTY_VGA);
    store(PAGE(2), 8, 1); // drops the code (invalidate above) and marks
    assert_true(board_hits(&board, PAGE(2), 8, ACCESS_WRITE));
    assert_true(memory_region_get_dirty(&board.ram, 2 * PAGE_SIZE, 1, DIRTY_CODE));
    assert_int_equal(take(DIRTY_VGA), BIT(2));
    code_pages_mark(board.code, page);
    clear(DIRTY_VGA);
    code_pages_clear(board.code, page); // it still has to be marked
    store(PAGE(2), 8, 1);
    assert_int_equal(take(DIRTY_VGA), BIT(2));
}

// Everything else that stores: atomics, zeroing, direct pointers, pieces, transfers, mapped buffers, loaders.
static void other_writers(void **state)
{
    (void)state;
    MemFault fault;
    void *host;
    uint64_t len = 0x1800;
    MemoryRegion hole;
    memory_region_init_io(&hole, &recorder_any_ops, &board.rec, "hole", 8);
    memory_region_add_subregion_overlap(&board.root, PAGE(8), &hole, 1);
    clear(DIRTY_VGA);
    assert_true(tlb_atomic(board.tlb, PAGE(1), 8, ACCESS_WRITE, &host, &fault) && host);
    tlb_atomic_done(board.tlb);
    assert_true(tlb_zero(board.tlb, PAGE(2) + 64, 64, &fault));
    assert_non_null(tlb_ram(board.tlb, PAGE(3) + 0xffc, 8, ACCESS_WRITE));
    assert_non_null(tlb_ram(board.tlb, PAGE(6), 8, ACCESS_READ));
    store(PAGE(8) + 16, 8, 1); // beside a device
    assert_int_equal(take(DIRTY_VGA), BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(8));
    assert_int_equal(address_space_write(&board.as, PAGE(10) + 0xfff, MEMTXATTRS_NONE, "ab", 2), MEMTX_OK);
    address_space_st(&board.as, PAGE(12), 4, 1, NULL);
    assert_int_equal(take(DIRTY_VGA), BIT(10) | BIT(11) | BIT(12));
    host = address_space_map(&board.as, PAGE(20) + 0x900, &len, true, MEMTXATTRS_NONE);
    assert_int_equal(len, 0x1800);
    address_space_unmap(&board.as, host, true, 0x10); // less than was mapped
    assert_int_equal(take(DIRTY_VGA), BIT(20));
    assert_int_equal(address_space_write_rom(&board.as, PAGE(30), "c", 1), MEMTX_OK);
    assert_int_equal(take(DIRTY_VGA), BIT(30));
    memory_region_del_subregion(&board.root, &hole);
    memory_region_deinit(&hole);
}

static void without_code_tracking(void **state)
{
    (void)state;
    MemFault fault;
    void *host;
    clear(DIRTY_MIGRATION);
    store(PAGE(1), 8, 1);
    assert_true(tlb_atomic(board.tlb, PAGE(2), 8, ACCESS_WRITE, &host, &fault) && host);
    tlb_atomic_done(board.tlb);
    assert_non_null(tlb_ram(board.tlb, PAGE(3), 8, ACCESS_WRITE));
    assert_int_equal(take(DIRTY_MIGRATION), BIT(1) | BIT(2) | BIT(3));
}

// --- runs -----------------------------------------------------------------------------------------------------------

static bool same_everywhere(void *opaque, gva_t va, unsigned size, MemAccess access, unsigned mmu, TlbTranslation *out,
                            MemFault *fault)
{
    (void)opaque, (void)size, (void)access, (void)mmu, (void)fault;
    uint64_t far = UINT64_C(1) << 40;
    *out = (TlbTranslation){.page = va & PAGE_MASK, .allow = {true, true, true}, .whole_page = true,
                            .same_before = far, .same_after = far};
    return true;
}

static bool run_has(gva_t va, MemAccess access)
{
    for (unsigned k = access; k < TLB_RUNS; k += 2)
        if (va - runs.run[k].start < runs.run[k].size)
            return true;
    return false;
}

static void runs_end_at_clean_pages(void **state)
{
    (void)state;
    uint64_t mask;
    TlbEntry *table;
    Tlb *tlb = tlb_new(&board.as, board.code, &(TlbHooks){same_everywhere, NULL}, 6, &mask, &table);
    tlb_set_runs(tlb, &runs);
    memory_set_commit_hook(flush, tlb);
    assert_non_null(tlb_ram(tlb, PAGE(20), 8, ACCESS_WRITE));
    tlb_relieve(tlb);
    assert_true(run_has(PAGE(1), ACCESS_WRITE) && run_has(PAGE(30), ACCESS_WRITE));
    memory_region_reset_dirty(&board.ram, 16 * PAGE_SIZE, PAGE_SIZE, DIRTY_VGA);
    memory_region_reset_dirty(&board.ram, 24 * PAGE_SIZE, PAGE_SIZE, DIRTY_MIGRATION);
    assert_false(run_has(PAGE(16), ACCESS_WRITE));
    assert_non_null(tlb_ram(tlb, PAGE(20), 8, ACCESS_WRITE));
    tlb_relieve(tlb);
    assert_true(run_has(PAGE(17), ACCESS_WRITE) && run_has(PAGE(23), ACCESS_WRITE));
    assert_false(run_has(PAGE(16), ACCESS_WRITE) || run_has(PAGE(24), ACCESS_WRITE) || run_has(PAGE(2), ACCESS_WRITE));
    assert_true(run_has(PAGE(16), ACCESS_READ) && run_has(PAGE(2), ACCESS_READ));
    tlb_free(tlb);
}

// --- many pages -----------------------------------------------------------------------------------------------------

static void large_ram(void **state)
{
    (void)state;
    const uint64_t size = UINT64_C(8) << 30;
    MemoryRegion big;
    assert_true(memory_region_init_ram(&big, "big", size, NULL));
    memory_region_reset_dirty(&big, PAGE_SIZE, size - 2 * PAGE_SIZE, DIRTY_VGA);
    assert_true(memory_region_get_dirty(&big, 0, 1, DIRTY_VGA));
    assert_true(memory_region_get_dirty(&big, size - 1, 1, DIRTY_VGA));
    assert_false(memory_region_get_dirty(&big, PAGE_SIZE, size - 2 * PAGE_SIZE, DIRTY_VGA));
    dirty_mark(big.ram->offset + size / 2, UINT64_C(3) << 20);
    DirtySnapshot *s = memory_region_snapshot_and_clear_dirty(&big, size / 2 - PAGE_SIZE, UINT64_C(4) << 20, DIRTY_VGA);
    assert_false(dirty_snapshot_get(s, size / 2 - PAGE_SIZE, PAGE_SIZE));
    assert_true(dirty_snapshot_get(s, size / 2, 1));
    assert_true(dirty_snapshot_get(s, size / 2 + (3 << 20) - 1, 1));
    assert_false(dirty_snapshot_get(s, size / 2 + (3 << 20), PAGE_SIZE));
    dirty_snapshot_free(s);
    memory_region_deinit(&big); // whoever gets its offsets finds them dirty
    assert_false(dirty_any_clean());
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    static int untracked;
    const struct CMUnitTest tests[] = {
        TEST(t112_snapshot_and_clear),
        TEST(t112_slow_stores),
        TEST(only_the_pages_asked_for),
        TEST(two_clients),
        TEST(code_and_log),
        TEST(other_writers),
        cmocka_unit_test_prestate_setup_teardown(without_code_tracking, setup, teardown, &untracked),
        TEST(runs_end_at_clean_pages),
        TEST(large_ram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
