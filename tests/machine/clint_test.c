// SPDX-License-Identifier: GPL-3.0-or-later
// The CLINT register table (spec 6.6), timers and deadlines.
#include "frontend/hart.h"
#include "tests/machine/fixture.h"

#define BASE 0x2000000u
#define MTIMECMP(h) (BASE + 0x4000 + 8 * (h))
#define MTIME (BASE + 0xbff8)

static bool pending(const Fixture *f, unsigned hart, unsigned irq)
{
    return f->irqs[hart] >> irq & 1;
}

static uint64_t next_deadline(Fixture *f)
{
    return board_next_deadline_ns(f->board, 0, board_harts(f->board));
}

static void boot(Fixture *f, unsigned harts)
{
    f->config.harts = harts;
    fixture_boot(f);
}

static void check_registers(Fixture *f, unsigned harts)
{
    unsigned last = harts - 1;
    f->now_ns = 0;
    boot(f, harts);
    for (unsigned h = 0; h <= harts; h++)
        fixture_st(f, BASE + 4 * h, 4, 0xffffffff);
    for (unsigned h = 0; h <= harts; h++)
        assert_int_equal(fixture_ld(f, BASE + 4 * h, 4), h < harts);
    for (unsigned h = 0; h < harts; h++)
        assert_true(pending(f, h, IRQ_M_SOFT));
    fixture_st(f, BASE + 4 * last, 4, 2);
    assert_false(pending(f, last, IRQ_M_SOFT));
    assert_int_equal(fixture_ld(f, BASE + 4 * last, 4), 0);
    for (unsigned h = 0; h <= harts; h++)
        fixture_st(f, MTIMECMP(h), 8, 0x1111111122222200 + h);
    for (unsigned h = 0; h <= harts; h++) {
        assert_int_equal(fixture_ld(f, MTIMECMP(h), 8), h < harts ? 0x1111111122222200 + h : 0);
        assert_int_equal(fixture_ld(f, MTIMECMP(h) + 4, 4), h < harts ? 0x11111111 : 0);
    }
    fixture_st(f, MTIMECMP(last) + 4, 4, 0x33333333);
    assert_int_equal(fixture_ld(f, MTIMECMP(last), 8), 0x3333333322222200 + last);
    fixture_st(f, MTIMECMP(last), 4, 0x44444444);
    assert_int_equal(fixture_ld(f, MTIMECMP(last), 8), 0x3333333344444444);
    fixture_st(f, MTIME, 8, 0x1000000000);
    assert_int_equal(fixture_ld(f, MTIME, 8), 0x1000000000);
    fixture_st(f, MTIME + 4, 4, 0x20);
    assert_int_equal(fixture_ld(f, MTIME, 8), 0x2000000000);
    assert_int_equal(fixture_ld(f, MTIME + 4, 4), 0x20);
    assert_int_equal(fixture_ld(f, BASE + 0x8000, 8), 0); // the gap
    fixture_st(f, BASE + 0x8000, 4, 1);
    assert_int_equal(fixture_ld(f, BASE + 0x3ffc, 4), 0);
    f->now_ns = 1000;
    assert_int_equal(fixture_ld(f, MTIME, 8), 0x200000000a);
}

static void t149_registers(void **state)
{
    check_registers(*state, 1);
    check_registers(*state, 4);
    check_registers(*state, 8);
}

static void t149_access_sizes(void **state)
{
    Fixture *f = *state;
    boot(f, 1);
    MemTxResult r;
    uint64_t value;
    static const struct {
        uint64_t offset;
        unsigned size;
        bool ok;
    } rows[] = {
        {0, 4, true}, {0, 8, false}, {0, 1, false}, {0, 2, false}, {0x4000, 8, true}, {0x4000, 4, true},
        {0x4004, 4, true}, {0x4000, 1, false}, {0x4000, 2, false}, {0xbff8, 8, true}, {0xbff8, 1, false},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        MemorySection s = address_space_lookup(board_memory(f->board), BASE + rows[i].offset);
        r = memory_region_dispatch_read(s.mr, s.offset, &value, rows[i].size, MEMTXATTRS_NONE);
        assert_int_equal(r == MEMTX_OK, rows[i].ok);
        r = memory_region_dispatch_write(s.mr, s.offset, 0, rows[i].size, MEMTXATTRS_NONE);
        assert_int_equal(r == MEMTX_OK, rows[i].ok);
    }
    address_space_ld(board_memory(f->board), BASE + 0xc000, 4, &r); // behind mtime: unassigned
    assert_int_equal(r, MEMTX_DECODE_ERROR);
}

