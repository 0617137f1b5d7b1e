// SPDX-License-Identifier: GPL-3.0-or-later
// Why lookups miss, and whether the counts agree: tlb_causes.c, tlb_check.c (spec 5.8).
#include "softmmu/tlb_private.h" // to plant errors
#include "tests/softmmu/tlb_board.h"
#include "util/tap.h"

#define SHARED_SLOT(i) (RAM_BASE + ((uint64_t)(i) << PAGE_BITS) * 64) // in a table of 64 entries; none but 0 is RAM
#define PAGES 10

static Board board;
static uint64_t mask;
static TlbEntry *table;
static Tlb *tlb;
static uint8_t large_bits;
static bool global, writable, refuse;

// All addresses are one page of RAM, or a few.
static bool translate(void *opaque, gva_t va, unsigned size, MemAccess access, unsigned mmu, TlbTranslation *out,
                      MemFault *fault)
{
    (void)opaque, (void)size, (void)mmu;
    if (refuse) {
        *fault = (MemFault){FAULT_PAGE, access, va};
        return false;
    }
    *out = (TlbTranslation){
        .page = va == DEV_BASE ? DEV_BASE : RAM_BASE + (va & 0x3000),
        .allow = {true, writable || access == ACCESS_WRITE, true},
        .whole_page = true,
        .large_bits = large_bits,
        .global = global,
    };
    return true;
}

static int64_t no_time(void *opaque)
{
    (void)opaque;
    return 0;
}

static void make(unsigned bits, uint64_t pages)
{
    TlbHooks hooks = {translate, NULL};
    board_init(&board, 8, NULL, NULL);
    tlb = tlb_new(&board.as, NULL, &hooks, bits, &mask, &table);
    tlb_set_clock(tlb, no_time, NULL);
    tlb_set_causes(tlb, pages);
    tlb_set_mmu(tlb, 1, 1);
    large_bits = 0;
    writable = true;
    global = refuse = false;
}

static int setup(void **state)
{
    (void)state;
    make(6, TLB_CAUSE_PAGES);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char *wrong = tlb_check(tlb);
    if (wrong)
        print_error("%s\n", wrong);
    assert_null(wrong);
    tlb_free(tlb);
    board_deinit(&board);
    return 0;
}

static bool load(gva_t va)
{
    uint64_t v;
    MemFault fault;
    return tlb_load(tlb, va, 1, &v, &fault);
}

static uint64_t misses(MemAccess k, TlbMissCause cause)
{
    TlbMissStats s;
    uint64_t n = 0;
    assert_true(tlb_miss_stats(tlb, &s));
    for (unsigned m = 0; m < TLB_MMU_INDEXES; m++)
        n += s.miss[m][k][cause];
    return n;
}

// So many load misses of each cause, in the order of TlbMissCause, and no other ones.
static void expect(const char *causes)
{
    GString *got = g_string_new(NULL);
    for (unsigned c = 0; c < TLB_MISS_CAUSES; c++)
        if (misses(ACCESS_READ, c))
            g_string_append_printf(got, "%s%s %u", got->len ? ", " : "", tlb_miss_cause_names[c],
                                   (unsigned)misses(ACCESS_READ, c));
    assert_string_equal(got->str, causes);
    g_string_free(got, TRUE);
}

static void touch(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        assert_true(load((uint64_t)i << PAGE_BITS));
}

static void flushes(void **state)
{
    (void)state;
    touch(4);
    tlb_flush_space(tlb, TLB_ANY_ASID);
    tlb_flush_space(tlb, TLB_ANY_ASID); // nothing is left
    touch(2);
    tlb_flush_space(tlb, 0);
    touch(4); // 2 and 3 went with the first flush, the one behind it took nothing of them
    expect("cold 4, flush_all 4, flush_asid 2");
    tlb_flush_space_page(tlb, 0x1000, TLB_ANY_ASID);
    tlb_flush_space_page(tlb, 0x2000, 0);
    tlb_flush_space_page(tlb, 0x3000, 7); // of another one
    touch(4);
    expect("cold 4, flush_all 4, flush_va 2, flush_asid 2");
    tlb_flush(tlb);
    touch(1);
    expect("cold 4, flush_all 4, flush_va 2, flush_asid 2, other 1");
    TlbStats s;
    tlb_stats(tlb, &s);
    assert_int_equal(s.flushes[TLB_FLUSH_ALL], 2);
    assert_int_equal(s.flushes[TLB_FLUSH_VA], 1);
    assert_int_equal(s.flushes[TLB_FLUSH_ASID], 1);
    assert_int_equal(s.flushes[TLB_FLUSH_VA_ASID], 2);
    assert_int_equal(s.flushes[TLB_FLUSH_OTHER], 1);
    assert_int_equal(s.flush_asid[1], 1);
}

