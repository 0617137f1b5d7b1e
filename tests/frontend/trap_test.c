// SPDX-License-Identifier: GPL-3.0-or-later
// Traps: entry, vectors, priorities, mret, wfi, semihosting, and the order of hooks and retirement.
#include "tests/test.h"
#include "frontend/csr.h"
#include "frontend/helpers.h"
#include "frontend/trap.h"
#include "util/log.h"
#include <string.h>
#include <unistd.h>

#define PC      UINT64_C(0x80000100)
#define HANDLER UINT64_C(0x80002000)
#define WIDTHS  (MSTATUS_UXL_64 | MSTATUS_SXL_64)

typedef struct {
    Hart hart;
    unsigned mmu_changes, fences, semihosts;
    uint64_t pc_seen; // by the last hook
} Fixture;

static void on_mmu(void *opaque)
{
    ((Fixture *)opaque)->mmu_changes++;
}

static void on_fence(void *opaque)
{
    ((Fixture *)opaque)->fences++;
}

static void on_semihost(void *opaque)
{
    Fixture *f = opaque;
    f->semihosts++;
    f->pc_seen = f->hart.env.pc;
    f->hart.env.r[10] = 77;
}

static int setup(void **state)
{
    Fixture *f = g_new0(Fixture, 1);
    HartHooks hooks = {.opaque = f, .mmu_changed = on_mmu, .fence_i = on_fence, .semihost = on_semihost};
    hart_init(&f->hart, 1, &hooks);
    f->hart.env.icount_limit = f->hart.env.left = 1000;
    f->hart.env.pc = PC;
    f->hart.env.res_addr = 0x80001000;
    f->hart.mtvec = HANDLER;
    f->mmu_changes = 0;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    g_free(*state);
    return 0;
}

static void call(Hart *hart, HelperId id, uint64_t raw, uint64_t b)
{
    hart->env.ops->helpers[id].fn(&hart->env, raw, b);
}

static uint64_t retired(const Hart *hart)
{
    return ir_env_icount(&hart->env);
}

static void exception_from_user(void **state)
{
    Fixture *f = *state;
    Hart *hart = &f->hart;
    hart->priv = PRV_U;
    hart->mstatus |= MSTATUS_MIE | MSTATUS_MPP;
    hart->mtvec = HANDLER | 1; // vectored: exceptions still go to the base
    hart_exception(hart, EXC_LOAD_PAGE, 0x1234);
    assert_int_equal(hart->env.pc, HANDLER);
    assert_int_equal(hart->mepc, PC);
    assert_int_equal(hart->mcause, 13);
    assert_int_equal(hart->mtval, 0x1234);
    assert_int_equal(hart->priv, PRV_M);
    assert_int_equal(hart->mstatus, WIDTHS | MSTATUS_MPIE); // MPP = U, MIE = 0
    assert_int_equal(hart->env.res_addr, UINT64_MAX);
    assert_int_equal(f->mmu_changes, 1);
    assert_int_equal(retired(hart), 0);
    hart_exception(hart, EXC_ILLEGAL, 0); // nested, from M with MIE = 0
    assert_int_equal(hart->mstatus, WIDTHS | MSTATUS_MPP);
    assert_int_equal(f->mmu_changes, 1);
    assert_int_equal(hart->trap_count, 2);
}

static void interrupt_priorities(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    static const unsigned order[] = {IRQ_M_EXT, IRQ_M_SOFT, IRQ_M_TIMER};
    csr_write(hart, 0x304, UINT64_MAX);
    for (unsigned i = 0; i < 3; i++) {
        hart_set_irq(hart, order[i], true);
    }
    assert_true(hart_interrupt_pending(hart));
    assert_false(hart_take_interrupt(hart)); // M-mode, MIE = 0
    for (unsigned i = 0; i < 3; i++) {
        hart->env.pc = PC;
        hart->mstatus |= MSTATUS_MIE;
        assert_true(hart_take_interrupt(hart));
        assert_int_equal(hart->mcause, CAUSE_INTERRUPT | order[i]);
        assert_int_equal(hart->mepc, PC);
        assert_int_equal(hart->mtval, 0);
        assert_int_equal(hart->env.pc, HANDLER);
        assert_false(hart_take_interrupt(hart));
        hart_set_irq(hart, order[i], false);
    }
    assert_false(hart_interrupt_pending(hart));
    hart->mstatus |= MSTATUS_MIE;
    assert_false(hart_take_interrupt(hart));
}

