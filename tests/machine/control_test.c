// SPDX-License-Identifier: GPL-3.0-or-later
// What stopping and going on mean to others than the harts.
#include "tests/test.h"
#include "machine/exec_private.h"
#include "softmmu/dirty.h"
#include "softmmu/listener.h"

typedef struct {
    MemoryListener listener;
    unsigned starts, stops;
} Log;

static bool log_start(MemoryListener *l, GError **error)
{
    (void)error;
    ((Log *)(void *)l)->starts++;
    return true;
}

static void log_stop(MemoryListener *l)
{
    ((Log *)(void *)l)->stops++;
}

// R3.22: global logging that ends while the machine is stopped goes on until it runs again.
static void R3_22_logging_outlives_a_stop(void **state)
{
    (void)state;
    const char *argv[] = {"addend", "-M", "virt", "-bios", "none", "-display", "none", "-serial", "null"};
    g_autoptr(GError) error = NULL;
    Options options;
    assert_true(options_parse(&options, G_N_ELEMENTS(argv), (char **)(uintptr_t)argv, &error));
    Machine *m = machine_new(&options, &error);
    assert_non_null(m);
    machine_prepare(m);
    Log log = {.listener = {.name = "log", .log_global_start = log_start, .log_global_stop = log_stop}};
    memory_listener_register(&log.listener, board_cpu_memory(m->board, 0));
    assert_true(memory_global_dirty_log_start(DIRTY_USER_MIGRATION, NULL));
    assert_true(machine_stop(m));
    memory_global_dirty_log_stop(DIRTY_USER_MIGRATION);
    assert_int_equal(log.starts, 1);
    assert_int_equal(log.stops, 0);
    machine_cont(m);
    assert_int_equal(log.stops, 1);
    assert_true(memory_global_dirty_log_start(DIRTY_USER_RATE, NULL));
    memory_global_dirty_log_stop(DIRTY_USER_RATE);
    assert_int_equal(log.stops, 2);
    assert_true(machine_stop(m));
    machine_end_by_user(m, 0, NULL); // as quit does while it is stopped
    assert_true(memory_global_dirty_log_start(DIRTY_USER_LIMIT, NULL));
    memory_global_dirty_log_stop(DIRTY_USER_LIMIT);
    assert_int_equal(log.stops, 3);
    memory_listener_unregister(&log.listener);
    machine_free(m);
    options_deinit(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(R3_22_logging_outlives_a_stop)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
