// SPDX-License-Identifier: GPL-3.0-or-later
// The engine on real guest code: exact counts, self-modifying code, devices inside hot loops, interrupts between
// chained regions, trap loops, full caches. Everything on the interpreter and with regions, compiled at once (sync).
#include "tests/test.h"
#include "tests/backend/encode.h"
#include "tests/backend/rig.h"
#include "tests/backend/tiers.h"
#include "backend/code_memory.h"
#include "backend/engine_private.h"
#include "frontend/trap.h"
#include <string.h>

#define AMOOR_W(rd, rs2, rs1)   (0x4000202fu | (rs2) << 20 | (rs1) << 15 | (uint32_t)(rd) << 7)
#define CSRR(rd, csr)           i_type(0x73, 2, rd, 0, csr)
#define FENCE_I                 0x0000100fu
#define ECALL                   0x00000073u
#define MRET                    0x30200073u
#define MINSTRET                0xb02u

static const EngineConfig jit_O0 = {.jit = true, .threshold = 10, .opt = 0, .workers = 1, .sync = true},
                          jit_O2 = {.jit = true, .threshold = 10, .opt = 2, .workers = 1, .sync = true, .stats = true};

static HartRig *rig; // a new one per test
#define h    (*rig)
#define R(n) h.hart.env.r[n]

static void start(void **state, const uint32_t *code, unsigned n)
{
    rig = g_new0(HartRig, 1);
    hart_rig_init(&h, 0x40000, *state);
    hart_rig_poke(&h, RIG_RAM, code, n);
}

static EngineStats stop(void)
{
    EngineStats s;
    engine_stats(h.rig.engine, &s);
    assert_int_equal(s.regions_failed, 0);
    assert_int_equal(s.workers_lost, 0);
    hart_rig_deinit(&h);
    g_free(rig);
    return s;
}

static void run(int64_t insns)
{
    rig_run(&h.rig, insns);
}

static uint64_t icount(void)
{
    return ir_env_icount(&h.hart.env);
}

static bool is_jit(void **state)
{
    return ((const EngineConfig *)*state)->jit;
}

// Regions only: else baseline code keeps what calls devices.
static bool only_jit(void **state)
{
    return is_jit(state) && !((const EngineConfig *)*state)->baseline;
}

// minstret as the guest reads it, and run_exactly, whatever tier ran before.
static void counts(void **state)
{
    const uint32_t code[] = {addi(A0, A0, 1), addi(A1, A1, 3), bne(A0, A2, -8), CSRR(A3, MINSTRET), jal(ZERO, 0)};
    start(state, code, G_N_ELEMENTS(code));
    uint64_t passes = 0;
    for (unsigned n = 1; n < 300; n++) {
        // Wherever the slice ended, registers and count fit together.
        run(1 + n % 37);
        uint64_t now = icount();
        engine_run_exactly(h.rig.engine, n % 11);
        assert_int_equal(icount(), now + n % 11);
        uint64_t off = (h.hart.env.pc - RIG_RAM) / 4;
        assert_true(off < 3);
        assert_int_equal(R(A0), (icount() + 2) / 3);
        assert_int_equal(R(A1), 3 * ((icount() + 1) / 3));
        assert_int_equal(icount() % 3, off);
        passes++;
    }
    engine_run_exactly(h.rig.engine, (3 - icount() % 3) % 3);
    R(A2) = R(A0) + 5;
    uint64_t before = icount();
    run(100);
    assert_int_equal(R(A3), before + 15);
    EngineStats s = stop();
    assert_true(passes == 299 && (!is_jit(state) || s.jit_insns > 1000));
}

// A hot loop changes an instruction of its own, every time round; fence.i makes it seen.
static void modifies_itself(void **state)
{
    const uint32_t code[] = {
        lw(T0, 0x100, GP),                                   // the patched instruction, with an immediate that grows
        sw(T0, 16, GP),                                      // over the one below
        FENCE_I,           addi(A0, A0, 1), addi(A1, A1, 0), // patched
        bne(A0, A2, -20),  jal(ZERO, 0),
    };
    start(state, code, G_N_ELEMENTS(code));
    R(GP) = RIG_RAM;
    R(A2) = UINT64_MAX;
    uint64_t want = 0;
    for (uint32_t k = 0; k < 100; k++) {
        uint32_t insn = addi(A1, A1, k % 7);
        memcpy(rig_ram(&h.rig, RIG_RAM + 0x100), &insn, 4);
        engine_step_block(h.rig.engine); // up to fence.i
        run(1);
        while (h.hart.env.pc != RIG_RAM)
            run(1);
        want += k % 7;
        assert_int_equal(R(A0), k + 1);
        assert_int_equal(R(A1), want);
    }
    stop();
}

