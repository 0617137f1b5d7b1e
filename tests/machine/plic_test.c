// SPDX-License-Identifier: GPL-3.0-or-later
// The PLIC: priorities, thresholds, contexts, claim and complete, level and edge gateways.
#include "frontend/hart.h"
#include "machine/devices/devices.h"
#include "tests/machine/fixture.h"

#define PLIC 0xc000000u
#define PRIORITY(n) (PLIC + 4 * (n))
#define PENDING (PLIC + 0x1000)
#define ENABLE(context) (PLIC + 0x2000 + 0x80 * (context))
#define THRESHOLD(context) (PLIC + 0x200000 + 0x1000 * (context))
#define CLAIM(context) (THRESHOLD(context) + 4)

static const DeviceRow row = {&device_plic, "plic", PLIC, 0x600000, 0, 0, "edge=0x20"}; // source 5

typedef struct {
    Fixture *f;
    Device *plic;
} Rig;

static Rig start(void **state, unsigned harts)
{
    Rig r = {.f = *state};
    r.f->config.board = "clabpu";
    r.f->config.harts = harts;
    fixture_boot(r.f);
    r.plic = fixture_add_device(r.f, &row);
    return r;
}

static void line(Rig r, unsigned source, bool level)
{
    memory_lock();
    r.plic->type->set_irq(r.plic, source, level);
    memory_unlock();
}

static bool raised(Rig r, unsigned hart, unsigned irq)
{
    return r.f->irqs[hart] >> irq & 1;
}

// With one source that interrupts hart 0 in M-mode.
static Rig start_source(void **state, unsigned source)
{
    Rig r = start(state, 1);
    fixture_st(r.f, PRIORITY(source), 4, 1);
    fixture_st(r.f, ENABLE(0), 4, 1u << source);
    return r;
}

static void registers(void **state)
{
    Rig r = start(state, 2);
    Fixture *f = r.f;
    fixture_st(f, PRIORITY(0), 4, 7);
    fixture_st(f, PRIORITY(96), 4, 0xff);
    fixture_st(f, PRIORITY(97), 4, 7);
    assert_int_equal(fixture_ld(f, PRIORITY(0), 4), 0);
    assert_int_equal(fixture_ld(f, PRIORITY(96), 4), 7);
    assert_int_equal(fixture_ld(f, PRIORITY(97), 4), 0);
    for (unsigned c = 0; c < 5; c++) { // four contexts
        for (unsigned w = 0; w < 5; w++)
            fixture_st(f, ENABLE(c) + 4 * w, 4, 0xffffffff);
        assert_int_equal(fixture_ld(f, ENABLE(c), 4), c < 4 ? 0xfffffffe : 0);
        assert_int_equal(fixture_ld(f, ENABLE(c) + 4, 4), c < 4 ? 0xffffffff : 0);
        assert_int_equal(fixture_ld(f, ENABLE(c) + 12, 4), c < 4);
        assert_int_equal(fixture_ld(f, ENABLE(c) + 16, 4), 0);
        fixture_st(f, THRESHOLD(c), 4, 0xffffffff);
        assert_int_equal(fixture_ld(f, THRESHOLD(c), 4), c < 4 ? 7 : 0);
        assert_int_equal(fixture_ld(f, CLAIM(c), 4), 0);
    }
    fixture_st(f, PENDING, 4, 0xffffffff); // read-only
    assert_int_equal(fixture_ld(f, PENDING, 4), 0);
    MemTxResult result;
    address_space_ld(board_memory(f->board), PLIC, 8, &result);
    assert_int_equal(result, MEMTX_DECODE_ERROR);
}

static void contexts_and_thresholds(void **state)
{
    Rig r = start(state, 2);
    Fixture *f = r.f;
    fixture_st(f, PRIORITY(3), 4, 2);
    fixture_st(f, ENABLE(1), 4, 1 << 3); // hart 0, S
    fixture_st(f, ENABLE(2), 4, 1 << 3); // hart 1, M
    fixture_st(f, THRESHOLD(2), 4, 2);
    line(r, 3, true);
    assert_true(raised(r, 0, IRQ_S_EXT));
    assert_false(raised(r, 0, IRQ_M_EXT));
    assert_false(raised(r, 1, IRQ_M_EXT)); // not above the threshold
    assert_int_equal(fixture_ld(f, PENDING, 4), 1 << 3);
    fixture_st(f, THRESHOLD(2), 4, 1);
    assert_true(raised(r, 1, IRQ_M_EXT));
    fixture_st(f, PRIORITY(3), 4, 0); // never interrupts
    assert_false(raised(r, 0, IRQ_S_EXT));
    assert_int_equal(fixture_ld(f, CLAIM(1), 4), 0);
    fixture_st(f, PRIORITY(3), 4, 1);
    assert_false(raised(r, 1, IRQ_M_EXT));
    assert_int_equal(fixture_ld(f, CLAIM(2), 4), 3); // a claim does not ask for the threshold
    assert_false(raised(r, 0, IRQ_S_EXT));           // and nobody else gets the request
    assert_int_equal(fixture_ld(f, CLAIM(1), 4), 0);
    line(r, 3, false);
    fixture_st(f, CLAIM(2), 4, 3);
    assert_int_equal(fixture_ld(f, PENDING, 4), 0);
}

