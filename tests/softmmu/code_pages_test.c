// SPDX-License-Identifier: GPL-3.0-or-later
// Code pages: the set, NOTDIRTY in the TLBs, exact invalidation by stores and DMA (spec 5.7, T103 to T106).
#include "tests/softmmu/tlb_board.h"

typedef struct {
    ram_t start;
    uint64_t len;
} Range;

static Board board;
static Range ranges[16];
static unsigned n_ranges;
static bool clear_on_write; // the last block of the page goes
static uint64_t seen;       // what the first written bytes hold when invalidate runs

static void invalidate(void *opaque, ram_t start, uint64_t len)
{
    assert_ptr_equal(opaque, &board);
    assert_true(n_ranges < G_N_ELEMENTS(ranges));
    ranges[n_ranges++] = (Range){start, len};
    seen = 0;
    if (start - board.ram.ram->offset + len <= RAM_SIZE)
        memcpy(&seen, board.ram.ram->host + (start - board.ram.ram->offset), MIN(len, 8));
    if (clear_on_write)
        code_pages_clear(board.code, start);
}

static int setup(void **state)
{
    (void)state;
    board_init(&board, 6, invalidate, &board);
    n_ranges = 0;
    clear_on_write = false;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    memory_set_ram_written_hook(NULL, NULL);
    board_deinit(&board);
    return 0;
}

static void expect_range(unsigned i, ram_t start, uint64_t len)
{
    assert_true(i < n_ranges);
    assert_int_equal(ranges[i].start, start);
    assert_int_equal(ranges[i].len, len);
}

static ram_t ram_of(unsigned offset)
{
    return board.ram.ram->offset + offset;
}

static bool store(gva_t va, unsigned size, uint64_t value)
{
    MemFault fault;
    if (board_hits(&board, va, size, ACCESS_WRITE)) {
        memcpy((void *)(uintptr_t)(board_entry(&board, va)->addend + va), &value, size);
        return true;
    }
    assert_true(tlb_store(board.tlb, va, size, value, &fault));
    return false;
}

// The set by itself, at both ends of 8 TiB and far more pages than memory for a flat map would be fine with.
static void test_set(void **state)
{
    (void)state;
    CodePages *cp = board.code;
    ram_t top = UINT64_C(8) << 40;
    assert_false(code_pages_test(cp, 0));
    code_pages_written(cp, 0, top); // nothing marked
    code_pages_mark(cp, 0x123);
    code_pages_mark(cp, top - 1);
    code_pages_mark(cp, 0x5000);
    assert_true(code_pages_test(cp, 0) && code_pages_test(cp, 0xfff) && code_pages_test(cp, top - PAGE_SIZE));
    assert_false(code_pages_test(cp, 0x1000) || code_pages_test(cp, top));
    code_pages_written(cp, 0xffe, 2);
    code_pages_written(cp, 0x1000, 0x4000);
    code_pages_written(cp, 0x5004, 0);
    code_pages_written(cp, 0xfff, 0x4002); // 0xfff and 0x5000, few pages
    assert_int_equal(n_ranges, 3);
    expect_range(0, 0xffe, 2);
    expect_range(1, 0xfff, 1);
    expect_range(2, 0x5000, 1);
    n_ranges = 0;
    code_pages_written(cp, 0x10, top - 0x20); // many pages, in any order
    assert_int_equal(n_ranges, 3);
    uint64_t sum = 0;
    for (unsigned i = 0; i < 3; i++) {
        sum += ranges[i].len;
        assert_int_equal(ranges[i].start, ranges[i].start == 0x10 ? 0x10 : ranges[i].start & PAGE_MASK);
    }
    assert_int_equal(sum, 3 * PAGE_SIZE - 0x20);
    code_pages_clear(cp, 0x5fff);
    code_pages_clear(cp, 0x6000);
    assert_false(code_pages_test(cp, 0x5000));
    n_ranges = 0;
    clear_on_write = true;
    code_pages_written(cp, 0, top);
    code_pages_written(cp, 0, top);
    assert_int_equal(n_ranges, 2);
}