static void vectored_interrupts(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    hart->mtvec = HANDLER | 1;
    hart->mie = 1 << IRQ_M_TIMER;
    hart->priv = PRV_U;                  // taken whatever MIE says
    hart_set_irq(hart, IRQ_M_EXT, true); // not enabled
    assert_false(hart_take_interrupt(hart));
    hart_set_irq(hart, IRQ_M_TIMER, true);
    assert_true(hart_take_interrupt(hart));
    assert_int_equal(hart->env.pc, HANDLER + 4 * 7);
    assert_int_equal(hart->priv, PRV_M);
}

static void set_irq_asks_for_exit(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    hart_set_irq(hart, IRQ_M_SOFT, true);
    assert_int_equal(hart->env.exit_request, 1);
    hart->env.exit_request = 0;
    hart_set_irq(hart, IRQ_M_SOFT, true); // nothing new
    assert_int_equal(hart->env.exit_request, 0);
    hart_set_irq(hart, IRQ_M_SOFT, false);
    assert_int_equal(hart->env.exit_request, 0);
    assert_int_equal(hart->mip, 0);
}

static void memory_faults(void **state)
{
    static const struct {
        FaultKind kind;
        MemAccess access;
        unsigned cause;
    } rows[] = {
        {FAULT_ALIGN, ACCESS_READ, 4},  {FAULT_ALIGN, ACCESS_WRITE, 6},  {FAULT_ALIGN, ACCESS_FETCH, 0},
        {FAULT_ACCESS, ACCESS_READ, 5}, {FAULT_ACCESS, ACCESS_WRITE, 7}, {FAULT_ACCESS, ACCESS_FETCH, 1},
        {FAULT_PAGE, ACCESS_READ, 13},  {FAULT_PAGE, ACCESS_WRITE, 15},  {FAULT_PAGE, ACCESS_FETCH, 12},
    };
    Hart *hart = &((Fixture *)*state)->hart;
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        MemFault fault = {rows[i].kind, rows[i].access, 0x5000 + i};
        hart->env.pc = PC + 4 * i;
        hart->env.ops->mem_fault(&hart->env, &fault);
        assert_int_equal(hart->mcause, rows[i].cause);
        assert_int_equal(hart->mtval, 0x5000 + i);
        assert_int_equal(hart->mepc, PC + 4 * i);
    }
    assert_int_equal(retired(hart), 0);
}

static void returns(void **state)
{
    Fixture *f = *state;
    Hart *hart = &f->hart;
    hart->mepc = PC + 0x40;
    hart->mstatus = MSTATUS_UXL_64 | MSTATUS_MPRV | MSTATUS_MPIE | MSTATUS_MPP;
    call(hart, HELPER_MRET, 0x30200073, 0);
    assert_int_equal(hart->env.pc, PC + 0x40);
    assert_int_equal(hart->priv, PRV_M);
    assert_int_equal(hart->mstatus,
                     MSTATUS_UXL_64 | MSTATUS_MPRV | MSTATUS_MPIE | MSTATUS_MIE); // MPRV stays in M
    assert_int_equal(hart->env.res_addr, UINT64_MAX);
    assert_int_equal(retired(hart), 1);
    call(hart, HELPER_MRET, 0x30200073, 0); // now to U
    assert_int_equal(hart->priv, PRV_U);
    assert_int_equal(hart->mstatus, MSTATUS_UXL_64 | MSTATUS_MPIE | MSTATUS_MIE); // MPRV cleared
    assert_int_equal(hart_data_mmu(hart), PRV_U);
    call(hart, HELPER_MRET, 0x30200073, 0); // illegal there
    assert_int_equal(hart->mcause, EXC_ILLEGAL);
    assert_int_equal(hart->mtval, 0x30200073);
    assert_int_equal(retired(hart), 2);
}

