// SPDX-License-Identifier: GPL-3.0-or-later
// The virtio-mmio transport and its queues: registers, features, interrupts, event indices, indirect tables; chains and
// rings that no honest driver makes; the entropy device.
#include "tests/machine/virtio_rig.h"
#include <string.h>

#define PLIC 0xc000000u
#define SECTORS 8

static VirtioRig boot_disk(void **state)
{
    Fixture *f = *state;
    return rig_boot(f, fixture_blank(f, "disk", SECTORS * 512));
}

static void identity(void **state)
{
    VirtioRig r = boot_disk(state);
    Fixture *f = r.f;
    assert_int_equal(rig_read(&r, 0), 0x74726976);
    assert_int_equal(rig_read(&r, 4), 2);
    assert_int_equal(rig_read(&r, R_DEVICE_ID), 2);
    assert_int_equal(rig_read(&r, 0x0c), 0x554d4551);
    assert_int_equal(rig_read(&r, 0xb0), 0xffffffff); // no shared memory
    rig_write(&r, R_FEATURES_SEL, 1);
    assert_int_equal(rig_read(&r, R_FEATURES), 1);
    rig_write(&r, R_FEATURES_SEL, 2);
    assert_int_equal(rig_read(&r, R_FEATURES), 0);
    rig_write(&r, R_FEATURES_SEL, 0);
    assert_int_equal(rig_read(&r, R_FEATURES) >> 28, 3);
    assert_int_equal(fixture_ld(f, r.base, 1), 0); // registers take accesses of 32 bits only
    assert_int_equal(fixture_ld(f, r.base + 2, 2), 0);
    fixture_st(f, r.base + R_STATUS, 1, 1);
    assert_int_equal(rig_read(&r, R_STATUS), 0);
    for (unsigned size = 1; size <= 8; size *= 2)
        assert_int_equal(fixture_ld(f, r.base + R_CONFIG, size), SECTORS); // the capacity
    assert_int_equal(fixture_ld(f, r.base + R_CONFIG + 20, 4), 512);
    assert_int_equal(fixture_ld(f, r.base + 0x1f8, 4), 0xffffffff); // behind the configuration
}

static void negotiation(void **state)
{
    VirtioRig r = boot_disk(state);
    assert_false(rig_negotiate(&r, VERSION_1 | UINT64_C(1) << 34)); // packed rings
    assert_false(rig_negotiate(&r, VERSION_1 | UINT64_C(1) << 63));
    assert_true(rig_negotiate(&r, 0)); // xv6 never looks at the high half
    assert_true(rig_negotiate(&r, VERSION_1));
    rig_write(&r, R_DRIVER_SEL, 0);
    rig_write(&r, R_DRIVER_FEATURES, 0xffffffff); // too late: ignored
    rig_write(&r, R_STATUS, S_LIVE);
    assert_int_equal(rig_read(&r, R_STATUS), S_LIVE);
    rig_write(&r, R_STATUS, 0x80 | S_LIVE | S_NEEDS_RESET); // FAILED; the device's own bit is not the driver's
    assert_int_equal(rig_read(&r, R_STATUS), 0x80 | S_LIVE);
    rig_write(&r, R_STATUS, 0);
    assert_int_equal(rig_read(&r, R_STATUS), 0);
}

static void queue_registers(void **state)
{
    VirtioRig r = boot_disk(state);
    rig_write(&r, R_QUEUE_SEL, 1);
    assert_int_equal(rig_read(&r, R_NUM_MAX), 0);
    rig_write(&r, R_READY, 1);
    assert_int_equal(rig_read(&r, R_READY), 0);
    rig_write(&r, R_QUEUE_SEL, 0xffffffff);
    assert_int_equal(rig_read(&r, R_NUM_MAX), 0);
    rig_write(&r, R_QUEUE_SEL, 0);
    unsigned max = rig_read(&r, R_NUM_MAX);
    assert_int_equal(max, 256);
    const unsigned wrong[] = {0, 3, 2 * max, 0x80000000, 0xffffffff};
    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
        rig_write(&r, R_NUM, wrong[i]);
        rig_write(&r, R_READY, 1);
        assert_int_equal(rig_read(&r, R_READY), 0);
    }
    rig_start(&r, 0);
    rig_write(&r, R_NUM, 16); // in use: ignored
    rig_write(&r, R_DESC, 0);
    assert_int_equal(rig_request(&r, BLK_IN, 0, 512), BLK_OK);
    rig_write(&r, R_READY, 0);
    assert_int_equal(rig_read(&r, R_READY), 0);
    rig_request(&r, BLK_IN, 0, 512);
    assert_int_equal(rig_used(&r), 1);
    rig_write(&r, R_NOTIFY, 7);
    rig_write(&r, R_NOTIFY, 0xffffffff);
}