static void t103_first_store_slow(void **state) // T103
{
    (void)state;
    TlbStats s;
    assert_false(store(RAM_BASE + 8, 8, 1)); // fill
    assert_true(store(RAM_BASE + 8, 8, 2));
    code_pages_mark(board.code, ram_of(0x10));
    assert_false(store(RAM_BASE + 8, 8, 3));
    assert_false(store(RAM_BASE + 0x7fe, 2, 0xabcd));
    expect_range(0, ram_of(8), 8); // exactly the bytes written, whether or not a block has them
    expect_range(1, ram_of(0x7fe), 2);
    assert_int_equal(seen, 0xabcd); // after the data moved
    clear_on_write = true;
    assert_false(store(RAM_BASE + 1, 4, 5)); // the last block goes
    assert_int_equal(n_ranges, 3);
    assert_true(store(RAM_BASE + 8, 8, 6)); // fast again
    assert_int_equal(n_ranges, 3);
    tlb_stats(board.tlb, &s);
    assert_int_equal(s.kind[3][ACCESS_WRITE].slow_notdirty, 3);
    // Cleared by somebody else: one more slow store takes the flag away, without an invalidation.
    code_pages_mark(board.code, ram_of(0));
    code_pages_clear(board.code, ram_of(0));
    assert_false(store(RAM_BASE, 8, 7));
    assert_true(store(RAM_BASE, 8, 8));
    assert_int_equal(n_ranges, 3);
    // A page marked before its entry is made.
    code_pages_mark(board.code, ram_of(0x2000));
    assert_false(store(RAM_BASE + 0x2000, 1, 9));
    assert_int_equal(n_ranges, 4);
    assert_true(store(RAM_BASE + 0x2000, 1, 9));
}

static void test_loads_stay_fast(void **state)
{
    (void)state;
    MemFault fault;
    uint64_t v;
    assert_true(tlb_load(board.tlb, RAM_BASE, 8, &v, &fault));
    code_pages_mark(board.code, ram_of(0));
    assert_true(board_hits(&board, RAM_BASE, 8, ACCESS_READ));
    assert_ptr_equal(tlb_ram(board.tlb, RAM_BASE, 8, ACCESS_READ), board.ram.ram->host);
    assert_null(tlb_ram(board.tlb, RAM_BASE, 8, ACCESS_WRITE));
    assert_int_equal(n_ranges, 0);
    code_pages_clear(board.code, ram_of(0));
    assert_ptr_equal(tlb_ram(board.tlb, RAM_BASE, 8, ACCESS_WRITE), board.ram.ram->host);
    assert_true(board_hits(&board, RAM_BASE, 8, ACCESS_WRITE));
}

static void t106_crossing(void **state) // T106
{
    (void)state;
    code_pages_mark(board.code, ram_of(0x1000));
    assert_false(store(RAM_BASE + 0xffd, 8, 0x8877665544332211));
    assert_int_equal(n_ranges, 1);
    expect_range(0, ram_of(0x1000), 5);
    assert_int_equal(seen, 0x8877665544);
    assert_null(tlb_ram(board.tlb, RAM_BASE + 0xffd, 8, ACCESS_WRITE));
    code_pages_mark(board.code, ram_of(0));
    assert_false(store(RAM_BASE + 0xffd, 8, 0));
    expect_range(1, ram_of(0xffd), 3);
    expect_range(2, ram_of(0x1000), 5);
    // The second page has no memory: what went into the first one still counts.
    code_pages_mark(board.code, ram_of(RAM_SIZE - 1));
    MemFault fault;
    assert_false(tlb_store(board.tlb, RAM_BASE + RAM_SIZE - 2, 4, 0, &fault));
    assert_int_equal(fault.addr, RAM_BASE + RAM_SIZE);
    expect_range(3, ram_of(RAM_SIZE - 2), 2);
}

static void test_atomic(void **state) // R2.62
{
    (void)state;
    MemFault fault;
    void *p;
    code_pages_mark(board.code, ram_of(0));
    assert_true(tlb_atomic(board.tlb, RAM_BASE + 16, 4, ACCESS_READ, &p, &fault));
    assert_int_equal(n_ranges, 0);
    assert_true(tlb_atomic(board.tlb, RAM_BASE + 16, 4, ACCESS_WRITE, &p, &fault));
    assert_ptr_equal(p, board.ram.ram->host + 16);
    expect_range(0, ram_of(16), 4);
    clear_on_write = true;
    assert_true(tlb_atomic(board.tlb, RAM_BASE + 16, 8, ACCESS_WRITE, &p, &fault));
    expect_range(1, ram_of(16), 8);
    assert_true(board_hits(&board, RAM_BASE + 16, 8, ACCESS_WRITE));
}

