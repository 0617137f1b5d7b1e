// SPDX-License-Identifier: GPL-3.0-or-later
// Contexts of the software TLB: address spaces side by side, flushes by page and asid, large page-table entries.
#include "tests/softmmu/tlb_board.h"
#include "util/addr_ranges.h"

#define SPACES 24 // more than TLB_CONTEXTS
#define LEAVES 24 // page-table entries per space; every third one maps 8 pages
#define LEAF_VA(i) ((gva_t)(i) << 20 | (gva_t)(i) << 15) // none gets into the way of its neighbours

typedef struct {
    unsigned ram_page; // what the page table says
    uint64_t allowed;  // bit n: a TLB may still say RAM page n
} Leaf;

static Board board;
static uint64_t mask;
static TlbEntry *table;
static Tlb *tlb;
static unsigned space, n_translations;
static Leaf leaves[SPACES][LEAVES];

static unsigned leaf_bits(unsigned i)
{
    return i % 3 == 0 ? PAGE_BITS + 3 : PAGE_BITS;
}

static bool translate(void *opaque, gva_t va, unsigned size, MemAccess access, unsigned mmu, TlbTranslation *out,
                      MemFault *fault)
{
    unsigned i = (unsigned)(va >> 20);
    (void)opaque, (void)size, (void)access, (void)fault;
    assert_true(mmu < TLB_SPACE_INDEXES && i < LEAVES);
    n_translations++;
    *out = (TlbTranslation){RAM_BASE + ((gpa_t)leaves[space][i].ram_page << PAGE_BITS), {true, true, true}, true, 0};
    if (leaf_bits(i) > PAGE_BITS)
        out->large_bits = (uint8_t)leaf_bits(i);
    return true;
}

static unsigned asid_of(unsigned s)
{
    return s / 2; // two spaces share one
}

static void enter(unsigned s)
{
    space = s;
    tlb_set_context(tlb, 1000 + s, asid_of(s));
}

static int setup(void **state)
{
    (void)state;
    TlbHooks hooks = {translate, NULL};
    board_init(&board, 8, NULL, NULL);
    for (unsigned p = 0; p < RAM_SIZE >> PAGE_BITS; p++)
        memset(board.ram.ram->host + (p << PAGE_BITS), (int)p, PAGE_SIZE);
    for (unsigned s = 0; s < SPACES; s++)
        for (unsigned i = 0; i < LEAVES; i++)
            leaves[s][i] = (Leaf){(s + i) % 64, UINT64_C(1) << (s + i) % 64};
    tlb = tlb_new(&board.as, NULL, &hooks, 6, &mask, &table);
    tlb_set_mmu(tlb, 1, 1);
    enter(0);
    n_translations = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tlb_free(tlb);
    board_deinit(&board);
    return 0;
}

static unsigned read_page(gva_t va)
{
    uint64_t v;
    MemFault fault;
    assert_true(tlb_load(tlb, va, 1, &v, &fault));
    return (unsigned)v;
}

static void remap(unsigned s, unsigned i, unsigned ram_page)
{
    leaves[s][i].ram_page = ram_page;
    leaves[s][i].allowed |= UINT64_C(1) << ram_page;
}

// Going round over as many spaces as there is room for translates each page once.
static void switching_keeps(void **state)
{
    (void)state;
    TlbStats s;
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned k = 0; k < TLB_CONTEXTS - 1; k++) { // the first one, key 0, has its place too
            enter(k);
            assert_int_equal(read_page(LEAF_VA(1)), k + 1);
            assert_int_equal(read_page(LEAF_VA(2)), k + 2);
        }
    }
    assert_int_equal(n_translations, 2 * (TLB_CONTEXTS - 1));
    tlb_stats(tlb, &s);
    assert_int_equal(s.context_evict, 0);
    assert_int_equal(s.context_new, TLB_CONTEXTS - 1);
    assert_int_equal(s.context_switch, 5 * (TLB_CONTEXTS - 1));
}

// One more than there is room for: the one left longest ago goes, and comes back empty.
static void oldest_goes(void **state)
{
    (void)state;
    TlbStats s;
    for (unsigned k = 0; k < TLB_CONTEXTS; k++) {
        enter(k);
        read_page(LEAF_VA(1));
    }
    tlb_stats(tlb, &s);
    assert_int_equal(s.context_evict, 1); // the first context, which nobody used
    enter(1);
    enter(0);
    read_page(LEAF_VA(1));
    assert_int_equal(n_translations, TLB_CONTEXTS);
    enter(TLB_CONTEXTS); // takes the place of 2
    read_page(LEAF_VA(1));
    enter(0);
    enter(1);
    read_page(LEAF_VA(1));
    assert_int_equal(n_translations, TLB_CONTEXTS + 1);
    remap(2, 1, 60);
    enter(2);
    assert_int_equal(read_page(LEAF_VA(1)), 60);
}

