// SPDX-License-Identifier: GPL-3.0-or-later
// Watched bytes in the TLB (T107): who is told what, and that the fast path comes back.
#include "tests/softmmu/tlb_board.h"

static Board board;
static MemFault fault;
static uint64_t value;
static GString *told;

static void note(void *opaque, const TlbWatched *it)
{
    static const char *const found[] = {"main", "victim", "fill"};
    const Board *b = opaque;
    g_string_append_printf(told, "%s%c%lx/%u=%lx pa %lx %s %s", told->len ? " | " : "", "RWX"[it->access], it->va,
                           it->size, it->value, it->pa, it->host ? "" : "-", found[it->found]);
    assert_true(!it->host || it->pa < RAM_BASE || it->host == b->ram.ram->host + (it->pa - RAM_BASE));
}

static int setup(void **state)
{
    (void)state;
    board_init(&board, 8, NULL, NULL);
    told = g_string_new(NULL);
    tlb_set_watch_hook(board.tlb, note, &board);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    board_deinit(&board);
    g_string_free(told, TRUE);
    return 0;
}

static void expect(const char *text)
{
    assert_string_equal(told->str, text);
    g_string_truncate(told, 0);
}

static void load(gva_t va, unsigned size)
{
    assert_true(tlb_load(board.tlb, va, size, &value, &fault));
}

static void store(gva_t va, unsigned size, uint64_t v)
{
    assert_true(tlb_store(board.tlb, va, size, v, &fault));
}

static void t107_matching_bytes(void **state) // T107
{
    (void)state;
    tlb_watch(board.tlb, RAM_BASE + 0x104, 4, false, true);
    load(RAM_BASE + 0x104, 4);
    assert_true(board_hits(&board, RAM_BASE + 0x104, 4, ACCESS_READ)); // only stores are watched
    store(RAM_BASE + 0x100, 4, 1);
    store(RAM_BASE + 0x108, 8, 1);
    assert_false(board_hits(&board, RAM_BASE + 0x100, 4, ACCESS_WRITE)); // slow, but not told
    assert_null(tlb_ram(board.tlb, RAM_BASE + 0x200, 4, ACCESS_WRITE));
    expect("");
    store(RAM_BASE + 0x100, 8, UINT64_C(0x1122334455667788));
    store(RAM_BASE + 0x107, 1, 0xfff);
    store(RAM_BASE + 0x101, 4, 0);
    expect("W80000100/8=1122334455667788 pa 80000100  main | W80000107/1=ff pa 80000107  main | "
           "W80000101/4=0 pa 80000101  main");
    store(RAM_BASE + 0x1104, 4, 1); // another page is as fast as ever
    assert_true(board_hits(&board, RAM_BASE + 0x1104, 4, ACCESS_WRITE));
    assert_true(tlb_unwatch(board.tlb, RAM_BASE + 0x104, 4, false, true));
    assert_false(tlb_unwatch(board.tlb, RAM_BASE + 0x104, 4, false, true));
    store(RAM_BASE + 0x104, 4, 1);
    assert_true(board_hits(&board, RAM_BASE + 0x104, 4, ACCESS_WRITE));
    expect("");
}

static void found_where(void **state)
{
    (void)state;
    uint64_t apart = 256 * PAGE_SIZE; // pages that share a slot
    tlb_watch(board.tlb, RAM_BASE + 8, 8, true, false);
    load(RAM_BASE + 8, 4);
    load(RAM_BASE + 8, 4);
    assert_false(tlb_load(board.tlb, RAM_BASE + apart, 4, &value, &fault)); // nothing there, but an entry
    load(RAM_BASE + 8, 4); // entries with flags are not looked for among the victims
    expect("R80000008/4=8f827568 pa 80000008  fill | R80000008/4=8f827568 pa 80000008  main | "
           "R80000008/4=8f827568 pa 80000008  fill");
}

