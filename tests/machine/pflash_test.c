// SPDX-License-Identifier: GPL-3.0-or-later
// virt's flash: romd mode (R1.7, T070), identity and query tables, programming and erasing. The commands are those of
// Linux' and EDK2's drivers: to both chips at once.
#include "tests/machine/fixture.h"

#define FLASH 0x20000000u
#define BOTH(cmd) ((cmd) * 0x10001u)
#define BLOCK 0x40000u

static void start(Fixture *f)
{
    f->config.board = "virt";
    fixture_boot(f);
}

static void cmd(Fixture *f, uint32_t addr, unsigned value)
{
    fixture_st(f, FLASH + addr, 4, BOTH(value));
}

static unsigned rd(Fixture *f, uint32_t addr)
{
    return (unsigned)fixture_ld(f, FLASH + addr, 4);
}

static bool direct(Fixture *f)
{
    return address_space_lookup(board_memory(f->board), FLASH).host;
}

static bool listed(const char *line)
{
    return fixture_listed(line, memory_print_tree) && fixture_listed(line, memory_print_flat);
}

// The mode shows in both listings (R1.7).
static void t070_romd_toggles(void **state)
{
    static const char romd[] = "0000000020000000-0000000021ffffff (prio 0, romd): virt.flash0\n";
    static const char mmio[] = "0000000020000000-0000000021ffffff (prio 0, i/o): virt.flash0\n";
    Fixture *f = *state;
    start(f);
    assert_true(direct(f) && listed(romd));
    assert_int_equal(rd(f, 0), 0);
    cmd(f, 0, 0x90);
    assert_false(direct(f));
    assert_true(listed(mmio));
    assert_int_equal(rd(f, 0), 0x00890089);
    assert_int_equal(rd(f, 4), 0x00180018);
    assert_int_equal(rd(f, 8), 0);
    assert_int_equal(fixture_ld(f, FLASH, 1), 0x89);
    assert_int_equal(fixture_ld(f, FLASH + 1, 1), 0);
    assert_int_equal(fixture_ld(f, FLASH + 2, 2), 0x89);
    cmd(f, 0, 0xff);
    assert_true(direct(f) && listed(romd));
    fixture_st(f, FLASH, 1, 0x90); // one byte is enough
    assert_int_equal(rd(f, 0), 0x00890089);
    assert_true(address_space_lookup(board_memory(f->board), 0x22000000).host); // the other flash is another device
}

// What Linux' CFI probe reads.
static void query_table(void **state)
{
    Fixture *f = *state;
    start(f);
    cmd(f, 0x55 * 4, 0x98);
    assert_int_equal(rd(f, 0x10 * 4), BOTH('Q'));
    assert_int_equal(rd(f, 0x11 * 4), BOTH('R'));
    assert_int_equal(rd(f, 0x12 * 4), BOTH('Y'));
    assert_int_equal(rd(f, 0x13 * 4), BOTH(1));
    assert_int_equal(rd(f, 0x15 * 4), BOTH(0x31));
    assert_int_equal(rd(f, 0x27 * 4), BOTH(24)); // two chips of 16 MiB
    assert_int_equal(rd(f, 0x2a * 4), BOTH(11));
    assert_int_equal(rd(f, 0x2c * 4), BOTH(1));
    assert_int_equal(rd(f, 0x2d * 4), BOTH(127)); // blocks - 1
    assert_int_equal(rd(f, 0x2e * 4), 0);
    assert_int_equal(rd(f, 0x2f * 4), 0); // 512 times 256 bytes
    assert_int_equal(rd(f, 0x30 * 4), BOTH(2));
    assert_int_equal(rd(f, 0x31 * 4), BOTH('P'));
    assert_int_equal(rd(f, 0x0f * 4), 0);
    assert_int_equal(rd(f, 0xff * 4), 0);
}

static void erase(Fixture *f, uint32_t addr)
{
    cmd(f, addr, 0x20);
    cmd(f, addr, 0xd0);
    assert_int_equal(rd(f, addr), BOTH(0x80));
}

static void erase_and_program(void **state)
{
    Fixture *f = *state;
    start(f);
    erase(f, BLOCK + 4 * 77);
    cmd(f, 0, 0xff);
    assert_int_equal(rd(f, BLOCK - 4), 0);
    assert_int_equal(rd(f, BLOCK), 0xffffffff);
    assert_int_equal(rd(f, 2 * BLOCK - 4), 0xffffffff);
    assert_int_equal(rd(f, 2 * BLOCK), 0);
    cmd(f, BLOCK, 0x40);
    fixture_st(f, FLASH + BLOCK + 8, 4, 0x12345678);
    assert_int_equal(rd(f, 0), BOTH(0x80));
    assert_int_equal(rd(f, 0), BOTH(0x80)); // until told otherwise
    cmd(f, BLOCK, 0x10);
    fixture_st(f, FLASH + BLOCK + 8, 2, 0x00ff); // only clears bits
    cmd(f, 0, 0xff);
    assert_int_equal(rd(f, BLOCK + 8), 0x12340078);
    assert_int_equal(rd(f, BLOCK + 12), 0xffffffff);
    cmd(f, BLOCK, 0x20);
    cmd(f, BLOCK, 0x70); // no confirmation
    assert_int_equal(rd(f, 0), BOTH(0xb0));
    cmd(f, 0, 0x50);
    assert_true(direct(f));
    assert_int_equal(rd(f, BLOCK + 8), 0x12340078);
    cmd(f, 0, 0x70);
    assert_int_equal(rd(f, 0), BOTH(0x80));
}

static void buffered_write(void **state)
{
    Fixture *f = *state;
    start(f);
    erase(f, 0);
    cmd(f, 0, 0xe8);
    assert_int_equal(rd(f, 0), BOTH(0x80));
    cmd(f, 0, 3); // four words
    for (unsigned i = 0; i < 4; i++)
        fixture_st(f, FLASH + 0x100 + 4 * i, 4, 0x11111111 * (i + 1));
    cmd(f, 0, 0xd0);
    assert_int_equal(rd(f, 0), BOTH(0x80));
    cmd(f, 0, 0xff);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(rd(f, 0x100 + 4 * i), 0x11111111 * (i + 1));
    assert_int_equal(rd(f, 0x110), 0xffffffff);
    cmd(f, 0, 0xe8); // not confirmed: nothing is written
    cmd(f, 0, 0);
    fixture_st(f, FLASH + 0x200, 4, 0);
    cmd(f, 0, 0xff);
    assert_int_equal(rd(f, 0), BOTH(0xb0));
    cmd(f, 0, 0x50);
    assert_int_equal(rd(f, 0x200), 0xffffffff);
    cmd(f, 0, 0xe8); // more than the buffer holds
    fixture_st(f, FLASH, 4, 0xffff);
    assert_int_equal(rd(f, 0), BOTH(0x90));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(t070_romd_toggles), TEST(query_table), TEST(erase_and_program), TEST(buffered_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
