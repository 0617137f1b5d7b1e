// SPDX-License-Identifier: GPL-3.0-or-later
// Engines that share a persistent code cache: what one kept another loads, but only for the very same guest code.
#include "tests/test.h"
#include "tests/backend/encode.h"
#include "tests/backend/rig.h"
#include "tests/backend/temp_dir.h"

#define ROUNDS 3000u
#define LENGTH 5 // instructions of the program

// A loop of two blocks, of which the second adds `step` to T1; it ends where it stays.
static void make_loop(uint32_t *code, uint32_t step)
{
    code[0] = addi(T0, T0, 1);
    code[1] = 0x0040006f; // j .+4
    code[2] = addi(T1, T1, step);
    code[3] = 0xfe729ae3; // bne t0, t2, .-12
    code[4] = 0x0000006f; // j .
}

static EngineConfig config_with(RegionStore *store, unsigned opt)
{
    return (EngineConfig){.jit = true, .baseline = true, .system = true, .warm = 16, .threshold = 200, .opt = opt,
                          .workers = 1, .sync = true, .store = store};
}

// Runs the program at `at` for so many instructions in a new engine, in a mode of engine_set_mode. It counts rounds in
// T0 up to T2, adds `step` to T1 in each, and stays at its fifth instruction.
static EngineStats run_program(RegionStore *store, unsigned opt, unsigned mode, uint64_t at, const uint32_t *code,
                               unsigned length, unsigned insns, uint64_t step)
{
    EngineConfig config = config_with(store, opt);
    HartRig *h = g_new0(HartRig, 1);
    hart_rig_init(h, 0x40000, &config);
    hart_rig_poke(h, at, code, length);
    engine_set_mode(h->rig.engine, mode, mode, 0);
    h->hart.env.pc = at;
    h->hart.env.r[T2] = ROUNDS;
    rig_slice(&h->rig, insns);
    engine_run(h->rig.engine);
    assert_int_equal(h->hart.env.r[T0], ROUNDS);
    assert_int_equal(h->hart.env.r[T1], ROUNDS * step);
    assert_int_equal(h->hart.env.pc, at + 16);
    assert_int_equal(ir_env_icount(&h->hart.env), insns);
    EngineStats s;
    engine_stats(h->rig.engine, &s);
    assert_int_equal(s.regions_failed, 0);
    hart_rig_deinit(h);
    g_free(h);
    return s;
}

static EngineStats run_in_mode(RegionStore *store, unsigned opt, unsigned mode, uint64_t at, uint32_t step)
{
    uint32_t code[LENGTH];
    make_loop(code, step);
    return run_program(store, opt, mode, at, code, LENGTH, 4 * ROUNDS + 10, step);
}

static EngineStats run_at(RegionStore *store, unsigned opt, uint64_t at, uint32_t step)
{
    return run_in_mode(store, opt, 3, at, step);
}

static EngineStats run_loop(RegionStore *store, uint32_t step)
{
    EngineStats s = run_at(store, 1, RIG_RAM, step);
    region_store_flush(store);
    return s;
}

static RegionStore *open_store(void)
{
    RegionStore *s = region_store_open(temp_dir, 1 << 20, true, NULL);
    assert_non_null(s);
    return s;
}

static void second_run_compiles_nothing(void **state)
{
    (void)state;
    RegionStore *store = open_store();
    EngineStats cold = run_loop(store, 3), warm = run_loop(store, 3);
    assert_int_equal(cold.cache_hits, 0);
    assert_true(cold.regions >= 1);
    assert_int_equal(cold.cache_stores, cold.regions);
    assert_true(cold.cache_misses >= cold.regions);
    assert_true(warm.cache_hits >= 1);
    assert_int_equal(warm.regions, 0);
    assert_int_equal(warm.cache_rejected, 0);
    assert_true(warm.jit_insns > cold.jit_insns / 2);
    region_store_free(store);
    store = open_store(); // another program
    assert_true(run_loop(store, 3).cache_hits >= 1);
    region_store_free(store);
}

// The head is the same and so is its key, but not what is behind it.
static void other_code_is_refused(void **state)
{
    (void)state;
    RegionStore *store = open_store();
    run_loop(store, 3);
    EngineStats other = run_loop(store, 4);
    assert_int_equal(other.cache_hits, 0);
    assert_true(other.cache_rejected >= 1);
    assert_true(other.regions >= 1);
    for (uint32_t step = 3; step <= 4; step++) { // now both are there
        EngineStats s = run_loop(store, step);
        assert_true(s.cache_hits >= 1);
        assert_int_equal(s.regions, 0);
    }
    region_store_free(store);
}

