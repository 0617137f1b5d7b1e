// SPDX-License-Identifier: GPL-3.0-or-later
// The compile queue when things go right, and when workers die, are missing, or are stopped while busy.
#include "tests/test.h"
#include "backend/queue.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int results; // atomic

static void on_result(void *opaque)
{
    (void)opaque;
    g_atomic_int_inc(&results);
}

// A region of n additions; it takes GCC longer the more there are.
static char *region_text(unsigned n)
{
    GString *s = g_string_new(NULL);
    g_string_append_printf(s, "code 0x80000000\nblock b0 +0x0 entry insns=1 {\n  insn +0x0 len=4 bits=0x13\n"
                              "  v1 = get r10\n  v2 = get r11\n");
    for (unsigned i = 0; i < n; i++)
        g_string_append_printf(s, "  v%u = %s v%u, v%u\n", i + 3, i % 2 ? "mul" : "add", i + 2, i + 1);
    g_string_append_printf(s, "  put r10, v%u\n  jump +0x4\n}\n", n + 2);
    return g_string_free(s, FALSE);
}

static void submit(Queue *q, unsigned n, unsigned opt, uintptr_t job)
{
    g_autofree char *text = region_text(n);
    JitRequest rq = {.opt = (uint8_t)opt};
    queue_submit(q, &rq, text, (void *)job);
}

static void check_good(QueueResult *r, uintptr_t job)
{
    assert_non_null(r);
    if (r->failed)
        fail_msg("%s", r->message);
    assert_ptr_equal(r->job, job);
    assert_int_equal(r->n_entries, 1);
    assert_int_equal(r->entries[0], 0);
    assert_int_equal(r->n_slots, 1);
    assert_true(r->n_sites >= 1);
    assert_int_equal(r->sites[0].pc, 4);
    assert_memory_equal(r->object->data, "\177ELF", 4);
    assert_true(r->compile_ns > 0);
    queue_result_free(r);
}

static void many_jobs(void **state)
{
    Queue *q = queue_new(2, on_result, NULL);
    bool seen[40] = {false};
    (void)state;
    g_atomic_int_set(&results, 0);
    assert_true(queue_idle(q));
    assert_null(queue_take(q, true)); // nothing is under way
    for (uintptr_t i = 0; i < G_N_ELEMENTS(seen); i++)
        submit(q, 1 + (unsigned)i % 5, i % 3, i);
    assert_true(!queue_idle(q) || g_atomic_int_get(&results) >= 37); // all but done on a host that let us wait
    for (unsigned i = 0; i < G_N_ELEMENTS(seen); i++) {
        QueueResult *r = queue_take(q, true);
        uintptr_t job = (uintptr_t)r->job;
        assert_false(seen[job]);
        seen[job] = true;
        check_good(r, job);
    }
    assert_null(queue_take(q, true));
    assert_true(queue_idle(q));
    assert_int_equal(queue_lost(q), 0);
    queue_free(q, NULL);
    assert_int_equal(g_atomic_int_get(&results), G_N_ELEMENTS(seen));
}

// More jobs than one worker process does before it is replaced.
static void process_is_replaced(void **state)
{
    Queue *q = queue_new(1, on_result, NULL);
    (void)state;
    for (uintptr_t i = 0; i < 205; i++) {
        submit(q, 1, 0, i);
        check_good(queue_take(q, true), i);
    }
    assert_int_equal(queue_lost(q), 0);
    queue_free(q, NULL);
}

static void texts_are_asked_for(void **state)
{
    Queue *q = queue_new(1, on_result, NULL);
    g_autofree char *text = region_text(4);
    JitRequest rq = {.opt = 1, .want_gimple = 1, .want_ir = 1};
    (void)state;
    queue_submit(q, &rq, text, NULL);
    QueueResult *r = queue_take(q, true);
    assert_false(r->failed);
    assert_non_null(strstr(r->ir, "code 0x80000000\n"));
    assert_non_null(strstr(r->gimple, "region"));
    queue_result_free(r);
    queue_free(q, NULL);
}