static void return_lets_interrupt_in(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    hart->mie = 1 << IRQ_M_TIMER;
    hart_set_irq(hart, IRQ_M_TIMER, true);
    hart->mstatus |= MSTATUS_MPIE | MSTATUS_MPP;
    hart->mepc = PC + 8;
    call(hart, HELPER_MRET, 0x30200073, 0);
    assert_true(hart->env.left <= 0); // the slice ends
    assert_int_equal(retired(hart), 1);
    assert_true(hart_take_interrupt(hart));
    assert_int_equal(hart->mepc, PC + 8);
}

static void wait_for_interrupt(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    hart->mie = 1 << IRQ_M_TIMER;
    hart_set_irq(hart, IRQ_M_TIMER, true);
    call(hart, HELPER_WFI, 0x10500073, 0); // pending, though MIE = 0: no wait
    assert_false(hart->wfi);
    assert_int_equal(hart->env.pc, PC + 4);
    hart_set_irq(hart, IRQ_M_TIMER, false);
    call(hart, HELPER_WFI, 0x10500073, 0);
    assert_true(hart->wfi);
    assert_true(hart->env.left <= 0);
    assert_int_equal(retired(hart), 2);
    assert_int_equal(hart->env.pc, PC + 8);
    hart->wfi = false;
    hart->priv = PRV_S;
    call(hart, HELPER_WFI, 0x10500073, 0); // allowed without TW
    assert_true(hart->wfi);
    hart->wfi = false;
    hart->mstatus |= MSTATUS_TW;
    call(hart, HELPER_WFI, 0x10500073, 0);
    assert_false(hart->wfi);
    assert_int_equal(hart->mcause, EXC_ILLEGAL);
    call(hart, HELPER_WFI, 0x10500073, 0); // in M-mode whatever TW says
    assert_true(hart->wfi);
    hart->wfi = false;
    hart->mcause = 0;
    hart->priv = PRV_U;
    hart->mstatus &= ~MSTATUS_TW;
    call(hart, HELPER_WFI, 0x10500073, 0); // never in U-mode
    assert_false(hart->wfi);
    assert_int_equal(hart->mcause, EXC_ILLEGAL);
}

static void breakpoints_and_semihosting(void **state)
{
    Fixture *f = *state;
    Hart *hart = &f->hart;
    call(hart, HELPER_EBREAK, 0x00100073, 1); // semihosting is off
    assert_int_equal(hart->mcause, EXC_BREAKPOINT);
    assert_int_equal(hart->mtval, PC);
    assert_int_equal(hart->refused_calls, 1);
    hart->semihosting = true;
    hart->env.pc = PC;
    call(hart, HELPER_EBREAK, 0x00100073, 0); // not the sequence
    assert_int_equal(hart->env.pc, HANDLER);
    assert_int_equal(f->semihosts, 0);
    hart->env.pc = PC;
    call(hart, HELPER_EBREAK, 0x00100073, 1);
    assert_int_equal(f->semihosts, 1);
    assert_int_equal(f->pc_seen, PC + 4);
    assert_int_equal(hart->env.pc, PC + 4);
    assert_int_equal(hart->env.r[10], 77);
    assert_int_equal(retired(hart), 1);
}

static void environment_calls(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    call(hart, HELPER_ECALL, 0x73, 0);
    assert_int_equal(hart->mcause, EXC_ECALL_M);
    hart->priv = PRV_U;
    call(hart, HELPER_ECALL, 0x73, 0);
    assert_int_equal(hart->mcause, EXC_ECALL_U);
    assert_int_equal(hart->mtval, 0);
    assert_int_equal(retired(hart), 0);
}

