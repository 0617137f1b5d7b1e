// SPDX-License-Identifier: GPL-3.0-or-later
// What an engine tells of the code that it makes and drops.
#include "tests/test.h"
#include "backend/engine_private.h"
#include "tests/backend/encode.h"
#include "tests/backend/rig.h"
#include "tests/backend/temp_dir.h"
#include <string.h>

#define RAM_SIZE 0x40000u
#define ROUNDS 3000u
#define LENGTH 5
#define KINDS (ENGINE_FLUSHED + 1)

typedef struct {
    EngineEvent first[KINDS];
    unsigned n[KINDS], units, wrong;
    char *why; // of the last one that has it
} Seen;

static void see(void *opaque, const EngineEvent *e)
{
    Seen *s = opaque;
    bool made = e->kind == ENGINE_BASELINE || e->kind == ENGINE_REGION;
    if (!s->n[e->kind]++)
        s->first[e->kind] = *e;
    s->wrong += e->start_ns > e->end_ns || !e->end_ns || (made && (!e->unit || !e->host_bytes));
    if (e->unit) {
        s->wrong += e->unit->base != e->pc || e->unit->code_size + e->unit->cold_size != e->host_bytes;
        s->wrong += made && e->unit->dead;
        s->units++;
    }
    if (e->why) {
        g_free(s->why);
        s->why = g_strdup(e->why);
    }
}

static EngineConfig config_with(RegionStore *store)
{
    return (EngineConfig){.jit = true, .baseline = true, .system = true, .warm = 16, .threshold = 200, .opt = 1,
                          .workers = 1, .sync = true, .store = store};
}

// A loop of two blocks, of which the second adds `step` to T1 as often as T2 says; it ends where it stays.
static void poke_loop(HartRig *h, uint32_t step)
{
    const uint32_t code[LENGTH] = {addi(T0, T0, 1), 0x0040006f, addi(T1, T1, step), 0xfe729ae3, 0x0000006f};
    hart_rig_poke(h, RIG_RAM, code, LENGTH);
}

static HartRig *start(const EngineConfig *config, Seen *seen, unsigned watchers)
{
    HartRig *h = g_new0(HartRig, 1);
    hart_rig_init(h, RAM_SIZE, config);
    for (unsigned i = 0; i < watchers; i++)
        engine_add_watcher(h->rig.engine, &(EngineWatcher){&seen[i], see});
    poke_loop(h, 3);
    h->hart.env.pc = RIG_RAM;
    h->hart.env.r[T2] = ROUNDS;
    return h;
}

static void run(HartRig *h, unsigned insns)
{
    rig_slice(&h->rig, insns);
    engine_run(h->rig.engine);
}

static void stop(HartRig *h)
{
    hart_rig_deinit(h);
    g_free(h);
}

static void each_step_up_is_told(void **state)
{
    (void)state;
    Seen two[2] = {0};
    EngineConfig config = config_with(NULL);
    HartRig *h = start(&config, two, 2);
    run(h, 4 * ROUNDS + 10);
    const Seen *s = two;
    const EngineEvent *e = s->first;
    assert_int_equal(s->wrong, 0);
    assert_memory_equal(two[0].n, two[1].n, sizeof s->n);
    assert_int_equal(s->n[ENGINE_TRANSLATED], 3);
    assert_int_equal(e[ENGINE_TRANSLATED].pc, RIG_RAM);
    assert_int_equal(e[ENGINE_TRANSLATED].n_insns, 2);
    assert_int_equal(e[ENGINE_TRANSLATED].n_blocks, 1);
    assert_null(e[ENGINE_TRANSLATED].unit);
    assert_int_equal(s->n[ENGINE_BASELINE], 2);
    assert_false(e[ENGINE_BASELINE].loaded);
    assert_int_equal(s->n[ENGINE_REGION_SENT], 1);
    assert_int_equal(s->n[ENGINE_REGION], 1);
    assert_int_equal(e[ENGINE_REGION].pc, e[ENGINE_REGION_SENT].pc);
    assert_int_equal(e[ENGINE_REGION].n_blocks, e[ENGINE_REGION_SENT].n_blocks);
    assert_int_equal(e[ENGINE_REGION].n_insns, e[ENGINE_REGION_SENT].n_insns);
    assert_true(e[ENGINE_REGION].n_insns >= 4);
    assert_int_equal(e[ENGINE_REGION].start_ns, e[ENGINE_REGION_SENT].start_ns);
    assert_true(e[ENGINE_REGION].cpu_ns > 0);
    assert_int_equal(s->n[ENGINE_DROPPED] + s->n[ENGINE_FLUSHED] + s->n[ENGINE_REGION_FAILED], 0);
    stop(h);
}