// Nothing is taken before DRIVER_OK; what lies there then is.
static void driver_ok(void **state)
{
    VirtioRig r = boot_disk(state);
    assert_true(rig_negotiate(&r, VERSION_1));
    rig_queue(&r);
    rig_request(&r, BLK_IN, 0, 512);
    assert_int_equal(rig_used(&r), 0);
    rig_write(&r, R_STATUS, S_LIVE);
    assert_int_equal(rig_used(&r), 1);
    assert_int_equal(fixture_ld(r.f, DATA, 1), 0x5a);
}

static bool pending(const VirtioRig *r)
{
    return fixture_ld(r->f, PLIC + 0x1000, 4) >> 8 & 1;
}

static void interrupts(void **state)
{
    VirtioRig r = boot_disk(state);
    Fixture *f = r.f;
    fixture_st(f, PLIC + 4 * 8, 4, 1);
    fixture_st(f, PLIC + 0x2000, 4, 1 << 8);
    rig_start(&r, 0);
    fixture_st(f, AVAIL, 2, 1); // not now
    rig_request(&r, BLK_IN, 0, 512);
    assert_int_equal(rig_used(&r), 1);
    assert_int_equal(rig_read(&r, R_INTERRUPTS), 0);
    fixture_st(f, AVAIL, 2, 0);
    rig_kick(&r); // nothing new
    assert_int_equal(rig_read(&r, R_INTERRUPTS), 0);
    rig_request(&r, BLK_IN, 0, 512);
    assert_int_equal(rig_read(&r, R_INTERRUPTS), 1);
    assert_true(pending(&r));
    assert_int_equal(fixture_ld(f, PLIC + 0x200004, 4), 8);
    rig_write(&r, R_ACK, 2);
    assert_int_equal(rig_read(&r, R_INTERRUPTS), 1);
    rig_write(&r, R_ACK, 1);
    assert_int_equal(rig_read(&r, R_INTERRUPTS), 0);
    fixture_st(f, PLIC + 0x200004, 4, 8);
    assert_false(pending(&r));
}

static void event_indices(void **state)
{
    VirtioRig r = boot_disk(state);
    Fixture *f = r.f;
    rig_start(&r, EVENT_IDX);
    fixture_st(f, AVAIL, 2, 1);                           // means nothing now
    fixture_st(f, AVAIL + 4 + 2 * QUEUE_SIZE, 2, 2);      // used_event: when the third is there
    for (unsigned i = 1; i <= 5; i++) {
        assert_int_equal(rig_request(&r, BLK_IN, 0, 512), BLK_OK);
        assert_int_equal(rig_read(&r, R_INTERRUPTS), i >= 3);
        assert_int_equal(fixture_ld(f, USED + 4 + 8 * QUEUE_SIZE, 2), i); // avail_event
        if (i == 3) {
            rig_write(&r, R_ACK, 1);
            fixture_st(f, AVAIL + 4 + 2 * QUEUE_SIZE, 2, 3);
        }
    }
}

static void rings_wrap(void **state)
{
    VirtioRig r = boot_disk(state);
    rig_start(&r, EVENT_IDX);
    for (unsigned i = 1; i <= 70000; i++) {
        assert_int_equal(rig_request(&r, BLK_FLUSH + 100, 0, 0), BLK_UNSUPP);
        assert_int_equal(rig_used(&r), i & 0xffff);
    }
}