static void fence_i_calls_hook(void **state)
{
    Fixture *f = *state;
    call(&f->hart, HELPER_FENCE_I, 0x100f, 0);
    assert_int_equal(f->fences, 1);
    assert_int_equal(f->hart.env.pc, PC + 4);
    assert_int_equal(retired(&f->hart), 1);
}

// csrrw a0,mscratch,a0 done; csrrw to a read-only one traps before rd changes.
static void csr_instructions(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    hart->mscratch = 5;
    call(hart, HELPER_CSR, 0x34051573, 9);
    assert_int_equal(hart->env.r[10], 5);
    assert_int_equal(hart->mscratch, 9);
    assert_int_equal(hart->env.pc, PC + 4);
    call(hart, HELPER_CSR, 0xf1451573, 9);
    assert_int_equal(hart->env.r[10], 5);
    assert_int_equal(hart->mtval, 0xf1451573);
    assert_int_equal(hart->mepc, PC + 4);
    assert_int_equal(retired(hart), 1);
}

static void trap_loops(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    hart->mtvec = 0;
    for (unsigned i = 0; i < 10; i++) { // the handler at 0 faults at once, again and again
        hart_exception(hart, EXC_INSN_ACCESS, hart->env.pc);
    }
    assert_int_equal(hart->last_trap_pc, 0);
    assert_int_equal(hart->trap_loop_count, 8);
    hart->env.left--; // something retired
    hart_exception(hart, EXC_INSN_ACCESS, 0);
    assert_int_equal(hart->trap_loop_count, 0);
}

static void log_line(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    g_autofree char *path = g_strdup_printf("%s/addend-trap-test-%d", g_get_tmp_dir(), (int)getpid());
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    assert_true(log_open(path, &error));
    log_mask |= LOG_INT;
    hart_exception(hart, EXC_ILLEGAL, 0xc0102373);
    hart->mie = 1 << IRQ_M_TIMER;
    hart->mstatus |= MSTATUS_MIE;
    hart_set_irq(hart, IRQ_M_TIMER, true);
    assert_true(hart_take_interrupt(hart));
    log_mask &= ~(unsigned)LOG_INT;
    fflush(log_lock());
    log_unlock();
    assert_true(g_file_get_contents(path, &text, NULL, &error));
    remove(path);
    assert_string_equal(
        text, "riscv_cpu_do_interrupt: hart:1, async:0, cause:0000000000000002, epc:0x0000000080000100, "
              "tval:0x00000000c0102373, desc=illegal_instruction\n"
              "riscv_cpu_do_interrupt: hart:1, async:1, cause:0000000000000007, epc:0x0000000080002000, "
              "tval:0x0000000000000000, desc=m_timer\n");
}

static void printing(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    g_autoptr(GString) out = g_string_new(NULL);
    hart->env.r[8] = 0x1122334455667788;
    hart_print(hart, out);
    assert_true(g_str_has_prefix(out->str, " pc       0000000080000100\n mhartid  0000000000000001\n"));
    assert_non_null(strstr(out->str, "\n x8/s0    1122334455667788 x9/s1    0000000000000000 x10/a0"));
    assert_non_null(strstr(out->str, " mtvec    0000000080002000\n"));
    assert_true(g_str_has_suffix(out->str, " x31/t6   0000000000000000\n"));
    hart_set_status(hart, hart->priv, hart->mstatus | MSTATUS_FS);
    hart->env.frm = 3;
    hart->env.r[32 + 9] = 0xffffffff3f800000;
    hart_print(hart, out);
    assert_non_null(strstr(out->str, "\n fcsr     0000000000000060\n x0/zero"));
    assert_non_null(strstr(out->str, "\n f8/fs0   0000000000000000 f9/fs1   ffffffff3f800000 f10/fa0"));
    assert_true(g_str_has_suffix(out->str, " f31/ft11 0000000000000000\n"));
}