static void what_is_written_to_is_dropped(void **state)
{
    (void)state;
    Seen s = {0};
    EngineConfig config = config_with(NULL);
    HartRig *h = start(&config, &s, 1);
    run(h, 4 * ROUNDS + 10);
    unsigned units = s.units;
    const uint32_t nop = addi(0, 0, 0);
    hart_rig_poke(h, RIG_RAM + 8, &nop, 1);
    assert_int_equal(s.n[ENGINE_DROPPED], 2); // the second block and the region
    assert_int_equal(s.first[ENGINE_DROPPED].pc, RIG_RAM + 8);
    assert_int_equal(s.units, units + 2);
    assert_int_equal(s.wrong, 0);
    stop(h);
}

static void drop_while_it_is_compiled(void **state)
{
    (void)state;
    Seen s = {0};
    EngineConfig config = config_with(NULL);
    config.sync = false;
    HartRig *h = start(&config, &s, 1);
    while (!s.n[ENGINE_REGION_SENT] && ir_env_icount(&h->hart.env) < 4 * ROUNDS)
        run(h, 50);
    assert_int_equal(s.n[ENGINE_REGION_SENT], 1);
    poke_loop(h, 4);
    h->hart.env.r[T0] = 0;
    assert_true(tier_take(h->rig.engine, true));
    assert_int_equal(s.n[ENGINE_REGION_FAILED], 1);
    assert_string_equal(s.why, "its guest code was written to meanwhile");
    assert_int_equal(s.first[ENGINE_REGION_FAILED].pc, s.first[ENGINE_REGION_SENT].pc);
    g_free(s.why);
    stop(h);
}

static const char *bad_worker; // argv[1]

static void a_failure_says_why(void **state)
{
    (void)state;
    Seen s = {0};
    EngineConfig config = config_with(NULL);
    g_autofree char *real = queue_worker_path();
    g_setenv("BAD_WORKER_REAL", real, TRUE);
    g_setenv("ADDEND_WORKER", bad_worker, TRUE);
    g_setenv("BAD_WORKER", "refuse", TRUE);
    HartRig *h = start(&config, &s, 1);
    run(h, 4 * ROUNDS + 10);
    g_unsetenv("ADDEND_WORKER");
    assert_true(s.n[ENGINE_REGION_FAILED] >= 1);
    assert_int_equal(s.n[ENGINE_REGION_FAILED], s.n[ENGINE_REGION_SENT]);
    assert_int_equal(s.n[ENGINE_REGION], 0);
    assert_non_null(strstr(s.why, "no space left"));
    g_free(s.why);
    stop(h);
}

static void a_full_memory_is_told(void **state)
{
    (void)state;
    Seen s = {0};
    EngineConfig config = config_with(NULL);
    config.jit = false;
    config.code_size = 64 << 10;
    HartRig *h = start(&config, &s, 1);
    uint32_t *code = g_new(uint32_t, RAM_SIZE / 4);
    for (unsigned i = 0; i < RAM_SIZE / 4; i += 2) {
        code[i] = lw(A0, 0, A1);
        code[i + 1] = jal(ZERO, i + 2 < RAM_SIZE / 4 ? 4 : -(int32_t)(RAM_SIZE - 4));
    }
    hart_rig_poke(h, RIG_RAM, code, RAM_SIZE / 4);
    g_free(code);
    h->hart.env.r[A1] = RIG_RAM;
    for (unsigned i = 0; i < 40 && !s.n[ENGINE_FLUSHED]; i++)
        run(h, RAM_SIZE / 4);
    assert_true(s.n[ENGINE_FLUSHED] >= 1);
    assert_string_equal(s.why, "the memory for code is full");
    assert_int_equal(s.wrong, 0);
    g_free(s.why);
    stop(h);
}

static void what_is_kept_is_told_as_loaded(void **state)
{
    (void)state;
    RegionStore *store = region_store_open(temp_dir, 1 << 20, true, NULL);
    assert_non_null(store);
    EngineConfig config = config_with(store);
    for (unsigned i = 0; i < 2; i++) {
        Seen s = {0};
        HartRig *h = start(&config, &s, 1);
        run(h, 4 * ROUNDS + 10);
        assert_int_equal(s.n[ENGINE_REGION], 1);
        assert_int_equal(s.first[ENGINE_REGION].loaded, i);
        assert_int_equal(s.n[ENGINE_REGION_SENT], !i);
        assert_int_equal(s.wrong, 0);
        stop(h);
        region_store_flush(store);
    }
    region_store_free(store);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_up_is_told),      cmocka_unit_test(what_is_written_to_is_dropped),
        cmocka_unit_test(drop_while_it_is_compiled), cmocka_unit_test(a_failure_says_why),
        cmocka_unit_test(a_full_memory_is_told),
        FOLDER_TEST(what_is_kept_is_told_as_loaded)};
    bad_worker = argc > 1 ? argv[1] : NULL;
    g_setenv("ASAN_OPTIONS", "detect_leaks=0", TRUE); // for the worker: libgccjit leaks by design
    return cmocka_run_group_tests(tests, NULL, NULL);
}