static void bad_text(void **state)
{
    static const char *const texts[] = {"nonsense", "code 0x0\nblock b0 +0x0 entry insns=0 {\n  put r1, v7\n}\n"};
    Queue *q = queue_new(1, on_result, NULL);
    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        JitRequest rq = {.opt = 1};
        queue_submit(q, &rq, texts[i], NULL);
        QueueResult *r = queue_take(q, true);
        assert_true(r->failed);
        assert_true(strlen(r->message) > 5);
        assert_null(r->object);
        queue_result_free(r);
    }
    submit(q, 1, 0, 7); // the worker lives on
    check_good(queue_take(q, true), 7);
    assert_int_equal(queue_lost(q), 0);
    queue_free(q, NULL);
}

// Process ids of this process's children.
static unsigned children(pid_t *out, unsigned max)
{
    unsigned n = 0;
    g_autoptr(GDir) tasks = g_dir_open("/proc/self/task", 0, NULL);
    for (const char *t; (t = g_dir_read_name(tasks));) {
        g_autofree char *path = g_strdup_printf("/proc/self/task/%s/children", t), *list = NULL;
        if (!g_file_get_contents(path, &list, NULL, NULL))
            continue;
        g_auto(GStrv) pids = g_strsplit(list, " ", -1);
        for (char **p = pids; *p && n < max; p++)
            if (**p)
                out[n++] = (pid_t)g_ascii_strtoll(*p, NULL, 10);
    }
    return n;
}

// The queue may find a process dead and have another one at any time.
static void kill_child(void)
{
    pid_t pid[4];
    while (children(pid, 4) == 0 || kill(pid[0], SIGKILL))
        g_usleep(1000);
}

// A worker that is killed between jobs or in one is replaced; the job is done again.
static void worker_killed(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 4; n++) {
        Queue *q = queue_new(1, on_result, NULL);
        submit(q, 300, 2, 1);
        g_usleep(n * 4000);
        kill_child();
        check_good(queue_take(q, true), 1);
        kill_child();
        submit(q, 3, 0, 2);
        check_good(queue_take(q, true), 2);
        assert_int_equal(queue_lost(q), 0);
        queue_free(q, NULL);
    }
}

static void try_worker(const char *path)
{
    g_setenv("ADDEND_WORKER", path, TRUE);
    Queue *q = queue_new(1, on_result, NULL);
    for (uintptr_t i = 1; i <= 3; i++) {
        submit(q, 1, 0, i);
        QueueResult *r = queue_take(q, true);
        assert_true(r->failed);
        assert_ptr_equal(r->job, i);
        assert_non_null(strstr(r->message, "worker"));
        queue_result_free(r);
        assert_int_equal(queue_lost(q), i);
        assert_true(queue_idle(q));
    }
    queue_free(q, NULL);
    g_unsetenv("ADDEND_WORKER");
}

static void worker_missing(void **state)
{
    (void)state;
    try_worker("/nonexistent/addend-worker");
    try_worker("/bin/true"); // starts, but does not answer
}

static int dropped; // atomic

static void drop(void *job)
{
    assert_non_null(job);
    g_atomic_int_inc(&dropped);
}

static void stopped_while_busy(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 6; n++) {
        Queue *q = queue_new(2, on_result, NULL);
        g_atomic_int_set(&dropped, 0);
        g_atomic_int_set(&results, 0);
        for (uintptr_t i = 1; i <= 8; i++)
            submit(q, 1500, 2, i);
        g_usleep(n * 8000);
        queue_free(q, drop);
        assert_int_equal(g_atomic_int_get(&dropped), 8);
        assert_true(g_atomic_int_get(&results) < 8); // nobody waited for them
        pid_t pid[4];
        assert_int_equal(children(pid, 4), 0);
    }
}

int main(void)
{
    g_setenv("ASAN_OPTIONS", "detect_leaks=0", TRUE); // for the worker: libgccjit leaks by design
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_jobs),           cmocka_unit_test(process_is_replaced),
        cmocka_unit_test(texts_are_asked_for), cmocka_unit_test(bad_text),
        cmocka_unit_test(worker_killed),       cmocka_unit_test(worker_missing),
        cmocka_unit_test(stopped_while_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
