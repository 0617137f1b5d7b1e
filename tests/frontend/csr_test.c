// SPDX-License-Identifier: GPL-3.0-or-later
// CSRs: every row, access rights, WARL fields, counters.
#include "tests/test.h"
#include "frontend/csr.h"
#include "frontend/helpers.h"
#include "frontend/trap.h"
#include <string.h>

typedef struct {
    Hart hart;
    unsigned flushes, mmu_changes, space_changes;
    uint64_t time, misses, stimecmp;
    bool sstc;
} Fixture;

static void count_flush(void *opaque)
{
    ((Fixture *)opaque)->flushes++;
}

static void count_mmu(void *opaque)
{
    ((Fixture *)opaque)->mmu_changes++;
}

static void count_space(void *opaque)
{
    ((Fixture *)opaque)->space_changes++;
}

static uint64_t now(void *opaque)
{
    return ((Fixture *)opaque)->time;
}

static void note_stimecmp(void *opaque, bool enabled, uint64_t value)
{
    Fixture *f = opaque;
    f->sstc = enabled;
    f->stimecmp = value;
}

static uint64_t misses(void *opaque, MemAccess access)
{
    return ((Fixture *)opaque)->misses + 100 * access;
}

static int setup(void **state)
{
    Fixture *f = g_new0(Fixture, 1);
    HartHooks hooks = {.opaque = f,
                       .tlb_flush = count_flush,
                       .mmu_changed = count_mmu,
                       .space_changed = count_space,
                       .time = now,
                       .stimecmp_changed = note_stimecmp,
                       .tlb_misses = misses};
    hart_init(&f->hart, 3, &hooks);
    f->hart.env.icount_limit = f->hart.env.left = 1000;
    f->flushes = f->mmu_changes = f->space_changes = 0;
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
    SSTATUS = 0x100,
    SIE = 0x104,
    STVEC = 0x105,
    SCOUNTEREN = 0x106,
    SENVCFG = 0x10a,
    SSCRATCH = 0x140,
    SEPC = 0x141,
    SCAUSE = 0x142,
    STVAL = 0x143,
    SIP = 0x144,
    STIMECMP = 0x14d,
    SATP = 0x180,
    MIDELEG = 0x303,
    TIME = 0xc01,
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

// What exists, by the tables of the privileged spec, 2.2.
static bool should_exist(unsigned csr)
{
    static const uint16_t single[] = {
        0x001, 0x002, 0x003,
        0xc00, 0xc01, 0xc02, 0xf11, 0xf12, 0xf13, 0xf14, 0xf15, 0x100, 0x104, 0x105, 0x106, 0x10a, 0x140,
        0x141, 0x142, 0x143, 0x144, 0x14d, 0x180, 0x300, 0x301, 0x302, 0x303, 0x304, 0x305, 0x306, 0x30a,
        0x320, 0x340, 0x341, 0x342, 0x343, 0x344, 0x3a0, 0x3a2, 0x7a0, 0x7a1, 0x7a2, 0x7a3, 0x7a4, 0xb00,
        0xb02,
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
        set(hart, SCOUNTEREN, bits ? UINT64_MAX : 0);
        hart->priv = PRV_U;
        for (unsigned csr = 0; csr < 4096; csr++) {
            bool counter = csr >= 0xc00 && csr < 0xc20;
            assert_int_equal(csr_read(hart, csr, &value), bits && counter && should_exist(csr));
            assert_false(csr_write(hart, csr, 0));
        }
    }
    hart->priv = PRV_M;
    assert_int_equal(set(hart, MCOUNTEREN, UINT64_MAX), 0xffffffff);
    assert_int_equal(set(hart, SCOUNTEREN, UINT64_MAX), 0xffffffff);
    for (unsigned m = 0; m < 2; m++) {
        for (unsigned s = 0; s < 2; s++) { // S-mode asks mcounteren, U-mode both
            hart->priv = PRV_M;
            set(hart, MCOUNTEREN, m ? 4 : ~4u);
            set(hart, SCOUNTEREN, s ? 4 : ~4u);
            hart->priv = PRV_S;
            assert_int_equal(csr_allowed(hart, CYCLE, false), !m);
            assert_int_equal(csr_allowed(hart, INSTRET, false), m);
            hart->priv = PRV_U;
            assert_int_equal(csr_allowed(hart, CYCLE, false), !m && !s);
            assert_int_equal(csr_allowed(hart, INSTRET, false), m && s);
        }
    }
}

static void warl_fields(void **state)
{
    static const struct {
        uint16_t csr;
        uint64_t written, read;
    } rows[] = {
        {MSTATUS, UINT64_MAX, 0x8000000a007e79aa}, // all fields; SD, UXL and SXL follow
        {MSTATUS, 0, 0xa00000000},                 // MPP = 0
        {MSTATUS, 0x800, 0xa00000800},             //
        {MSTATUS, 0x1800, 0xa00001800},            //
        {MSTATUS, 0x1000, 0xa00001800},            // MPP = 2 is reserved: stays
        {MSTATUS, 0x4000, 0xa00004000},            // FS = 2: no SD
        {SSTATUS, UINT64_MAX, 0x80000002000c6122}, // SIE SPIE SPP FS SUM MXR; SD and UXL follow
        {MSTATUS, 0, 0xa00000000},                 //
        {MISA, 0, 0x800000000014112d},             // RV64 ACDFIMSU
        {MEDELEG, UINT64_MAX, 0xb3ff},             // no ecall of M-mode, nothing reserved
        {MIDELEG, UINT64_MAX, 0x222},              //
        {MIE, UINT64_MAX, 0xaaa},                  //
        {SIE, 0, 0},                               // what is delegated
        {MIE, UINT64_MAX, 0xaaa},                  //
        {MIP, UINT64_MAX, 0x222},                  // the bits that software holds
        {SIP, 0, 0x220},                           // of these S-mode clears SSIP alone
        {SIP, UINT64_MAX, 0x222},                  //
        {MIP, 0, 0},                               //
        {STVEC, 0x80000101, 0x80000101},           //
        {STVEC, 0x80000002, 0x80000101},           //
        {SEPC, UINT64_MAX, UINT64_MAX - 1},        //
        {SCAUSE, UINT64_MAX, UINT64_MAX},          //
        {STVAL, UINT64_MAX, UINT64_MAX},           //
        {SSCRATCH, UINT64_MAX, UINT64_MAX},        //
        {SATP, UINT64_C(8) << 60 | 5, UINT64_C(8) << 60 | 5},
        {SATP, UINT64_C(9) << 60 | 6, UINT64_C(9) << 60 | 6},
        {SATP, UINT64_MAX >> 4 | UINT64_C(10) << 60, UINT64_MAX >> 4 | UINT64_C(10) << 60}, // 16 bits of ASID
        {SATP, UINT64_C(11) << 60, UINT64_MAX >> 4 | UINT64_C(10) << 60},                   // no effect
        {SATP, UINT64_C(1) << 60, UINT64_MAX >> 4 | UINT64_C(10) << 60},                    //
        {SATP, 0, 0},                              //
        {SENVCFG, UINT64_MAX, 0xf1},               // FIOM CBIE CBCFE CBZE
        {SENVCFG, 0x20, 0x30},                     // CBIE = 2 is reserved: stays
        {SENVCFG, 0x10, 0x10},                     //
        {MTVEC, 0x80000101, 0x80000101},    //
        {MTVEC, 0xfffffffffffffffc, 0xfffffffffffffffc},
        {MTVEC, 0x80000002, 0xfffffffffffffffc}, // reserved modes are refused
        {MTVEC, 0x80000003, 0xfffffffffffffffc}, //
        {MEPC, UINT64_MAX, UINT64_MAX - 1},      //
        {MCAUSE, UINT64_MAX, UINT64_MAX},        //
        {MTVAL, 0x123456789abcdef0, 0x123456789abcdef0},
        {MSCRATCH, UINT64_MAX, UINT64_MAX},       //
        {MENVCFG, UINT64_MAX, 0xc0000000000000f1}, // STCE PBMTE; ADUE needs Svadu
        {MENVCFG, 0, 0},                          //
        {STIMECMP, UINT64_MAX, UINT64_MAX},       //
        {MCOUNTINHIBIT, UINT64_MAX, 0xfffffffd},  //
        {PMPADDR0, UINT64_MAX, 0x3fffffffffffff}, // bits 55:2
        {PMPCFG0, 0x7f, 0x1f},                    // bits 6:5 are 0
        {PMPCFG0, 0x0202020202020202, 0},         // W without R
        {0x7a0, UINT64_MAX, 0},                   // tselect: no triggers
        {0x7a1, UINT64_MAX, 0},                   //
        {0x7a4, UINT64_MAX, 1},                   // tinfo: type 0 alone
        {0xb03, UINT64_MAX, UINT64_MAX},          // mhpmcounter3
        {0x323, UINT64_MAX, UINT64_MAX},          //
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
    assert_int_equal(get(hart, MSTATUS), 0xa00000000);
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

static void supervisor_rights(void **state)
{
    Fixture *f = *state;
    Hart *hart = &f->hart;
    set(hart, MSTATUS, 0x2000); // FS is not Off
    hart->priv = PRV_S;
    for (unsigned csr = 0; csr < 4096; csr++) {
        bool machine = (csr >> 8 & 3) == 3, counter = csr >= 0xc00 && csr < 0xc20;
        bool allowed = should_exist(csr) && !machine && !counter && csr != STIMECMP;
        assert_int_equal(csr_allowed(hart, csr, true), allowed);
    }
    hart->mstatus |= MSTATUS_TVM;
    assert_false(csr_allowed(hart, SATP, false));
    hart->priv = PRV_M;
    assert_true(csr_allowed(hart, SATP, true));
    for (unsigned bits = 0; bits < 4; bits++) { // Sstc: STCE and TM
        hart->priv = PRV_M;
        set(hart, MENVCFG, bits & 1 ? MENVCFG_STCE : 0);
        set(hart, MCOUNTEREN, bits & 2);
        assert_true(csr_allowed(hart, STIMECMP, true));
        hart->priv = PRV_S;
        assert_int_equal(csr_allowed(hart, STIMECMP, true), bits == 3);
        assert_int_equal(csr_allowed(hart, TIME, false), bits >= 2);
        hart->priv = PRV_U;
        assert_false(csr_allowed(hart, STIMECMP, false));
    }
    hart->priv = PRV_M;
    set(hart, MENVCFG, 0);
    hart->features.sstc = false;
    assert_false(csr_allowed(hart, STIMECMP, false));
    assert_int_equal(set(hart, MENVCFG, MENVCFG_STCE), 0);
    hart->hooks.time = NULL;
    assert_false(csr_allowed(hart, TIME, false));
    assert_int_equal(set(hart, MCOUNTEREN, UINT64_MAX), 0xfffffffd);
}

static void supervisor_views(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    set(hart, MSTATUS, 0x1888);
    assert_int_equal(get(hart, SSTATUS), 0x200000000); // nothing of M-mode's
    set(hart, SSTATUS, UINT64_MAX);
    assert_int_equal(get(hart, MSTATUS), 0x8000000a000c79aa);
    set(hart, MIE, UINT64_MAX);
    hart_set_irq(hart, IRQ_S_EXT, true);
    set(hart, MIP, 0x22);
    assert_int_equal(get(hart, MIP), 0x222);
    assert_int_equal(get(hart, SIE) | get(hart, SIP), 0);
    set(hart, SIP, 0);
    assert_int_equal(get(hart, MIP), 0x222); // SSIP is not delegated
    set(hart, MIDELEG, 0x202);
    assert_int_equal(get(hart, SIE), 0x202);
    assert_int_equal(get(hart, SIP), 0x202);
    set(hart, SIE, 2);
    assert_int_equal(get(hart, MIE), 0x8aa | 2);
    set(hart, SIP, 0);
    assert_int_equal(get(hart, MIP), 0x220);
    // csrrs of mip must not turn the device's line into software's bit.
    assert_int_equal(csr_modified(hart, MIP, get(hart, MIP)), 0x20);
    assert_int_equal(csr_modified(hart, MIE, 0x123), 0x123);
}

static void supervisor_timer(void **state)
{
    Fixture *f = *state;
    Hart *hart = &f->hart;
    f->time = 77;
    assert_int_equal(get(hart, TIME), 77);
    set(hart, MIP, 0x20);
    set(hart, STIMECMP, 5);
    assert_false(f->sstc);
    assert_int_equal(get(hart, MIP), 0x20);
    set(hart, MENVCFG, MENVCFG_STCE); // STIP is a line from now on
    assert_true(f->sstc);
    assert_int_equal(f->stimecmp, 5);
    assert_int_equal(set(hart, MIP, 0x20), 0);
    hart_set_irq(hart, IRQ_S_TIMER, true);
    assert_int_equal(set(hart, MIP, 0), 0x20);
    set(hart, STIMECMP, 90);
    assert_int_equal(f->stimecmp, 90);
    set(hart, MENVCFG, 0);
    assert_false(f->sstc);
}

static void events(void **state)
{
    Fixture *f = *state;
    Hart *hart = &f->hart;
    set(hart, 0x323, 0x10019); // load misses
    set(hart, 0x324, 0x1001b);
    set(hart, 0x325, 0x10021);
    set(hart, 0x326, 2);
    set(hart, 0x33f, 0x20000);
    csr_write(hart, 0xb06, 1000);
    step(hart);
    assert_int_equal(get(hart, 0xb06), 1000);
    step(hart);
    assert_int_equal(get(hart, 0xc06), 1001);
    f->misses = 5;
    for (unsigned n = 3; n < 6; n++)
        assert_int_equal(get(hart, 0xb00 + n), 5);
    set(hart, 0xb03, UINT64_MAX);
    f->misses = 7;
    assert_int_equal(get(hart, 0xb03), 1);
    set(hart, MCOUNTINHIBIT, 8);
    f->misses = 10;
    assert_int_equal(get(hart, 0xb03), 1);
    assert_int_equal(get(hart, 0xb04), 10);
    set(hart, 0xb03, 20);
    set(hart, MCOUNTINHIBIT, 0);
    f->misses = 11;
    assert_int_equal(get(hart, 0xb03), 21);
    set(hart, 0x323, 0); // keeps its value
    f->misses = 50;
    assert_int_equal(get(hart, 0xb03), 21);
    hart_exception(hart, EXC_BREAKPOINT, 0);
    hart_exception(hart, EXC_BREAKPOINT, 0);
    assert_int_equal(get(hart, 0xb1f), 2);
}

static void space(void **state)
{
    Fixture *f = *state;
    Hart *hart = &f->hart;
    uint64_t satp = UINT64_C(8) << 60 | UINT64_C(0x1234) << 44 | 0x80001;
    set(hart, SATP, satp);
    assert_int_equal(f->space_changes, 1);
    assert_int_equal(hart_asid(hart), 0x1234);
    set(hart, SATP, satp);
    assert_int_equal(f->space_changes, 1); // nothing new
    uint64_t plain = hart_space(hart);
    set(hart, MSTATUS, MSTATUS_MXR);
    assert_int_equal(f->mmu_changes, 1);
    assert_true(hart_space(hart) != plain);
    set(hart, MSTATUS, MSTATUS_MPRV | 1 << MSTATUS_MPP_SHIFT);
    assert_int_equal(hart_data_mmu(hart), 1);
    set(hart, MSTATUS, MSTATUS_MPRV | 1 << MSTATUS_MPP_SHIFT | MSTATUS_SUM);
    assert_int_equal(hart_data_mmu(hart), 2);
    assert_int_equal(hart_fetch_mmu(hart), 3);
    assert_int_equal(f->flushes, 0);
    set(hart, MENVCFG, MENVCFG_PBMTE);
    assert_int_equal(f->flushes, 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(which_exist), TEST(user_mode_rights),   TEST(warl_fields), TEST(reset_values),
        TEST(counters),    TEST(inhibited_counters), TEST(hooks),       TEST(enabling_ends_slice),
        TEST(supervisor_rights), TEST(supervisor_views), TEST(supervisor_timer), TEST(events), TEST(space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