// Every exception from every mode goes to M-mode, or to S-mode if medeleg says so and the hart is below M-mode.
static void delegated_exceptions(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    static const uint8_t privs[] = {PRV_U, PRV_S, PRV_M};
    hart->stvec = HANDLER + 0x1000 + 1;
    for (unsigned cause = 0; cause < 16; cause++) {
        for (unsigned i = 0; i < 6; i++) {
            uint8_t priv = privs[i % 3];
            bool to_s = i >= 3 && priv != PRV_M;
            hart->medeleg = i >= 3 ? 1u << cause : ~(1u << cause);
            hart->priv = priv;
            hart->env.pc = PC;
            hart->mstatus = WIDTHS | MSTATUS_SIE | MSTATUS_MIE;
            hart->mepc = hart->sepc = hart->mcause = hart->scause = hart->mtval = hart->stval = 99;
            hart_exception(hart, cause, 0x1234);
            assert_int_equal(hart->priv, to_s ? PRV_S : PRV_M);
            assert_int_equal(hart->env.pc, to_s ? HANDLER + 0x1000 : HANDLER);
            assert_int_equal(hart->sepc, to_s ? PC : 99);
            assert_int_equal(hart->mepc, to_s ? 99 : PC);
            assert_int_equal(hart->scause, to_s ? cause : 99);
            assert_int_equal(hart->mcause, to_s ? 99 : cause);
            assert_int_equal(hart->stval, to_s ? 0x1234 : 99);
            assert_int_equal(hart->mtval, to_s ? 99 : 0x1234);
            uint64_t from = to_s ? (priv == PRV_S ? MSTATUS_SPP : 0) : (uint64_t)priv << MSTATUS_MPP_SHIFT;
            assert_int_equal(hart->mstatus, WIDTHS | from |
                                                (to_s ? MSTATUS_MIE | MSTATUS_SPIE : MSTATUS_SIE | MSTATUS_MPIE));
        }
    }
}

// One interrupt at a time, every combination of mode, delegation and enables (3.1.9, 4.1.3).
static void when_interrupts_are_taken(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    static const uint8_t privs[] = {PRV_U, PRV_S, PRV_M};
    hart->mtvec = HANDLER | 1;
    hart->stvec = HANDLER + 0x1000 + 1;
    for (unsigned irq = IRQ_S_SOFT; irq <= IRQ_M_EXT; irq += 2) {
        for (unsigned n = 0; n < 3 * 16; n++) {
            bool delegated = (n & 1) && irq % 4 == 1, sie = n & 2, mie = n & 4, enabled = n & 8;
            uint8_t priv = privs[n / 16];
            hart->mideleg = delegated ? 1u << irq : 0;
            hart->mie = enabled ? 1u << irq : 0;
            hart->mip_soft = irq % 4 == 1 ? 1u << irq : 0;
            hart->mip = irq % 4 == 3 ? 1 << irq : 0;
            hart->priv = priv;
            hart->env.pc = PC;
            hart->mstatus = WIDTHS | (sie ? MSTATUS_SIE : 0) | (mie ? MSTATUS_MIE : 0);
            bool expect = enabled && (delegated ? priv == PRV_U || (priv == PRV_S && sie) : priv != PRV_M || mie);
            assert_int_equal(hart_interrupt_takeable(hart), expect);
            assert_int_equal(hart_take_interrupt(hart), expect);
            if (!expect)
                continue;
            assert_int_equal(hart->priv, delegated ? PRV_S : PRV_M);
            assert_int_equal(delegated ? hart->scause : hart->mcause, CAUSE_INTERRUPT | irq);
            assert_int_equal(hart->env.pc, (delegated ? HANDLER + 0x1000 : HANDLER) + 4 * irq);
        }
    }
}