static void put_table(VirtioRig *r, unsigned n, uint64_t addr, uint32_t size, unsigned flags, unsigned next)
{
    rig_desc(r, n + (TABLE - DESC) / 16, addr, size, flags, next);
}

static void indirect(void **state)
{
    VirtioRig r = boot_disk(state);
    Fixture *f = r.f;
    rig_start(&r, INDIRECT_DESC);
    fixture_st(f, DATA, 8, BLK_IN);
    fixture_st(f, DATA + 8, 8, 1);
    rig_desc(&r, 0, DATA, 4, NEXT, 1); // one direct buffer, then the table
    rig_desc(&r, 1, TABLE, 5 * 16, INDIRECT | WRITE, 0);
    put_table(&r, 0, DATA + 4, 12, NEXT, 4);
    put_table(&r, 4, DATA + 0x100, 500, NEXT | WRITE, 2);
    put_table(&r, 2, DATA + 0x400, 0, NEXT | WRITE, 3);
    put_table(&r, 3, DATA + 0x800, 13, WRITE, 0);
    rig_offer(&r, 0);
    rig_kick(&r);
    assert_int_equal(rig_used(&r), 1);
    assert_int_equal(rig_written(&r), 513);
    assert_int_equal(fixture_ld(f, DATA + 0x100 + 499, 1), 0x5a);
    assert_int_equal(fixture_ld(f, DATA + 0x800 + 11, 1), 0x5a);
    assert_int_equal(fixture_ld(f, DATA + 0x800 + 12, 1), BLK_OK);
}

// --- hostile drivers -----------------------------------------------------------------------------------------------

typedef struct {
    const char *name;
    struct {
        uint64_t addr;
        uint32_t size;
        unsigned flags, next;
    } desc[3], table[3];
    unsigned head, ahead; // ahead: chains that are said to be there besides
    uint64_t features;
} Hostile;

#define HEAD {DATA, 16, NEXT, 1}
#define GOOD HEAD, {DATA + 0x1000, 513, WRITE, 0}

static const Hostile hostile[] = {
    {"loop", {{DATA, 16, NEXT, 0}}},
    {"longer loop", {HEAD, {DATA, 16, NEXT, 2}, {DATA, 16, NEXT, 1}}},
    {"next too large", {{DATA, 16, NEXT, QUEUE_SIZE}}},
    {"next much too large", {{DATA, 16, NEXT, 0xffff}}},
    {"head too large", {GOOD}, .head = QUEUE_SIZE},
    {"head much too large", {GOOD}, .head = 0xffff},
    {"more than all available", {GOOD}, .ahead = QUEUE_SIZE},
    {"index went back", {GOOD}, .ahead = 0xfff0},
    {"read behind write", {{DATA, 513, WRITE | NEXT, 1}, {DATA, 16, 0, 0}}},
    {"header in nowhere", {{UINT64_C(0x400000000000), 16, NEXT, 1}, {DATA, 513, WRITE, 0}}},
    {"header in own registers", {{LAST_SLOT, 16, NEXT, 1}, {DATA, 513, WRITE, 0}}},
    {"header in PLIC", {{PLIC, 16, NEXT, 1}, {DATA, 513, WRITE, 0}}},
    {"header at the end of addresses", {{UINT64_MAX - 7, 16, NEXT, 1}, {DATA, 513, WRITE, 0}}},
    {"data in own registers", {HEAD, {LAST_SLOT, 513, WRITE, 0}}},
    {"data behind RAM", {HEAD, {0x88000000 - 512, 513, WRITE, 0}}},
    {"data at the end of addresses", {HEAD, {UINT64_MAX - 511, 513, WRITE, 0}}},
    {"4 GiB", {{DATA, 16, NEXT, 1}, {DATA, UINT32_MAX, WRITE, 0}}},
    {"no header", {{DATA, 15, NEXT, 1}, {DATA, 513, WRITE, 0}}},
    {"no status", {{DATA, 16, 0, 0}}},
    {"empty status", {HEAD, {DATA, 0, WRITE, 0}}},
    {"nothing", {{DATA, 0, 0, 0}}},
    {"indirect, not agreed on", {{TABLE, 32, INDIRECT, 0}}, {GOOD}},
    {"indirect and next", {{TABLE, 32, INDIRECT | NEXT, 1}, GOOD}, {GOOD}, .features = INDIRECT_DESC},
    {"indirect in indirect", {{TABLE, 32, INDIRECT, 0}}, {HEAD, {TABLE, 32, INDIRECT, 0}}, .features = INDIRECT_DESC},
    {"indirect of no size", {{TABLE, 0, INDIRECT, 0}}, {GOOD}, .features = INDIRECT_DESC},
    {"indirect of half a size", {{TABLE, 24, INDIRECT, 0}}, {GOOD}, .features = INDIRECT_DESC},
    {"indirect of a huge size", {{TABLE, 0xfffffff0, INDIRECT, 0}}, {GOOD}, .features = INDIRECT_DESC},
    {"indirect loop", {{TABLE, 32, INDIRECT, 0}}, {HEAD, {DATA, 16, NEXT, 0}}, .features = INDIRECT_DESC},
    {"indirect next", {{TABLE, 32, INDIRECT, 0}}, {HEAD, {DATA, 16, NEXT, 2}}, .features = INDIRECT_DESC},
    {"indirect in nowhere", {{UINT64_C(0x400000000000), 32, INDIRECT, 0}}, .features = INDIRECT_DESC},
    {"indirect in own registers", {{LAST_SLOT, 32, INDIRECT, 0}}, .features = INDIRECT_DESC},
};

