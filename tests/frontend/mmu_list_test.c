// SPDX-License-Identifier: GPL-3.0-or-later
// Walks and listings of page tables (memory/spec.md 6.9): all depths, merging, 64 KiB entries, tables in a circle.
#include "frontend/mmu_list.h"
#include "tests/test.h"
#include <inttypes.h>
#include <string.h>

#define TABLES 16
enum { V = 1, R = 2, W = 4, X = 8, U = 16, A = 64, D = 128 };

static uint64_t tables[TABLES][512]; // at physical address 0x1000 * (1 + index)

static bool pte_load(void *opaque, uint64_t pa, uint64_t *pte)
{
    (void)opaque;
    if (pa < 0x1000 || pa >= 0x1000 * (1 + TABLES))
        return false;
    *pte = tables[pa / 0x1000 - 1][pa % 0x1000 / 8];
    return true;
}

static uint64_t entry(uint64_t pa, uint64_t flags)
{
    return pa >> 12 << 10 | flags;
}

static void prepare(Hart *hart, unsigned mode)
{
    static const HartHooks hooks = {.pte_load = pte_load};
    memset(tables, 0, sizeof tables);
    hart_init(hart, 0, &hooks);
    hart->satp = (uint64_t)mode << 60 | 1;
}

static void print(void *opaque, const HartMapping *m)
{
    char attr[8];
    hart_print_flags(m->flags, attr);
    g_string_append_printf(opaque, "%" PRIx64 " %" PRIx64 " %" PRIx64 " %s\n", m->va, m->pa, m->size, attr);
}

static void expect(const Hart *hart, bool complete, const char *text)
{
    g_autoptr(GString) got = g_string_new(NULL);
    assert_int_equal(hart_each_mapping(hart, print, got), complete);
    if (text)
        assert_string_equal(got->str, text);
}

static void merging(void **state)
{
    (void)state;
    Hart hart;
    prepare(&hart, 8);
    tables[0][0] = entry(0x2000, V);
    tables[0][511] = entry(0x40000000, V | R | A); // the last GiB
    tables[0][510] = entry(0x50000000, V | R);     // not a multiple of its size: maps nothing
    tables[1][1] = entry(0x3000, V);
    tables[1][2] = entry(0x80400000, V | R | W | A | D);
    tables[2][0] = entry(0x7000, V | W);         // no such thing
    tables[2][1] = entry(0x8000, V);             // a pointer at the last level
    tables[2][509] = entry(0x803fd000, V | R | X);
    tables[2][510] = entry(0x803fe000, V | R | W | A | D);
    tables[2][511] = entry(0x803ff000, V | R | W | A | D); // the 2 MiB behind it go on
    expect(&hart, true,
           "3fd000 803fd000 1000 r-x----\n"
           "3fe000 803fe000 202000 rw---ad\n"
           "ffffffffc0000000 40000000 40000000 r----a-\n");
}

static void napot(void **state)
{
    (void)state;
    Hart hart;
    prepare(&hart, 8);
    tables[0][0] = entry(0x2000, V);
    tables[1][0] = entry(0x3000, V);
    for (unsigned i = 16; i < 32; i++)
        tables[2][i] = UINT64_C(1) << 63 | entry(0x90008000, V | R | U);
    expect(&hart, true, "10000 90000000 10000 r--u---\n");
    HartWalkStep s[HART_WALK_STEPS];
    assert_int_equal(hart_walk(&hart, 0x12345, s), 3);
    assert_int_equal(s[2].kind, HART_WALK_LEAF);
    assert_int_equal(s[2].next, 0x90000000);
}

static void steps(void **state)
{
    (void)state;
    Hart hart;
    for (unsigned mode = 8; mode <= 10; mode++) {
        unsigned levels = mode - 5;
        HartWalkStep s[HART_WALK_STEPS];
        prepare(&hart, mode);
        for (unsigned l = 0; l < levels; l++)
            tables[l][3] = l + 1 < levels ? entry(0x2000 + 0x1000 * l, V) : entry(0xabc000, V | R | A);
        uint64_t va = 0x123;
        for (unsigned l = 0; l < levels; l++)
            va |= UINT64_C(3) << (12 + 9 * l);
        assert_int_equal(hart_walk(&hart, va, s), levels);
        for (unsigned l = 0; l < levels; l++) {
            assert_int_equal(s[l].level, levels - 1 - l);
            assert_int_equal(s[l].vpn, 3);
            assert_int_equal(s[l].pte_addr, 0x1018 + 0x1000 * l);
            assert_int_equal(s[l].kind, l + 1 < levels ? HART_WALK_TABLE : HART_WALK_LEAF);
        }
        assert_int_equal(s[levels - 1].next, 0xabc000);
        tables[1][3] = 0;
        assert_int_equal(hart_walk(&hart, va, s), 2);
        assert_int_equal(s[1].kind, HART_WALK_INVALID);
        tables[0][3] = entry(0x4000000, V); // where nothing is
        assert_int_equal(hart_walk(&hart, va, s), 2);
        assert_int_equal(s[1].kind, HART_WALK_UNREADABLE);
    }
    hart.satp = 0;
    HartWalkStep s[HART_WALK_STEPS];
    assert_int_equal(hart_walk(&hart, 0, s), 0);
    expect(&hart, true, "");
}

static void count(void *opaque, const HartMapping *m)
{
    (void)m;
    ++*(unsigned *)opaque;
}

// A table that is its own child 512 times over, in five levels: the listing ends.
static void circle(void **state)
{
    (void)state;
    Hart hart;
    prepare(&hart, 10);
    for (unsigned i = 0; i < 512; i++)
        tables[0][i] = entry(0x1000, V);
    expect(&hart, false, NULL);
    for (unsigned i = 256; i < 512; i++)
        tables[0][i] = entry(0, V | R | (i & 1 ? A : 0));
    unsigned n = 0;
    assert_false(hart_each_mapping(&hart, count, &n));
    assert_int_equal(n, 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(merging), cmocka_unit_test(napot), cmocka_unit_test(steps),
                                       cmocka_unit_test(circle)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
