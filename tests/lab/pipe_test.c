// SPDX-License-Identifier: GPL-3.0-or-later
// The pipe: every record once and in order, from pieces of all sizes, with a slow consumer, and with one that fails.
#include "tests/test.h"
#include "lab/pipe.h"
#include <string.h>

typedef struct {
    uint64_t next, fail_at;
    unsigned slow;
    bool failed;
} Check;

static bool take(void *opaque, const TapRecord *r, size_t n, GError **error)
{
    Check *c = opaque;
    g_assert(!c->failed && n);
    for (size_t i = 0; i < n; i++, c->next++) {
        if (c->next == c->fail_at) {
            g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "record %zu of a piece", i);
            c->failed = true;
            return false;
        }
        g_assert(r[i].what == c->next && r[i].tag == (uint32_t)c->next * 3 && r[i].count == 7);
    }
    if (c->slow)
        g_usleep(c->slow);
    return true;
}

static void put(Check *c, uint64_t total)
{
    static TapRecord r[20000];
    g_autoptr(GRand) rand = g_rand_new_with_seed(total);
    LabPipe *p = lab_pipe_new(take, c);
    for (uint64_t i = 0; i < total;) {
        static const int sizes[] = {1, 2, 100, 8191, 8192, 8193, 20000};
        uint64_t size = sizes[g_rand_int_range(rand, 0, 7)], n = MIN(size, total - i);
        for (uint64_t k = 0; k < n; k++, i++)
            r[k] = (TapRecord){i, (uint32_t)i * 3, 7};
        lab_pipe_put(p, r, n);
        memset(r, 0xee, sizeof(r[0]) * n); // it took a copy
    }
    GError *error = NULL;
    assert_true(lab_pipe_close(p, &error));
    assert_null(error);
}

static void test_order(void **state)
{
    (void)state;
    static const uint64_t totals[] = {0, 1, 5000, 8192, 2000000};
    for (unsigned i = 0; i < G_N_ELEMENTS(totals); i++) {
        Check c = {.fail_at = UINT64_MAX};
        put(&c, totals[i]);
        assert_int_equal(c.next, totals[i]);
    }
}

static void test_slow(void **state)
{
    (void)state;
    Check c = {.fail_at = UINT64_MAX, .slow = 300};
    put(&c, 700000);
    assert_int_equal(c.next, 700000);
}

// What is put behind the failure is dropped, and nobody waits for ever.
static void test_failure(void **state)
{
    (void)state;
    static TapRecord r[100];
    Check c = {.fail_at = 0};
    LabPipe *p = lab_pipe_new(take, &c);
    for (unsigned i = 0; i < 10000; i++)
        lab_pipe_put(p, r, 100);
    GError *error = NULL;
    assert_false(lab_pipe_close(p, &error));
    assert_string_equal(error->message, "record 0 of a piece");
    g_error_free(error);
    assert_true(c.failed);
    assert_int_equal(c.next, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_slow),
        cmocka_unit_test(test_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