// Hot code calls a function that is rewritten from outside, and by a store of the guest, while both are compiled.
static void modifies_other(void **state)
{
    const uint32_t code[] = {jal(RA, 0x40), addi(A0, A0, 1),   bne(A0, A2, -8), sw(A3, 0x40, GP),
                             FENCE_I,       addi(A0, ZERO, 0), jal(ZERO, -24)};
    const uint32_t add1[] = {addi(A1, A1, 1), jalr(ZERO, 0, RA)}, add5 = addi(A1, A1, 5), add9 = addi(A1, A1, 9);
    start(state, code, G_N_ELEMENTS(code));
    hart_rig_poke(&h, RIG_RAM + 0x40, add1, 2);
    R(GP) = RIG_RAM;
    R(A2) = 500;
    R(A3) = add5;
    engine_run_exactly(h.rig.engine, 0);
    while (R(A0) < 400)
        run(100);
    assert_int_equal(R(A1) - R(A0) <= 1, 1);
    while (R(A1) < 600) // the guest changes it at 500
        run(100);
    while (h.hart.env.pc != RIG_RAM)
        engine_run_exactly(h.rig.engine, 1);
    assert_int_equal(R(A1), 500 + 5 * R(A0));
    uint64_t a0 = R(A0), a1 = R(A1);
    hart_rig_poke(&h, RIG_RAM + 0x40, &add9, 1);
    engine_run_exactly(h.rig.engine, 5);
    assert_int_equal(R(A0), a0 + 1);
    assert_int_equal(R(A1), a1 + 9);
    EngineStats s = stop();
    assert_true(!is_jit(state) || s.regions >= 2);
}

// A device in the middle of a hot loop is reached once per pass and nothing is done twice.
static void device_in_loop(void **state)
{
    const uint32_t code[] = {addi(A0, A0, 1),  ld(A1, 0, GP),    ld(A3, 0, TP), addi(T0, T0, 1),
                             sw(A0, 0x20, TP), bne(A0, A2, -20), jal(ZERO, 0)};
    start(state, code, G_N_ELEMENTS(code));
    R(GP) = RIG_RAM + 0x8000;
    R(TP) = RIG_DEV;
    R(A2) = 1000;
    run(6000);
    while (h.hart.env.pc != RIG_RAM + 24)
        run(1);
    assert_int_equal(R(A0), 1000);
    assert_int_equal(R(T0), 1000);
    assert_int_equal(h.rig.dev_calls, 2000);
    EngineStats s = stop();
    assert_true(!only_jit(state) || s.regions >= 1);
    if (((const EngineConfig *)*state)->stats) {
        assert_int_equal(s.loads, 2000);
        assert_int_equal(s.stores, 1000);
    }
}

// A device sees the same instruction count on every engine: that of the instruction which asks, wherever in a block.
static void time_at_device(void **state)
{
    const uint32_t code[] = {addi(A0, A0, 1),  ld(A1, 0, TP),        addi(T0, T0, 1), sw(A0, 0x20, TP), addi(T1, T1, 1),
                             addi(T2, T2, 1),  AMOOR_W(A3, ZERO, TP), bne(A0, A2, -28), jal(ZERO, 0)};
    start(state, code, G_N_ELEMENTS(code));
    R(TP) = RIG_DEV;
    R(A2) = 500;
    for (unsigned n = 0; R(A0) < 500 || h.hart.env.pc != RIG_RAM + 32; n++)
        run(1 + n % 61);
    uint64_t hash = 0;
    for (uint64_t pass = 0; pass < 500; pass++) {
        static const unsigned at[] = {1, 3, 6, 6}; // amoor loads and stores
        for (unsigned i = 0; i < G_N_ELEMENTS(at); i++)
            hash = hash * 31 + pass * 8 + at[i];
    }
    assert_int_equal(h.rig.dev_calls, 2000);
    assert_int_equal(h.rig.dev_times, hash);
    EngineStats s = stop();
    assert_true(!only_jit(state) || s.regions >= 1);
}

