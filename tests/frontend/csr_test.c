// SPDX-License-Identifier: GPL-3.0-or-later
// CSRs: every row, access rights, WARL fields, counters.
#include "tests/test.h"
#include "frontend/csr.h"
#include "frontend/helpers.h"
#include "frontend/trap.h"
#include <string.h>

typedef struct {
    Hart hart;
    unsigned flushes, mmu_changes;
} Fixture;

static void count_flush(void *opaque)
{
    ((Fixture *)opaque)->flushes++;
}

static void count_mmu(void *opaque)
{
    ((Fixture *)opaque)->mmu_changes++;
}

static int setup(void **state)
{
    Fixture *f = g_new0(Fixture, 1);
    HartHooks hooks = {.opaque = f, .tlb_flush = count_flush, .mmu_changed = count_mmu};
    hart_init(&f->hart, 3, &hooks);
    f->hart.env.icount_limit = f->hart.env.left = 1000;
    f->flushes = f->mmu_changes = 0;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    g_free(*state);
    return 0;
}

static uint64_t get(Hart *hart, unsigned csr)
{
    uint64_t value = 0;
    assert_true(csr_read(hart, csr, &value));
    return value;
}

static uint64_t set(Hart *hart, unsigned csr, uint64_t value)
{
    assert_true(csr_write(hart, csr, value));
    return get(hart, csr);
}

enum {
    MSTATUS = 0x300,
    MISA = 0x301,
    MEDELEG = 0x302,
    MIE = 0x304,
    MTVEC = 0x305,
    MCOUNTEREN = 0x306,
    MENVCFG = 0x30a,
    MCOUNTINHIBIT = 0x320,
    MSCRATCH = 0x340,
    MEPC = 0x341,
    MCAUSE = 0x342,
    MTVAL = 0x343,
    MIP = 0x344,
    PMPCFG0 = 0x3a0,
    PMPADDR0 = 0x3b0,
    MCYCLE = 0xb00,
    MINSTRET = 0xb02,
    CYCLE = 0xc00,
    INSTRET = 0xc02,
    MHARTID = 0xf14,
};

// What exists, by the tables of the privileged spec, 2.2, for a hart without S-mode and time.
static bool should_exist(unsigned csr)
{
    static const uint16_t single[] = {
        0x001, 0x002, 0x003,
        0xc00, 0xc02, 0xf11, 0xf12, 0xf13, 0xf14, 0xf15, 0x300, 0x301, 0x304, 0x305, 0x306, 0x30a, 0x320,
        0x340, 0x341, 0x342, 0x343, 0x344, 0x3a0, 0x3a2, 0x7a0, 0x7a1, 0x7a2, 0x7a3, 0xb00, 0xb02,
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(single); i++) {
        if (single[i] == csr) {
            return true;
        }
    }
    return (csr >= 0x3b0 && csr <= 0x3bf) || (csr >= 0xc03 && csr <= 0xc1f) ||
           (csr >= 0xb03 && csr <= 0xb1f) || (csr >= 0x323 && csr <= 0x33f);
}

static void which_exist(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    set(hart, MSTATUS, 0x2000); // FS is not Off
    for (unsigned csr = 0; csr < 4096; csr++) {
        uint64_t value;
        assert_int_equal(csr_name(csr) != NULL, should_exist(csr));
        assert_int_equal(csr_read(hart, csr, &value), should_exist(csr));
        assert_int_equal(csr_allowed(hart, csr, true), should_exist(csr) && csr < 0xc00);
        assert_int_equal(csr_write(hart, csr, 0), should_exist(csr) && csr < 0xc00);
    }
    assert_string_equal(csr_name(0x33f), "mhpmevent31");
    assert_string_equal(csr_name(0xc11), "hpmcounter17");
    assert_string_equal(csr_name(0x3ba), "pmpaddr10");
    assert_null(csr_name(4096));
}

