// SPDX-License-Identifier: GPL-3.0-or-later
// Breakpoints that come and go while code is interpreted, compiled and linked: each engine stops in front of every one,
// and nowhere else, in the state of a hart that steps there.
#include "tests/test.h"
#include "backend/breakpoints.h"
#include "backend/engine_private.h"
#include "tests/backend/encode.h"
#include "tests/backend/rig.h"
#include "tests/backend/tiers.h"

#define ECALL 0x00000073u
#define FAR   (RIG_RAM + 0x1000) // a function on another page
#define LIMIT 3000

static const EngineConfig jit_O1 = {.jit = true, .threshold = 10, .opt = 1, .workers = 1, .sync = true};

enum { A6 = 16, A7, MAIN_INSNS = 16, FAR_INSNS = 3 };

// Two loops in one another, calls of a near function and a far one, a store and a load, a trap.
static void start(HartRig *h, const EngineConfig *config)
{
    const uint32_t code[MAIN_INSNS] = {
        addi(A0, A0, 1),                      // 0: outer
        addi(A1, ZERO, 7),                    // 1
        addi(A2, A2, 3),                      // 2: inner
        s_type(0x23, 3, S0, A2, 0),           // 3: sd a2, 0(s0)
        ld(A3, 0, S0),                        // 4: ld a3, 0(s0)
        jal(RA, 4 * (14 - 5)),                // 5
        addi(A1, A1, -1),                     // 6
        bne(A1, ZERO, 4 * (2 - 7)),           // 7
        jalr(RA, 0, S1),                      // 8: jalr s1
        i_type(0x13, 7, A4, A0, 15),          // 9: andi a4, a0, 15
        bne(A4, ZERO, 4 * (12 - 10)),         // 10
        ECALL,                                // 11
        addi(A5, A5, 1),                      // 12: where traps come back to
        jal(ZERO, 4 * (0 - 13)),              // 13
        addi(A6, A6, 1),                      // 14: near
        jalr(ZERO, 0, RA),                    // 15: ret
    };
    const uint32_t far[FAR_INSNS] = {addi(A7, A7, 2), addi(A6, A6, -1), jalr(ZERO, 0, RA)};
    hart_rig_init(h, 0x40000, config);
    hart_rig_poke(h, RIG_RAM, code, MAIN_INSNS);
    hart_rig_poke(h, FAR, far, FAR_INSNS);
    h->hart.env.r[S0] = RIG_RAM + 0x2000;
    h->hart.env.r[S1] = FAR;
    h->hart.mtvec = RIG_RAM + 4 * 12;
}

static bool is_set(const uint64_t *pcs, unsigned n, uint64_t pc)
{
    for (unsigned i = 0; i < n; i++)
        if (pcs[i] == pc)
            return true;
    return false;
}

static unsigned some_breakpoints(GRand *random, uint64_t *pcs)
{
    unsigned n = 0;
    uint32_t share = (uint32_t)g_rand_int_range(random, 2, 30);
    for (unsigned i = 0; i < MAIN_INSNS; i++)
        if (!(g_rand_int(random) % share))
            pcs[n++] = RIG_RAM + 4 * i;
    for (unsigned i = 0; i < FAR_INSNS; i++)
        if (!(g_rand_int(random) % share))
            pcs[n++] = FAR + 4 * i;
    return n;
}

static void same_state(const HartRig *h, const HartRig *slow)
{
    assert_int_equal(h->hart.env.pc, slow->hart.env.pc);
    assert_memory_equal(h->hart.env.r, slow->hart.env.r, 32 * sizeof(uint64_t));
    assert_int_equal(ir_env_icount(&h->hart.env), ir_env_icount(&slow->hart.env));
}

static void stops_at_each(void **state)
{
    HartRig *h = g_new0(HartRig, 1), *slow = g_new0(HartRig, 1);
    GRand *random = g_rand_new_with_seed(3);
    start(h, *state);
    start(slow, &interp);
    unsigned hits = 0, rounds = ((const EngineConfig *)*state)->jit ? 100 : 1000; // GCC is waited for
    for (unsigned round = 0; round < rounds; round++) {
        uint64_t pcs[MAIN_INSNS + FAR_INSNS];
        unsigned n = round % 3 ? some_breakpoints(random, pcs) : 0;
        engine_set_breakpoints(h->rig.engine, pcs, n);
        for (unsigned k = 0; k < 5; k++) {
            rig_slice(&h->rig, 1); // gdb steps off what it stands at
            engine_step(h->rig.engine);
            engine_step(slow->rig.engine);
            same_state(h, slow);
            assert_false(engine_at_breakpoint(h->rig.engine));
            rig_run(&h->rig, g_rand_int_range(random, 1, LIMIT));
            bool hit = engine_at_breakpoint(h->rig.engine);
            uint64_t end = ir_env_icount(&h->hart.env);
            while (!is_set(pcs, n, slow->hart.env.pc) &&
                   (ir_env_icount(&slow->hart.env) < end || slow->hart.env.pc != h->hart.env.pc))
                engine_step(slow->rig.engine);
            same_state(h, slow);
            if (hit)
                assert_true(is_set(pcs, n, h->hart.env.pc));
            hits += hit;
        }
    }
    assert_true(hits > rounds);
    EngineStats s;
    engine_stats(h->rig.engine, &s);
    assert_true(!((const EngineConfig *)*state)->jit || s.regions > 3);
    g_rand_free(random);
    hart_rig_deinit(h);
    hart_rig_deinit(slow);
    g_free(h);
    g_free(slow);
}

// What is set again as it was drops no code; what is removed leaves none that ends too early.
static void unchanged_costs_nothing(void **state)
{
    HartRig *h = g_new0(HartRig, 1);
    start(h, *state);
    const uint64_t pcs[] = {RIG_RAM + 4 * 11};
    rig_run(&h->rig, 3000);
    engine_set_breakpoints(h->rig.engine, pcs, 1);
    rig_run(&h->rig, 3000);
    assert_true(engine_at_breakpoint(h->rig.engine));
    engine_step(h->rig.engine);
    EngineStats before, after;
    engine_stats(h->rig.engine, &before);
    for (unsigned i = 0; i < 20; i++) {
        engine_set_breakpoints(h->rig.engine, pcs, 1);
        rig_run(&h->rig, 3000);
        assert_int_equal(h->hart.env.pc, pcs[0]);
        engine_step(h->rig.engine);
    }
    engine_stats(h->rig.engine, &after);
    assert_true(after.blocks - before.blocks <= 20 + 12); // the steps, and what had not run yet
    engine_set_breakpoints(h->rig.engine, NULL, 0);
    rig_run(&h->rig, 100000);
    for (unsigned i = 0; i < code_cache_blocks(((Engine *)h->rig.engine)->cache); i++) {
        const Block *b = code_cache_block(((Engine *)h->rig.engine)->cache, i);
        assert_true(b->dead || !b->cut);
    }
    hart_rig_deinit(h);
    g_free(h);
}

#define ALL(test) ON(test, interp), ON(test, baseline), ON(test, tiered), ON(test, jit_O1)

int main(void)
{
    g_setenv("ASAN_OPTIONS", "detect_leaks=0", TRUE); // for the worker: libgccjit leaks by design
    const struct CMUnitTest tests[] = {ALL(stops_at_each), ALL(unchanged_costs_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
