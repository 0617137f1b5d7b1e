// SPDX-License-Identifier: GPL-3.0-or-later
// Mapped buffers, bounce buffers and who waits for them (spec 2.7, T064 to T066).
#include "tests/softmmu/fixture.h"
// then
#include "softmmu/memory_map.h"
#include <string.h>

static Recorder rec;
static MemoryRegion *r;
static unsigned called;

// Two neighbouring windows into one RAM, contiguous and thus one range; a device behind them; ROM further on.
static int setup_map(void **state)
{
    setup(state);
    recorder_init(&rec);
    r = ram("ram", 0x4000);
    add(sys, 0x1000, alias("lo", r, 0, 0x1000));
    add(sys, 0x2000, alias("hi", r, 0x1000, 0x1000));
    add(sys, 0x3000, device(&recorder_ops, &rec, "dev", 0x4000));
    add(sys, 0x10000, rom("rom", 0x1000));
    called = 0;
    return 0;
}

static int teardown_map(void **state)
{
    teardown(state);
    recorder_deinit(&rec);
    return 0;
}

static uint8_t *map(gpa_t addr, uint64_t *len, bool is_write)
{
    return address_space_map(&as, addr, len, is_write, MEMTXATTRS_NONE);
}

static void t064_direct(void **state) // T064
{
    (void)state;
    uint64_t len = 0x1800;
    uint8_t *p = map(0x1400, &len, true);
    assert_true(p == r->ram->host + 0x400 && len == 0x1800);
    address_space_unmap(&as, p, true, 0);
    len = 0x4000;
    p = map(0x1400, &len, false); // on to the device
    assert_true(p == r->ram->host + 0x400 && len == 0x1c00);
    address_space_unmap(&as, p, false, 0);
    len = 0;
    assert_null(map(0x1000, &len, true));
}

// Ranges that do not merge, but go on with the same region; the flag of one of them stops a write.
static void over_ranges(void **state)
{
    (void)state;
    MemoryRegion *next = add(sys, 0x20000, alias("a", r, 0, 0x1000));
    MemoryRegion *last = add(sys, 0x21000, alias("b", r, 0x1000, 0x1000));
    memory_region_set_unmergeable(next, true);
    assert_view(&as, "1000-2fff ram | 3000-6fff dev | 10000-10fff rom ro | 20000-20fff ram | 21000-21fff ram@1000");
    uint64_t len = 0x8000;
    uint8_t *p = map(0x20000, &len, true);
    assert_int_equal(len, 0x2000);
    address_space_unmap(&as, p, true, 0);
    memory_region_set_readonly(last, true);
    len = 0x8000;
    p = map(0x20000, &len, true);
    assert_int_equal(len, 0x1000);
    address_space_unmap(&as, p, true, 0);
    len = 0x8000;
    p = map(0x20000, &len, false);
    assert_int_equal(len, 0x2000);
    address_space_unmap(&as, p, false, 0);
    memory_region_set_alias_offset(last, 0x2000);
    len = 0x8000;
    p = map(0x20000, &len, false);
    assert_int_equal(len, 0x1000);
    address_space_unmap(&as, p, false, 0);
}

static void note(void *opaque)
{
    assert_ptr_equal(opaque, &rec);
    called++;
}

static void other(void *opaque)
{
    (void)opaque;
    called += 100;
}

static void t065_bounce(void **state) // T065
{
    (void)state;
    uint64_t len = 8192, more = 16;
    uint8_t *p = map(0x3000, &len, true);
    assert_non_null(p);
    assert_int_equal(len, 4096);
    for (unsigned i = 0; i < 4096; i++) {
        assert_int_equal(p[i], 0);
    }
    assert_calls(&rec, "");
    assert_null(map(0x3000, &more, true));
    assert_int_equal(more, 0);
    address_space_register_map_client(&as, note, &rec);
    address_space_register_map_client(&as, other, NULL);
    address_space_unregister_map_client(&as, other, NULL);
    assert_int_equal(called, 0);
    address_space_unmap(&as, p, true, 0);
    assert_int_equal(called, 1);
    assert_calls(&rec, "");
    len = 4;
    p = map(0x3000, &len, true);
    address_space_unmap(&as, p, true, 0);
    assert_int_equal(called, 1); // once only
    address_space_register_map_client(&as, note, &rec); // there is room
    assert_int_equal(called, 2);
}