static void user_mode_rights(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    uint64_t value;
    for (unsigned bits = 0; bits < 2; bits++) {
        hart->priv = PRV_M;
        set(hart, MCOUNTEREN, bits ? UINT64_MAX : 0);
        hart->priv = PRV_U;
        for (unsigned csr = 0; csr < 4096; csr++) {
            bool counter = csr >= 0xc00 && csr < 0xc20;
            assert_int_equal(csr_read(hart, csr, &value), bits && counter && should_exist(csr));
            assert_false(csr_write(hart, csr, 0));
        }
    }
    hart->priv = PRV_M;
    assert_int_equal(set(hart, MCOUNTEREN, UINT64_MAX), 0xfffffffd);
    set(hart, MCOUNTEREN, 4);
    hart->priv = PRV_U;
    assert_false(csr_allowed(hart, CYCLE, false));
    assert_true(csr_allowed(hart, INSTRET, false));
}

static void warl_fields(void **state)
{
    static const struct {
        uint16_t csr;
        uint64_t written, read;
    } rows[] = {
        {MSTATUS, UINT64_MAX, 0x8000000200227888}, // MPP = 3, MPRV, TW, FS, MPIE, MIE, and so SD; UXL fixed
        {MSTATUS, 0, 0x200000000},          // MPP = 0
        {MSTATUS, 0x800, 0x200000000},      // MPP = 1 is not there: stays
        {MSTATUS, 0x1800, 0x200001800},     //
        {MSTATUS, 0x1000, 0x200001800},     // MPP = 2 is reserved: stays
        {MISA, 0, 0x800000000010112d},      // RV64 ACDFIMU
        {MIE, UINT64_MAX, 0x888},           //
        {MIP, UINT64_MAX, 0},               // device lines only
        {MTVEC, 0x80000101, 0x80000101},    //
        {MTVEC, 0xfffffffffffffffc, 0xfffffffffffffffc},
        {MTVEC, 0x80000002, 0xfffffffffffffffc}, // reserved modes are refused
        {MTVEC, 0x80000003, 0xfffffffffffffffc}, //
        {MEPC, UINT64_MAX, UINT64_MAX - 1},      //
        {MCAUSE, UINT64_MAX, UINT64_MAX},        //
        {MTVAL, 0x123456789abcdef0, 0x123456789abcdef0},
        {MSCRATCH, UINT64_MAX, UINT64_MAX},       //
        {MENVCFG, UINT64_MAX, 1},                 // FIOM
        {MCOUNTINHIBIT, UINT64_MAX, 5},           //
        {PMPADDR0, UINT64_MAX, 0x3fffffffffffff}, // bits 55:2
        {PMPCFG0, 0x7f, 0x1f},                    // bits 6:5 are 0
        {PMPCFG0, 0x0202020202020202, 0},         // W without R
        {0x7a0, UINT64_MAX, 0},                   // tselect: no triggers
        {0x7a1, UINT64_MAX, 0},                   //
        {0xb03, UINT64_MAX, 0},                   // mhpmcounter3
        {0x323, UINT64_MAX, 0},                   //
    };
    Hart *hart = &((Fixture *)*state)->hart;
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        assert_int_equal(set(hart, rows[i].csr, rows[i].written), rows[i].read);
    }
    assert_int_equal(get(hart, MHARTID), 3);
}

static void reset_values(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    set(hart, MSTATUS, UINT64_MAX);
    set(hart, PMPADDR0, 5);
    set(hart, PMPCFG0, 0x9f);
    hart->env.r[7] = 7;
    hart->priv = PRV_U;
    hart->env.left -= 10;
    hart_set_irq(hart, IRQ_M_TIMER, true);
    hart_reset(hart, 0x1000);
    assert_int_equal(hart->env.pc, 0x1000);
    assert_int_equal(hart->priv, PRV_M);
    assert_int_equal(hart->env.r[7], 0);
    assert_int_equal(hart->env.res_addr, UINT64_MAX);
    assert_int_equal(get(hart, MSTATUS), 0x200000000);
    assert_int_equal(get(hart, PMPCFG0), 0);
    assert_int_equal(get(hart, PMPADDR0), 0);
    assert_int_equal(get(hart, MCYCLE), 0);
    assert_int_equal(get(hart, MIP), 0x80);
    assert_int_equal(ir_env_icount(&hart->env), 10);
}

