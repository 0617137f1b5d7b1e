// SPDX-License-Identifier: GPL-3.0-or-later
// Runs tests/exec/*.cases through lifter, verifier and evaluator, with and without the passes. Argument: the
// directory of the case files.
#include "tests/test.h"
#include "tests/exec_cases.h"

static const char *directory;

static void cases(void **state)
{
    g_autofree char *path = g_strdup_printf("%s/%s.cases", directory, (const char *)*state);
    unsigned count;
    assert_int_equal(exec_cases_run(path, &exec_engine_eval, &count), 0);
    assert_true(count > 10);
    assert_int_equal(exec_cases_run(path, &exec_engine_passes, &count), 0);
}

#define CASES(file)                                                                                          \
    {                                                                                                        \
        file, cases, NULL, NULL, (void *)file                                                                \
    }

int main(int argc, char **argv)
{
    assert_int_equal(argc, 2);
    directory = argv[1];
    const struct CMUnitTest tests[] = {
        CASES("rv64i"), CASES("rv64m"), CASES("rv64a"), CASES("rv64c"),
        CASES("zba"),   CASES("zbb"),   CASES("zbs"),   CASES("system"), CASES("priv"), CASES("sv"),
        CASES("rv64f"), CASES("rv64d"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