// The device stops and says so; after a reset it is as good as new.
static void assert_broken(VirtioRig *r)
{
    assert_int_equal(rig_read(r, R_STATUS), S_LIVE | S_NEEDS_RESET);
    assert_true(rig_read(r, R_INTERRUPTS) & 2);
    unsigned used = rig_used(r);
    rig_request(r, BLK_IN, 0, 512);
    assert_int_equal(rig_used(r), used);
    rig_write(r, R_STATUS, S_LIVE);
    assert_int_equal(rig_read(r, R_STATUS), S_LIVE | S_NEEDS_RESET);
    rig_start(r, 0);
    assert_int_equal(rig_read(r, R_INTERRUPTS), 0);
    assert_int_equal(rig_request(r, BLK_IN, 0, 512), BLK_OK);
}

static void hostile_chains(void **state)
{
    VirtioRig r = boot_disk(state);
    for (unsigned i = 0; i < G_N_ELEMENTS(hostile); i++) {
        const Hostile *h = &hostile[i];
        print_message("%s\n", h->name);
        rig_start(&r, h->features);
        fixture_st(r.f, DATA, 8, BLK_IN);
        fixture_st(r.f, DATA + 8, 8, 0);
        for (unsigned n = 0; n < 3; n++) {
            rig_desc(&r, n, h->desc[n].addr, h->desc[n].size, h->desc[n].flags, h->desc[n].next);
            put_table(&r, n, h->table[n].addr, h->table[n].size, h->table[n].flags, h->table[n].next);
        }
        rig_offer(&r, h->head);
        fixture_st(r.f, AVAIL + 2, 2, (1 + h->ahead) & 0xffff);
        rig_kick(&r);
        assert_broken(&r);
    }
}

static void hostile_rings(void **state)
{
    static const uint64_t places[] = {0, LAST_SLOT, PLIC, 0x88000000 - 2, UINT64_C(0x400000000000), UINT64_MAX - 3};
    static const unsigned regs[] = {R_DESC, R_DRIVER, R_DEVICE};
    VirtioRig r = boot_disk(state);
    for (unsigned i = 0; i < G_N_ELEMENTS(places) * G_N_ELEMENTS(regs); i++) {
        unsigned reg = regs[i % G_N_ELEMENTS(regs)];
        rig_start(&r, i & 1 ? EVENT_IDX : 0);
        rig_write(&r, R_READY, 0);
        rig_write(&r, reg, (uint32_t)places[i / G_N_ELEMENTS(regs)]);
        rig_write(&r, reg + 4, (uint32_t)(places[i / G_N_ELEMENTS(regs)] >> 32));
        rig_write(&r, R_READY, 1);
        rig_request(&r, BLK_IN, 0, 512);
        assert_broken(&r);
    }
}