static void order_of_claims(void **state)
{
    Rig r = start(state, 1);
    Fixture *f = r.f;
    const unsigned sources[] = {7, 40, 96, 12};
    const unsigned priorities[] = {1, 5, 5, 3}, order[] = {40, 96, 12, 7}; // ties: the lowest
    for (unsigned w = 0; w < 4; w++)
        fixture_st(f, ENABLE(0) + 4 * w, 4, 0xffffffff);
    for (unsigned i = 0; i < 4; i++) {
        fixture_st(f, PRIORITY(sources[i]), 4, priorities[i]);
        line(r, sources[i], true);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_true(raised(r, 0, IRQ_M_EXT));
        assert_int_equal(fixture_ld(f, CLAIM(0), 4), order[i]);
    }
    assert_false(raised(r, 0, IRQ_M_EXT));
    assert_int_equal(fixture_ld(f, CLAIM(0), 4), 0);
}

static void level_gateway(void **state)
{
    Rig r = start_source(state, 9);
    Fixture *f = r.f;
    line(r, 9, true);
    line(r, 9, false); // too late: the request was forwarded
    assert_int_equal(fixture_ld(f, CLAIM(0), 4), 9);
    line(r, 9, true);
    line(r, 9, false);
    line(r, 9, true); // nothing is forwarded before the completion
    assert_false(raised(r, 0, IRQ_M_EXT));
    fixture_st(f, CLAIM(0), 4, 10); // somebody else's
    fixture_st(f, CLAIM(0), 4, 1000);
    assert_false(raised(r, 0, IRQ_M_EXT));
    fixture_st(f, ENABLE(0), 4, 0);
    fixture_st(f, CLAIM(0), 4, 9); // not enabled here: ignored
    fixture_st(f, ENABLE(0), 4, 1 << 9);
    assert_false(raised(r, 0, IRQ_M_EXT));
    fixture_st(f, CLAIM(0), 4, 9);
    assert_true(raised(r, 0, IRQ_M_EXT)); // it is up again, or still
    assert_int_equal(fixture_ld(f, CLAIM(0), 4), 9);
    line(r, 9, false);
    fixture_st(f, CLAIM(0), 4, 9);
    assert_false(raised(r, 0, IRQ_M_EXT));
}

static void edge_gateway(void **state)
{
    Rig r = start_source(state, 5);
    Fixture *f = r.f;
    line(r, 5, true);
    assert_int_equal(fixture_ld(f, CLAIM(0), 4), 5);
    fixture_st(f, CLAIM(0), 4, 5);
    assert_false(raised(r, 0, IRQ_M_EXT)); // that it is up means nothing
    line(r, 5, false);
    line(r, 5, true);
    assert_int_equal(fixture_ld(f, CLAIM(0), 4), 5);
    line(r, 5, false);
    line(r, 5, true); // while it is handled: remembered
    line(r, 5, false);
    assert_false(raised(r, 0, IRQ_M_EXT));
    fixture_st(f, CLAIM(0), 4, 5);
    assert_int_equal(fixture_ld(f, CLAIM(0), 4), 5);
    fixture_st(f, CLAIM(0), 4, 5);
    assert_false(raised(r, 0, IRQ_M_EXT));
}

static void reset(void **state)
{
    Rig r = start_source(state, 9);
    Fixture *f = r.f;
    line(r, 9, true);
    assert_int_equal(fixture_ld(f, CLAIM(0), 4), 9);
    memory_lock();
    r.plic->type->reset(r.plic);
    memory_unlock();
    assert_int_equal(fixture_ld(f, PRIORITY(9), 4), 0);
    assert_int_equal(fixture_ld(f, ENABLE(0), 4), 0);
    assert_int_equal(fixture_ld(f, PENDING, 4), 1 << 9); // its device still holds the line
    assert_false(raised(r, 0, IRQ_M_EXT));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(registers),     TEST(contexts_and_thresholds), TEST(order_of_claims),
        TEST(level_gateway), TEST(edge_gateway),            TEST(reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