// A page-table entry for several pages: flushed by the address of one of them, all go.
static void large_pages(void **state)
{
    (void)state;
    large_bits = 16;
    touch(4);
    tlb_flush_space_page(tlb, 0x2000, TLB_ANY_ASID);
    touch(4);
    expect("cold 4, flush_va 4");
    TlbMissStats s;
    tlb_miss_stats(tlb, &s);
    assert_int_equal(s.size[1][ACCESS_READ][1], 8);
    assert_int_equal(s.size[1][ACCESS_READ][0], 0);
}

static void replaced(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < PAGES; i++)
            load(SHARED_SLOT(i));
    expect("cold 10, conflict 20");
    touch(64); // the table is full now
    for (unsigned i = 0; i < PAGES; i++)
        load(SHARED_SLOT(i));
    for (unsigned i = 0; i < PAGES; i++)
        load(SHARED_SLOT(i));
    assert_int_equal(misses(ACCESS_READ, TLB_MISS_COLD), PAGES + 64);
    assert_true(misses(ACCESS_READ, TLB_MISS_CAPACITY) >= PAGES);
}

static void refused(void **state)
{
    (void)state;
    refuse = true;
    assert_false(load(0x1000));
    assert_false(load(0x1000));
    assert_null(tlb_ram(tlb, 0x1000, 1, ACCESS_READ)); // does not count
    refuse = false;
    touch(2);
    expect("fault 2, cold 2");
    TlbMissStats s;
    tlb_miss_stats(tlb, &s);
    assert_int_equal(s.size[1][ACCESS_READ][TLB_SIZE_NONE], 2);
    assert_int_equal(s.privilege[1][ACCESS_READ], 4);
}

static void upgrades(void **state)
{
    MemFault fault;
    (void)state;
    writable = false;
    touch(3);
    assert_true(tlb_store(tlb, 0x1000, 1, 5, &fault));
    assert_true(tlb_store(tlb, 0x1000, 1, 6, &fault));
    assert_int_equal(misses(ACCESS_WRITE, TLB_MISS_UPGRADE), 1);
    expect("cold 3");
}

// A lookup that tlb_ram takes back is counted when the access comes again, with the same cause.
static void taken_back(void **state)
{
    MemFault fault;
    uint64_t v;
    (void)state;
    assert_null(tlb_ram(tlb, DEV_BASE, 2, ACCESS_READ));
    expect("");
    assert_true(tlb_load(tlb, DEV_BASE, 2, &v, &fault));
    assert_true(tlb_load(tlb, DEV_BASE, 2, &v, &fault));
    expect("cold 1");
    TlbStats s;
    tlb_stats(tlb, &s);
    assert_int_equal(s.kind[1][ACCESS_READ].slow_mmio, 1);
}

static void contexts(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= TLB_CONTEXTS; i++) { // the first one has key 0; 0 and 1 are given up
        tlb_set_context(tlb, i, i);
        touch(2);
    }
    tlb_set_context(tlb, 0, 0);
    touch(3);
    expect("cold 35, context 2");
    assert_int_equal(tlb_spaces(tlb), 2 + TLB_CONTEXTS + 1);
    bool seen = false;
    for (unsigned n = 0; n < tlb_spaces(tlb); n++) {
        TlbSpaceStats s = tlb_space_stats(tlb, n);
        if (s.kind != TLB_SPACE || s.key)
            continue;
        seen = true;
        assert_int_equal(s.miss[ACCESS_READ][TLB_MISS_COLD], 3);
        assert_int_equal(s.miss[ACCESS_READ][TLB_MISS_CONTEXT], 2);
    }
    assert_true(seen);
}

