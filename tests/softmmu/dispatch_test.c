// SPDX-License-Identifier: GPL-3.0-or-later
// Accesses through an address space: validation, splitting, errors, guards (T051 to T068).
#include "tests/softmmu/fixture.h"
// then
#include "util/log.h"
#include <string.h>
#include <unistd.h>

#define NONE MEMTXATTRS_NONE

static Recorder rec;

static int setup_recorder(void **state)
{
    setup(state);
    recorder_init(&rec);
    return 0;
}

static int teardown_recorder(void **state)
{
    recorder_deinit(&rec);
    return teardown(state);
}

static const MemoryRegionOps plain_ops = {
    .read_with_attrs = recorder_read, .write_with_attrs = recorder_write, .endianness = DEVICE_LITTLE_ENDIAN};

static MemTxResult write_le(gpa_t addr, uint64_t value, unsigned size)
{
    uint64_t le = GUINT64_TO_LE(value);
    return address_space_write(&as, addr, NONE, &le, size);
}

static void t051_hitb_write(void **state) // T051
{
    (void)state;
    add(sys, 0xfea00000, device(&plain_ops, &rec, "hitb-mmio", 0x100000));
    assert_int_equal(write_le(0xfea00080, 0x41000, 8), MEMTX_OK);
    assert_calls(&rec, "W(0x80,4,0x41000) W(0x84,4,0x0)");
}

static unsigned resets;

static void fpga_write(void *opaque, uint64_t addr, uint64_t data, unsigned size)
{
    recorder_write(opaque, addr, data, size, NONE);
    resets += addr == 0x500 && data == 0x42;
}

static void t052_malta_reset(void **state) // T052
{
    (void)state;
    static const MemoryRegionOps ops = {.read_with_attrs = recorder_read, .write = fpga_write};
    add(sys, 0x1f000000, device(&ops, &rec, "fpga", 0x100000));
    resets = 0;
    assert_int_equal(write_le(0x1f000500, 0x42, 8), MEMTX_OK);
    assert_calls(&rec, "W(0x500,4,0x42) W(0x504,4,0x0)");
    assert_int_equal(resets, 1);
    // What a big-endian guest's store puts on the bus: the halves swap, nothing is reset.
    assert_int_equal(write_le(0x1f000500, __builtin_bswap64(0x42), 8), MEMTX_OK);
    assert_calls(&rec, "W(0x500,4,0x0) W(0x504,4,0x42000000)");
    assert_int_equal(resets, 1);
}

// --- validation, and the line it logs --------------------------------------------------------------------
static char *log_path;

static int setup_log(void **state)
{
    setup_recorder(state);
    int fd = g_file_open_tmp("dispatch_test_XXXXXX", &log_path, NULL);
    assert_true(fd >= 0);
    close(fd);
    assert_true(log_open(log_path, NULL));
    log_mask = LOG_GUEST_ERROR;
    return 0;
}

static int teardown_log(void **state)
{
    log_mask = 0;
    unlink(log_path);
    g_free(log_path);
    return teardown_recorder(state);
}

// The last access was rejected for this reason; the device was not called.
static void check_rejected(MemTxResult result, const uint64_t *value, const char *line)
{
    g_autofree char *text = NULL;
    fflush(log_lock());
    log_unlock();
    assert_int_equal(result, MEMTX_DECODE_ERROR);
    assert_true(!value || *value == 0);
    assert_calls(&rec, "");
    assert_true(g_file_get_contents(log_path, &text, NULL, NULL));
    g_autofree char *suffix = g_strdup_printf("%s\n", line);
    assert_true(g_str_has_suffix(text, suffix));
}

static bool accept_even_words(void *opaque, uint64_t addr, unsigned size, bool is_write, MemTxAttrs attrs)
{
    (void)opaque, (void)attrs;
    return addr % 8 == 0 && size == 4 && !is_write;
}

static void t053_accepts(void **state) // T053
{
    (void)state;
    MemoryRegionOps ops = plain_ops;
    ops.valid.accepts = accept_even_words;
    MemoryRegion *mr = device(&ops, &rec, "dev", 0x100);
    uint64_t value = 1;
    assert_int_equal(memory_region_dispatch_read(mr, 8, &value, 4, NONE), MEMTX_OK);
    assert_int_equal(value, 0x0b0a0908);
    assert_calls(&rec, "R(0x8,4)");
    check_rejected(memory_region_dispatch_read(mr, 4, &value, 4, NONE), &value,
                   "Invalid read at addr 0x4, size 4, region 'dev', reason: rejected");
    check_rejected(memory_region_dispatch_write(mr, 8, 1, 4, NONE), NULL,
                   "Invalid write at addr 0x8, size 4, region 'dev', reason: rejected");
}