// Interrupts come at any boundary between slices, into code that is chained to itself.
static void interrupts(void **state)
{
    const uint32_t code[] = {addi(A0, A0, 1), jal(ZERO, 0x20), 0, 0, 0, 0, 0, 0, 0, addi(A1, A1, 1), jal(ZERO, -0x28)};
    const uint32_t handler[] = {addi(S0, S0, 1), MRET};
    start(state, code, G_N_ELEMENTS(code));
    hart_rig_poke(&h, RIG_RAM + 0x1000, handler, 2);
    h.hart.mtvec = RIG_RAM + 0x1000;
    h.hart.mie = 1u << IRQ_M_TIMER;
    uint64_t taken = 0;
    for (unsigned n = 0; n < 2000; n++) {
        run(1 + n % 50);
        hart_set_irq(&h.hart, IRQ_M_TIMER, true);
        if (h.hart.env.pc < RIG_RAM + 0x1000)
            h.hart.mstatus |= 8; // MIE; the handler itself cannot be interrupted
        taken += hart_take_interrupt(&h.hart);
        hart_set_irq(&h.hart, IRQ_M_TIMER, false);
    }
    while (h.hart.env.pc != RIG_RAM)
        engine_run_exactly(h.rig.engine, 1);
    assert_true(taken > 1500);
    assert_int_equal(R(S0), taken);
    assert_int_equal(R(A0), R(A1));
    assert_int_equal(icount(), 4 * R(A0) + 2 * taken);
    EngineStats s = stop();
    assert_true(!is_jit(state) || s.jit_insns > 10000);
}

// A handler that traps itself retires nothing; the run loop must get the thread back to say so.
static void trap_loop(void **state)
{
    const uint32_t illegal[] = {0};
    start(state, illegal, 1);
    h.hart.mtvec = 0x40; // no memory there
    run(1000);
    assert_int_equal(icount(), 0);
    assert_true(h.hart.trap_count > 2);
    h.hart.mtvec = RIG_RAM; // the illegal instruction itself
    run(1000);
    assert_int_equal(icount(), 0);
    stop();
}

// A page that code in one mode or under one set of permissions ran on to is asked again in another: page 1 jumps to
// page 2, first in M-mode, where everything is allowed, then in U-mode without page 2; then U-mode has it and loses
// it.
static void forbidden_page(void **state)
{
    const uint32_t page0[] = {jal(RA, 0x1000), addi(A0, A0, 1), bne(A0, A1, -8), ECALL};
    const uint32_t page1[] = {jal(ZERO, 0x1000)}, page2[] = {addi(A2, A2, 1), jalr(ZERO, 0, RA)};
    start(state, page0, G_N_ELEMENTS(page0));
    hart_rig_poke(&h, RIG_RAM + 0x1000, page1, G_N_ELEMENTS(page1));
    hart_rig_poke(&h, RIG_RAM + 0x2000, page2, G_N_ELEMENTS(page2));
    const uint32_t handler[] = {jal(ZERO, 0)};
    hart_rig_poke(&h, RIG_RAM + 0x4000, handler, 1);
    h.hart.mtvec = RIG_RAM + 0x4000;
    const unsigned modes[] = {PRV_M, PRV_U, PRV_U, PRV_U};
    const uint64_t denied[] = {RIG_RAM + 0x2000, RIG_RAM + 0x2000, RIG_RAM + 0x3000, RIG_RAM + 0x2000};
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        bool runs = modes[i] == PRV_M || denied[i] != RIG_RAM + 0x2000;
        if (!i || denied[i] != denied[i - 1])
            hart_rig_deny_fetch(&h, denied[i]); // for U-mode
        h.hart.env.pc = RIG_RAM;
        hart_set_status(&h.hart, modes[i], h.hart.mstatus);
        R(A0) = R(A2) = 0;
        R(A1) = 200;
        uint64_t traps = h.hart.trap_count;
        for (unsigned k = 0; k < 100 && h.hart.trap_count == traps; k++)
            run(50);
        assert_int_equal(R(A2), runs ? 200 : 0);
        assert_int_equal(h.hart.priv, PRV_M);
        assert_int_equal(h.hart.mepc, runs ? RIG_RAM + 12 : RIG_RAM + 0x2000);
    }
    EngineStats s = stop();
    assert_true(!is_jit(state) || s.jit_insns > 1000);
}

