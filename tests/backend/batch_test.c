// SPDX-License-Identifier: GPL-3.0-or-later
// Regions that are compiled together: each comes out as if it had been alone, whatever becomes of the others.
#include "tests/test.h"
#include "backend/engine_private.h"
#include "tests/ir/gen.h"
#include <signal.h>
#include <unistd.h>

#define N 10

static const char *bad_worker;
static int results; // atomic

static void on_result(void *opaque)
{
    (void)opaque;
    g_atomic_int_inc(&results);
}

typedef struct {
    Queue *q; // of one worker
    QueueJob jobs[N];
    QueueResult *alone[N], *together[N];
} Batch;

// N random regions, or with odd seeds such of floats; freed with free_jobs.
static void make_jobs(QueueJob *jobs, uint64_t seed)
{
    GenRng rng = {seed * UINT64_C(0x9e3779b97f4a7c15)};
    for (uintptr_t i = 0; i < N; i++) {
        GenConfig config = {.base = 0x80000000 + 0x1000 * i, .max_blocks = 6, .max_insns = 5, .max_ops = 4,
                            .n_regs = seed % 2 ? 40 : 12, .n_helpers = 2, .leave = true, .memory = true,
                            .atomics = i % 3 == 0, .fp = seed % 2, .floats = seed % 2, .mem_base = 0x80200000,
                            .mem_size = 4096};
        IrCode *code = gen_code(&rng, &config);
        GString *text = g_string_new(NULL);
        ir_print(text, code);
        ir_code_free(code);
        jobs[i] = (QueueJob){{.opt = 1, .movable = i % 4 == 1, .linear = i % 4 == 2, .stats = i % 4 == 3,
                              .n_helpers = 2},
                             g_string_free(text, FALSE), (void *)i};
    }
}

static void free_jobs(QueueJob *jobs)
{
    for (unsigned i = 0; i < N; i++)
        g_free(jobs[i].text);
}

// n results, by job.
static void take_all(Queue *q, QueueResult **out, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        QueueResult *r = queue_take(q, true);
        assert_non_null(r);
        uintptr_t job = (uintptr_t)r->job;
        assert_true(job < N);
        assert_null(out[job]);
        out[job] = r;
    }
    assert_null(queue_take(q, false));
}

static void free_results(QueueResult **r)
{
    for (unsigned i = 0; i < N; i++)
        g_clear_pointer(&r[i], queue_result_free);
}

static void batch_init(Batch *b, uint64_t seed)
{
    *b = (Batch){.q = queue_new(1, on_result, NULL)};
    make_jobs(b->jobs, seed);
}

static void batch_deinit(Batch *b)
{
    free_results(b->alone);
    free_results(b->together);
    free_jobs(b->jobs);
    queue_free(b->q, NULL);
}

static void compile_alone(Batch *b)
{
    for (unsigned i = 0; i < N; i++) {
        queue_submit(b->q, &b->jobs[i].rq, b->jobs[i].text, b->jobs[i].job);
        take_all(b->q, b->alone, 1);
    }
}

static void compile_together(Batch *b)
{
    queue_submit_batch(b->q, b->jobs, N);
    take_all(b->q, b->together, N);
}

static void check_same_bytes(const void *a, size_t a_size, const void *b, size_t b_size)
{
    assert_int_equal(a_size, b_size);
    if (a_size)
        assert_memory_equal(a, b, a_size);
}

// All that the code cache keeps of a region.
static void check_same(QueueResult *a, QueueResult *b)
{
    g_autoptr(GError) error = NULL;
    size_t entry, other_entry;
    assert_false(a->failed);
    if (b->failed)
        fail_msg("%s", b->message);
    g_autoptr(GByteArray) text = text_of_result(a, &entry, &error), other = text_of_result(b, &other_entry, &error);
    if (error)
        fail_msg("%s", error->message);
    assert_int_equal(entry, other_entry);
    check_same_bytes(text->data, text->len, other->data, other->len);
    check_same_bytes(a->exits->data, a->exits->len, b->exits->data, b->exits->len);
    check_same_bytes(a->moves->data, a->moves->len * sizeof(uint32_t), b->moves->data,
                     b->moves->len * sizeof(uint32_t));
    check_same_bytes(a->sites, a->n_sites * sizeof *a->sites, b->sites, b->n_sites * sizeof *b->sites);
    check_same_bytes(a->entries, a->n_entries * sizeof *a->entries, b->entries, b->n_entries * sizeof *b->entries);
    assert_int_equal(a->n_slots, b->n_slots);
}

static void as_if_alone(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 4; seed++) {
        Batch b;
        bool shared = false;
        g_atomic_int_set(&results, 0);
        batch_init(&b, seed);
        compile_alone(&b);
        queue_submit_batch(b.q, b.jobs, N);
        assert_int_equal(queue_idle(b.q), 0);
        take_all(b.q, b.together, N);
        assert_int_equal(queue_idle(b.q), 1);
        for (unsigned i = 0; i < N; i++) {
            check_same(b.alone[i], b.together[i]);
            assert_true(b.together[i]->compile_ns > 0);
            shared |= i && b.together[i]->object == b.together[0]->object && b.together[i]->index == i;
        }
        assert_true(shared);
        batch_deinit(&b);
        assert_int_equal(g_atomic_int_get(&results), 2 * N);
    }
}