static void six_priorities(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    static const uint8_t order[] = {IRQ_M_EXT, IRQ_M_SOFT, IRQ_M_TIMER, IRQ_S_EXT, IRQ_S_SOFT, IRQ_S_TIMER};
    for (unsigned delegate = 0; delegate < 2; delegate++) {
        hart->mideleg = delegate ? 0x222 : 0;
        hart->mie = 0xaaa;
        hart->mip = 0x888;
        hart->mip_soft = 0x222;
        for (unsigned i = 0; i < 6; i++) {
            hart->priv = PRV_U;
            assert_true(hart_take_interrupt(hart));
            assert_int_equal(delegate && i >= 3 ? hart->scause : hart->mcause, CAUSE_INTERRUPT | order[i]);
            hart->mip &= ~(1 << order[i]);
            hart->mip_soft &= ~(UINT64_C(1) << order[i]);
        }
        assert_false(hart_take_interrupt(hart));
    }
}

static void supervisor_returns(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    hart->priv = PRV_S;
    hart->sepc = PC + 0x40;
    hart->mstatus = WIDTHS | MSTATUS_SPP | MSTATUS_SPIE | MSTATUS_MPRV;
    call(hart, HELPER_SRET, 0x10200073, 0);
    assert_int_equal(hart->env.pc, PC + 0x40);
    assert_int_equal(hart->priv, PRV_S);
    assert_int_equal(hart->mstatus, WIDTHS | MSTATUS_SIE | MSTATUS_SPIE); // MPRV goes with a return below M
    assert_int_equal(retired(hart), 1);
    call(hart, HELPER_SRET, 0x10200073, 0);
    assert_int_equal(hart->priv, PRV_U);
    call(hart, HELPER_SRET, 0x10200073, 0);
    assert_int_equal(hart->mcause, EXC_ILLEGAL);
    assert_int_equal(hart->priv, PRV_M);
    call(hart, HELPER_SRET, 0x10200073, 0); // M-mode may, whatever TSR says
    assert_int_equal(hart->priv, PRV_U);
    hart->priv = PRV_S;
    hart->mstatus |= MSTATUS_TSR;
    hart->mcause = 0;
    call(hart, HELPER_SRET, 0x10200073, 0);
    assert_int_equal(hart->mcause, EXC_ILLEGAL);
    hart->priv = PRV_M;
    call(hart, HELPER_SRET, 0x10200073, 0);
    assert_int_equal(hart->priv, PRV_U);
    hart->priv = PRV_M;
    hart->mstatus = WIDTHS | (uint64_t)PRV_S << MSTATUS_MPP_SHIFT | MSTATUS_MPRV;
    call(hart, HELPER_MRET, 0x30200073, 0);
    assert_int_equal(hart->priv, PRV_S);
    assert_int_equal(hart->mstatus, WIDTHS | MSTATUS_MPIE);
}

// They end the slice instead of waiting, so TW has nothing to say.
static void waiting_for_reservations(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    static const uint8_t privs[] = {PRV_U, PRV_S, PRV_M};
    hart->mstatus |= MSTATUS_TW;
    for (unsigned i = 0; i < G_N_ELEMENTS(privs); i++) {
        hart->priv = privs[i];
        hart->env.icount_limit += 1000;
        hart->env.left += 1000;
        call(hart, HELPER_WRS, 0x00d00073, 0);
        assert_int_equal(retired(hart), i + 1);
        assert_int_equal(hart->env.pc, PC + 4 * (i + 1));
        assert_int_equal(hart->env.left, 0);
        assert_false(hart->wfi);
    }
}

static HartFence seen;

static void on_fence_vma(void *opaque, const HartFence *what)
{
    (void)opaque;
    seen = *what;
}