// The last index has one table for all contexts, which flushes of spaces leave alone.
static void machine_table_is_shared(void **state)
{
    (void)state;
    TlbHooks hooks = {board_translate, &board};
    uint64_t own_mask;
    TlbEntry *own_table;
    Tlb *t = tlb_new(&board.as, NULL, &hooks, 6, &own_mask, &own_table);
    uint64_t v;
    MemFault fault;
    assert_true(tlb_load(t, RAM_BASE, 1, &v, &fault));
    unsigned before = board.n_translations;
    tlb_set_context(t, 5, 5);
    tlb_flush_space(t, TLB_ANY_ASID);
    tlb_flush_space_page(t, RAM_BASE, TLB_ANY_ASID);
    assert_true(tlb_load(t, RAM_BASE, 1, &v, &fault));
    assert_int_equal(board.n_translations, before);
    tlb_flush_page(t, RAM_BASE);
    assert_true(tlb_load(t, RAM_BASE, 1, &v, &fault));
    assert_int_equal(board.n_translations, before + 1);
    tlb_flush(t);
    assert_true(tlb_load(t, RAM_BASE, 1, &v, &fault));
    assert_int_equal(board.n_translations, before + 2);
    tlb_free(t);
}

// A flush by page and asid drops what it names and nothing else.
static void flush_is_exact(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 4; k++) {
        enter(k);
        for (unsigned i = 1; i < 3; i++)
            read_page(LEAF_VA(i));
        for (unsigned p = 0; p < 8; p++) { // one entry for eight pages, and another one
            read_page(LEAF_VA(3) + p * PAGE_SIZE);
            read_page(LEAF_VA(6) + p * PAGE_SIZE);
        }
    }
    n_translations = 0;
    tlb_flush_space_page(tlb, LEAF_VA(1) + 5, asid_of(2));
    tlb_flush_space_page(tlb, LEAF_VA(3) + 5 * PAGE_SIZE, asid_of(0));
    for (unsigned k = 0; k < 4; k++) {
        enter(k);
        n_translations = 0;
        read_page(LEAF_VA(1));
        assert_int_equal(n_translations, asid_of(k) == asid_of(2));
        n_translations = 0;
        for (unsigned p = 0; p < 8; p++)
            read_page(LEAF_VA(3) + p * PAGE_SIZE);
        assert_int_equal(n_translations, asid_of(k) == 0 ? 8 : 0);
        n_translations = 0;
        read_page(LEAF_VA(2));
        for (unsigned p = 0; p < 8; p++)
            read_page(LEAF_VA(6) + p * PAGE_SIZE);
        assert_int_equal(n_translations, 0);
    }
}

static void flushed(unsigned asid, int leaf)
{
    for (unsigned s = 0; s < SPACES; s++)
        for (unsigned i = 0; i < LEAVES; i++)
            if ((asid == TLB_ANY_ASID || asid == asid_of(s)) && (leaf < 0 || leaf == (int)i))
                leaves[s][i].allowed = UINT64_C(1) << leaves[s][i].ram_page;
}

// Random changes of page tables, switches, flushes and accesses: no access may see what a flush took away.
static void never_stale(void **state)
{
    (void)state;
    g_autoptr(GRand) r = g_rand_new_with_seed(3);
    for (unsigned n = 0; n < 400000; n++) {
        unsigned i = (unsigned)g_rand_int_range(r, 0, LEAVES);
        gva_t va = LEAF_VA(i) + ((gva_t)g_rand_int_range(r, 0, 1 << (leaf_bits(i) - PAGE_BITS)) << PAGE_BITS);
        unsigned s = (unsigned)g_rand_int_range(r, 0, SPACES);
        unsigned what = (unsigned)g_rand_int_range(r, 0, 100);
        unsigned asid = g_rand_int_range(r, 0, 2) ? asid_of(s) : TLB_ANY_ASID;
        if (what < 70) {
            assert_true(leaves[space][i].allowed >> read_page(va) & 1);
        } else if (what < 80) {
            enter(s);
        } else if (what < 82) {
            tlb_set_mmu(tlb, (unsigned)g_rand_int_range(r, 0, 3), 1);
        } else if (what < 94) {
            remap(s, i, (unsigned)g_rand_int_range(r, 0, 64));
        } else if (what < 99) {
            tlb_flush_space_page(tlb, va + 123, asid);
            flushed(asid, (int)i);
        } else if (g_rand_int_range(r, 0, 20) == 0) {
            tlb_flush_space(tlb, asid);
            flushed(asid, -1);
        }
    }
}