// One of them is no IR; what a worker makes of the others does not change.
static void one_is_bad(void **state)
{
    (void)state;
    for (unsigned bad = 0; bad < N; bad += N - 1) {
        Batch b;
        batch_init(&b, 6);
        compile_alone(&b);
        g_free(b.jobs[bad].text);
        b.jobs[bad].text = g_strdup("nonsense");
        compile_together(&b);
        for (unsigned i = 0; i < N; i++) {
            if (i == bad)
                assert_true(b.together[i]->failed);
            else
                check_same(b.alone[i], b.together[i]);
        }
        assert_int_equal(queue_lost(b.q), 0);
        batch_deinit(&b);
    }
}

// Different levels, or GIMPLE, which is printed by context: each alone.
static void options_differ(void **state)
{
    (void)state;
    Batch b;
    batch_init(&b, 8);
    b.jobs[3].rq.opt = 2;
    compile_alone(&b);
    queue_free(b.q, NULL);
    b.q = queue_new(1, on_result, NULL); // libgccjit remembers something of -O2
    compile_together(&b);
    for (unsigned i = 0; i < N; i++)
        check_same(b.alone[i], b.together[i]);
    free_results(b.together);
    b.jobs[3].rq.opt = 1;
    b.jobs[5].rq.want_gimple = b.jobs[5].rq.want_ir = 1;
    compile_together(&b);
    for (unsigned i = 0; i < N; i++)
        assert_true((b.together[i]->gimple && b.together[i]->ir) == (i == 5));
    batch_deinit(&b);
}

// One of them makes the worker fail, each time: only that one is lost.
static void one_kills(void **state)
{
    (void)state;
    static const struct {
        const char *how, *seconds;
    } ways[] = {{"abort", "60"}, {"garbage", "60"}, {"half", "60"}, {"hang", "8"}};
    g_autofree char *real = queue_worker_path();
    g_setenv("BAD_WORKER_REAL", real, TRUE);
    g_setenv("BAD_WORKER_IF", "0x12345", TRUE);
    for (unsigned k = 0; k < G_N_ELEMENTS(ways); k++) {
        g_setenv("ADDEND_WORKER", bad_worker, TRUE);
        g_setenv("BAD_WORKER", ways[k].how, TRUE);
        g_setenv("ADDEND_WORKER_SECONDS", ways[k].seconds, TRUE);
        Batch b;
        batch_init(&b, 10);
        unsigned bad = 3 * k;
        g_autofree char *text = g_steal_pointer(&b.jobs[bad].text);
        b.jobs[bad].text = g_strdup_printf("code 0x12345\n%s", text);
        compile_together(&b);
        for (unsigned i = 0; i < N; i++)
            assert_true(b.together[i]->failed == (i == bad));
        assert_int_equal(queue_lost(b.q), 1);
        assert_int_equal(queue_idle(b.q), 1);
        batch_deinit(&b);
    }
    g_unsetenv("ADDEND_WORKER");
    g_unsetenv("ADDEND_WORKER_SECONDS");
}

// Process id of this process's child, 0 if there is none.
static pid_t child(void)
{
    g_autoptr(GDir) tasks = g_dir_open("/proc/self/task", 0, NULL);
    for (const char *t; (t = g_dir_read_name(tasks));) {
        g_autofree char *path = g_strdup_printf("/proc/self/task/%s/children", t), *list = NULL;
        if (g_file_get_contents(path, &list, NULL, NULL) && *list)
            return (pid_t)g_ascii_strtoll(list, NULL, 10);
    }
    return 0;
}

// The queue may find a process dead and have another one at any time.
static void kill_child(void)
{
    pid_t pid;
    while (!(pid = child()) || kill(pid, SIGKILL))
        g_usleep(1000);
}

// A worker that is killed at any time in a batch, from outside: nothing is lost.
static void worker_killed(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 5; n++) {
        Batch b;
        batch_init(&b, 12);
        compile_alone(&b);
        queue_submit_batch(b.q, b.jobs, N);
        g_usleep(n * 20000);
        kill_child();
        take_all(b.q, b.together, N);
        for (unsigned i = 0; i < N; i++)
            check_same(b.alone[i], b.together[i]);
        assert_int_equal(queue_lost(b.q), 0);
        batch_deinit(&b);
    }
}

// More batches than a worker process does.
static void process_is_replaced(void **state)
{
    (void)state;
    Batch b;
    batch_init(&b, 14);
    for (unsigned i = 0; i < N; i++)
        b.jobs[i].rq.opt = 0;
    for (unsigned n = 0; n < 220 / N; n++) {
        compile_together(&b);
        for (unsigned i = 0; i < N; i++)
            assert_false(b.together[i]->failed);
        free_results(b.together);
        }
    assert_int_equal(queue_lost(b.q), 0);
    batch_deinit(&b);
}

static int dropped; // atomic

static void drop(void *job)
{
    (void)job;
    g_atomic_int_inc(&dropped);
}

static void stopped_while_busy(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 4; n++) {
        Batch b;
        batch_init(&b, 16);
        g_atomic_int_set(&dropped, 0);
        queue_submit_batch(b.q, b.jobs, N);
        queue_submit_batch(b.q, b.jobs, N);
        g_usleep(n * 15000);
        queue_free(b.q, drop);
        assert_int_equal(g_atomic_int_get(&dropped), 2 * N);
        free_jobs(b.jobs);
    }
    assert_int_equal(child(), 0);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 1;
    bad_worker = argv[1];
    g_setenv("ASAN_OPTIONS", "detect_leaks=0", TRUE); // for the worker: libgccjit leaks by design
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_if_alone),         cmocka_unit_test(one_is_bad),
        cmocka_unit_test(options_differ),      cmocka_unit_test(one_kills),
        cmocka_unit_test(worker_killed),       cmocka_unit_test(process_is_replaced),
        cmocka_unit_test(stopped_while_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