static void t054_unaligned(void **state) // T054
{
    (void)state;
    MemoryRegion *mr = device(&plain_ops, &rec, "dev", 0x100);
    uint64_t value = 1;
    check_rejected(memory_region_dispatch_read(mr, 6, &value, 4, NONE), &value,
                   "Invalid read at addr 0x6, size 4, region 'dev', reason: unaligned");
    MemoryRegionOps ops = plain_ops;
    ops.valid.unaligned = true;
    mr = device(&ops, &rec, "dev2", 0x100);
    assert_int_equal(memory_region_dispatch_read(mr, 6, &value, 4, NONE), MEMTX_OK);
    assert_calls(&rec, "R(0x6,4)");
    assert_int_equal(value, 0x09080706);
}

static void t055_sizes(void **state) // T055
{
    (void)state;
    MemoryRegionOps ops = plain_ops;
    ops.valid.min_access_size = 2;
    ops.valid.max_access_size = 4;
    MemoryRegion *mr = device(&ops, &rec, "dev", 0x100);
    uint64_t value = 1;
    check_rejected(memory_region_dispatch_read(mr, 0, &value, 1, NONE), &value,
                   "Invalid read at addr 0x0, size 1, region 'dev', reason: invalid size (min:2 max:4)");
    check_rejected(memory_region_dispatch_write(mr, 8, 1, 8, NONE), NULL,
                   "Invalid write at addr 0x8, size 8, region 'dev', reason: invalid size (min:2 max:4)");
    assert_int_equal(memory_region_dispatch_write(mr, 2, 0x12345678, 2, NONE), MEMTX_OK);
    assert_calls(&rec, "W(0x2,2,0x5678)");
}

static void t056_no_max_no_min(void **state) // T056
{
    (void)state;
    MemoryRegionOps ops = plain_ops;
    ops.valid.min_access_size = 4;
    uint64_t value;
    MemoryRegion *mr = device(&ops, &rec, "dev", 0x100);
    assert_int_equal(memory_region_dispatch_read(mr, 3, &value, 1, NONE), MEMTX_OK);
    assert_int_equal(value, 3);
}

// What no device may be asked: nothing, a reservation, RAM, a missing callback, bytes past the end.
static void rejected_targets(void **state)
{
    (void)state;
    uint64_t value = 1;
    check_rejected(memory_region_dispatch_read(NULL, 0x10, &value, 4, NONE), &value,
                   "Invalid read at addr 0x10, size 4, region 'unassigned', reason: rejected");
    MemoryRegion *mr = io("gap", 0x100);
    check_rejected(memory_region_dispatch_write(mr, 0, 5, 1, NONE), NULL,
                   "Invalid write at addr 0x0, size 1, region 'gap', reason: rejected");
    mr = ram("ram", 0x1000);
    check_rejected(memory_region_dispatch_write(mr, 0, 5, 1, NONE), NULL,
                   "Invalid write at addr 0x0, size 1, region 'ram', reason: rejected");
    MemoryRegionOps ops = {.read_with_attrs = recorder_read};
    mr = device(&ops, &rec, "dev", 0x24);
    check_rejected(memory_region_dispatch_write(mr, 0, 5, 1, NONE), NULL,
                   "Invalid write at addr 0x0, size 1, region 'dev', reason: rejected");
    check_rejected(memory_region_dispatch_read(mr, 0x20, &value, 8, NONE), &value,
                   "Invalid read at addr 0x20, size 8, region 'dev', reason: rejected");
    check_rejected(memory_region_dispatch_read(mr, UINT64_MAX, &value, 1, NONE), &value,
                   "Invalid read at addr 0xffffffffffffffff, size 1, region 'dev', reason: rejected");
}

