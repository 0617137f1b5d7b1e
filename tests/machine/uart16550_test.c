// SPDX-License-Identifier: GPL-3.0-or-later
// The 16550A on virt: registers, FIFO, interrupts and their order, character timeout, loopback. And the way of its line
// through the PLIC to a hart.
#include "frontend/hart.h"
#include "tests/machine/fixture.h"

#define UART 0x10000000u
#define PLIC 0xc000000u
#define IRQ  10

enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR };

static void start(Fixture *f)
{
    f->config.board = "virt";
    fixture_boot(f);
    fixture_st(f, PLIC + 4 * IRQ, 4, 1);
    fixture_st(f, PLIC + 0x2000, 4, 1u << IRQ); // hart 0 in M mode
}

static unsigned rd(Fixture *f, unsigned reg)
{
    return (unsigned)fixture_ld(f, UART + reg, 1);
}

static void wr(Fixture *f, unsigned reg, unsigned value)
{
    fixture_st(f, UART + reg, 1, value);
}

static bool raised(const Fixture *f)
{
    return f->irqs[0] >> IRQ_M_EXT & 1;
}

// What the handler does around its work.
static void take(Fixture *f)
{
    assert_true(raised(f));
    assert_int_equal(fixture_ld(f, PLIC + 0x200004, 4), IRQ);
    assert_false(raised(f));
}

static void done(Fixture *f)
{
    fixture_st(f, PLIC + 0x200004, 4, IRQ);
}

static void more(Fixture *f, const char *text)
{
    fixture_type(f, text);
    board_run_timers(f->board, 0, 1, f->now_ns);
}

static void type(Fixture *f, const char *text)
{
    console_attach(f->config.console, NULL);
    more(f, text);
}

static void reset_state(void **state)
{
    Fixture *f = *state;
    start(f);
    assert_int_equal(rd(f, IER), 0);
    assert_int_equal(rd(f, IIR), 0x01);
    assert_int_equal(rd(f, LCR), 0);
    assert_int_equal(rd(f, LSR), 0x60);
    assert_int_equal(rd(f, MSR), 0xb0);
    assert_int_equal(rd(f, RBR), 0);
    wr(f, SCR, 0xa5);
    assert_int_equal(rd(f, SCR), 0xa5);
    wr(f, IER, 0xff);
    assert_int_equal(rd(f, IER), 0x0f);
    wr(f, LCR, 0x83); // the divisor lies under the first two registers
    wr(f, RBR, 0x34);
    wr(f, IER, 0x12);
    assert_int_equal(rd(f, RBR), 0x34);
    assert_int_equal(rd(f, IER), 0x12);
    wr(f, LCR, 0x03);
    assert_int_equal(rd(f, IER), 0x0f);
    assert_string_equal(fixture_output(f), "");
    assert_int_equal(fixture_ld(f, UART + MCR, 4), 8); // a wide access reaches one register
}

static void transmit(void **state)
{
    Fixture *f = *state;
    start(f);
    for (const char *p = "hello"; *p; p++)
        wr(f, RBR, (unsigned char)*p);
    fixture_st(f, UART, 4, '!');
    assert_string_equal(fixture_output(f), "hello!");
    wr(f, IER, 2); // the holding register is empty
    take(f);
    assert_int_equal(rd(f, IIR), 0x02);
    assert_int_equal(rd(f, IIR), 0x01); // reading that took it back
    done(f);
    assert_false(raised(f));
    wr(f, RBR, 'x');
    take(f);
    done(f);
    assert_true(raised(f)); // still up: level-triggered
    wr(f, IER, 0);
    take(f); // what was forwarded stays
    done(f);
    assert_false(raised(f));
}

static void receive_without_fifo(void **state)
{
    Fixture *f = *state;
    start(f);
    wr(f, IER, 1);
    type(f, "ab");
    take(f);
    assert_int_equal(rd(f, IIR), 0x04);
    assert_int_equal(rd(f, LSR), 0x61);
    assert_int_equal(rd(f, RBR), 'a');
    assert_int_equal(rd(f, LSR), 0x61); // the console has more
    assert_int_equal(rd(f, RBR), 'b');
    assert_int_equal(rd(f, LSR), 0x60);
    assert_int_equal(rd(f, IIR), 0x01);
    done(f);
    assert_false(raised(f));
}

static void receive_with_fifo(void **state)
{
    Fixture *f = *state;
    start(f);
    wr(f, LCR, 0x83);
    wr(f, RBR, 2); // 115200 baud
    wr(f, IER, 0);
    wr(f, LCR, 0x03);
    wr(f, IIR, 0x81); // FIFO on, trigger level 8
    wr(f, IER, 1);
    assert_int_equal(rd(f, IIR), 0xc1);
    type(f, "1234567");
    assert_false(raised(f));
    uint64_t due = board_next_deadline_ns(f->board, 0, 1);
    assert_in_range(due, 340000, 350000); // four characters of ten bits
    f->now_ns = due;
    board_run_timers(f->board, 0, 1, f->now_ns);
    take(f);
    assert_int_equal(rd(f, IIR), 0xcc);
    assert_int_equal(rd(f, RBR), '1');
    assert_int_equal(rd(f, IIR), 0xc1); // the time begins anew
    done(f);
    more(f, "89");
    take(f);
    assert_int_equal(rd(f, IIR), 0xc4);
    for (const char *p = "23456789"; *p; p++)
        assert_int_equal(rd(f, RBR), *p);
    assert_int_equal(rd(f, LSR), 0x60);
    done(f);
    assert_false(raised(f));
    more(f, "more than sixteen bytes are waiting");
    assert_true(raised(f));
    wr(f, IIR, 0x83); // clears the 16 bytes that the FIFO holds
    for (const char *p = "n bytes are waiting"; *p; p++)
        assert_int_equal(rd(f, RBR), *p);
}

static void loopback(void **state)
{
    Fixture *f = *state;
    start(f);
    wr(f, MCR, 0x1a); // loop, OUT2, RTS: as Linux' probe has it
    assert_int_equal(rd(f, MSR) & 0xf0, 0x90);
    assert_int_equal(rd(f, MSR) & 0x0f, 0); // reading took the deltas back
    wr(f, RBR, 'x');
    assert_string_equal(fixture_output(f), "");
    assert_int_equal(rd(f, LSR), 0x61);
    wr(f, RBR, 'y'); // no FIFO: too much
    wr(f, IER, 5);
    assert_int_equal(rd(f, IIR), 0x06);
    assert_int_equal(rd(f, LSR), 0x63);
    assert_int_equal(rd(f, LSR), 0x61);
    assert_int_equal(rd(f, IIR), 0x04);
    assert_int_equal(rd(f, RBR), 'x');
    wr(f, IER, 8);
    wr(f, MCR, 0x14); // OUT1 becomes RI
    assert_int_equal(rd(f, IIR), 0x00);
    assert_int_equal(rd(f, MSR), 0x49);
    wr(f, MCR, 0x10);
    assert_int_equal(rd(f, MSR), 0x04); // the end of a ring
    wr(f, MCR, 0);
    assert_int_equal(rd(f, MSR) & 0xf0, 0xb0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(reset_state), TEST(transmit), TEST(receive_without_fifo), TEST(receive_with_fifo), TEST(loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