static void other_place_or_options_are_other_regions(void **state)
{
    (void)state;
    RegionStore *store = open_store();
    run_loop(store, 3);
    assert_int_equal(run_at(store, 1, RIG_RAM + 0x1000, 3).cache_hits, 0);
    assert_int_equal(run_at(store, 0, RIG_RAM, 3).cache_hits, 0);
    assert_true(run_at(store, 1, RIG_RAM, 3).cache_hits >= 1);
    region_store_free(store);
}

// A loop that calls and returns, and sums up the return addresses.
static EngineStats run_calls(RegionStore *store, unsigned mode, uint64_t at)
{
    static const uint32_t code[] = {
        0x00128293, // addi t0, t0, 1
        0x010000ef, // jal ra, .+16
        0x00130333, // add t1, t1, ra
        0xfe729ae3, // bne t0, t2, .-12
        0x0000006f, // j .
        0x00008067, // ret
    };
    EngineStats s = run_program(store, 1, mode, at, code, G_N_ELEMENTS(code), 5 * ROUNDS + 10, at + 8);
    region_store_flush(store);
    return s;
}

// Programs of an operating system are found again at another page, not elsewhere in it, and not in another mode.
static void user_programs_move(void **state)
{
    (void)state;
    RegionStore *store = open_store();
    EngineStats cold = run_in_mode(store, 1, CODE_PAGED, RIG_RAM, 3);
    assert_true(cold.regions >= 1);
    region_store_flush(store);
    for (uint64_t page = 0; page < 5; page++) {
        EngineStats moved = run_in_mode(store, 1, CODE_PAGED, RIG_RAM + page * 0x5000, 3);
        assert_true(moved.cache_hits >= 1);
        assert_int_equal(moved.regions, 0);
        assert_int_equal(moved.cache_rejected, 0);
    }
    assert_true(run_calls(store, CODE_PAGED, RIG_RAM + 0x100).regions >= 1);
    for (uint64_t page = 0; page < 5; page++) {
        EngineStats moved = run_calls(store, CODE_PAGED, RIG_RAM + 0x100 + page * 0x7000);
        assert_true(moved.cache_hits >= 1);
        assert_int_equal(moved.regions, 0);
    }
    assert_true(run_in_mode(store, 1, CODE_PAGED, RIG_RAM + 0x1000, 4).cache_rejected >= 1);
    assert_int_equal(run_in_mode(store, 1, CODE_PAGED, RIG_RAM + 0x40, 3).cache_hits, 0);
    assert_int_equal(run_in_mode(store, 1, 3, RIG_RAM, 3).cache_hits, 0);
    region_store_free(store);
}

static gpointer run_some(gpointer store)
{
    for (unsigned i = 0; i < 8; i++)
        run_loop(store, 1 + i % 4);
    return NULL;
}

static void several_engines(void **state)
{
    (void)state;
    RegionStore *store = open_store();
    rig_threads(run_some, store);
    assert_int_equal(run_loop(store, 2).regions, 0);
    region_store_free(store);
}

// Code that the guest changes is not taken for what it was, though that is loaded again when it comes back.
static void code_that_changes(void **state)
{
    (void)state;
    RegionStore *store = open_store();
    run_loop(store, 3);
    EngineConfig config = config_with(store, 1);
    HartRig *h = g_new0(HartRig, 1);
    hart_rig_init(h, 0x40000, &config);
    h->hart.env.r[T2] = ROUNDS;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < 12; i++) {
        uint32_t code[LENGTH];
        make_loop(code, 3 + i % 2);
        hart_rig_poke(h, RIG_RAM, code, LENGTH);
        sum += (uint64_t)ROUNDS * (3 + i % 2);
        h->hart.env.pc = RIG_RAM;
        h->hart.env.r[T0] = 0;
        rig_slice(&h->rig, 4 * ROUNDS);
        engine_run(h->rig.engine);
        assert_int_equal(h->hart.env.r[T1], sum);
    }
    EngineStats s;
    engine_stats(h->rig.engine, &s);
    assert_true(s.cache_hits >= 4);
    hart_rig_deinit(h);
    g_free(h);
    region_store_free(store);
}

int main(void)
{
    g_setenv("ASAN_OPTIONS", "detect_leaks=0", TRUE); // for the worker: libgccjit leaks by design
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(second_run_compiles_nothing), FOLDER_TEST(other_code_is_refused),
        FOLDER_TEST(other_place_or_options_are_other_regions), FOLDER_TEST(several_engines),
        FOLDER_TEST(user_programs_move),
        FOLDER_TEST(code_that_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