static void mmio_log(void **state)
{
    (void)state;
    add(sys, 0x1000, device(&plain_ops, &rec, "dev", 0x100));
    log_mask = LOG_MMIO;
    assert_int_equal(write_le(0x1008, 0x55, 1), MEMTX_OK);
    assert_int_equal(address_space_ld(&as, 0x1002, 2, NULL), 0x0302);
    fflush(log_lock());
    log_unlock();
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents(log_path, &text, NULL, NULL));
    assert_string_equal(text, "mmio: write dev +0x8 size 1: 0x55\nmmio: read  dev +0x2 size 2: 0x302\n");
}

// --- transfers -------------------------------------------------------------------------------------------
static void t057_results_are_ored(void **state) // T057
{
    (void)state;
    add(sys, 0x1000, device(&plain_ops, &rec, "dev", 0x100));
    rec.fail_at = 8;
    rec.fail = MEMTX_ERROR;
    uint8_t buf[8];
    assert_int_equal(address_space_read(&as, 0x1008, NONE, buf, 8), MEMTX_ERROR);
    assert_calls(&rec, "R(0x8,4) R(0xc,4)");
    assert_memory_equal(buf + 4, "\x0c\x0d\x0e\x0f", 4);
    assert_int_equal(write_le(0x1008, 1, 8), MEMTX_ERROR);
    assert_calls(&rec, "W(0x8,4,0x1) W(0xc,4,0x0)");
}

static uint64_t read_ones(void *opaque, uint64_t addr, unsigned size)
{
    (void)opaque, (void)addr, (void)size;
    return UINT64_MAX;
}

static void t058_unassigned(void **state) // T058
{
    (void)state;
    uint64_t value = 1;
    assert_int_equal(address_space_read(&as, 0x1234, NONE, &value, 8), MEMTX_DECODE_ERROR);
    assert_int_equal(value, 0);
    assert_int_equal(write_le(0x1234, 1, 8), MEMTX_DECODE_ERROR);
    // A whole space in one go, round its end.
    assert_int_equal(address_space_write_rom(&as, UINT64_MAX, &value, 8), MEMTX_OK);
    // The I/O space: all ones, and nothing beyond its end.
    static const MemoryRegionOps ops = {.read = read_ones};
    add(sys, 0, device(&ops, NULL, "io", 0x10000));
    assert_int_equal(address_space_read(&as, 0x3f9, NONE, &value, 2), MEMTX_OK);
    assert_int_equal(value, 0xffff);
    uint32_t word;
    assert_int_equal(address_space_read(&as, 0xfffe, NONE, &word, 4), MEMTX_DECODE_ERROR);
    assert_int_equal(GUINT32_FROM_LE(word), 0x0000ffff);
}

static ram_t written_start;
static uint64_t written_len;

static void ram_written(void *opaque, ram_t start, uint64_t len)
{
    assert_ptr_equal(opaque, &rec);
    written_start = start;
    written_len = len;
}

static void t059_rom(void **state) // T059
{
    (void)state;
    MemoryRegion *r = rom("rom", 0x1000);
    add(sys, 0x1000, r);
    memory_set_ram_written_hook(ram_written, &rec);
    written_len = 0;
    assert_int_equal(write_le(0x1008, 0x11, 1), MEMTX_DECODE_ERROR);
    assert_int_equal(r->ram->host[8], 0);
    assert_int_equal(written_len, 0);
    assert_int_equal(address_space_write_rom(&as, 0x1008, "\x22", 1), MEMTX_OK);
    assert_int_equal(r->ram->host[8], 0x22);
    assert_int_equal(written_start, r->ram->offset + 8);
    assert_int_equal(written_len, 1);
    MemTxAttrs debug = {.debug = 1};
    assert_int_equal(address_space_write(&as, 0x1008, debug, "\x33", 1), MEMTX_OK);
    uint8_t byte;
    assert_int_equal(address_space_read(&as, 0x1008, NONE, &byte, 1), MEMTX_OK);
    assert_int_equal(byte, 0x33);
    MemTxResult result;
    address_space_st(&as, 0x1008, 4, 5, &result);
    assert_int_equal(result, MEMTX_DECODE_ERROR);
    assert_int_equal(address_space_ld(&as, 0x1008, 4, &result), 0x33);
    assert_int_equal(result, MEMTX_OK);
}