static void ranges(void **state)
{
    (void)state;
    AddrRanges r = {.n = 0};
    assert_false(addr_ranges_has(&r, 0));
    for (unsigned i = 0; i < ADDR_RANGES; i++)
        addr_ranges_add(&r, (gva_t)i << 40 | 0x12345678, 21);
    addr_ranges_add(&r, (gva_t)3 << 40 | 0x12300000, 21); // is in already
    assert_int_equal(r.n, ADDR_RANGES);
    for (unsigned i = 0; i < ADDR_RANGES; i++) {
        assert_true(addr_ranges_has(&r, (gva_t)i << 40 | 0x12200000));
        assert_true(addr_ranges_has(&r, (gva_t)i << 40 | 0x123fffff));
        assert_false(addr_ranges_has(&r, (gva_t)i << 40 | 0x12400000));
    }
    addr_ranges_add(&r, (gva_t)7 << 40 | 0x12400000, 21); // no room: the nearest one becomes wider
    assert_true(addr_ranges_has(&r, (gva_t)7 << 40 | 0x12400000));
    assert_true(addr_ranges_has(&r, (gva_t)7 << 40 | 0x12345678));
    assert_false(addr_ranges_has(&r, (gva_t)6 << 40 | 0x12400000));
    addr_ranges_add(&r, UINT64_C(0xffffffff80000000), 30); // differs in the highest bit
    for (unsigned i = 0; i < ADDR_RANGES; i++)
        assert_true(addr_ranges_has(&r, (gva_t)i << 40 | 0x12345678));
    assert_true(addr_ranges_has(&r, UINT64_C(0xffffffffbfffffff)));
}

static void fetched_page(void **state)
{
    (void)state;
    const uint8_t *host;
    ram_t ram;
    MemFault fault;
    assert_true(tlb_fetch(tlb, LEAF_VA(1) + 2, &host, &ram, &fault));
    assert_int_equal(tlb_fetched(tlb).large_bits, 0);
    assert_true(tlb_fetch(tlb, LEAF_VA(3) + PAGE_SIZE, &host, &ram, &fault));
    assert_int_equal(tlb_fetched(tlb).large_bits, leaf_bits(3));
    assert_true(tlb_fetch(tlb, LEAF_VA(1) + 2, &host, &ram, &fault)); // no fill now
    assert_int_equal(tlb_fetched(tlb).large_bits, 0);
    assert_true(tlb_fetch(tlb, LEAF_VA(3), &host, &ram, &fault));
    read_page(LEAF_VA(1));
    assert_int_equal(tlb_fetched(tlb).large_bits, leaf_bits(3));
    assert_false(tlb_fetched(tlb).global);
}

static void zero_and_probe(void **state)
{
    (void)state;
    MemFault fault;
    uint8_t *ram = board.ram.ram->host;
    board_map(&board, 3, 5, RAM_BASE + PAGE_SIZE, "rw");
    board_map(&board, 3, 6, RAM_BASE, "r");
    board_map(&board, 3, 7, DEV_BASE, "rw");
    gva_t va = MAP_BASE + 5 * PAGE_SIZE + 0x40;
    memset(ram, 0xff, 2 * PAGE_SIZE);
    assert_true(tlb_zero(board.tlb, va, 64, &fault));
    for (unsigned i = 0; i < 2 * PAGE_SIZE; i++)
        assert_int_equal(ram[i], i >= PAGE_SIZE + 0x40 && i < PAGE_SIZE + 0x80 ? 0 : 0xff);
    assert_false(tlb_zero(board.tlb, va + PAGE_SIZE, 64, &fault));
    assert_int_equal(fault.kind, FAULT_PAGE);
    assert_int_equal(fault.access, ACCESS_WRITE);
    assert_true(tlb_probe(board.tlb, va + PAGE_SIZE, 64, ACCESS_READ, &fault));
    assert_false(tlb_probe(board.tlb, va + PAGE_SIZE, 64, ACCESS_WRITE, &fault));
    assert_true(tlb_zero(board.tlb, va + 2 * PAGE_SIZE, 64, &fault));
    assert_int_equal(board.rec.n_calls, 8);
    assert_int_equal(board.rec.bytes[0x40] | board.rec.bytes[0x7f], 0);
    assert_int_equal(board.rec.bytes[0x81], 0x81);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(switching_keeps), TEST(oldest_goes),   TEST(machine_table_is_shared), TEST(flush_is_exact),
        TEST(never_stale),     TEST(fetched_page), TEST(zero_and_probe),          cmocka_unit_test(ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
