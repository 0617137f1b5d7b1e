// SPDX-License-Identifier: GPL-3.0-or-later
// RAM blocks: lazy reservation, absurd sizes, refusals, offsets, dropped write-backs to the hook (R1.4,
// R2.26).
#include "tests/softmmu/fixture.h"
// then
#include <string.h>

static void block_size_is_rounded(void **state)
{
    (void)state;
    MemoryRegion *r = ram("ram", 0x1234);
    assert_int_equal(memory_region_size(r), 0x1234);
    assert_int_equal(r->ram->size, 0x2000);
    assert_string_equal(r->ram->name, "ram");
    assert_int_equal(r->ram->offset % (256 << 10), 0);
    add(sys, 0x1000, r);
    assert_view(&as, "1000-2233 ram");
    memory_region_set_size(r, 0x2000);
    assert_view(&as, "1000-2fff ram");
    assert_int_equal(ram("empty", 0)->ram->size, 0x1000);
}

static void eight_tebibytes(void **state)
{
    (void)state;
    uint64_t size = UINT64_C(8) << 40;
    MemoryRegion *r = add(sys, 0x80000000, ram("huge", size));
    gpa_t last = 0x80000000 + size - 8;
    MemTxResult result;
    address_space_st(&as, last, 8, UINT64_C(0x1122334455667788), &result);
    assert_int_equal(result, MEMTX_OK);
    assert_true(address_space_ld(&as, last, 8, NULL) == UINT64_C(0x1122334455667788));
    assert_int_equal(address_space_ld(&as, 0x80000000 + size / 2, 8, &result), 0);
    assert_int_equal(result, MEMTX_OK);
    assert_int_equal(r->ram->host[size - 1], 0x11);
}

static void refusal_is_an_error(void **state)
{
    (void)state;
    MemoryRegion mr;
    GError *error = NULL;
    static const uint64_t sizes[] = {UINT64_C(1) << 62, UINT64_C(1) << 63, UINT64_MAX - 5, UINT64_MAX};
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        assert_false(memory_region_init_ram(&mr, "clabpu.ram", sizes[i], &error));
        assert_non_null(error);
        assert_true(g_str_has_prefix(error->message, "cannot reserve "));
        assert_non_null(strstr(error->message, "of host memory for 'clabpu.ram': "));
        g_clear_error(&error);
    }
    assert_false(memory_region_init_rom(&mr, "rom", UINT64_MAX, NULL));
}

static void offsets_fill_gaps(void **state)
{
    (void)state;
    MemoryRegion a, b, c, d;
    assert_true(memory_region_init_ram(&a, "a", 0x100000, NULL));
    assert_true(memory_region_init_ram(&b, "b", 0x100000, NULL));
    assert_true(memory_region_init_ram(&c, "c", 0x1000, NULL));
    assert_int_equal(a.ram->offset, 0);
    assert_int_equal(b.ram->offset, 0x100000);
    assert_int_equal(c.ram->offset, 0x200000);
    memory_region_deinit(&b);
    assert_true(memory_region_init_ram(&b, "b", 0x101000, NULL)); // too large for the gap
    assert_int_equal(b.ram->offset, 0x240000);
    assert_true(memory_region_init_ram(&d, "d", 0x80000, NULL));
    assert_int_equal(d.ram->offset, 0x100000);
    memory_region_deinit(&a);
    assert_true(memory_region_init_ram(&a, "a", 0x1000, NULL)); // the smallest gap that fits
    assert_int_equal(a.ram->offset, 0x180000);
    memory_region_deinit(&a);
    memory_region_deinit(&b);
    memory_region_deinit(&c);
    memory_region_deinit(&d);
}

static GString *writes;

static void ram_written(void *opaque, ram_t start, uint64_t len)
{
    assert_ptr_equal(opaque, &writes);
    g_string_append_printf(writes, "%" PRIx64 "+%" PRIx64 " ", start, len);
}

// Whoever writes RAM other than a CPU through its TLB is reported, by RAM offset.
static void written_hook(void **state)
{
    (void)state;
    MemoryRegion *pad = ram("pad", 0x1000), *r = ram("ram", 0x4000);
    assert_int_equal(pad->ram->offset, 0);
    assert_int_equal(r->ram->offset, 0x40000);
    add(sys, 0x1000, alias("al", r, 0x2000, 0x1000));
    add(sys, 0x3000, r);
    writes = g_string_new(NULL);
    memory_set_ram_written_hook(ram_written, &writes);
    uint8_t buf[0x20] = {0};
    address_space_write(&as, 0x1ff0, MEMTXATTRS_NONE, buf, 0x20); // half of it into nothing
    address_space_read(&as, 0x1000, MEMTXATTRS_NONE, buf, 0x20);
    address_space_st(&as, 0x3010, 4, 1, NULL);
    memory_ram_written(7, 9);
    assert_string_equal(writes->str, "42ff0+10 40010+4 7+9 ");
    g_string_free(writes, TRUE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(block_size_is_rounded),
        TEST(eight_tebibytes),
        TEST(refusal_is_an_error),
        TEST(offsets_fill_gaps),
        TEST(written_hook),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
