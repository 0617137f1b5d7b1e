// SPDX-License-Identifier: GPL-3.0-or-later
// The words of -d and -dfilter.
#include "util/log.h"
#include "tests/test.h"
#include <string.h>

static void items(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    assert_true(log_parse_items("in_asm,int", &error));
    assert_int_equal(log_mask, LOG_IN_ASM | LOG_INT);
    assert_true(log_on(LOG_INT | LOG_MMU));
    assert_false(log_on(LOG_MMU));
    assert_false(log_parse_items("mmu,nonsense", &error));
    assert_non_null(strstr(error->message, "'nonsense'"));
}

static void bad_ranges(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     "x",       "0x10",    "0x10+",  "0x10+0",     "0x10..",
                                      "5..4", "0x10.20", "1+2junk", "1+2,,3", "0..1,0x10-0", "0x10-0x20"};
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        assert_false(log_parse_filter(bad[i], &error));
        assert_non_null(strstr(error->message, "-dfilter"));
    }
}

static void ranges(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    assert_true(log_parse_filter("0x1000+0x10,0x2fff-0x1000,0x4000..0x4001", &error));
    static const uint64_t in[] = {0x1000, 0x100f, 0x2000, 0x2fff, 0x4000, 0x4001};
    static const uint64_t out[] = {0xfff, 0x1010, 0x1fff, 0x3000, 0x3fff, 0x4002};
    for (unsigned i = 0; i < G_N_ELEMENTS(in); i++) {
        assert_true(log_in_filter(in[i]));
        assert_false(log_in_filter(out[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(items), cmocka_unit_test(ranges),
                                       cmocka_unit_test(bad_ranges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
