// SPDX-License-Identifier: GPL-3.0-or-later
// SiFive's UART on the sifive_u map, and who gets the console on boards with several devices that could.
#include "machine/devices/devices.h"
#include "tests/machine/fixture.h"

#define UART0 0x10010000u
#define UART1 0x10011000u

enum { TXDATA = 0x00, RXDATA = 0x04, TXCTRL = 0x08, RXCTRL = 0x0c, IE = 0x10, IP = 0x14, DIV = 0x18 };

static void start(Fixture *f, const char *board)
{
    f->config.board = board;
    fixture_boot(f);
}

static void type(Fixture *f, const char *text)
{
    console_attach(f->config.console, NULL);
    fixture_type(f, text);
}

static void registers(void **state)
{
    Fixture *f = *state;
    start(f, "sifive_u");
    assert_int_equal(fixture_ld(f, UART0 + RXDATA, 4), 0x80000000);
    assert_int_equal(fixture_ld(f, UART0 + TXDATA, 4), 0); // not full
    for (unsigned reg = TXCTRL; reg <= DIV; reg += 4)
        fixture_st(f, UART0 + reg, 4, 0xffffffff);
    assert_int_equal(fixture_ld(f, UART0 + TXCTRL, 4), 0x70003);
    assert_int_equal(fixture_ld(f, UART0 + RXCTRL, 4), 0x70001);
    assert_int_equal(fixture_ld(f, UART0 + IE, 4), 3);
    assert_int_equal(fixture_ld(f, UART0 + DIV, 4), 0xffff);
    assert_int_equal(fixture_ld(f, UART0 + IP, 4), 1); // the transmitter is below its watermark
    fixture_st(f, UART0 + TXCTRL, 4, 1);
    assert_int_equal(fixture_ld(f, UART0 + IP, 4), 0);
    assert_true(board_reset(f->board, NULL));
    assert_int_equal(fixture_ld(f, UART0 + TXCTRL, 4), 0);
}

static void both_directions(void **state)
{
    Fixture *f = *state;
    start(f, "sifive_u");
    fixture_st(f, UART0 + TXDATA, 4, 'a');
    fixture_st(f, UART1 + TXDATA, 4, 'b'); // nobody is at the other end of the second line
    fixture_st(f, UART0 + TXDATA, 4, 'c');
    assert_string_equal(fixture_output(f), "ac");
    type(f, "0123456789");
    assert_int_equal(fixture_ld(f, UART0 + RXDATA, 4), 0x80000000); // the receiver is off
    fixture_st(f, UART0 + RXCTRL, 4, 1);
    fixture_st(f, UART1 + RXCTRL, 4, 1);
    assert_int_equal(fixture_ld(f, UART0 + IP, 4), 2);
    assert_int_equal(fixture_ld(f, UART1 + RXDATA, 4), 0x80000000);
    for (const char *p = "0123456789"; *p; p++)
        assert_int_equal(fixture_ld(f, UART0 + RXDATA, 4), *p);
    assert_int_equal(fixture_ld(f, UART0 + RXDATA, 4), 0x80000000);
    assert_int_equal(fixture_ld(f, UART0 + IP, 4), 0);
}

// On malta-fpga HTIF and the serial line both write; what is typed goes to HTIF.
static void shared_console(void **state)
{
    Fixture *f = *state;
    start(f, "malta-fpga");
    fixture_st(f, 0x180003f8, 1, 's');
    fixture_st(f, 0x1000008, 8, UINT64_C(0x0101) << 48 | 'h');
    assert_string_equal(fixture_output(f), "sh");
    type(f, "x");
    assert_int_equal(fixture_ld(f, 0x180003fd, 1), 0x60); // no data
    fixture_st(f, 0x1000000, 8, 0);
    fixture_st(f, 0x1000008, 8, UINT64_C(0x0100) << 48);
    assert_int_equal(fixture_ld(f, 0x1000000, 8) & 0x1ff, 0x100 | 'x');
}

// pcmap has HTIF only for a program that says where; without that the serial line is the console.
static void serial_console(void **state)
{
    Fixture *f = *state;
    char byte;
    start(f, "pcmap");
    assert_false(board_can_exit(f->board));
    type(f, "y");
    board_run_timers(f->board, 0, 1, 0);
    address_space_read(board_io(f->board), 0x3f8, MEMTXATTRS_NONE, &byte, 1);
    assert_int_equal(byte, 'y');
    const TestSymbol htif[] = {{"tohost", 0x800, 8}, {"fromhost", 0x840, 8}, {0}};
    f->config.kernel = fixture_elf_file(f, "k.elf", 0x1000, 0x1008, htif);
    f->config.start_at_entry = true;
    start(f, "pcmap");
    assert_true(board_can_exit(f->board));
    assert_int_equal(board_reset_pc(f->board, 0), 0x1008); // there is no MROM
    fixture_st(f, 0x800, 8, UINT64_C(0x0101) << 48 | 'h');
    assert_string_equal(fixture_output(f), "h");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(registers), TEST(both_directions), TEST(shared_console), TEST(serial_console),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
