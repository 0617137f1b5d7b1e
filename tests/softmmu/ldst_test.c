// SPDX-License-Identifier: GPL-3.0-or-later
// Single values by size and byte order (spec 2.6), and writes that signal an eventfd (R2.9).
#include "tests/softmmu/fixture.h"
// then
#include "softmmu/ioeventfd.h"
#include "softmmu/memory_ldst.h"
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static Recorder rec;
static const MemoryRegionOps rec_ops = {
    .read_with_attrs = recorder_read,
    .write_with_attrs = recorder_write,
    .valid = {1, 8, false, NULL},
    .impl = {1, 8, false},
};

static int setup_ldst(void **state)
{
    setup(state);
    recorder_init(&rec);
    rec.fail_at = UINT64_MAX;
    return 0;
}

static int teardown_ldst(void **state)
{
    teardown(state);
    recorder_deinit(&rec);
    return 0;
}

static void orders(void **state)
{
    (void)state;
    MemTxResult result = MEMTX_ERROR;
    MemoryRegion *r = add(sys, 0x1000, ram("ram", 0x1000));
    memcpy(r->ram->host, "\1\2\3\4\5\6\7\x88", 8);
    assert_int_equal(address_space_ldub(&as, 0x1007, MEMTXATTRS_NONE, &result), 0x88);
    assert_int_equal(result, MEMTX_OK);
    assert_int_equal(lduw_le_phys(&as, 0x1000), 0x0201);
    assert_int_equal(lduw_be_phys(&as, 0x1000), 0x0102);
    assert_int_equal(ldl_le_phys(&as, 0x1004), 0x88070605);
    assert_int_equal(ldl_be_phys(&as, 0x1004), 0x05060788);
    assert_true(ldq_le_phys(&as, 0x1000) == UINT64_C(0x8807060504030201));
    assert_true(ldq_be_phys(&as, 0x1000) == UINT64_C(0x0102030405060788));
    stb_phys(&as, 0x1000, 0xaa);
    stw_le_phys(&as, 0x1002, 0x1122);
    stw_be_phys(&as, 0x1004, 0x1122);
    assert_memory_equal(r->ram->host, "\xaa\2\x22\x11\x11\x22\7\x88", 8);
    stl_le_phys(&as, 0x1000, 0x11223344);
    stl_be_phys(&as, 0x1004, 0x11223344);
    assert_memory_equal(r->ram->host, "\x44\x33\x22\x11\x11\x22\x33\x44", 8);
    stq_be_phys(&as, 0x1000, UINT64_C(0x0102030405060708));
    stq_le_phys(&as, 0x1008, UINT64_C(0x0102030405060708));
    assert_memory_equal(r->ram->host, "\1\2\3\4\5\6\7\10\10\7\6\5\4\3\2\1", 16);
}

// The order of the access and that of the device are two things (R2.8).
static void orders_of_devices(void **state)
{
    (void)state;
    Recorder big;
    MemoryRegionOps big_ops = rec_ops;
    big_ops.endianness = DEVICE_BIG_ENDIAN;
    recorder_init(&big);
    big.big = true;
    add(sys, 0x1000, device(&rec_ops, &rec, "little", 0x100));
    add(sys, 0x2000, device(&big_ops, &big, "big", 0x100));
    assert_int_equal(ldl_le_phys(&as, 0x1000), 0x03020100);
    assert_int_equal(ldl_be_phys(&as, 0x1000), 0x00010203);
    assert_int_equal(ldl_le_phys(&as, 0x2000), 0x03020100);
    assert_int_equal(ldl_be_phys(&as, 0x2000), 0x00010203);
    stw_be_phys(&as, 0x1010, 0x1122);
    stw_be_phys(&as, 0x2010, 0x1122);
    assert_calls(&rec, "R(0x0,4) R(0x0,4) W(0x10,2,0x2211)");
    assert_calls(&big, "R(0x0,4) R(0x0,4) W(0x10,2,0x1122)");
    recorder_deinit(&big);
}