// Over two pages, devices, atomics, blocks of zeros; a failing access is not told.
static void kinds_of_accesses(void **state)
{
    (void)state;
    void *host;
    tlb_watch(board.tlb, RAM_BASE + 0xfff, 2, true, true);
    store(RAM_BASE + 0xffe, 4, 0x44332211);
    load(RAM_BASE + 0xffd, 4);
    expect("W80000ffe/4=44332211 pa 80000ffe  fill | R80000ffd/4=332211e8 pa 80000ffd  main");
    tlb_watch(board.tlb, DEV_BASE, 0x1000, true, true);
    load(DEV_BASE + 4, 2);
    store(DEV_BASE + 4, 1, 9);
    expect("R2000004/2=504 pa 2000004 - fill | W2000004/1=9 pa 2000004 - main");
    assert_true(tlb_unwatch(board.tlb, RAM_BASE + 0xfff, 2, true, true));
    tlb_watch(board.tlb, RAM_BASE + 0x1000, 8, false, true);
    store(RAM_BASE + 0x1000, 8, 5);
    g_string_truncate(told, 0);
    assert_true(tlb_atomic(board.tlb, RAM_BASE + 0x1000, 8, ACCESS_WRITE, &host, &fault));
    assert_ptr_equal(host, board.ram.ram->host + 0x1000);
    assert_true(tlb_atomic(board.tlb, RAM_BASE + 0x1000, 8, ACCESS_READ, &host, &fault));
    assert_true(tlb_zero(board.tlb, RAM_BASE + 0x1000, 64, &fault));
    expect("W80001000/8=5 pa 80001000  main | W80001000/64=0 pa 80001000  main");
    tlb_watch(board.tlb, HOLE_BASE, 8, true, true);
    assert_false(tlb_load(board.tlb, HOLE_BASE, 8, &value, &fault));
    expect("");
}

static void no_runs_meanwhile(void **state)
{
    (void)state;
    static TlbRuns runs; // outlives the TLB
    tlb_set_runs(board.tlb, &runs);
    tlb_watch(board.tlb, RAM_BASE + 0x2000, 8, true, true);
    load(RAM_BASE, 4);
    tlb_relieve(board.tlb);
    assert_int_equal(runs.run[ACCESS_READ].size, 0);
    assert_true(tlb_unwatch(board.tlb, RAM_BASE + 0x2000, 8, true, true));
}

// The last byte of the address space, and an access that wraps.
static void end_of_space(void **state)
{
    (void)state;
    board_map(&board, 3, 127, RAM_BASE, "rw");
    board_map(&board, 3, 128, RAM_BASE + 0x1000, "rw");
    tlb_watch(board.tlb, UINT64_MAX, 1, false, true);
    tlb_watch(board.tlb, 0, 1, true, false);
    store(UINT64_MAX, 2, 0x2211);
    load(UINT64_MAX, 2);
    expect("Wffffffffffffffff/2=2211 pa 80000fff  fill | Rffffffffffffffff/2=2211 pa 80000fff  main");
}

static bool refuse(void *opaque, const TlbAsked *it)
{
    (void)opaque;
    g_string_append_printf(told, "%s%s%s%lx/%u", told->len ? " | " : "", it->reads ? "R" : "", it->writes ? "W" : "",
                           it->va, it->size);
    return it->size == 2; // those may
}

// Who guards bytes is asked before anything has an effect, and what is refused has none.
static void guarded(void **state)
{
    (void)state;
    void *host;
    store(RAM_BASE + 0xff8, 8, 7);
    store(RAM_BASE + 0x1000, 8, 0);
    tlb_watch(board.tlb, RAM_BASE + 0xfff, 2, true, true);
    tlb_set_guard(board.tlb, refuse, NULL);
    tlb_set_watch_hook(board.tlb, NULL, NULL);
    assert_false(tlb_store(board.tlb, RAM_BASE + 0xffc, 8, UINT64_MAX, &fault));
    assert_int_equal(fault.kind, FAULT_STOP);
    assert_int_equal(fault.access, ACCESS_WRITE);
    assert_false(tlb_load(board.tlb, RAM_BASE + 0x1000, 1, &value, &fault));
    assert_int_equal(fault.kind, FAULT_STOP);
    load(RAM_BASE + 0x1001, 1); // its neighbours are nobody's business
    store(RAM_BASE + 0xffe, 1, 0);
    assert_false(tlb_atomic(board.tlb, RAM_BASE + 0x1000, 8, ACCESS_WRITE, &host, &fault));
    assert_int_equal(fault.kind, FAULT_STOP);
    assert_false(tlb_atomic(board.tlb, RAM_BASE + 0x1000, 4, ACCESS_READ, &host, &fault));
    assert_false(tlb_zero(board.tlb, RAM_BASE + 0x1000, 64, &fault));
    assert_int_equal(fault.kind, FAULT_STOP);
    store(RAM_BASE + 0x1000, 2, 0x1234);
    expect("W80000ffc/8 | R80001000/1 | RW80001000/8 | R80001000/4 | W80001000/64 | W80001000/2");
    tlb_set_guard(board.tlb, NULL, NULL);
    load(RAM_BASE + 0xffc, 8);
    assert_int_equal(value, UINT64_C(0x123400000000));
    g_autofree char *wrong = tlb_check(board.tlb);
    assert_null(wrong);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(t107_matching_bytes), TEST(found_where),  TEST(kinds_of_accesses),
        TEST(no_runs_meanwhile),   TEST(end_of_space), TEST(guarded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