static void t060_mixed_transfer(void **state) // T060
{
    (void)state;
    MemoryRegion *a = add(sys, 0x1000, ram("a", 0x10)), *b = add(sys, 0x1030, ram("b", 0x10));
    add(sys, 0x1020, device(&plain_ops, &rec, "dev", 0x10));
    memset(a->ram->host, 0xaa, 0x10);
    memset(b->ram->host, 0xbb, 0x10);
    uint8_t buf[0x20], want[0x20];
    memset(buf, 0x55, sizeof buf);
    memset(want, 0, sizeof want); // at 0x1010: sixteen bytes of nothing
    for (unsigned i = 0; i < 0x10; i++) {
        want[i] = i < 8 ? 0xaa : 0;
    }
    assert_int_equal(address_space_read(&as, 0x1008, NONE, buf, 0x10), MEMTX_DECODE_ERROR);
    assert_memory_equal(buf, want, 0x10);
    for (unsigned i = 0; i < 0x20; i++) {
        want[i] = i < 8 ? 0 : i < 0x18 ? (uint8_t)(i - 8) : 0xbb;
    }
    assert_int_equal(address_space_read(&as, 0x1018, NONE, buf, 0x20), MEMTX_DECODE_ERROR);
    assert_memory_equal(buf, want, 0x20);
    assert_calls(&rec, "R(0x0,4) R(0x4,4) R(0x8,4) R(0xc,4)");
    for (unsigned i = 0; i < sizeof buf; i++) {
        buf[i] = (uint8_t)i;
    }
    assert_int_equal(address_space_write(&as, 0x1018, NONE, buf, 0x20), MEMTX_DECODE_ERROR);
    assert_calls(&rec, "W(0x0,4,0xb0a0908) W(0x4,4,0xf0e0d0c) W(0x8,4,0x13121110) W(0xc,4,0x17161514)");
    assert_memory_equal(b->ram->host, buf + 0x18, 8);
    assert_int_equal(b->ram->host[8], 0xbb);
    assert_int_equal(address_space_rw(&as, 0x1018, NONE, NULL, 0, true), MEMTX_OK);
}

static void t061_straddle(void **state) // T061
{
    (void)state;
    MemoryRegion *r = add(sys, 0x1000, ram("ram", 0x1000));
    memset(r->ram->host + 0xffc, 0x77, 4);
    MemTxResult result;
    assert_int_equal(address_space_ld(&as, 0x1ffc, 8, &result), 0);
    assert_int_equal(result, MEMTX_DECODE_ERROR);
    assert_int_equal(address_space_ld(&as, 0x1ffc, 4, &result), 0x77777777);
    assert_int_equal(result, MEMTX_OK);
    address_space_st(&as, 0x1ffc, 8, 0, &result);
    assert_int_equal(result, MEMTX_DECODE_ERROR);
    uint64_t value;
    assert_int_equal(address_space_read(&as, 0x1ffc, NONE, &value, 8), MEMTX_DECODE_ERROR);
    assert_int_equal(GUINT64_FROM_LE(value), 0x77777777);
    // A device that takes 4 bytes refuses 8 here, though a transfer would narrow them (R2.30, R2.21).
    MemoryRegionOps ops = plain_ops;
    ops.valid.min_access_size = ops.valid.max_access_size = 4;
    add(sys, 0x3000, device(&ops, &rec, "dev", 0x10));
    assert_int_equal(address_space_ld(&as, 0x3000, 8, &result), 0);
    assert_int_equal(result, MEMTX_DECODE_ERROR);
    assert_calls(&rec, "");
    assert_int_equal(address_space_ld(&as, 0x3004, 4, NULL), 0x07060504);
    for (unsigned size = 1; size <= 8; size *= 2) {
        address_space_st(&as, 0x1100, size, UINT64_C(0x8877665544332211), &result);
        assert_int_equal(result, MEMTX_OK);
        uint64_t low = UINT64_C(0x8877665544332211) & (UINT64_MAX >> (64 - 8 * size));
        assert_true(address_space_ld(&as, 0x1100, size, NULL) == low);
    }
}