// More blocks than are kept: everything is dropped and the guest does not notice.
static void flush_on_demand(void **state)
{
    const uint32_t code[] = {addi(A0, A0, 1), addi(A1, A1, 2), bne(A0, A2, -8), jal(ZERO, 0)};
    start(state, code, G_N_ELEMENTS(code));
    R(A2) = UINT64_MAX;
    uint64_t epoch = h.rig.engine->epoch;
    for (unsigned n = 0; n < 20; n++) {
        run(200);
        h.rig.engine->flush_wanted = true; // as when blocks or code memory run out
        assert_int_equal(R(A0), (icount() + 2) / 3);
        assert_int_equal(R(A1), 2 * ((icount() + 1) / 3));
    }
    run(200);
    assert_int_equal(h.rig.engine->epoch, epoch + 20);
    assert_true(code_memory_used(code_cache_memory(h.rig.engine->cache)) < 1000); // given back each time
    EngineStats s = stop();
    assert_true(!is_jit(state) || s.regions > 15); // compiled again each time
}

// Code memory is full when a region arrives: everything is flushed, and the next one fits.
static void code_memory_full(void **state)
{
    const uint32_t code[] = {addi(A0, A0, 1), bne(A0, A2, -4), jal(ZERO, 0)};
    size_t size = 200u << 20;
    g_autofree uint8_t *big = g_malloc0(size);
    start(state, code, G_N_ELEMENTS(code));
    CodeMemory *memory = code_cache_memory(h.rig.engine->cache);
    assert_non_null(code_memory_install(memory, big, size, NULL));
    assert_non_null(code_memory_install(memory, big, (56u << 20) - 64, NULL));
    R(A2) = UINT64_MAX;
    run(200);
    EngineStats s;
    engine_stats(h.rig.engine, &s);
    assert_true(s.regions_failed >= 1);
    assert_int_equal(R(A0), (icount() + 1) / 2);
    run(2000);
    assert_int_equal(R(A0), (icount() + 1) / 2);
    engine_stats(h.rig.engine, &s);
    assert_true(s.regions >= 1);
    assert_true(s.jit_insns > 1000);
    hart_rig_deinit(&h);
    g_free(rig);
}

// A loop of more instructions than a region takes at first: control goes from one region to another and back, until one
// is made again with what is hot outside it. The number of instructions done stays right all along.
static void remakes_region(void **state)
{
    enum { BODY = 1000, LAST = BODY };
    uint32_t code[LAST + 2];
    for (unsigned i = 0; i < BODY; i++)
        code[i] = i % 40 == 39 ? jal(ZERO, 4) : addi(A0, A0, 1);
    code[LAST] = addi(A1, A1, 1);
    code[LAST + 1] = jal(ZERO, -4 * (LAST + 1));
    start(state, code, G_N_ELEMENTS(code));
    uint64_t rounds = 0;
    for (unsigned i = 0; i < 400; i++) {
        run(100000);
        rounds = icount() / G_N_ELEMENTS(code);
        assert_true(R(A1) == rounds || R(A1) == rounds + 1); // the pc may be behind the addition
        uint64_t into = (h.hart.env.pc - RIG_RAM) / 4; // instructions of this round
        assert_int_equal(icount(), rounds * G_N_ELEMENTS(code) + into);
        assert_int_equal(R(A0), rounds * (BODY - BODY / 40) + MIN(into, BODY) - MIN(into, BODY) / 40);
    }
    // Code that changes drops the larger region too.
    const uint32_t twice[] = {addi(A2, A2, 1)};
    uint64_t before = R(A1);
    hart_rig_poke(&h, RIG_RAM + 4 * 200, twice, 1);
    run(100000);
    assert_true(R(A1) > before + 50);
    assert_true(R(A2) + 1 >= R(A1) - before && R(A2) <= R(A1) - before + 1);
    EngineStats s = stop();
    assert_true(s.regions_remade >= 1);
    assert_true(s.regions_remade < 8); // its size is bounded
}

#define ALL(test) ON(test, interp), ON(test, baseline), ON(test, tiered), ON(test, jit_O0), ON(test, jit_O2)

int main(void)
{
    g_setenv("ASAN_OPTIONS", "detect_leaks=0", TRUE); // for the worker: libgccjit leaks by design
    const struct CMUnitTest tests[] = {
        ALL(counts),     ALL(modifies_itself), ALL(modifies_other),  ALL(device_in_loop),
        ALL(interrupts), ALL(trap_loop),       ALL(flush_on_demand), ALL(forbidden_page), ON(code_memory_full, jit_O2),
        ALL(time_at_device), ON(remakes_region, tiered), ON(remakes_region, jit_O2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