static void globals(void **state)
{
    (void)state;
    global = true;
    touch(4);
    tlb_set_context(tlb, 1, 1);
    touch(2);
    expect("cold 4, context 2");
    tlb_flush_space_page(tlb, 0x1000, TLB_ANY_ASID);
    tlb_set_context(tlb, 2, 2);
    touch(3); // 1 was flushed everywhere
    expect("cold 4, flush_va 1, context 4");
    tlb_flush_space(tlb, TLB_ANY_ASID);
    tlb_set_context(tlb, 3, 3);
    touch(4);
    expect("cold 4, flush_all 4, flush_va 1, context 4");
}

static void resized(void **state)
{
    (void)state;
    teardown(state);
    make(0, TLB_CAUSE_PAGES);
    for (unsigned i = 0; i < 3000; i++)
        load(((uint64_t)(i % 20) << PAGE_BITS) * 256);
    tlb_relieve(tlb);
    load((UINT64_C(19) << PAGE_BITS) * 256); // the last one
    assert_int_equal(misses(ACCESS_READ, TLB_MISS_RESIZE), 1);
    TlbStats s;
    tlb_stats(tlb, &s);
    assert_int_equal(s.grow[1], 1);
    assert_int_equal(s.size_steps[1], 1);
    assert_int_equal(s.size[1], 512);
}

// With too little room nothing is said that is not known.
static void forgotten(void **state)
{
    (void)state;
    teardown(state);
    make(6, 3);
    touch(5);
    tlb_flush_space(tlb, TLB_ANY_ASID);
    touch(5);
    expect("cold 4, flush_all 3, forgotten 3"); // the fifth page came when one had been forgotten already
    TlbMissStats s;
    tlb_miss_stats(tlb, &s);
    assert_int_equal(s.remembered, 3);
}

static void many_spaces(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= TLB_SPACES + 2; i++) { // key 0 is one
        tlb_set_context(tlb, i, i);
        touch(1);
    }
    assert_int_equal(misses(ACCESS_READ, TLB_MISS_COLD), TLB_SPACES - 1);
    assert_int_equal(misses(ACCESS_READ, TLB_MISS_FORGOTTEN), 3);
    assert_int_equal(tlb_spaces(tlb), 2 + TLB_SPACES);
}

// Lookups belong to the privilege that ran then, whatever index they used.
static void privileges(void **state)
{
    TlbMissStats s;
    (void)state;
    touch(2);
    touch(2);
    tlb_set_mmu(tlb, 1, 3); // MPRV
    touch(3);
    tlb_set_mmu(tlb, 0, 0);
    touch(1);
    tlb_miss_stats(tlb, &s);
    assert_int_equal(s.lookups[1][ACCESS_READ], 4);
    assert_int_equal(s.privilege[1][ACCESS_READ], 2);
    assert_int_equal(s.lookups[3][ACCESS_READ], 3);
    assert_int_equal(s.privilege[3][ACCESS_READ], 1);
    assert_int_equal(s.privilege[0][ACCESS_READ], 1);
}

static unsigned n_records;
static TapRecord records[16];

static void full(Tap *tap)
{
    n_records += (unsigned)G_N_ELEMENTS(records);
    tap->cursor = records;
}

static void told(void **state)
{
    (void)state;
    Tap tap = {.cursor = records, .end = records + G_N_ELEMENTS(records), .full = full};
    tlb_set_tap(tlb, &tap);
    touch(1);
    tlb_flush_space(tlb, TLB_ANY_ASID);
    touch(1);
    touch(1);
    tlb_set_tap(tlb, NULL);
    unsigned n = 0;
    for (const TapRecord *r = records; r < tap.cursor; r++) {
        if (r->tag != (TAP_HOST_MISS << TAP_SHIFT | TAP_EVENT))
            continue;
        assert_int_equal(r->what, 0);
        assert_int_equal(r->count, ACCESS_READ | (n ? TLB_MISS_FLUSH_ALL : TLB_MISS_COLD) << 2);
        n++;
    }
    assert_int_equal(n, 2);
}