static void t062_memory_attribute(void **state) // T062
{
    (void)state;
    MemTxAttrs attrs = {.memory = 1};
    add(sys, 0x1000, device(&plain_ops, &rec, "dev", 0x1000));
    add(sys, 0x2000, ram("ram", 0x1000));
    add(sys, 0x3000, rom("rom", 0x1000));
    uint64_t value = 1;
    assert_int_equal(address_space_read(&as, 0x1000, attrs, &value, 8), MEMTX_ACCESS_ERROR);
    assert_int_equal(value, 0);
    assert_int_equal(address_space_write(&as, 0x1000, attrs, &value, 8), MEMTX_ACCESS_ERROR);
    assert_int_equal(address_space_write(&as, 0x2000, attrs, &value, 8), MEMTX_OK);
    assert_int_equal(address_space_read(&as, 0x3000, attrs, &value, 8), MEMTX_OK);
    assert_int_equal(address_space_write(&as, 0x3000, attrs, &value, 8), MEMTX_DECODE_ERROR);
    assert_int_equal(address_space_write(&as, 0x5000, attrs, &value, 8), MEMTX_ACCESS_ERROR);
    assert_calls(&rec, "");
}

static unsigned warnings;

static void count_warning(const char *text)
{
    assert_non_null(strstr(text, "'bank1'"));
    warnings++;
}

static MemTxResult inner_result;

static void dma_to_self(void *opaque, uint64_t addr, uint64_t data, unsigned size)
{
    (void)addr, (void)size;
    unsigned *depth = opaque;
    if (++*depth < 5) {
        inner_result = write_le(data, 0, 4);
    }
    --*depth;
}

static void t063_reentrancy(void **state) // T063
{
    (void)state;
    static const MemoryRegionOps ops = {.write = dma_to_self};
    unsigned depth = 0;
    static MemoryOwner mine, others; // outlive the regions
    memory_owner_init(&mine, "banks", NULL, true, NULL);
    memory_owner_init(&others, "recorder", NULL, true, NULL);
    MemoryRegion *bank1 = device(&ops, &depth, "bank1", 0x100), *bank2 = device(&ops, &depth, "bank2", 0x100);
    MemoryRegion *other = device(&plain_ops, &rec, "other", 0x100), *r = ram("ram", 0x100);
    memory_region_set_owner(bank1, &mine);
    memory_region_set_owner(bank2, &mine);
    memory_region_set_owner(other, &others);
    memory_region_set_owner(r, &mine);
    add(sys, 0x1000, bank1);
    add(sys, 0x2000, bank2);
    add(sys, 0x3000, other);
    add(sys, 0x4000, r);
    warnings = 0;
    GPrintFunc old = g_set_printerr_handler(count_warning);
    assert_int_equal(write_le(0x1000, 0x1000, 4), MEMTX_OK);
    assert_int_equal(inner_result, MEMTX_ACCESS_ERROR);
    assert_int_equal(write_le(0x2000, 0x1000, 4), MEMTX_OK);
    assert_int_equal(inner_result, MEMTX_ACCESS_ERROR);
    g_set_printerr_handler(old);
    assert_int_equal(warnings, 1);
    assert_int_equal(write_le(0x1000, 0x3000, 4), MEMTX_OK); // another device
    assert_int_equal(inner_result, MEMTX_OK);
    assert_calls(&rec, "W(0x0,4,0x0)");
    assert_int_equal(write_le(0x1000, 0x4000, 4), MEMTX_OK);
    assert_int_equal(inner_result, MEMTX_OK);
}

static void t067_big_endian_register(void **state) // T067
{
    (void)state;
    MemoryRegionOps ops = plain_ops;
    ops.endianness = DEVICE_BIG_ENDIAN;
    rec.big = true;
    add(sys, 0x1000, device(&ops, &rec, "dev", 0x100));
    // The device returns 0x00010203; a little-endian guest sees the bytes in memory order.
    assert_int_equal(address_space_ld(&as, 0x1000, 4, NULL), 0x03020100);
    address_space_st(&as, 0x1000, 4, 0x44332211, NULL);
    address_space_st(&as, 0x1000, 1, 0x11, NULL);
    assert_calls(&rec, "R(0x0,4) W(0x0,4,0x11223344) W(0x0,1,0x11)");
    assert_int_equal(address_space_ld(&as, 0x1007, 1, NULL), 7);
}