// Several at once share the room.
static void bounces_share(void **state)
{
    (void)state;
    uint64_t a = 4000, b = 4000, c = 1;
    uint8_t *p = map(0x3000, &a, true), *q = map(0x5000, &b, true);
    assert_true(p && q && a == 4000 && b == 96 && !map(0x3000, &c, true));
    address_space_unmap(&as, p, true, 0);
    c = 4001;
    uint8_t *s = map(0x3000, &c, true);
    assert_int_equal(c, 4000);
    address_space_unmap(&as, q, true, 0);
    address_space_unmap(&as, s, true, 0);
}

static void t066_write_back(void **state) // T066
{
    (void)state;
    uint64_t len = 32;
    uint8_t *p = map(0x3010, &len, true);
    memset(p, 0xee, 32);
    address_space_unmap(&as, p, true, 12);
    assert_calls(&rec, "W(0x10,8,0xeeeeeeeeeeeeeeee) W(0x18,4,0xeeeeeeee)");
}

// What is for reading is filled at once, as far as that works; nothing is written back.
static void bounce_reads(void **state)
{
    (void)state;
    uint64_t len = 16;
    uint8_t *p = map(0x3008, &len, false);
    assert_calls(&rec, "R(0x8,8) R(0x10,8)");
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(p[i], 8 + i);
    }
    address_space_unmap(&as, p, false, 16);
    assert_calls(&rec, "");
    len = 16;
    p = map(0x8000, &len, false); // unassigned
    assert_true(len == 16 && p[0] == 0);
    address_space_unmap(&as, p, false, 0);
    len = 16;
    p = map(0x10000, &len, true); // ROM, to be written
    memset(p, 1, 16);
    address_space_unmap(&as, p, true, 16);
    assert_int_equal(address_space_ld(&as, 0x10000, 8, NULL), 0);
}

static ram_t marked_at;
static uint64_t marked;

static void mark(void *opaque, ram_t start, uint64_t len)
{
    (void)opaque;
    marked_at = start;
    marked += len;
}

static void direct_write_is_noted(void **state)
{
    (void)state;
    uint64_t len = 100;
    memory_set_ram_written_hook(mark, NULL);
    uint8_t *p = map(0x2010, &len, true);
    address_space_unmap(&as, p, true, 40);
    assert_true(marked_at == r->ram->offset + 0x1010 && marked == 40);
    p = map(0x2010, &len, false);
    address_space_unmap(&as, p, false, 40);
    p = map(0x2010, &len, true);
    address_space_unmap(&as, p, true, 0);
    assert_int_equal(marked, 40);
}

// R2.42.
static bool released;

static void release(MemoryOwner *owner)
{
    (void)owner;
    released = true;
}

static void mapping_keeps_the_owner(void **state)
{
    (void)state;
    static MemoryOwner owner;
    MemoryRegion mr;
    uint64_t len = 0x1000;
    released = false;
    memory_owner_init(&owner, "card", NULL, true, release);
    assert_true(memory_region_init_ram(&mr, "vram", 0x1000, NULL));
    memory_region_set_owner(&mr, &owner);
    add(sys, 0x40000, &mr);
    uint8_t *p = map(0x40000, &len, true);
    memory_region_del_subregion(sys, &mr);
    memory_owner_unref(&owner);
    assert_false(released);
    p[5] = 1;
    address_space_unmap(&as, p, true, 6);
    assert_true(released);
    memory_region_deinit(&mr);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_map, teardown_map)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(t064_direct),     TEST(over_ranges),  TEST(t065_bounce),           TEST(bounces_share),
        TEST(t066_write_back), TEST(bounce_reads), TEST(direct_write_is_noted), TEST(mapping_keeps_the_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