static void timer(void **state)
{
    Fixture *f = *state;
    boot(f, 2);
    assert_true(pending(f, 0, IRQ_M_TIMER) && pending(f, 1, IRQ_M_TIMER)); // mtimecmp 0 <= mtime
    assert_int_equal(next_deadline(f), UINT64_MAX);
    unsigned before = f->deadlines[0], other = f->deadlines[1];
    f->now_ns = 12345;
    fixture_st(f, MTIMECMP(0), 8, 1000);
    assert_int_equal(f->deadlines[0], before + 1);
    assert_int_equal(f->deadlines[1], other);
    assert_false(pending(f, 0, IRQ_M_TIMER));
    assert_int_equal(next_deadline(f), 100000);
    fixture_st(f, MTIMECMP(1), 8, 500);
    assert_int_equal(next_deadline(f), 50000);
    assert_int_equal(board_next_deadline_ns(f->board, 0, 1), 100000);
    assert_int_equal(board_next_deadline_ns(f->board, 1, 1), 50000);
    board_run_timers(f->board, 0, board_harts(f->board), 49999);
    assert_false(pending(f, 1, IRQ_M_TIMER));
    f->now_ns = 50000; // time passes before anybody runs the timers: due now
    assert_int_equal(next_deadline(f), 50000);
    board_run_timers(f->board, 0, 1, 50000); // not this hart's
    assert_false(pending(f, 1, IRQ_M_TIMER));
    board_run_timers(f->board, 0, board_harts(f->board), 50000);
    assert_true(pending(f, 1, IRQ_M_TIMER));
    assert_false(pending(f, 0, IRQ_M_TIMER));
    assert_int_equal(next_deadline(f), 100000);
    fixture_st(f, MTIME, 8, 999);
    assert_true(pending(f, 1, IRQ_M_TIMER));
    assert_int_equal(next_deadline(f), 50100);
    fixture_st(f, MTIME, 8, 100); // back in time: both off
    assert_false(pending(f, 1, IRQ_M_TIMER));
    assert_int_equal(next_deadline(f), 50000 + 400 * 100);
    fixture_st(f, MTIMECMP(0), 8, UINT64_MAX);
    fixture_st(f, MTIMECMP(1), 8, UINT64_MAX);
    assert_int_equal(next_deadline(f), UINT64_MAX);
    fixture_st(f, MTIME, 8, UINT64_MAX - 1);
    assert_int_equal(next_deadline(f), 50100);
}

// Whoever reads an mtime that has reached mtimecmp finds MTIP set, before anybody runs the timers.
static void seen_time(void **state)
{
    Fixture *f = *state;
    boot(f, 2);
    fixture_st(f, MTIMECMP(0), 8, 70);
    fixture_st(f, MTIMECMP(1), 8, 71);
    f->now_ns = 6999;
    assert_int_equal(fixture_ld(f, MTIME, 8), 69);
    assert_false(pending(f, 0, IRQ_M_TIMER));
    f->now_ns = 7000;
    assert_int_equal(fixture_ld(f, MTIME, 8), 70);
    assert_true(pending(f, 0, IRQ_M_TIMER));
    assert_false(pending(f, 1, IRQ_M_TIMER));
    assert_int_equal(next_deadline(f), 7100);
}

// stimecmp (Sstc) beside mtimecmp: a line and a deadline of its own, none while it is not enabled.
static void supervisor_timer(void **state)
{
    Fixture *f = *state;
    boot(f, 2);
    fixture_st(f, MTIMECMP(0), 8, UINT64_MAX);
    fixture_st(f, MTIMECMP(1), 8, 5000);
    f->now_ns = 1000;
    assert_true(board_has_time(f->board));
    assert_int_equal(board_time(f->board), 10);
    unsigned before = f->deadlines[1];
    board_set_stimecmp(f->board, 1, false, 0);
    assert_false(pending(f, 1, IRQ_S_TIMER));
    assert_int_equal(next_deadline(f), 500000);
    board_set_stimecmp(f->board, 1, true, 11);
    assert_int_equal(f->deadlines[1], before + 2);
    assert_false(pending(f, 1, IRQ_S_TIMER));
    assert_int_equal(next_deadline(f), 1100);
    f->now_ns = 1100;
    assert_int_equal(next_deadline(f), 1100); // due and not run yet
    board_run_timers(f->board, 0, board_harts(f->board), 1100);
    assert_true(pending(f, 1, IRQ_S_TIMER));
    assert_false(pending(f, 0, IRQ_S_TIMER) || pending(f, 1, IRQ_M_TIMER));
    assert_int_equal(next_deadline(f), 500000);
    board_set_stimecmp(f->board, 1, true, UINT64_MAX);
    assert_false(pending(f, 1, IRQ_S_TIMER));
    board_set_stimecmp(f->board, 1, true, 11);
    assert_true(pending(f, 1, IRQ_S_TIMER));
    fixture_st(f, MTIME, 8, 5); // back in time
    assert_false(pending(f, 1, IRQ_S_TIMER));
    fixture_st(f, MTIME, 8, 12);
    assert_true(pending(f, 1, IRQ_S_TIMER));
    board_set_stimecmp(f->board, 1, false, 11);
    assert_false(pending(f, 1, IRQ_S_TIMER));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {TEST(t149_registers), TEST(t149_access_sizes), TEST(timer),
                                       TEST(seen_time), TEST(supervisor_timer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