static void t068_overlay_in_a_page(void **state) // T068
{
    (void)state;
    MemoryRegion *r = add(sys, 0x80000000, ram("ram", 0x4000));
    MemoryRegionOps ops = plain_ops;
    ops.valid.min_access_size = ops.valid.max_access_size = 8;
    ops.impl.max_access_size = 8;
    add_prio(sys, 0x80001008, device(&ops, &rec, "htif", 0x48), 1);
    MemorySection s = address_space_lookup(&as, 0x80001000);
    assert_true(s.mr == r && s.len == 8 && s.host == r->ram->host + 0x1000);
    s = address_space_lookup(&as, 0x80001050);
    assert_true(s.mr == r && s.offset == 0x1050);
    uint8_t buf[0x60];
    for (unsigned i = 0; i < sizeof buf; i++) {
        buf[i] = (uint8_t)(0x80 + i);
    }
    assert_int_equal(address_space_write(&as, 0x80001000, NONE, buf, sizeof buf), MEMTX_OK);
    assert_memory_equal(r->ram->host + 0x1000, buf, 8);
    assert_int_equal(r->ram->host[0x1008], 0);
    assert_memory_equal(r->ram->host + 0x1050, buf + 0x50, 0x10);
    assert_true(g_str_has_prefix(rec.log->str, "W(0x0,8,0x8f8e8d8c8b8a8988) W(0x8,8,0x97969594939291"));
    assert_int_equal(address_space_ld(&as, 0x80001004, 8, NULL), 0); // half RAM, half device
    assert_int_equal(address_space_ld(&as, 0x80001050, 8, NULL), UINT64_C(0xd7d6d5d4d3d2d1d0));
}

// Our rule for R2.22: a transfer stops at the end of the range, here where an overlay begins.
static void narrowed_at_the_end(void **state)
{
    (void)state;
    MemoryRegionOps ops = plain_ops;
    ops.valid.min_access_size = 4;
    ops.valid.max_access_size = ops.impl.max_access_size = 8;
    MemoryRegion *r = ram("ram", 4);
    add(sys, 0x1000, device(&ops, &rec, "dev", 0x100));
    add_prio(sys, 0x1014, r, 1);
    memcpy(r->ram->host, "\xaa\xbb\xcc\xdd", 4);
    uint64_t value;
    assert_int_equal(address_space_read(&as, 0x1010, NONE, &value, 8), MEMTX_OK);
    assert_calls(&rec, "R(0x10,4)");
    assert_true(GUINT64_FROM_LE(value) == UINT64_C(0xddccbbaa13121110));
}

// R2.21 on the CLINT's two windows.
static void dma_narrows(void **state)
{
    (void)state;
    MemoryRegionOps swi = plain_ops, mtimer = plain_ops;
    swi.valid.min_access_size = swi.valid.max_access_size = 4;
    mtimer.valid.min_access_size = 4;
    mtimer.valid.max_access_size = mtimer.impl.max_access_size = 8;
    add(sys, 0x2000000, device(&swi, &rec, "swi", 0x4000));
    add(sys, 0x2004000, device(&mtimer, &rec, "mtimer", 0x8000));
    assert_int_equal(write_le(0x2000000, 1, 8), MEMTX_OK);
    assert_calls(&rec, "W(0x0,4,0x1) W(0x4,4,0x0)");
    uint8_t byte = 1;
    assert_int_equal(address_space_read(&as, 0x200bff8, NONE, &byte, 1), MEMTX_DECODE_ERROR);
    assert_int_equal(byte, 0);
    assert_int_equal(write_le(0x2004002, 5, 4), MEMTX_DECODE_ERROR);
    assert_calls(&rec, "");
    assert_int_equal(write_le(0x2004000, 5, 8), MEMTX_OK);
    assert_calls(&rec, "W(0x0,8,0x5)");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_recorder, teardown_recorder)
#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, setup_log, teardown_log)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(t051_hitb_write),
        TEST(t052_malta_reset),
        LOG_TEST(t053_accepts),
        LOG_TEST(t054_unaligned),
        LOG_TEST(t055_sizes),
        LOG_TEST(t056_no_max_no_min),
        LOG_TEST(rejected_targets),
        LOG_TEST(mmio_log),
        TEST(t057_results_are_ored),
        TEST(t058_unassigned),
        TEST(t059_rom),
        TEST(t060_mixed_transfer),
        TEST(t061_straddle),
        TEST(t062_memory_attribute),
        TEST(t063_reentrancy),
        TEST(t067_big_endian_register),
        TEST(t068_overlay_in_a_page),
        TEST(narrowed_at_the_end),
        TEST(dma_narrows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
