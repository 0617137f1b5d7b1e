// SPDX-License-Identifier: GPL-3.0-or-later
// Executions of each instruction as an engine tells them, where blocks are left in their middle: by a fault, an
// environment call, an instruction that is illegal, or one that the interpreter has to do.
#include "tests/test.h"
#include "backend/engine_private.h"
#include "tests/backend/encode.h"
#include "tests/backend/rig.h"
#include <string.h>

#define RAM_SIZE 0x40000u
#define ROUNDS   1000u
#define HANDLER  64 // as a number of an instruction in RAM
#define NOWHERE  UINT64_C(0x40000000) // no memory
#define ECALL    0x00000073u
#define MRET     0x30200073u
#define MEPC     0x341u

enum { FAULTS = 2, CALLS = 6, ILLEGAL = 8, LAST = 10, EACH = 7 + 3 * 4 }; // EACH: instructions of a round

static uint32_t csrr(unsigned rd, uint32_t csr)
{
    return i_type(0x73, 2, rd, ZERO, csr);
}

static uint32_t csrw(uint32_t csr, unsigned rs1)
{
    return i_type(0x73, 1, ZERO, rs1, csr);
}

typedef struct {
    int64_t runs[HANDLER + 4];
    uint64_t blocks;
    unsigned wrong;
} Counts;

static void count(void *opaque, const EngineRuns *r)
{
    Counts *c = opaque;
    c->blocks += r->whole ? (uint64_t)r->count : 0;
    c->wrong += r->whole ? r->head != r->pc : r->head > r->pc || r->pc - r->head >= 4 * (LAST + 1);
    for (unsigned i = 0; i < r->n_insns; i++) {
        uint64_t n = (r->pc + r->insn_pc[i] - RIG_RAM) / 4;
        c->wrong += n >= G_N_ELEMENTS(c->runs) || r->mode != PRV_M;
        if (n < G_N_ELEMENTS(c->runs))
            c->runs[n] += r->count;
    }
}

// Each round: a load that fails, one of a device, a call and an illegal instruction; the handler steps over what
// trapped.
static void poke_program(HartRig *h)
{
    const uint32_t program[LAST + 1] = {
        addi(T0, T0, 1), addi(T1, T1, 1), ld(A0, 0, S1),  addi(T1, T1, 1), lw(A1, 0, S0), addi(T1, T1, 1), ECALL,
        addi(T1, T1, 1), 0,               bne(T0, T2, -36), jal(ZERO, 0),
    };
    const uint32_t handler[] = {csrr(A2, MEPC), addi(A2, A2, 4), csrw(MEPC, A2), MRET};
    hart_rig_poke(h, RIG_RAM, program, G_N_ELEMENTS(program));
    hart_rig_poke(h, RIG_RAM + 4 * HANDLER, handler, G_N_ELEMENTS(handler));
}

static void run(const EngineConfig *config, int64_t slice, bool flush)
{
    Counts c = {0};
    HartRig *h = g_new0(HartRig, 1);
    hart_rig_init(h, RAM_SIZE, config);
    engine_set_tally(h->rig.engine, count, &c);
    poke_program(h);
    h->hart.env.pc = RIG_RAM;
    h->hart.mtvec = RIG_RAM + 4 * HANDLER;
    h->hart.env.r[T2] = ROUNDS;
    h->hart.env.r[S0] = RIG_DEV;
    h->hart.env.r[S1] = NOWHERE;
    while (ir_env_icount(&h->hart.env) < EACH * ROUNDS + 10) {
        h->rig.engine->flush_wanted = flush;
        rig_run(&h->rig, slice);
    }
    engine_end_tally(h->rig.engine);
    assert_int_equal(c.wrong, 0);
    for (unsigned i = 0; i < LAST; i++)
        assert_int_equal(c.runs[i], i == FAULTS || i == CALLS || i == ILLEGAL ? 0 : ROUNDS);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(c.runs[HANDLER + i], 3 * ROUNDS);
    assert_int_equal(c.runs[LAST], ir_env_icount(&h->hart.env) - EACH * ROUNDS);
    assert_true(c.blocks >= 7 * ROUNDS);
    hart_rig_deinit(h);
    g_free(h);
}

static void each_instruction_is_counted(void **state)
{
    (void)state;
    for (unsigned warm = 0; warm <= 16; warm += 4) {
        EngineConfig config = {.jit = true, .baseline = warm, .system = true, .warm = warm, .threshold = 100,
                               .workers = 1, .tally = true};
        run(&config, 100000, false);
        run(&config, 1, false); // each block comes through the engine
        run(&config, 501, true); // blocks are forgotten again and again
    }
}

// Stepping counts, too, also with blocks that are cut short.
static void steps_count(void **state)
{
    (void)state;
    Counts c = {0};
    EngineConfig config = {.tally = true};
    HartRig *h = g_new0(HartRig, 1);
    hart_rig_init(h, RAM_SIZE, &config);
    engine_set_tally(h->rig.engine, count, &c);
    poke_program(h);
    h->hart.env.pc = RIG_RAM;
    h->hart.mtvec = RIG_RAM + 4 * HANDLER;
    h->hart.env.r[T2] = ROUNDS;
    h->hart.env.r[S0] = RIG_DEV;
    h->hart.env.r[S1] = NOWHERE;
    for (uint64_t last = 1, now = 0; now != last && h->hart.env.pc != RIG_RAM + 4 * LAST;) {
        last = now;
        engine_run_exactly(h->rig.engine, 1);
        engine_run_exactly(h->rig.engine, 3);
        now = ir_env_icount(&h->hart.env);
    }
    engine_end_tally(h->rig.engine);
    uint64_t sum = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(c.runs); i++)
        sum += (uint64_t)c.runs[i];
    assert_int_equal(sum, ir_env_icount(&h->hart.env));
    assert_int_equal(c.runs[FAULTS] + c.runs[CALLS] + c.runs[ILLEGAL], 0);
    hart_rig_deinit(h);
    g_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_instruction_is_counted), cmocka_unit_test(steps_count)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