// One instruction that is not a CSR access.
static void step(Hart *hart)
{
    hart->env.left--;
}

static void counters(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    for (unsigned i = 0; i < 2; i++) {
        unsigned csr = i ? MINSTRET : MCYCLE, shadow = i ? INSTRET : CYCLE;
        uint64_t start = ir_env_icount(&hart->env);
        assert_int_equal(get(hart, csr), start);
        step(hart);
        assert_int_equal(get(hart, csr), start + 1);
        csr_write(hart, csr, 500);
        step(hart); // the writer retires
        assert_int_equal(get(hart, csr), 500);
        assert_int_equal(get(hart, shadow), 500);
        step(hart);
        assert_int_equal(get(hart, csr), 501);
        csr_write(hart, csr, UINT64_MAX);
        step(hart);
        step(hart);
        assert_int_equal(get(hart, csr), 0);
    }
    ir_env_kick_self(&hart->env); // ending the slice does not count
    assert_int_equal(get(hart, MINSTRET), 0);
}

static void inhibited_counters(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    csr_write(hart, MCYCLE, 100);
    step(hart);
    csr_write(hart, MCOUNTINHIBIT, 1);
    step(hart);
    assert_int_equal(get(hart, MCYCLE), 101); // the inhibiting instruction is the last one counted
    step(hart);
    assert_int_equal(get(hart, MCYCLE), 101);
    assert_int_equal(get(hart, MINSTRET), 3);
    csr_write(hart, MCYCLE, 7);
    step(hart);
    assert_int_equal(get(hart, CYCLE), 7);
    csr_write(hart, MCOUNTINHIBIT, 4);
    step(hart);
    assert_int_equal(get(hart, MCYCLE), 7);
    step(hart);
    assert_int_equal(get(hart, MCYCLE), 8);
    assert_int_equal(get(hart, MINSTRET), 5); // held since the last write
    csr_write(hart, MCOUNTINHIBIT, 4);        // no change
    step(hart);
    assert_int_equal(get(hart, MINSTRET), 5);
}

static void hooks(void **state)
{
    Fixture *f = *state;
    Hart *hart = &f->hart;
    set(hart, MSTATUS, 0x8); // neither MPRV nor MPP matters yet
    assert_int_equal(f->mmu_changes, 0);
    assert_int_equal(hart_data_mmu(hart), 3);
    set(hart, MSTATUS, 1 << 17); // MPRV with MPP = U
    assert_int_equal(f->mmu_changes, 1);
    assert_int_equal(hart_data_mmu(hart), 0);
    assert_int_equal(hart_fetch_mmu(hart), 3);
    set(hart, MSTATUS, 1 << 17 | 3 << 11);
    assert_int_equal(f->mmu_changes, 2);
    assert_int_equal(hart_data_mmu(hart), 3);
    assert_int_equal(f->flushes, 0);
    set(hart, PMPADDR0, 9);
    assert_int_equal(f->flushes, 1);
    set(hart, PMPADDR0, 9);
    assert_int_equal(f->flushes, 1);
    set(hart, PMPCFG0, 0x1f);
    assert_int_equal(f->flushes, 2);
}

// A CSR write that lets a pending interrupt in ends the slice; one that does not leaves it alone.
static void enabling_ends_slice(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    hart_set_irq(hart, IRQ_M_TIMER, true);
    set(hart, MIE, 0x80);
    assert_int_equal(hart->env.left, 1000);
    set(hart, MSTATUS, MSTATUS_MIE);
    assert_int_equal(hart->env.left, 0);
    assert_int_equal(ir_env_icount(&hart->env), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(which_exist), TEST(user_mode_rights),   TEST(warl_fields), TEST(reset_values),
        TEST(counters),    TEST(inhibited_counters), TEST(hooks),       TEST(enabling_ends_slice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