// What an engine does not count, and what it counts though nothing is looked up.
static void beside_accesses(void **state)
{
    MemFault fault;
    TlbStats s;
    void *host;
    uint64_t v;
    (void)state;
    assert_true(tlb_probe(tlb, 0, 8, ACCESS_READ, &fault));
    assert_true(tlb_zero(tlb, 0, 64, &fault));
    assert_false(tlb_atomic(tlb, 1, 8, ACCESS_WRITE, &host, &fault));
    assert_true(tlb_load(tlb, 0xffc, 8, &v, &fault));
    assert_non_null(tlb_ram(tlb, 0xffc, 8, ACCESS_WRITE));
    tlb_stats(tlb, &s);
    assert_int_equal(s.unstarted[ACCESS_READ], 0);
    assert_int_equal(s.not_looked_up[ACCESS_WRITE], 1);
    assert_int_equal(s.crossings[ACCESS_READ], 1);
    assert_int_equal(s.crossings[ACCESS_WRITE], 1);
    assert_int_equal(counters_sum(&s.kind[1][ACCESS_READ]), 3);
    assert_int_equal(counters_sum(&s.kind[1][ACCESS_WRITE]), 3);
}

// An SC that fails on a device's page has looked it up; the load of an AMO there is one lookup more.
static void atomic_on_devices(void **state)
{
    MemFault fault;
    TlbStats s;
    void *host;
    uint64_t v;
    (void)state;
    assert_true(tlb_atomic(board.tlb, DEV_BASE, 8, ACCESS_WRITE, &host, &fault));
    assert_null(host);
    tlb_atomic_done(board.tlb);
    assert_true(tlb_atomic(board.tlb, DEV_BASE, 8, ACCESS_WRITE, &host, &fault));
    assert_true(tlb_atomic_load(board.tlb, DEV_BASE, 8, &v, &fault));
    assert_true(tlb_store(board.tlb, DEV_BASE, 8, v, &fault));
    tlb_atomic_done(board.tlb);
    tlb_stats(board.tlb, &s);
    assert_int_equal(counters_sum(&s.kind[3][ACCESS_WRITE]), 2);
    assert_int_equal(counters_sum(&s.kind[3][ACCESS_READ]), 1);
    assert_int_equal(s.unstarted[ACCESS_READ], 1);
}

static void plant(uint64_t *where, uint64_t change, const char *line)
{
    *where += change;
    char *wrong = tlb_check(tlb);
    assert_non_null(wrong);
    assert_string_equal(wrong, line);
    g_free(wrong);
    *where -= change;
}

static void planted(void **state)
{
    (void)state;
    touch(5);
    plant(&tlb->table[1]->used, 1, "MMU index 1: 6 entries in use are counted, but 5 of 64 are not empty");
    plant((uint64_t *)&tlb->stats.size_steps[2], 1,
          "MMU index 2: the tables are 2^0 times as large as at first, but 2^1 by 0 growths and 0 shrinkings");
    plant(&tlb->stats.victim_drop[3], 1, "MMU index 3: 1 victims dropped, but 0 entries evicted");
    plant(&tlb->stats.kind[1][ACCESS_READ].fill_ok, 1, "MMU index 1, load: 5 misses by cause, but 6 in all");
    tlb_entry_clear(&tlb->table[1]->entries[2]); // without a word
    tlb->table[1]->used--;
    touch(5);
    char *wrong = tlb_check(tlb);
    assert_string_equal(wrong, "1 misses of pages that nothing took out of their table");
    g_free(wrong);
    tlb_free(tlb);
    board_deinit(&board);
    setup(state);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(flushes),    T(large_pages), T(replaced),        T(refused),           T(upgrades),
        T(taken_back), T(contexts),    T(globals),         T(resized),           T(forgotten),
        T(many_spaces), T(privileges), T(told),            T(beside_accesses),   T(atomic_on_devices),
        T(planted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