// All doors to a page: every MMU index, victims, aliases, windows that are no whole page; ROM windows stay as
// they are.
static void test_every_entry(void **state)
{
    (void)state;
    MemFault fault;
    board_alias(&board, HOLE_BASE, 0, PAGE_SIZE, false);
    board_alias(&board, HOLE_BASE + PAGE_SIZE, 0, 0x100, false);
    board_alias(&board, HOLE_BASE + 2 * PAGE_SIZE, 0, PAGE_SIZE, true);
    for (unsigned mmu = 0; mmu < TLB_MMU_INDEXES; mmu++) {
        board_map(&board, mmu, mmu, RAM_BASE, "w");
        tlb_set_mmu(board.tlb, mmu, mmu);
        store(MAP_BASE + mmu * PAGE_SIZE, 1, 0);
    }
    store(RAM_BASE, 1, 0);
    store(HOLE_BASE, 1, 0);
    tlb_store(board.tlb, HOLE_BASE + (64u << PAGE_BITS), 1, 0, &fault); // HOLE_BASE's entry is a victim now
    store(HOLE_BASE + PAGE_SIZE, 1, 0);
    store(HOLE_BASE + 2 * PAGE_SIZE, 1, 0);
    code_pages_mark(board.code, ram_of(0));
    for (unsigned mmu = 0; mmu < TLB_MMU_INDEXES; mmu++) {
        tlb_set_mmu(board.tlb, mmu, mmu);
        assert_false(store(MAP_BASE + mmu * PAGE_SIZE, 1, 0));
    }
    assert_int_equal(n_ranges, 4);
    assert_false(store(RAM_BASE, 1, 0));
    assert_false(store(HOLE_BASE, 1, 0));
    assert_int_equal(n_ranges, 6);
    assert_false(store(HOLE_BASE + PAGE_SIZE + 0x12, 4, 0)); // by pieces
    assert_int_equal(n_ranges, 8);
    expect_range(6, ram_of(0x12), 2);
    expect_range(7, ram_of(0x14), 2);
    assert_false(store(HOLE_BASE + 2 * PAGE_SIZE, 4, ~0u)); // dropped
    assert_int_equal(n_ranges, 8);
    assert_int_equal(board_entry(&board, HOLE_BASE + 2 * PAGE_SIZE)->cmp[ACCESS_WRITE] & ~PAGE_MASK,
                     TLB_DISCARD);
}

static void test_more_tlbs(void **state)
{
    (void)state;
    uint64_t mask;
    TlbEntry *table;
    MemFault fault;
    TlbHooks hooks = {board_translate, &board};
    Tlb *other = tlb_new(&board.as, board.code, &hooks, 6, &mask, &table);
    assert_true(tlb_store(other, RAM_BASE, 1, 0, &fault));
    code_pages_mark(board.code, ram_of(0)); // before the TLB is known
    code_pages_add_tlb(board.code, other);
    code_pages_add_tlb(board.code, other);
    assert_true(tlb_store(other, RAM_BASE, 1, 0, &fault));
    assert_int_equal(n_ranges, 1);
    assert_true(tlb_store(other, RAM_BASE + 0x3000, 1, 0, &fault));
    code_pages_mark(board.code, ram_of(0x3000));
    assert_true(tlb_store(other, RAM_BASE + 0x3000, 1, 0, &fault));
    assert_int_equal(n_ranges, 2);
    code_pages_remove_tlb(board.code, other);
    tlb_free(other);
    code_pages_mark(board.code, ram_of(0x4000)); // must not reach the freed one
}

static void ram_written(void *opaque, ram_t start, uint64_t len)
{
    code_pages_written(((Board *)opaque)->code, start, len);
}

static void t105_dma(void **state) // T105
{
    (void)state;
    uint8_t buf[0x2000] = {0x13};
    memory_set_ram_written_hook(ram_written, &board);
    code_pages_mark(board.code, ram_of(0x1000));
    code_pages_mark(board.code, ram_of(0x2000));
    assert_int_equal(address_space_write(&board.as, RAM_BASE + 0xff0, MEMTXATTRS_NONE, buf, 0x1020),
                     MEMTX_OK);
    assert_int_equal(n_ranges, 2);
    expect_range(0, ram_of(0x1000), PAGE_SIZE);
    expect_range(1, ram_of(0x2000), 0x10);
    assert_int_equal(address_space_write(&board.as, RAM_BASE + 0x3000, MEMTXATTRS_NONE, buf, 64), MEMTX_OK);
    assert_int_equal(n_ranges, 2);
}

static void stored(void *opaque, ram_t start, uint64_t len)
{
    (void)opaque;
    assert_true(n_ranges < G_N_ELEMENTS(ranges));
    ranges[n_ranges++] = (Range){start, len};
}

// A watcher hears of every store, and of no load; invalidation stays for pages with code.
static void test_watch(void **state)
{
    (void)state;
    MemFault fault;
    void *p;
    uint64_t v;
    code_pages_watch(board.code, stored, NULL);
    for (unsigned i = 0; i < 3; i++)
        assert_false(store(RAM_BASE + 8, 8, i));
    assert_true(tlb_load(board.tlb, RAM_BASE + 8, 8, &v, &fault));
    assert_int_equal(n_ranges, 3);
    expect_range(2, ram_of(8), 8);
    assert_true(tlb_atomic(board.tlb, RAM_BASE + 16, 4, ACCESS_WRITE, &p, &fault));
    assert_false(store(RAM_BASE + 0xffe, 4, 0));
    expect_range(3, ram_of(16), 4);
    expect_range(4, ram_of(0xffe), 2);
    expect_range(5, ram_of(0x1000), 2);
    assert_int_equal(n_ranges, 6);
    code_pages_mark(board.code, ram_of(0));
    assert_false(store(RAM_BASE, 1, 0)); // both
    assert_int_equal(n_ranges, 8);
    assert_null(tlb_ram(board.tlb, RAM_BASE + 0x5000, 8, ACCESS_WRITE));
}