static void results(void **state)
{
    (void)state;
    MemTxResult result;
    add(sys, 0x1000, device(&rec_ops, &rec, "dev", 0x100));
    rec.fail = MEMTX_ERROR;
    rec.fail_at = 4;
    address_space_ldl_le(&as, 0x1004, MEMTXATTRS_NONE, &result);
    assert_int_equal(result, MEMTX_ERROR);
    address_space_stl_le(&as, 0x1004, 0, MEMTXATTRS_NONE, &result);
    assert_int_equal(result, MEMTX_ERROR);
    assert_int_equal(address_space_ldq_be(&as, 0x5000, MEMTXATTRS_NONE, &result), 0);
    assert_int_equal(result, MEMTX_DECODE_ERROR);
    g_string_truncate(rec.log, 0);
    assert_int_equal(address_space_ldl_le(&as, 0x1000, (MemTxAttrs){.memory = 1}, &result), 0);
    assert_int_equal(result, MEMTX_ACCESS_ERROR);
    address_space_stl_le(&as, 0x1000, 0, (MemTxAttrs){.memory = 1}, &result);
    assert_int_equal(result, MEMTX_ACCESS_ERROR);
    assert_calls(&rec, "");
    // A debugger's store reaches ROM.
    MemoryRegion *o = add(sys, 0x8000, rom("rom", 0x1000));
    address_space_stl_le(&as, 0x8000, 7, MEMTXATTRS_NONE, &result);
    assert_true(result == MEMTX_DECODE_ERROR && o->ram->host[0] == 0);
    address_space_stl_le(&as, 0x8000, 7, (MemTxAttrs){.debug = 1}, &result);
    assert_true(result == MEMTX_OK && o->ram->host[0] == 7);
}

// --- eventfds ----------------------------------------------------------------------------------------------
static uint64_t signalled(int fd)
{
    uint64_t n = 0;
    return read(fd, &n, sizeof n) == sizeof n ? n : 0;
}

static void eventfds(void **state)
{
    (void)state;
    MemoryRegion *d = add(sys, 0x1000, device(&rec_ops, &rec, "dev", 0x100));
    int any = eventfd(0, EFD_NONBLOCK), exact = eventfd(0, EFD_NONBLOCK), word = eventfd(0, EFD_NONBLOCK);
    IoEventfd e_any = {.addr = 0x10, .fd = any}, e_word = {.addr = 0x20, .size = 4, .fd = word};
    IoEventfd e_exact = {.addr = 0x30, .size = 2, .match_data = true, .data = 0x1234, .fd = exact};
    memory_region_add_eventfd(d, &e_any);
    memory_region_add_eventfd(d, &e_word);
    memory_region_add_eventfd(d, &e_exact);
    MemTxResult result;
    address_space_st(&as, 0x1010, 1, 5, &result);
    assert_int_equal(result, MEMTX_OK);
    address_space_st(&as, 0x1010, 8, 5, NULL);
    assert_int_equal(signalled(any), 2);
    address_space_st(&as, 0x1020, 4, 5, NULL);
    assert_int_equal(signalled(word), 1);
    stw_le_phys(&as, 0x1030, 0x1234);
    assert_int_equal(signalled(exact), 1);
    assert_calls(&rec, "");
    // Another size, another value, another place, a read, and what the device would refuse anyway.
    address_space_st(&as, 0x1020, 2, 5, NULL);
    stw_le_phys(&as, 0x1030, 0x3412);
    address_space_st(&as, 0x1014, 4, 5, NULL);
    ldub_phys(&as, 0x1010);
    assert_calls(&rec, "W(0x20,2,0x5) W(0x30,2,0x3412) W(0x14,4,0x5) R(0x10,1)");
    memory_region_del_eventfd(d, &e_any);
    address_space_st(&as, 0x1010, 1, 5, NULL);
    assert_calls(&rec, "W(0x10,1,0x5)");
    assert_true(signalled(any) + signalled(word) + signalled(exact) == 0);
    close(any);
    close(exact);
    close(word);
}

// The data to match is in the guest's order, whatever the device's.
static void eventfd_of_big_endian_device(void **state)
{
    (void)state;
    MemoryRegionOps ops = rec_ops;
    ops.endianness = DEVICE_BIG_ENDIAN;
    ops.valid.min_access_size = 2;
    MemoryRegion *d = add(sys, 0x1000, device(&ops, &rec, "dev", 0x100));
    IoEventfd e = {.addr = 0, .match_data = true, .data = 0x1234, .fd = eventfd(0, EFD_NONBLOCK)};
    memory_region_add_eventfd(d, &e);
    stw_le_phys(&as, 0x1000, 0x1234);
    assert_int_equal(signalled(e.fd), 1);
    MemTxResult result;
    address_space_st(&as, 0x1000, 1, 0x34, &result); // refused before that
    assert_int_equal(result, MEMTX_DECODE_ERROR);
    assert_calls(&rec, "");
    close(e.fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_ldst, teardown_ldst)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(orders), TEST(orders_of_devices), TEST(results), TEST(eventfds), TEST(eventfd_of_big_endian_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
