// SPDX-License-Identifier: GPL-3.0-or-later
// The check of the softTLB's counts finds each way in which they can contradict each other (memory/spec.md 5.8).
#include "machine/stats_tlb.h"
#include "tests/test.h"

static StatsTlb s;

static void add_asid(TlbSpaceKind kind, unsigned asid, uint64_t loads)
{
    StatsAsid row = {.kind = kind, .asid = asid, .spaces = 1};
    row.miss[ACCESS_READ][TLB_MISS_COLD] = loads;
    g_array_append_val(s.asids, row);
}

// 100 loads under S, of which 2 cross; 8 are counted lookups, 3 of them misses. 50 stores under M, none slow.
static int setup(void **state)
{
    (void)state;
    s = (StatsTlb){.counted = true, .causes = true, .asids = g_array_new(FALSE, FALSE, sizeof(StatsAsid))};
    s.started[1][ACCESS_READ] = 100;
    s.started[3][ACCESS_WRITE] = 50;
    s.tapped = true;
    s.direct[ACCESS_READ] = 100;
    s.direct[ACCESS_WRITE] = 50;
    s.tlb.size[1] = 64;
    s.tlb.used[1] = 3;
    s.tlb.kind[1][ACCESS_READ] = (TlbCounters){.hit = 2, .victim_hit = 1, .slow_watch = 1, .slow_mmio = 1, .fill_ok = 2,
                                               .fill_fault = 1};
    s.miss.miss[1][ACCESS_READ][TLB_MISS_COLD] = 2;
    s.miss.miss[1][ACCESS_READ][TLB_MISS_FAULT] = 1;
    s.miss.size[1][ACCESS_READ][0] = 2;
    s.miss.size[1][ACCESS_READ][TLB_SIZE_NONE] = 1;
    s.miss.lookups[1][ACCESS_READ] = 8;
    s.miss.privilege[1][ACCESS_READ] = 3;
    s.miss.crossings[1][ACCESS_READ] = 2;
    s.miss.not_looked_up[3][ACCESS_WRITE] = 1;
    add_asid(TLB_SPACE, 5, 2);
    add_asid(TLB_SPACE_MACHINE, 0, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    stats_tlb_clear(&s);
    return 0;
}

static void derived(void **state)
{
    (void)state;
    assert_null(stats_tlb_check(&s));
    assert_int_equal(s.lookups[1][ACCESS_READ], 102);
    assert_int_equal(s.fast[1][ACCESS_READ], 94);
    assert_int_equal(s.lookups[3][ACCESS_WRITE], 49);
    assert_int_equal(s.fast[3][ACCESS_WRITE], 49);
    assert_int_equal(s.lookups[0][ACCESS_READ], 0);
}

static void refuses(uint64_t *where, int64_t change, const char *line)
{
    *where += (uint64_t)change;
    char *wrong = stats_tlb_check(&s);
    assert_non_null(wrong);
    assert_string_equal(wrong, line);
    g_free(wrong);
    *where -= (uint64_t)change;
    assert_null(stats_tlb_check(&s));
}

static void planted(void **state)
{
    (void)state;
    refuses(&s.started[3][ACCESS_WRITE], -1, "store: 49 accesses by executions of blocks, but 50 in all");
    s.tapped = false;
    refuses(&s.started[1][ACCESS_READ], -95,
            "load under S: 8 lookups were counted, but 5 accesses, 2 crossings and 0 other lookups, less 0 refused "
            "before, are only 7");
    refuses(&s.miss.not_looked_up[1][ACCESS_WRITE], 1,
            "store under S: 0 lookups were counted, but 0 accesses, 0 crossings and 0 other lookups, less 1 refused "
            "before, are only -1");
    refuses(&s.tlb.kind[1][ACCESS_READ].fill_ok, 1, "load: 3 misses by cause, but 4 in all");
    refuses(&s.miss.miss[1][ACCESS_READ][TLB_MISS_OTHER], 1, "load: 4 misses by cause, but 3 in all");
    refuses(&s.miss.size[1][ACCESS_READ][2], 1, "load: 4 misses by page size, but 3 in all");
    refuses(&g_array_index(s.asids, StatsAsid, 0).miss[ACCESS_READ][TLB_MISS_COLD], -1,
            "load: 2 misses by address space, but 3 in all");
    refuses(&g_array_index(s.asids, StatsAsid, 1).miss[ACCESS_FETCH][TLB_MISS_COLD], 1,
            "fetch: 1 misses by address space, but 0 in all");
    refuses(&s.miss.privilege[0][ACCESS_READ], 1, "load: 4 misses by privilege, but 3 in all");
    refuses(&s.miss.lookups[3][ACCESS_READ], 1, "load: 9 slow lookups by privilege, but 8 in all");
    refuses(&s.tlb.kind[2][ACCESS_WRITE].slow_discard, 1, "store: 0 slow lookups by privilege, but 1 in all");
    refuses(&s.tlb.used[1], 62, "MMU index 1: 65 entries in use of 64");
    // A cause in place of another one: the faults are known apart.
    s.miss.miss[1][ACCESS_READ][TLB_MISS_COLD]++;
    s.miss.miss[1][ACCESS_READ][TLB_MISS_FAULT]--;
    g_autofree char *wrong = stats_tlb_check(&s);
    assert_string_equal(wrong, "load: 0 misses by faults, but 1 in all");
}

static void summed(void **state)
{
    (void)state;
    StatsTlb sum = {0};
    assert_null(stats_tlb_check(&s));
    stats_tlb_add(&sum, &s);
    stats_tlb_add(&sum, &s);
    assert_int_equal(sum.fast[1][ACCESS_READ], 188);
    assert_int_equal(sum.tlb.kind[1][ACCESS_READ].fill_ok, 4);
    assert_int_equal(sum.asids->len, 2);
    assert_int_equal(g_array_index(sum.asids, StatsAsid, 0).asid, 5);
    assert_int_equal(g_array_index(sum.asids, StatsAsid, 0).spaces, 2);
    assert_int_equal(g_array_index(sum.asids, StatsAsid, 0).miss[ACCESS_READ][TLB_MISS_COLD], 4);
    assert_null(stats_tlb_check(&sum));
    stats_tlb_clear(&sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(derived, setup, teardown),
        cmocka_unit_test_setup_teardown(planted, setup, teardown),
        cmocka_unit_test_setup_teardown(summed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