static void fences_of_memory(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    hart->hooks.fence_vma = on_fence_vma;
    hart->env.r[10] = 0x12345678;
    hart->env.r[11] = 0xabcd1234;
    hart->priv = PRV_S;
    for (unsigned n = 0; n < 4; n++) { // sfence.vma [a0 or zero],[a1 or zero]
        seen = (HartFence){0};
        call(hart, HELPER_FENCE_VMA, 0x12000073 | (n & 1 ? 10 << 15 : 0) | (n & 2 ? 11 << 20 : 0), 0);
        assert_int_equal(seen.one_page, n & 1);
        assert_int_equal(seen.one_asid, n >> 1);
        assert_int_equal(seen.va, n & 1 ? 0x12345678 : 0);
        assert_int_equal(seen.asid, n & 2 ? 0x1234 : 0);
    }
    assert_int_equal(retired(hart), 4);
    hart->mstatus |= MSTATUS_TVM;
    call(hart, HELPER_FENCE_INVAL, 0x18000073, 0); // TVM is not about it
    assert_int_equal(retired(hart), 5);
    call(hart, HELPER_FENCE_VMA, 0x12000073, 0);
    assert_int_equal(hart->mcause, EXC_ILLEGAL);
    call(hart, HELPER_FENCE_VMA, 0x12000073, 0); // now in M-mode
    assert_int_equal(retired(hart), 6);
    for (unsigned n = 0; n < 2; n++) {
        hart->priv = PRV_U;
        hart->mcause = 0;
        call(hart, n ? HELPER_FENCE_VMA : HELPER_FENCE_INVAL, n ? 0x12000073 : 0x18100073, 0);
        assert_int_equal(hart->mcause, EXC_ILLEGAL);
    }
}

static unsigned blocks_done;

static bool on_cache_block(void *opaque, uint64_t va, bool zero, MemFault *fault)
{
    (void)opaque;
    blocks_done += zero ? 100 : 1;
    *fault = (MemFault){FAULT_PAGE, ACCESS_WRITE, va};
    return va != 0x4044;
}

// cbo.*: who may, by menvcfg and senvcfg (CMO spec 3.4), and what a fault says.
static void cache_blocks(void **state)
{
    Hart *hart = &((Fixture *)*state)->hart;
    static const struct {
        unsigned op;
        uint64_t bit;
    } rows[] = {{0, 0x10}, {0, 0x30}, {1, 0x40}, {2, 0x40}, {4, 0x80}};
    static const uint8_t privs[] = {PRV_U, PRV_S, PRV_M};
    hart->hooks.cache_block = on_cache_block;
    hart->env.r[10] = 0x4000;
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (unsigned n = 0; n < 12; n++) {
            uint8_t priv = privs[n / 4];
            bool m = n & 1, s = n & 2;
            bool allowed = priv == PRV_M || (m && (priv == PRV_S || s));
            hart->menvcfg = m ? rows[i].bit : ~rows[i].bit & ~UINT64_C(0x30);
            hart->senvcfg = s ? rows[i].bit : ~rows[i].bit & ~UINT64_C(0x30);
            hart->priv = priv;
            hart->mcause = blocks_done = 0;
            call(hart, HELPER_CACHE_BLOCK, 0x0005200f | rows[i].op << 20, 0);
            assert_int_equal(blocks_done, !allowed ? 0 : rows[i].op == 4 ? 100 : 1);
            assert_int_equal(hart->mcause, allowed ? 0 : EXC_ILLEGAL);
        }
    }
    hart->env.r[10] = 0x4044;
    hart->env.pc = PC;
    hart->priv = PRV_M;
    call(hart, HELPER_CACHE_BLOCK, 0x0045200f, 0);
    assert_int_equal(hart->mcause, EXC_STORE_PAGE);
    assert_int_equal(hart->mtval, 0x4044);
    assert_int_equal(hart->mepc, PC);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exception_from_user),
        TEST(interrupt_priorities),
        TEST(vectored_interrupts),
        TEST(set_irq_asks_for_exit),
        TEST(memory_faults),
        TEST(returns),
        TEST(return_lets_interrupt_in),
        TEST(wait_for_interrupt),
        TEST(breakpoints_and_semihosting),
        TEST(environment_calls),
        TEST(fence_i_calls_hook),
        TEST(csr_instructions),
        TEST(trap_loops),
        TEST(delegated_exceptions),
        TEST(when_interrupts_are_taken),
        TEST(six_priorities),
        TEST(supervisor_returns),
        TEST(fences_of_memory),
        TEST(waiting_for_reservations),
        TEST(cache_blocks),
        TEST(log_line),
        TEST(printing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