// A queue full at once is served; the others have their turn before what came meanwhile.
static void takes_turns(void **state)
{
    VirtioRig r = boot_disk(state);
    Fixture *f = r.f;
    rig_start(&r, 0);
    fixture_st(f, DATA, 8, 99);
    rig_desc(&r, 0, DATA, 16, NEXT, 1);
    rig_desc(&r, 1, DATA + 16, 1, WRITE, 0);
    for (unsigned i = 0; i < QUEUE_SIZE; i++)
        rig_offer(&r, 0);
    assert_int_equal(board_next_deadline_ns(f->board, 0, 1), UINT64_MAX);
    rig_kick(&r);
    assert_int_equal(rig_used(&r), QUEUE_SIZE);
    assert_int_equal(board_next_deadline_ns(f->board, 0, 1), f->now_ns + 1);
    for (unsigned i = 0; i < QUEUE_SIZE; i++) // without a word
        rig_offer(&r, 0);
    f->now_ns++;
    board_run_timers(f->board, 0, 1, f->now_ns);
    assert_int_equal(rig_used(&r), 2 * QUEUE_SIZE);
    assert_int_equal(board_next_deadline_ns(f->board, 0, 1), f->now_ns + 1); // others' turn, even among timers
    rig_offer(&r, 0);
    f->now_ns++;
    board_run_timers(f->board, 0, 1, f->now_ns);
    assert_int_equal(rig_used(&r), 2 * QUEUE_SIZE + 1);
    assert_int_equal(board_next_deadline_ns(f->board, 0, 1), UINT64_MAX);
    for (unsigned i = 0; i < QUEUE_SIZE; i++)
        rig_offer(&r, 0);
    rig_kick(&r);
    rig_write(&r, R_STATUS, 0);
    assert_int_equal(board_next_deadline_ns(f->board, 0, 1), UINT64_MAX);
}

static uint64_t random_address(GRand *rand)
{
    static const uint64_t known[] = {DESC, AVAIL, USED, TABLE, DATA, LAST_SLOT, 0x87fffff0, 0, UINT64_MAX};
    return known[g_rand_int_range(rand, 0, G_N_ELEMENTS(known))] + (uint64_t)g_rand_int_range(rand, 0, 64);
}

static void random_desc(const VirtioRig *r, GRand *rand, gpa_t at)
{
    static const uint32_t sizes[] = {0, 1, 16, 32, 512, 513, 4096, 0x10000, 0xffffffff};
    bool wild = g_rand_int_range(rand, 0, 8) == 0;
    uint64_t addr = wild ? random_address(rand) : g_rand_boolean(rand) ? DATA : TABLE;
    uint64_t rest = sizes[g_rand_int_range(rand, 0, G_N_ELEMENTS(sizes))];
    rest |= (uint64_t)g_rand_int_range(rand, 0, g_rand_boolean(rand) ? 4 : 8) << 32;
    rest |= (uint64_t)g_rand_int_range(rand, 0, QUEUE_SIZE + 1) << 48;
    fixture_st(r->f, at, 8, addr);
    fixture_st(r->f, at + 8, 8, rest);
}

// A good chain at 0, one through the table at 1, random descriptors behind; some of the first ones are spoilt.
static void random_chains(const VirtioRig *r, GRand *rand)
{
    const gpa_t tables[] = {DESC, TABLE};
    for (unsigned t = 0; t < 2; t++) {
        unsigned first = t ? 0 : 2; // of the rest of the chain
        for (unsigned n = 0; n < QUEUE_SIZE; n++)
            random_desc(r, rand, tables[t] + 16 * n);
        rig_desc(r, t ? (TABLE - DESC) / 16 : 0, DATA, 16, NEXT, first + 1);
        rig_desc(r, (unsigned)(tables[t] - DESC) / 16 + first + 1, DATA + 0x1000, 513, WRITE, 0);
    }
    rig_desc(r, 1, TABLE, 32, INDIRECT, 0);
    if (g_rand_int_range(rand, 0, 3) == 0)
        random_desc(r, rand, tables[g_rand_int_range(rand, 0, 2)] + 16 * (gpa_t)g_rand_int_range(rand, 0, 4));
}

