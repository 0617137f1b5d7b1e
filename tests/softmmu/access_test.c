// SPDX-License-Identifier: GPL-3.0-or-later
// Slow paths: pieces, page crossings, faults, ROM, atomics, fetch, granules, counters (spec 2.4, 2.8, 2.10).
#include "tests/softmmu/tlb_board.h"

#include "util/log.h"
#include <unistd.h>

#define RAM_END  (RAM_BASE + RAM_SIZE)
#define DEV_END  (DEV_BASE + DEV_SIZE)
#define DEV4_END (DEV4_BASE + DEV_SIZE)

static Board board;
static MemFault fault;
static uint64_t value;

static int setup(void **state)
{
    (void)state;
    board_init(&board, 8, NULL, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    board_deinit(&board);
    return 0;
}

static void expect_fault(bool ok, FaultKind kind, MemAccess access, gva_t addr)
{
    assert_false(ok);
    assert_int_equal(fault.kind, kind);
    assert_int_equal(fault.access, access);
    assert_int_equal(fault.addr, addr);
}

static void expect_call(const Recorder *r, unsigned i, bool write, uint64_t addr, unsigned size,
                        uint64_t data)
{
    assert_true(i < r->n_calls);
    assert_int_equal(r->calls[i].write, write);
    assert_int_equal(r->calls[i].addr, addr);
    assert_int_equal(r->calls[i].size, size);
    assert_int_equal(r->calls[i].data, data);
}

static uint64_t ram_at(unsigned offset, unsigned size)
{
    uint64_t v = 0;
    memcpy(&v, board.ram.ram->host + offset, size);
    return v;
}

// RAM: every size at every alignment, over page ends too.
static void test_ram_sizes(void **state)
{
    (void)state;
    for (unsigned size = 1; size <= 8; size *= 2) {
        for (unsigned off = 0xff0; off < 0x1010; off++) {
            uint64_t v = UINT64_C(0x1122334455667788) * (off | 1), mask = ~UINT64_C(0) >> (64 - 8 * size);
            uint8_t before = board.ram.ram->host[off - 1], after = board.ram.ram->host[off + size];
            assert_true(tlb_load(board.tlb, RAM_BASE + off, size, &value, &fault));
            assert_int_equal(value, ram_at(off, size));
            assert_true(tlb_store(board.tlb, RAM_BASE + off, size, v, &fault));
            assert_int_equal(ram_at(off, size), v & mask);
            assert_int_equal(board.ram.ram->host[off - 1], before);
            assert_int_equal(board.ram.ram->host[off + size], after);
        }
    }
}

static void t080_unassigned(void **state) // T080
{
    (void)state;
    const uint8_t *host = (const uint8_t *)"";
    uint16_t parcel;
    void *p = &parcel;
    ram_t ram;
    expect_fault(tlb_load(board.tlb, HOLE_BASE + 12, 4, &value, &fault), FAULT_ACCESS, ACCESS_READ,
                 HOLE_BASE + 12);
    expect_fault(tlb_store(board.tlb, HOLE_BASE, 8, 0, &fault), FAULT_ACCESS, ACCESS_WRITE, HOLE_BASE);
    assert_true(tlb_fetch(board.tlb, HOLE_BASE + 2, &host, &ram, &fault));
    assert_null(host);
    expect_fault(tlb_fetch_mmio(board.tlb, HOLE_BASE + 2, &parcel, &fault), FAULT_ACCESS, ACCESS_FETCH,
                 HOLE_BASE + 2);
    assert_true(tlb_atomic(board.tlb, HOLE_BASE, 8, ACCESS_WRITE, &p, &fault)); // SC: no bus access, no fault
    assert_null(p);
    // Misaligned: the piece that fails is named, not the access.
    expect_fault(tlb_load(board.tlb, HOLE_BASE + 1, 8, &value, &fault), FAULT_ACCESS, ACCESS_READ,
                 HOLE_BASE + 1);
}

static void t081_ram_end(void **state) // T081
{
    (void)state;
    expect_fault(tlb_store(board.tlb, RAM_END - 4, 8, 0x1122334455667788, &fault), FAULT_ACCESS, ACCESS_WRITE,
                 RAM_END);
    assert_int_equal(ram_at(RAM_SIZE - 4, 4), 0x55667788);
    expect_fault(tlb_load(board.tlb, RAM_END - 4, 8, &value, &fault), FAULT_ACCESS, ACCESS_READ, RAM_END);
    expect_fault(tlb_load(board.tlb, RAM_BASE - 1, 2, &value, &fault), FAULT_ACCESS, ACCESS_READ,
                 RAM_BASE - 1);
}

static void t082_unmapped_second_page(void **state) // T082
{
    (void)state;
    gva_t va = MAP_BASE + PAGE_SIZE - 3;
    board_map(&board, 3, 0, RAM_BASE, "rw");
    uint64_t before = ram_at(PAGE_SIZE - 8, 8);
    expect_fault(tlb_store(board.tlb, va, 8, 0, &fault), FAULT_PAGE, ACCESS_WRITE, MAP_BASE + PAGE_SIZE);
    assert_int_equal(ram_at(PAGE_SIZE - 8, 8), before);
    expect_fault(tlb_load(board.tlb, va, 4, &value, &fault), FAULT_PAGE, ACCESS_READ, MAP_BASE + PAGE_SIZE);
    // The first page is refused first, at the access's own address.
    board_map(&board, 3, 1, DEV_BASE, "rw");
    board_map(&board, 3, 2, RAM_BASE, "w");
    expect_fault(tlb_load(board.tlb, MAP_BASE + 3 * PAGE_SIZE - 1, 2, &value, &fault), FAULT_PAGE,
                 ACCESS_READ, MAP_BASE + 3 * PAGE_SIZE - 1);
    // A device in the first page is not touched before the second page is translated.
    board.map[3][2].page = 0;
    expect_fault(tlb_store(board.tlb, MAP_BASE + 2 * PAGE_SIZE - 4, 8, 0, &fault), FAULT_PAGE, ACCESS_WRITE,
                 MAP_BASE + 2 * PAGE_SIZE);
    assert_int_equal(board.rec.n_calls, 0);
}

static void t083_device_pieces(void **state) // T083, R2.10, R2.11
{
    (void)state;
    expect_fault(tlb_load(board.tlb, DEV4_BASE + 1, 4, &value, &fault), FAULT_ACCESS, ACCESS_READ,
                 DEV4_BASE + 1);
    expect_fault(tlb_load(board.tlb, DEV4_BASE + 2, 4, &value, &fault), FAULT_ACCESS, ACCESS_READ,
                 DEV4_BASE + 2);
    expect_fault(tlb_load(board.tlb, DEV4_BASE, 1, &value, &fault), FAULT_ACCESS, ACCESS_READ, DEV4_BASE);
    expect_fault(tlb_load(board.tlb, DEV4_BASE + 8, 8, &value, &fault), FAULT_ACCESS, ACCESS_READ,
                 DEV4_BASE + 8);
    assert_int_equal(board.rec4.n_calls, 0);
    assert_true(tlb_load(board.tlb, DEV4_BASE + 12, 8, &value, &fault)); // misaligned: two words
    assert_int_equal(value, 0x131211100f0e0d0c);
    expect_call(&board.rec4, 0, false, 12, 4, 0x0f0e0d0c);
    expect_call(&board.rec4, 1, false, 16, 4, 0x13121110);
    assert_true(tlb_load(board.tlb, DEV_END - 4, 8, &value, &fault)); // two devices
    assert_int_equal(value, 0x03020100fffefdfc);
    expect_fault(tlb_load(board.tlb, DEV4_END - 4, 8, &value, &fault), FAULT_ACCESS, ACCESS_READ, DEV4_END);
    // What was done before the failing piece stays done: 1, 2 bytes there; of 5 here the first is refused.
    board.rec.n_calls = board.rec4.n_calls = 0;
    expect_fault(tlb_store(board.tlb, DEV_END - 3, 8, 0x8877665544332211, &fault), FAULT_ACCESS, ACCESS_WRITE,
                 DEV4_BASE);
    expect_call(&board.rec, 0, true, 0xffd, 1, 0x11);
    expect_call(&board.rec, 1, true, 0xffe, 2, 0x3322);
    assert_int_equal(board.rec.n_calls + board.rec4.n_calls, 2);
    // The remaining size counts too: 8 bytes at 5 are single bytes, 8 at 6 are four pairs.
    board.rec.n_calls = 0;
    assert_true(tlb_load(board.tlb, DEV_BASE + 5, 8, &value, &fault));
    assert_int_equal(value, 0x0c0b0a0908070605);
    for (unsigned i = 0; i < 8; i++)
        expect_call(&board.rec, i, false, 5 + i, 1, 5 + i);
    assert_true(tlb_load(board.tlb, DEV_BASE + 6, 8, &value, &fault));
    for (unsigned i = 0; i < 4; i++)
        expect_call(&board.rec, 8 + i, false, 6 + 2 * i, 2, 0x0706 + 0x0202 * i);
    assert_int_equal(board.rec.n_calls, 12);
}

static void t084_rom(void **state) // T084
{
    (void)state;
    TlbStats s;
    void *p = &s;
    uint64_t before;
    assert_true(tlb_load(board.tlb, ROM_BASE + 0xffc, 8, &before, &fault));
    assert_true(tlb_store(board.tlb, ROM_BASE + 0xffc, 8, ~before, &fault));
    assert_true(tlb_load(board.tlb, ROM_BASE + 0xffc, 8, &value, &fault));
    assert_int_equal(value, before);
    assert_true(tlb_atomic(board.tlb, ROM_BASE, 4, ACCESS_WRITE, &p, &fault));
    assert_null(p);
    assert_null(tlb_ram(board.tlb, ROM_BASE, 4, ACCESS_WRITE));
    assert_ptr_equal(tlb_ram(board.tlb, ROM_BASE, 4, ACCESS_READ), board.rom.ram->host);
    assert_true(tlb_atomic(board.tlb, ROM_BASE, 4, ACCESS_READ, &p, &fault)); // LR
    assert_ptr_equal(p, board.rom.ram->host);
    tlb_stats(board.tlb, &s);
    assert_int_equal(s.kind[3][ACCESS_WRITE].slow_discard, 2);
    // A read-only window of RAM drops stores, also where it is not a whole page; the RAM itself takes them.
    board_alias(&board, HOLE_BASE, 0, PAGE_SIZE, true);
    board_alias(&board, HOLE_BASE + PAGE_SIZE, PAGE_SIZE, 0x800, true);
    tlb_flush(board.tlb);
    before = ram_at(0, 8);
    assert_true(tlb_store(board.tlb, HOLE_BASE, 8, ~before, &fault));
    assert_true(tlb_store(board.tlb, HOLE_BASE + PAGE_SIZE, 8, ~before, &fault));
    assert_int_equal(ram_at(0, 8), before);
    assert_int_not_equal(ram_at(PAGE_SIZE, 8), ~before);
    assert_true(tlb_store(board.tlb, RAM_BASE, 8, ~before, &fault));
    assert_int_equal(ram_at(0, 8), ~before);
}

static void t085_atomics(void **state) // T085, R2.49
{
    (void)state;
    void *p = NULL;
    static const gva_t at[] = {RAM_BASE + 2, HOLE_BASE + 2, MAP_BASE + 2, RAM_BASE + PAGE_SIZE - 2};
    for (unsigned i = 0; i < G_N_ELEMENTS(at); i++) {
        for (unsigned size = 4; size <= 8; size += 4) {
            expect_fault(tlb_atomic(board.tlb, at[i], size, ACCESS_WRITE, &p, &fault), FAULT_ALIGN,
                         ACCESS_WRITE, at[i]);
            expect_fault(tlb_atomic(board.tlb, at[i], size, ACCESS_READ, &p, &fault), FAULT_ALIGN,
                         ACCESS_READ, at[i]);
        }
    }
    expect_fault(tlb_atomic(board.tlb, MAP_BASE, 8, ACCESS_WRITE, &p, &fault), FAULT_PAGE, ACCESS_WRITE,
                 MAP_BASE);
    board_map(&board, 3, 0, RAM_BASE, "r");
    expect_fault(tlb_atomic(board.tlb, MAP_BASE, 8, ACCESS_WRITE, &p, &fault), FAULT_PAGE, ACCESS_WRITE,
                 MAP_BASE);
    assert_true(tlb_atomic(board.tlb, MAP_BASE + 8, 8, ACCESS_READ, &p, &fault));
    assert_ptr_equal(p, board.ram.ram->host + 8);
    assert_true(tlb_atomic(board.tlb, DEV4_BASE, 4, ACCESS_WRITE, &p, &fault));
    assert_null(p);
    assert_int_equal(board.rec4.n_calls, 0);
}

static void t089_fetch(void **state) // T089
{
    (void)state;
    const uint8_t *host;
    ram_t ram;
    uint16_t parcel;
    expect_fault(tlb_fetch_mmio(board.tlb, DEV4_BASE + 4, &parcel, &fault), FAULT_ACCESS, ACCESS_FETCH,
                 DEV4_BASE + 4);
    assert_true(tlb_fetch(board.tlb, DEV_BASE + 6, &host, &ram, &fault));
    assert_null(host);
    assert_int_equal(board.rec.n_calls, 0);
    assert_true(tlb_fetch_mmio(board.tlb, DEV_BASE + 6, &parcel, &fault));
    assert_int_equal(parcel, 0x0706);
    assert_true(tlb_fetch(board.tlb, ROM_BASE + 0xffe, &host, &ram, &fault));
    assert_ptr_equal(host, board.rom.ram->host + 0xffe);
    assert_int_equal(ram, board.rom.ram->offset + 0xffe);
    expect_fault(tlb_fetch(board.tlb, MAP_BASE + 10, &host, &ram, &fault), FAULT_PAGE, ACCESS_FETCH,
                 MAP_BASE + 10);
}

static MemoryRegion htif, odd;

// T090, T068: a page of RAM with 16 bytes of device at 0x100 and 6 at 0x20b.
static void t090_overlay(void **state)
{
    (void)state;
    const uint8_t *host;
    ram_t ram;
    uint16_t parcel;
    TlbStats s;
    memory_region_init_io(&htif, &recorder_any_ops, &board.rec, "htif", 16);
    memory_region_init_io(&odd, &recorder_any_ops, &board.rec, "odd", 6);
    memory_region_add_subregion_overlap(&board.root, RAM_BASE + 0x1100, &htif, 1);
    memory_region_add_subregion_overlap(&board.root, RAM_BASE + 0x120b, &odd, 1);
    gva_t page = RAM_BASE + 0x1000;
    assert_true(tlb_store(board.tlb, page + 0xf8, 8, 0x1122334455667788, &fault));
    assert_int_equal(ram_at(0x10f8, 8), 0x1122334455667788);
    assert_true(tlb_load(board.tlb, page + 0xf9, 4, &value, &fault));
    assert_int_equal(value, 0x44556677);
    assert_int_equal(board.rec.n_calls, 0);
    assert_true(tlb_store(board.tlb, page + 0x108, 8, 0xaabb, &fault));
    expect_call(&board.rec, 0, true, 8, 8, 0xaabb);
    // An aligned piece over RAM and device is halved: 0x208..0x20f = 2 bytes RAM, 1 RAM, 1 device, 4 device.
    board.rec.n_calls = 0;
    assert_true(tlb_store(board.tlb, page + 0x208, 8, 0x8877665544332211, &fault));
    assert_int_equal(ram_at(0x1208, 3), 0x332211);
    expect_call(&board.rec, 0, true, 0, 1, 0x44);
    expect_call(&board.rec, 1, true, 1, 4, 0x88776655);
    assert_int_equal(board.rec.n_calls, 2);
    assert_true(tlb_load(board.tlb, page + 0x208, 8, &value, &fault));
    assert_int_equal(value, 0x8877665544332211);
    assert_true(tlb_fetch(board.tlb, page + 0x10, &host, &ram, &fault));
    assert_null(host);
    assert_true(tlb_fetch_mmio(board.tlb, page + 0xfa, &parcel, &fault));
    assert_int_equal(parcel, 0x5566);
    assert_null(tlb_ram(board.tlb, page + 0x400, 8, ACCESS_READ));
    assert_true(tlb_load(board.tlb, page + 0xffc, 8, &value, &fault)); // on into an ordinary page
    assert_int_equal(value, ram_at(0x1ffc, 8));
    tlb_stats(board.tlb, &s);
    assert_int_equal(s.used[3], 2);
    memory_region_del_subregion(&board.root, &htif);
    memory_region_del_subregion(&board.root, &odd);
    tlb_flush(board.tlb);
    assert_ptr_equal(tlb_ram(board.tlb, page + 0x100, 8, ACCESS_WRITE), board.ram.ram->host + 0x1100);
    memory_region_deinit(&htif);
    memory_region_deinit(&odd);
}

// A page that is RAM in part: a piece that reaches into the unassigned rest is refused as a whole (R2.12).
// RAM that is mapped off its own page boundaries works, piece by piece.
static void test_part_pages(void **state)
{
    (void)state;
    board_alias(&board, HOLE_BASE, 0x2000, 0x7fc, false);
    board_alias(&board, HOLE_BASE + PAGE_SIZE, 0x3123, PAGE_SIZE, false);
    assert_true(tlb_load(board.tlb, HOLE_BASE + 0x7f0, 8, &value, &fault));
    uint64_t before = ram_at(0x27f8, 8);
    expect_fault(tlb_store(board.tlb, HOLE_BASE + 0x7f8, 8, ~before, &fault), FAULT_ACCESS, ACCESS_WRITE,
                 HOLE_BASE + 0x7f8);
    assert_int_equal(ram_at(0x27f8, 8), before);
    expect_fault(tlb_store(board.tlb, HOLE_BASE + 0x7f9, 8, ~before, &fault), FAULT_ACCESS, ACCESS_WRITE,
                 HOLE_BASE + 0x7fc);
    assert_int_equal(ram_at(0x27f9, 3), ~before & 0xffffff);
    assert_true(tlb_store(board.tlb, HOLE_BASE + PAGE_SIZE + 8, 8, 0x1234567890, &fault));
    assert_int_equal(ram_at(0x312b, 8), 0x1234567890);
    assert_null(tlb_ram(board.tlb, HOLE_BASE + PAGE_SIZE, 1, ACCESS_READ));
}

// T069, and devices that want more than the guest gives.
static void t069_small_devices(void **state)
{
    (void)state;
    static const MemoryRegionOps wide_ops = {
        .read = recorder_read,
        .write = recorder_write,
        .endianness = DEVICE_LITTLE_ENDIAN,
        .valid = {.min_access_size = 1, .max_access_size = 8},
        .impl = {.min_access_size = 4, .max_access_size = 4},
    };
    MemoryRegion half, wide;
    memory_region_init_io(&half, &recorder_any_ops, &board.rec, "half", 4);
    memory_region_init_io(&wide, &wide_ops, &board.rec4, "wide", 16);
    memory_region_add_subregion(&board.root, HOLE_BASE, &half);
    memory_region_add_subregion(&board.root, HOLE_BASE + 0x10, &wide);
    // The device must not see half of an access that is refused (R2.12).
    expect_fault(tlb_load(board.tlb, HOLE_BASE, 8, &value, &fault), FAULT_ACCESS, ACCESS_READ, HOLE_BASE);
    expect_fault(tlb_store(board.tlb, HOLE_BASE, 8, 1, &fault), FAULT_ACCESS, ACCESS_WRITE, HOLE_BASE);
    assert_int_equal(board.rec.n_calls, 0);
    // R2.5: a narrow write reaches the wide device zero-extended.
    assert_true(tlb_store(board.tlb, HOLE_BASE + 0x18, 1, 0xaabbccdd11, &fault));
    expect_call(&board.rec4, 0, true, 8, 4, 0x11);
    memory_region_del_subregion(&board.root, &half);
    memory_region_del_subregion(&board.root, &wide);
    memory_region_deinit(&half);
    memory_region_deinit(&wide);
}

static void t108_granules(void **state) // T108
{
    (void)state;
    TlbStats s;
    const uint8_t *host;
    ram_t ram;
    uint16_t parcel;
    board_map(&board, 3, 4, RAM_BASE, "rwxp");
    gva_t va = MAP_BASE + 4 * PAGE_SIZE;
    for (unsigned i = 0; i < 8; i++) {
        assert_true(tlb_load(board.tlb, va + 16 * i, 8, &value, &fault));
        assert_int_equal(value, ram_at(16 * i, 8));
        expect_fault(tlb_load(board.tlb, va + 16 * i + 8, 4, &value, &fault), FAULT_ACCESS, ACCESS_READ,
                     va + 16 * i + 8);
        expect_fault(tlb_store(board.tlb, va + 16 * i + 6, 4, 0, &fault), FAULT_ACCESS, ACCESS_WRITE,
                     va + 16 * i + 6);
        assert_true(tlb_store(board.tlb, va + 16 * i, 8, i, &fault));
        assert_false(board_hits(&board, va + 16 * i, 8, ACCESS_READ));
    }
    assert_int_equal(ram_at(0x70, 8), 7);
    tlb_stats(board.tlb, &s);
    assert_int_equal(s.kind[3][ACCESS_READ].fill_ok, 1);
    assert_int_equal(s.kind[3][ACCESS_READ].slow_recheck, 15);
    assert_int_equal(s.kind[3][ACCESS_WRITE].slow_recheck, 16); // the entry was there from the load
    assert_int_equal(s.evict[3], 0);
    assert_int_equal(s.used[3], 1);
    assert_int_equal(board.n_translations, 32);
    assert_true(tlb_fetch(board.tlb, va, &host, &ram, &fault)); // no pointer to more than was allowed
    assert_null(host);
    assert_true(tlb_fetch_mmio(board.tlb, va + 0x76, &parcel, &fault));
    assert_int_equal(parcel, ram_at(0x76, 2));
    expect_fault(tlb_fetch_mmio(board.tlb, va + 8, &parcel, &fault), FAULT_ACCESS, ACCESS_FETCH, va + 8);
    assert_ptr_equal(tlb_ram(board.tlb, va + 16, 8, ACCESS_WRITE), board.ram.ram->host + 16);
    assert_null(tlb_ram(board.tlb, va + 24, 8, ACCESS_WRITE));
}

// tlb_ram over two pages: only where both are RAM and neighbours in host memory.
static void test_ram_pointer(void **state)
{
    (void)state;
    uint8_t *host = board.ram.ram->host;
    board_map(&board, 3, 0, RAM_BASE + 0x5000, "rw");
    board_map(&board, 3, 1, RAM_BASE + 0x6000, "r");
    board_map(&board, 3, 2, RAM_BASE + 0x9000, "rw");
    board_map(&board, 3, 3, DEV_BASE, "rw");
    assert_ptr_equal(tlb_ram(board.tlb, MAP_BASE + 0xfff, 2, ACCESS_READ), host + 0x5fff);
    assert_null(tlb_ram(board.tlb, MAP_BASE + 0xfff, 2, ACCESS_WRITE));
    assert_null(tlb_ram(board.tlb, MAP_BASE + 0x1ffc, 8, ACCESS_READ));
    assert_null(tlb_ram(board.tlb, MAP_BASE + 0x2ffc, 8, ACCESS_WRITE));
    assert_null(tlb_ram(board.tlb, MAP_BASE + 0x4000, 1, ACCESS_READ));
    assert_ptr_equal(tlb_ram(board.tlb, MAP_BASE + 0x2ff8, 8, ACCESS_WRITE), host + 0x9ff8);
}

// T111: what tlb_ram, tlb_atomic and tlb_fetch leave to another function is counted once, as what it was.
static void t111_counters(void **state)
{
    (void)state;
    TlbStats s;
    void *p;
    uint16_t parcel;
    const uint8_t *host;
    ram_t ram;
    assert_null(tlb_ram(board.tlb, DEV_BASE, 8, ACCESS_READ));
    assert_int_equal(board_lookups(&board), 0);
    assert_true(tlb_load(board.tlb, DEV_BASE, 8, &value, &fault));
    assert_true(tlb_load(board.tlb, DEV_BASE, 8, &value, &fault));
    assert_null(tlb_ram(board.tlb, DEV_BASE, 8, ACCESS_READ));
    assert_true(tlb_load(board.tlb, DEV_BASE, 8, &value, &fault));
    tlb_stats(board.tlb, &s);
    assert_int_equal(s.kind[3][ACCESS_READ].fill_ok, 1);
    assert_int_equal(s.kind[3][ACCESS_READ].slow_mmio, 2);
    assert_int_equal(board_lookups(&board), 3);
    assert_null(tlb_ram(board.tlb, RAM_END - 4, 8, ACCESS_WRITE)); // two lookups, both of them fills
    assert_false(tlb_store(board.tlb, RAM_END - 4, 8, 0, &fault));
    assert_null(tlb_ram(board.tlb, MAP_BASE, 8, ACCESS_READ));
    assert_false(tlb_load(board.tlb, MAP_BASE, 8, &value, &fault));
    assert_true(tlb_atomic(board.tlb, DEV_BASE, 4, ACCESS_WRITE, &p, &fault)); // an AMO: a load and a store
    assert_true(tlb_load(board.tlb, DEV_BASE, 4, &value, &fault));
    assert_true(tlb_store(board.tlb, DEV_BASE, 4, value, &fault));
    assert_true(tlb_fetch(board.tlb, DEV_BASE, &host, &ram, &fault));
    assert_true(tlb_fetch_mmio(board.tlb, DEV_BASE, &parcel, &fault));
    tlb_stats(board.tlb, &s);
    assert_int_equal(s.kind[3][ACCESS_WRITE].fill_ok, 2);
    assert_int_equal(s.kind[3][ACCESS_WRITE].slow_mmio, 1);
    assert_int_equal(s.kind[3][ACCESS_READ].fill_fault, 1);
    assert_int_equal(s.kind[3][ACCESS_FETCH].slow_mmio, 1);
    assert_int_equal(board_lookups(&board), 3 + 2 + 1 + 2 + 1);
    assert_true(tlb_load(board.tlb, RAM_BASE + 1, 8, &value, &fault));
    assert_true(tlb_load(board.tlb, RAM_BASE + 1, 8, &value, &fault)); // misaligned: hit on the slow path
    tlb_stats(board.tlb, &s);
    assert_int_equal(s.kind[3][ACCESS_READ].hit, 1);
}

static uint64_t flushing_read(void *opaque, uint64_t addr, unsigned size)
{
    (void)addr;
    (void)size;
    tlb_flush(((Board *)opaque)->tlb);
    return 0x42;
}

// A device that changes the map flushes the TLB in the middle of the access that reached it.
static void test_flush_in_callback(void **state)
{
    (void)state;
    static const MemoryRegionOps ops = {.read = flushing_read, .endianness = DEVICE_LITTLE_ENDIAN};
    MemoryRegion mr;
    memory_region_init_io(&mr, &ops, &board, "flusher", PAGE_SIZE);
    memory_region_add_subregion(&board.root, RAM_BASE - PAGE_SIZE, &mr);
    assert_true(tlb_load(board.tlb, RAM_BASE - 4, 8, &value, &fault));
    assert_int_equal(value, 0x42 | ram_at(0, 4) << 32);
    memory_region_del_subregion(&board.root, &mr);
    memory_region_deinit(&mr);
}

static void test_log(void **state)
{
    (void)state;
    g_autofree char *path = g_strdup_printf("%s/addend-access-test-%d.log", g_get_tmp_dir(), (int)getpid());
    g_autofree char *text = NULL;
    assert_true(log_open(path, NULL));
    log_mask = LOG_MMU;
    assert_true(tlb_load(board.tlb, RAM_BASE + 4, 4, &value, &fault));
    assert_true(tlb_load(board.tlb, RAM_BASE + 8, 4, &value, &fault));
    assert_false(tlb_store(board.tlb, MAP_BASE, 4, 0, &fault));
    log_mask = 0;
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    unlink(path);
    assert_string_equal(text, "mmu: fill read mmu 3 va 0x80000004 pa 0x80000004 rwx\n"
                              "mmu: fault write mmu 3 va 0xfffffffffff80000 page\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ram_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(t080_unassigned, setup, teardown),
        cmocka_unit_test_setup_teardown(t081_ram_end, setup, teardown),
        cmocka_unit_test_setup_teardown(t082_unmapped_second_page, setup, teardown),
        cmocka_unit_test_setup_teardown(t083_device_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(t084_rom, setup, teardown),
        cmocka_unit_test_setup_teardown(t085_atomics, setup, teardown),
        cmocka_unit_test_setup_teardown(t089_fetch, setup, teardown),
        cmocka_unit_test_setup_teardown(t090_overlay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_part_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(t069_small_devices, setup, teardown),
        cmocka_unit_test_setup_teardown(t108_granules, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ram_pointer, setup, teardown),
        cmocka_unit_test_setup_teardown(t111_counters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flush_in_callback, setup, teardown),
        cmocka_unit_test_setup_teardown(test_log, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
