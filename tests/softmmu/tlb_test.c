// SPDX-License-Identifier: GPL-3.0-or-later
// The tables of the software TLB: victims, size, flushes, MMU indexes, fast words (spec 5.1 to 5.5).
#include "tests/softmmu/tlb_board.h"

static Board board;
static int64_t fake_now;

static int64_t fake_clock(void *opaque)
{
    (void)opaque;
    return fake_now;
}

static int setup(void **state)
{
    (void)state;
    board_init(&board, 8, NULL, NULL);
    return 0;
}

static int setup_dynamic(void **state)
{
    (void)state;
    board_init(&board, 0, NULL, NULL);
    fake_now = 0;
    tlb_set_clock(board.tlb, fake_clock, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    board_deinit(&board);
    return 0;
}

// A load as an engine does it: inlined compare, then the slow path. True: the compare hit.
static bool engine_load(gva_t va)
{
    uint64_t v;
    MemFault fault;
    if (board_hits(&board, va, 1, ACCESS_READ)) {
        v = *(uint8_t *)(uintptr_t)(board_entry(&board, va)->addend + va);
        return true;
    }
    assert_true(tlb_load(board.tlb, va, 1, &v, &fault));
    return false;
}

// T100: cyclic access to n pages that share one slot.
#define SHARED_SLOT(i) (HOLE_BASE + ((uint64_t)(i) << (PAGE_BITS + 8)))

static void victims_n(unsigned n, uint64_t hits, uint64_t victim_hits, uint64_t misses, uint64_t evict,
                      uint64_t drop)
{
    TlbStats a, z;
    uint64_t got_hits = 0;
    tlb_flush(board.tlb);
    tlb_stats(board.tlb, &a);
    for (unsigned i = 0; i < 1000; i++)
        got_hits += engine_load(SHARED_SLOT(i % n) + (i & 0xfff));
    tlb_stats(board.tlb, &z);
    assert_int_equal(got_hits, hits);
    assert_int_equal(z.kind[3][ACCESS_READ].victim_hit - a.kind[3][ACCESS_READ].victim_hit, victim_hits);
    assert_int_equal(z.kind[3][ACCESS_READ].fill_ok - a.kind[3][ACCESS_READ].fill_ok, misses);
    assert_int_equal(z.evict[3] - a.evict[3], evict);
    assert_int_equal(z.victim_drop[3] - a.victim_drop[3], drop);
    assert_int_equal(z.used[3], 1);
}

static void t100_victims(void **state) // T100
{
    (void)state;
    // Plain RAM wherever it is read: each page of the cycle is one page of RAM.
    for (unsigned i = 0; i < 11; i++)
        board_alias(&board, SHARED_SLOT(i), (uint64_t)i << PAGE_BITS, PAGE_SIZE, false);
    victims_n(1, 999, 0, 1, 0, 0);
    victims_n(2, 0, 998, 2, 1, 0);
    victims_n(8, 0, 992, 8, 7, 0);
    victims_n(9, 0, 991, 9, 8, 0);
    victims_n(10, 0, 0, 1000, 999, 991);
    victims_n(11, 0, 0, 1000, 999, 991);
}

// Spec 5.8 (a): N <= 64 consecutive pages, k times.
static void test_consecutive_pages(void **state)
{
    (void)state;
    TlbStats s;
    unsigned hits = 0;
    for (unsigned k = 0; k < 10; k++) {
        for (unsigned i = 0; i < 64; i++)
            hits += engine_load(RAM_BASE + i * PAGE_SIZE);
    }
    tlb_stats(board.tlb, &s);
    assert_int_equal(hits, 64 * 9);
    assert_int_equal(s.kind[3][ACCESS_READ].fill_ok, 64);
    assert_int_equal(counters_sum(&s.kind[3][ACCESS_READ]), 64);
    assert_int_equal(s.used[3], 64);
    assert_int_equal(s.size[3], 256);
}

// T101: the vectors of R5.21, and others worked out by hand.
static void t101_size_rule(void **state)
{
    (void)state;
    static const struct {
        uint64_t size, used;
        bool expired;
        uint64_t expect;
    } rows[] = {
        {256, 180, false, 256},   {256, 182, false, 512},  {256, 256, true, 512},
        {1024, 200, false, 1024}, {1024, 200, true, 512},  {1024, 100, true, 256},
        {1024, 306, true, 512},   {1024, 308, true, 1024}, {4096, 1023, true, 2048},
        {4096, 1025, true, 2048}, {256, 0, true, 64},      {64, 0, true, 64},
        {64, 45, true, 64},       {64, 46, false, 128},    {256, 1, true, 64},
        {256, 45, true, 64},      {256, 46, true, 128},    {1u << 22, 1u << 22, false, 1u << 22},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_int_equal(tlb_new_size(rows[i].size, rows[i].used, rows[i].expired), rows[i].expect);
}

static void touch(unsigned pages)
{
    MemFault fault;
    uint64_t v;
    engine_load(DEV_BASE);
    for (unsigned i = 1; i < pages; i++) {
        assert_false(
            tlb_load(board.tlb, HOLE_BASE + (uint64_t)i * PAGE_SIZE, 1, &v, &fault)); // entered as MMIO
    }
}

static void flush_to(unsigned pages, int64_t after_us, uint64_t size)
{
    TlbStats s;
    touch(pages);
    tlb_stats(board.tlb, &s);
    assert_int_equal(s.used[3], pages);
    fake_now += after_us;
    tlb_flush(board.tlb);
    tlb_stats(board.tlb, &s);
    assert_int_equal(s.size[3], size);
    assert_int_equal(s.used[3], 0);
    assert_int_equal(board.fast_mask, (size - 1) * sizeof(TlbEntry));
    assert_false(board_hits(&board, HOLE_BASE, 1, ACCESS_READ));
}

// T101 through flushes: pages are consecutive, so that used = pages as long as the table is large enough.
static void t101_resize(void **state)
{
    (void)state;
    TlbStats s;
    flush_to(180, 0, 256);     // 70 %
    flush_to(182, 0, 512);     // 71 %: at once
    flush_to(10, 50000, 512);  // low, but the window is young
    flush_to(150, 50000, 512); // not over yet: it must be more than 100 ms
    flush_to(1, 1, 256);       // over; the largest use in it was 150
    flush_to(1, 100001, 64);
    flush_to(64, 0, 128);
    flush_to(128, 0, 256);
    tlb_flush(board.tlb); // elided: no resize, however late
    fake_now += 1000000;
    tlb_flush(board.tlb);
    tlb_stats(board.tlb, &s);
    assert_int_equal(s.size[3], 256);
    assert_int_equal(s.size[0], 256);
    assert_int_equal(s.grow[3], 3);
    assert_int_equal(s.shrink[3], 2);
    assert_int_equal(s.flush_all[3], 8);
    assert_int_equal(s.flush_elided[3], 2);
    assert_int_equal(s.flush_elided[0], 10);
}

// Unchanged size at the end of a window: the new window starts with what is used now.
static void test_window(void **state)
{
    (void)state;
    flush_to(100, 100001, 256); // 39 %: stays, window now starts with 100
    flush_to(10, 1000, 256);
    flush_to(10, 100000, 256); // max 100 of 256 is 39 %
    flush_to(10, 100001, 64);
}

// T102 for four indexes, and R5.41.
static void t102_flush_elision(void **state)
{
    (void)state;
    TlbStats s;
    MemFault fault;
    for (unsigned i = 0; i < 100; i++) {
        assert_true(tlb_store(board.tlb, RAM_BASE, 8, i, &fault));
        tlb_flush(board.tlb);
    }
    tlb_stats(board.tlb, &s);
    assert_int_equal(s.flush_all[3], 100);
    assert_int_equal(s.flush_elided[0] + s.flush_elided[1] + s.flush_elided[2] + s.flush_elided[3], 300);
    assert_int_equal(s.kind[3][ACCESS_WRITE].fill_ok, 100);
}

static void test_flush_page(void **state)
{
    (void)state;
    TlbStats s;
    gva_t a = RAM_BASE, b = RAM_BASE + (256u << PAGE_BITS); // one slot
    MemFault fault;
    uint64_t v;
    for (unsigned mmu = 0; mmu < TLB_MMU_INDEXES; mmu++) {
        tlb_set_mmu(board.tlb, mmu, mmu);
        engine_load(a);
        engine_load(a + PAGE_SIZE);
    }
    assert_true(board_hits(&board, a, 1, ACCESS_READ));
    assert_false(tlb_load(board.tlb, b, 1, &v, &fault)); // a becomes a victim
    tlb_flush_page(board.tlb, a + 0x123);
    tlb_stats(board.tlb, &s);
    assert_int_equal(s.used[3], 2); // b and a + 1 page
    assert_int_equal(s.used[0], 1);
    unsigned before = board.n_translations;
    for (unsigned mmu = 0; mmu < TLB_MMU_INDEXES; mmu++) {
        tlb_set_mmu(board.tlb, mmu, mmu);
        assert_false(engine_load(a));
        assert_true(engine_load(a + PAGE_SIZE));
    }
    assert_int_equal(board.n_translations, before + 4); // not even from the victims
    tlb_stats(board.tlb, &s);
    assert_int_equal(s.flush_page[0], 1);
    assert_int_equal(s.kind[3][ACCESS_READ].victim_hit, 0);
}

// A page is in one place only: what a fill says of it replaces what a victim still says.
static void test_fill_replaces_victim(void **state)
{
    (void)state;
    TlbStats s;
    MemFault fault;
    gva_t a = MAP_BASE, b = SHARED_SLOT(0), c = SHARED_SLOT(1);
    uint64_t v;
    a += 0x80 * PAGE_SIZE; // page 0 of the address space: the slot of the other two
    board_map(&board, 3, 0x80, RAM_BASE, "r");
    assert_true(tlb_load(board.tlb, a, 8, &v, &fault));
    assert_false(tlb_load(board.tlb, b, 8, &v, &fault));
    board_map(&board, 3, 0x80, RAM_BASE, "rw"); // more rights need no flush
    assert_true(tlb_store(board.tlb, a, 8, 1, &fault));
    assert_false(tlb_load(board.tlb, c, 8, &v, &fault));
    assert_true(tlb_load(board.tlb, a, 8, &v, &fault));
    assert_true(board_hits(&board, a, 8, ACCESS_WRITE));
    // A victim that comes back into an empty slot is in use again.
    assert_false(tlb_load(board.tlb, b, 8, &v, &fault));
    tlb_flush_page(board.tlb, b);
    tlb_stats(board.tlb, &s);
    assert_int_equal(s.used[3], 0);
    assert_true(tlb_load(board.tlb, a, 8, &v, &fault));
    tlb_stats(board.tlb, &s);
    assert_int_equal(s.kind[3][ACCESS_READ].victim_hit, 2);
    assert_int_equal(s.used[3], 1);
}

// T109: indexes have their own permissions, and changing them needs no flush.
static void t109_mmu_indexes(void **state)
{
    (void)state;
    gva_t va = MAP_BASE + 5 * PAGE_SIZE;
    MemFault fault;
    uint64_t v;
    board_map(&board, 0, 5, RAM_BASE, "r");
    board_map(&board, 1, 5, RAM_BASE, "rw");
    board_map(&board, 3, 5, RAM_BASE + PAGE_SIZE, "rwx");
    for (unsigned turn = 0; turn < 3; turn++) {
        tlb_set_mmu(board.tlb, 0, 3);
        assert_true(tlb_load(board.tlb, va, 4, &v, &fault));
        assert_false(tlb_store(board.tlb, va, 4, 1, &fault));
        assert_int_equal(fault.kind, FAULT_PAGE);
        assert_int_equal(fault.access, ACCESS_WRITE);
        const uint8_t *host;
        ram_t ram;
        assert_true(tlb_fetch(board.tlb, va, &host, &ram, &fault)); // by the other index
        assert_ptr_equal(host, board.ram.ram->host + PAGE_SIZE);
        assert_int_equal(ram, board.ram.ram->offset + PAGE_SIZE);
        tlb_set_mmu(board.tlb, 1, 1);
        assert_true(tlb_store(board.tlb, va, 4, 77 + turn, &fault));
        assert_false(tlb_fetch(board.tlb, va, &host, &ram, &fault));
        assert_int_equal(fault.access, ACCESS_FETCH);
        tlb_set_mmu(board.tlb, 2, 2);
        assert_false(tlb_load(board.tlb, va, 4, &v, &fault));
    }
    assert_int_equal(board.n_translations, 3 + 3 * 3); // fills once, faults each time
    assert_int_equal(board.ram.ram->host[0], 79);
}

// The fast words follow the data index; the entry holds host - va and one comparator per kind of access.
static void test_fast_words(void **state)
{
    (void)state;
    MemFault fault;
    uint64_t v;
    tlb_set_mmu(board.tlb, 1, 0);
    TlbEntry *table1 = board.fast_table;
    tlb_set_mmu(board.tlb, 3, 0);
    assert_ptr_not_equal(board.fast_table, table1);
    assert_int_equal(board.fast_mask, 255 * 32);
    board_map(&board, 3, 1, RAM_BASE, "rx");
    gva_t va = MAP_BASE + PAGE_SIZE;
    assert_true(tlb_load(board.tlb, va + 8, 8, &v, &fault));
    const TlbEntry *e = board_entry(&board, va);
    assert_int_equal(e->cmp[ACCESS_READ], va);
    assert_int_equal(e->cmp[ACCESS_WRITE], TLB_EMPTY);
    assert_int_equal(e->cmp[ACCESS_FETCH], va);
    assert_ptr_equal((void *)(uintptr_t)(e->addend + va), board.ram.ram->host);
    assert_true(tlb_load(board.tlb, ROM_BASE, 1, &v, &fault));
    e = board_entry(&board, ROM_BASE);
    assert_int_equal(e->cmp[ACCESS_READ], ROM_BASE);
    assert_int_equal(e->cmp[ACCESS_WRITE], ROM_BASE | TLB_DISCARD);
    assert_true(tlb_load(board.tlb, DEV_BASE, 1, &v, &fault));
    e = board_entry(&board, DEV_BASE);
    for (unsigned k = 0; k < ACCESS_KINDS; k++)
        assert_int_equal(e->cmp[k], DEV_BASE | TLB_MMIO);
    tlb_set_mmu(board.tlb, 1, 0);
    assert_ptr_equal(board.fast_table, table1);
    assert_int_equal(board_entry(&board, va)->cmp[ACCESS_READ], TLB_EMPTY);
}

// The top page must not be taken for an empty entry, nor an empty entry for the top page.
static void test_top_page(void **state)
{
    (void)state;
    MemFault fault;
    uint64_t v;
    gva_t top = PAGE_MASK;
    assert_int_equal(top, MAP_BASE + (MAP_PAGES / 2 - 1) * PAGE_SIZE);
    assert_false(tlb_load(board.tlb, top, 8, &v, &fault));
    board_map(&board, 3, MAP_PAGES / 2 - 1, RAM_BASE, "r");
    assert_true(tlb_load(board.tlb, top, 8, &v, &fault));
    assert_false(tlb_store(board.tlb, top, 8, v, &fault));
    assert_false(tlb_load(board.tlb, top + 0xffc, 8, &v, &fault));
    assert_int_equal(fault.addr, 0);
    board_map(&board, 3, MAP_PAGES / 2, RAM_BASE + PAGE_SIZE, "r");
    assert_true(tlb_load(board.tlb, top + 0xffc, 8, &v, &fault));
    tlb_flush_page(board.tlb, top);
    TlbStats s;
    tlb_stats(board.tlb, &s);
    assert_int_equal(s.used[3], 1);
    assert_int_equal(s.kind[3][ACCESS_READ].fill_fault, 2);
    assert_int_equal(s.kind[3][ACCESS_WRITE].fill_fault, 1);
    assert_int_equal(s.kind[3][ACCESS_READ].slow_recheck, 0);
}

static void test_ram_copy(void **state)
{
    (void)state;
    MemFault fault;
    uint64_t v;
    uint8_t *copy = g_memdup2(board.ram.ram->host, RAM_SIZE);
    MemoryRegion other;
    assert_true(memory_region_init_ram(&other, "other", PAGE_SIZE, NULL));
    memory_region_add_subregion(&board.root, HOLE_BASE, &other);
    assert_true(tlb_load(board.tlb, RAM_BASE, 8, &v, &fault));
    tlb_set_ram_copy(board.tlb, board.ram.ram, (int64_t)((intptr_t)copy - (intptr_t)board.ram.ram->host));
    assert_false(board_hits(&board, RAM_BASE, 8, ACCESS_READ));
    assert_true(tlb_store(board.tlb, RAM_BASE, 8, 0x1122334455667788, &fault));
    assert_true(tlb_load(board.tlb, ROM_BASE, 1, &v, &fault));
    assert_int_equal(v, 1);
    assert_int_equal(copy[7], 0x11);
    assert_int_not_equal(board.ram.ram->host[7], 0x11);
    assert_ptr_equal(tlb_ram(board.tlb, RAM_BASE + 0xffc, 8, ACCESS_WRITE), copy + 0xffc);
    assert_null(tlb_ram(board.tlb, DEV_BASE, 4, ACCESS_READ));
    assert_true(tlb_store(board.tlb, HOLE_BASE, 4, 77, &fault)); // there is no copy of this one
    assert_int_equal(other.ram->host[0], 77);
    assert_null(tlb_ram(board.tlb, HOLE_BASE, 4, ACCESS_READ));
    assert_null(tlb_ram(board.tlb, HOLE_BASE, 4, ACCESS_WRITE));
    tlb_set_ram_copy(board.tlb, NULL, 0);
    assert_ptr_equal(tlb_ram(board.tlb, HOLE_BASE, 4, ACCESS_WRITE), other.ram->host);
    assert_ptr_equal(tlb_ram(board.tlb, RAM_BASE, 8, ACCESS_READ), board.ram.ram->host);
    g_free(copy);
    memory_region_del_subregion(&board.root, &other);
    memory_region_deinit(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(t100_victims, setup, teardown),
        cmocka_unit_test_setup_teardown(test_consecutive_pages, setup, teardown),
        cmocka_unit_test(t101_size_rule),
        cmocka_unit_test_setup_teardown(t101_resize, setup_dynamic, teardown),
        cmocka_unit_test_setup_teardown(test_window, setup_dynamic, teardown),
        cmocka_unit_test_setup_teardown(t102_flush_elision, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flush_page, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fill_replaces_victim, setup, teardown),
        cmocka_unit_test_setup_teardown(t109_mmu_indexes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fast_words, setup, teardown),
        cmocka_unit_test_setup_teardown(test_top_page, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ram_copy, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