// Two harts with code on the same page: each drops its own at once and the other's when that one asks.
static Range other_ranges[8];
static unsigned n_other, n_sections;

static void other_invalidate(void *opaque, ram_t start, uint64_t len)
{
    assert_null(opaque);
    assert_true(n_other < G_N_ELEMENTS(other_ranges));
    other_ranges[n_other++] = (Range){start, len};
}

static void begin_section(void *opaque)
{
    assert_ptr_equal(opaque, &n_sections);
    assert_int_equal(n_sections++ % 2, 0);
}

static void end_section(void *opaque)
{
    assert_ptr_equal(opaque, &n_sections);
    assert_int_equal(n_sections++ % 2, 1);
}

static void test_views(void **state)
{
    (void)state;
    CodePages *other = code_pages_new_view(board.code, other_invalidate, NULL);
    CodePagesHooks hooks = {&n_sections, begin_section, end_section};
    n_other = n_sections = 0;
    code_pages_set_hooks(board.code, &hooks);
    store(RAM_BASE, 8, 0);
    assert_true(store(RAM_BASE, 8, 0));
    assert_true(code_pages_mark(other, ram_of(0x10))); // reaches the TLB of the first hart
    assert_int_equal(n_sections, 2);
    assert_false(code_pages_mark(board.code, ram_of(0x20)));
    assert_false(code_pages_mark(board.code, ram_of(0x20)));
    assert_int_equal(n_sections, 2);
    assert_false(store(RAM_BASE + 4, 4, 0));
    expect_range(0, ram_of(4), 4);
    assert_int_equal(n_other, 0);
    code_pages_written(board.code, ram_of(0x78), 16); // granules 1 and 2
    code_pages_written(board.code, ram_of(0xfff), 1); // the last one
    code_pages_drain(board.code); // nobody else has written
    assert_int_equal(n_ranges, 3);
    code_pages_drain(other);
    assert_int_equal(n_other, 2);
    assert_true(other_ranges[0].start == ram_of(0) && other_ranges[0].len == 192);
    assert_true(other_ranges[1].start == ram_of(0xfc0) && other_ranges[1].len == 64);
    code_pages_drain(other);
    assert_int_equal(n_other, 2);
    code_pages_written_by_other(other, ram_of(0), 0x2000); // pages without code do not matter
    assert_int_equal(n_ranges, 3);
    code_pages_drain(board.code);
    code_pages_drain(other);
    expect_range(3, ram_of(0), 0x1000);
    assert_true(n_other == 3 && other_ranges[2].start == ram_of(0) && other_ranges[2].len == 0x1000);
    code_pages_clear(board.code, ram_of(0));
    assert_true(code_pages_test(board.code, ram_of(0))); // the other's
    assert_false(store(RAM_BASE, 8, 0));
    assert_int_equal(n_ranges, 4);
    code_pages_clear(other, ram_of(0));
    assert_false(code_pages_test(other, ram_of(0)));
    code_pages_free(other);
}

// An atomic store is reported once more after it was done: another hart may have translated the old bytes.
static void test_atomic_done(void **state)
{
    void *p;
    MemFault fault;
    (void)state;
    CodePages *other = code_pages_new_view(board.code, other_invalidate, NULL);
    n_other = 0;
    code_pages_mark(other, ram_of(0));
    assert_true(tlb_atomic(board.tlb, RAM_BASE + 64, 4, ACCESS_WRITE, &p, &fault));
    code_pages_drain(other);
    assert_int_equal(n_other, 1);
    tlb_atomic_done(board.tlb);
    code_pages_drain(other);
    assert_int_equal(n_other, 2);
    assert_true(other_ranges[1].start == ram_of(64) && other_ranges[1].len == 64);
    tlb_atomic_done(board.tlb);
    code_pages_drain(other);
    assert_int_equal(n_other, 2);
    code_pages_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_set, setup, teardown),
        cmocka_unit_test_setup_teardown(t103_first_store_slow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_loads_stay_fast, setup, teardown),
        cmocka_unit_test_setup_teardown(t106_crossing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_atomic, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_entry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_more_tlbs, setup, teardown),
        cmocka_unit_test_setup_teardown(t105_dma, setup, teardown),
        cmocka_unit_test_setup_teardown(test_watch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_views, setup, teardown),
        cmocka_unit_test_setup_teardown(test_atomic_done, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