// Descriptors, rings and registers at random. It ends, nothing outside of RAM is touched, and a reset always helps.
static void random_driver(void **state)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);
    VirtioRig r = boot_disk(state);
    unsigned broken = 0, served = 0;
    for (unsigned i = 0; i < 3000; i++) {
        rig_start(&r, g_rand_boolean(rand) ? INDIRECT_DESC | EVENT_IDX : 0);
        for (unsigned round = 0; round < 4; round++) {
            fixture_st(r.f, DATA, 8, (uint64_t)g_rand_int_range(rand, 0, 5));
            fixture_st(r.f, DATA + 8, 8, (uint64_t)g_rand_int_range(rand, 0, SECTORS + 1));
            random_chains(&r, rand);
            for (unsigned n = (unsigned)g_rand_int_range(rand, 1, QUEUE_SIZE); n; n--)
                rig_offer(&r, (unsigned)g_rand_int_range(rand, 0, g_rand_boolean(rand) ? 2 : QUEUE_SIZE));
            rig_kick(&r);
            if (g_rand_int_range(rand, 0, 8) == 0)
                rig_write(&r, (unsigned)g_rand_int_range(rand, 0, 0x80) * 4, g_rand_int(rand));
        }
        served += rig_used(&r);
        broken += rig_read(&r, R_STATUS) >> 6 & 1;
    }
    print_message("%u broken, %u chains served\n", broken, served);
    assert_true(broken > 1000 && broken < 3000 && served > 1000);
    rig_start(&r, 0);
    assert_int_equal(rig_request(&r, BLK_IN, 0, 512), BLK_OK);
}

// --- life ----------------------------------------------------------------------------------------------------------

static void machine_reset(void **state)
{
    VirtioRig r = boot_disk(state);
    rig_start(&r, 0);
    rig_request(&r, BLK_IN, 0, 512);
    assert_int_equal(rig_read(&r, R_INTERRUPTS), 1);
    assert_true(board_reset(r.f->board, NULL));
    assert_int_equal(rig_read(&r, R_STATUS), 0);
    assert_int_equal(rig_read(&r, R_INTERRUPTS), 0);
    assert_int_equal(rig_read(&r, R_READY), 0);
}

static uint64_t random_word(VirtioRig *r)
{
    rig_start(r, 0);
    fixture_st(r->f, DATA, 8, 0);
    rig_send(r, 0, DATA, 8, WRITE);
    assert_int_equal(rig_used(r), 1);
    assert_int_equal(rig_written(r), 8);
    return fixture_ld(r->f, DATA, 8);
}

static void entropy(void **state)
{
    VirtioRig r = rig_boot(*state, NULL);
    assert_int_equal(rig_read(&r, R_DEVICE_ID), 4);
    uint64_t first = random_word(&r), second = random_word(&r);
    assert_true(first && second && first != second);
    rig_start(&r, 0); // a large buffer gets some
    rig_send(&r, 0, DATA, 1 << 20, WRITE);
    assert_in_range(rig_written(&r), 1, 1 << 20);
    rig_start(&r, 0);
    rig_send(&r, 0, DATA, 8, 0); // to be read
    assert_int_equal(rig_read(&r, R_STATUS), S_LIVE | S_NEEDS_RESET);
    // In runs that repeat.
    r.f->config.repeats = true;
    fixture_boot(r.f);
    first = random_word(&r);
    second = random_word(&r);
    assert_true(first != second);
    fixture_boot(r.f);
    assert_true(random_word(&r) == first && random_word(&r) == second);
}

int main(int argc, char **argv)
{
    test_data = argc > 1 ? argv[1] : ".";
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(identity),       TEST(negotiation),   TEST(queue_registers), TEST(driver_ok),
        TEST(interrupts),     TEST(event_indices), TEST(rings_wrap),      TEST(indirect),
        TEST(hostile_chains), TEST(hostile_rings), TEST(takes_turns),     TEST(random_driver),
        TEST(machine_reset),  TEST(entropy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
