// SPDX-License-Identifier: GPL-3.0-or-later
// Nothing that a guest does to a device brings the host down: random accesses of all sizes to every device of every
// board, with timers, typed bytes and resets in between.
#include "machine/devices/devices.h"
#include "tests/machine/fixture.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ACCESSES 200000

static const gpa_t windows[] = {
    0x100000,   0x101000,   0x2000000,  0x2004000,  0x200bff0,  0x2010000,  0xc000000,  0xc001000,  0xc002000,
    0xc200000,  0x10000000, 0x10001000, 0x10008000, 0x10010000, 0x10100000, 0x10100010, 0x18000000, 0x180003f8,
    0x1f000000, 0x1f000500, 0x20000000, 0x22000000, 0x30000000, 0x40000000, 0xfea00000, 0xfea00080, 0x1000,
    0x80000000, 0x10006000, 0x10007000, 0x10008100,
};

// Values that mean something to some device come often.
static uint64_t random_value(GRand *r)
{
    static const uint64_t known[] = {
        0,    1,    3,    0x80,   0x90,   0x98,    0xff,       0x20,       0xd0,
        0xe8, 0x40, 0x42, 0x5555, 0x7777, 0x40000, 0x80000000, 0x80001000, 0xfea00080,
    };
    if (g_rand_boolean(r))
        return known[g_rand_int_range(r, 0, G_N_ELEMENTS(known))];
    return (uint64_t)g_rand_int(r) << 32 | g_rand_int(r);
}

static void one_access(Fixture *f, GRand *r)
{
    gpa_t addr = windows[g_rand_int_range(r, 0, G_N_ELEMENTS(windows))];
    unsigned size = 1u << g_rand_int_range(r, 0, 4);
    uint64_t data = random_value(r);
    addr += (gpa_t)g_rand_int_range(r, 0, g_rand_boolean(r) ? 0x40 : 0x1000);
    if (g_rand_boolean(r))
        addr &= ~(gpa_t)(size - 1);
    switch (g_rand_int_range(r, 0, 3)) {
    case 0: address_space_ld(board_memory(f->board), addr, size, NULL); break;
    case 1: address_space_st(board_memory(f->board), addr, size, data, NULL); break;
    case 2: address_space_rw(board_memory(f->board), addr, MEMTXATTRS_NONE, &data, size, g_rand_boolean(r)); break;
    }
}

static void between(Fixture *f, GRand *r)
{
    char output[4096];
    f->now_ns += (uint64_t)g_rand_int_range(r, 0, 20000000);
    if (board_next_deadline_ns(f->board, 0, board_harts(f->board)) <= f->now_ns)
        board_run_timers(f->board, 0, board_harts(f->board), f->now_ns);
    fixture_type(f, "input");
    while (read(f->output, output, sizeof output) > 0)
        ;
    if (g_rand_int_range(r, 0, 50) == 0)
        assert_true(board_reset(f->board, NULL));
}

static void check(Fixture *f, const char *board, guint32 seed, const GArray *virtio)
{
    static const DeviceRow rows[] = {
        {&device_edu, "edu-mmio", 0xfea00000, 0, 1, 0, "mask=0xffffffff"},
        {&device_hitb, "hitb-mmio", 0xfeb00000, 0, 1},
    };
    g_autoptr(GRand) r = g_rand_new_with_seed(seed);
    f->config.board = board;
    f->config.virtio = !strcmp(board, "virt") ? virtio : NULL; // without what is behind them
    fixture_boot(f);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++)
        fixture_add_device(f, &rows[i]);
    for (unsigned i = 0; i < ACCESSES; i++) {
        one_access(f, r);
        if (i % 50 == 0)
            between(f, r);
    }
    print_message("%s: %u exits, %u resets asked for\n", board, f->exits, f->resets);
    fixture_reset(f);
}

static void every_board(void **state)
{
    static const char *const boards[] = {"clabpu", "virt", "sifive_u", "malta-fpga"};
    const VirtioItem items[] = {
        {.driver = "virtio-serial-device", .bus = 7},
        {.driver = "virtio-net-device", .bus = 6},
        {.driver = "virtio-rng-device", .bus = 5},
    };
    g_autoptr(GArray) virtio = g_array_new(FALSE, FALSE, sizeof *items);
    g_array_append_vals(virtio, items, G_N_ELEMENTS(items));
    Fixture *f = *state;
    f->config.harts = 2;
    fcntl(f->input, F_SETFL, O_NONBLOCK);
    console_attach(f->config.console, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(boards); i++)
        check(f, boards[i], i + 1, virtio);
    assert_true(f->resets > 0); // of virt's finisher or malta-fpga: the accesses do arrive
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(every_board, fixture_setup, fixture_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
