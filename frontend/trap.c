// SPDX-License-Identifier: GPL-3.0-or-later
// Exceptions, interrupts and the return from them (privileged spec 3.1.6..3.1.16, 3.3.2, 4.1.1..4.1.9). A trap goes
// to M-mode unless medeleg or mideleg hands it to S-mode and the hart is not in M-mode (3.1.8).
#include "frontend/trap.h"
#include "frontend/fp_state.h"
#include "util/log.h"
#include <inttypes.h>

unsigned hart_data_mmu(const Hart *hart)
{
    unsigned priv = hart->mstatus & MSTATUS_MPRV ? (hart->mstatus & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT : hart->priv;
    return priv == PRV_S && (hart->mstatus & MSTATUS_SUM) ? 2 : priv;
}

unsigned hart_fetch_mmu(const Hart *hart)
{
    return hart->priv;
}

void hart_set_status(Hart *hart, unsigned priv, uint64_t mstatus)
{
    unsigned data = hart_data_mmu(hart), fetch = hart_fetch_mmu(hart);
    uint64_t mxr = (hart->mstatus ^ mstatus) & MSTATUS_MXR;
    hart->priv = (uint8_t)priv;
    hart->mstatus = mstatus;
    fp_status_changed(hart);
    if (hart->hooks.mmu_changed && (hart_data_mmu(hart) != data || hart_fetch_mmu(hart) != fetch || mxr)) {
        hart->hooks.mmu_changed(hart->hooks.opaque);
    }
}

// As QEMU 7.2 logs them, so that logs of both can be compared line by line.
const char *hart_trap_name(uint64_t number, bool interrupt)
{
    static const char *const exceptions[] = {
        [EXC_INSN_MISALIGNED] = "misaligned_fetch",
        [EXC_INSN_ACCESS] = "fault_fetch",
        [EXC_ILLEGAL] = "illegal_instruction",
        [EXC_BREAKPOINT] = "breakpoint",
        [EXC_LOAD_MISALIGNED] = "misaligned_load",
        [EXC_LOAD_ACCESS] = "fault_load",
        [EXC_STORE_MISALIGNED] = "misaligned_store",
        [EXC_STORE_ACCESS] = "fault_store",
        [EXC_ECALL_U] = "user_ecall",
        [EXC_ECALL_S] = "supervisor_ecall",
        [EXC_ECALL_M] = "machine_ecall",
        [EXC_INSN_PAGE] = "exec_page_fault",
        [EXC_LOAD_PAGE] = "load_page_fault",
        [EXC_STORE_PAGE] = "store_page_fault",
    };
    static const char *const interrupts[] = {
        [IRQ_S_SOFT] = "s_software", [IRQ_M_SOFT] = "m_software", [IRQ_S_TIMER] = "s_timer",
        [IRQ_M_TIMER] = "m_timer",   [IRQ_S_EXT] = "s_external",  [IRQ_M_EXT] = "m_external",
    };
    const char *name = NULL;
    if (interrupt && number < G_N_ELEMENTS(interrupts)) {
        name = interrupts[number];
    } else if (!interrupt && number < G_N_ELEMENTS(exceptions)) {
        name = exceptions[number];
    }
    return name ? name : "unknown";
}

static void enter_machine(Hart *hart, uint64_t cause, uint64_t tval)
{
    hart->mepc = hart->env.pc;
    hart->mcause = cause;
    hart->mtval = tval;
    uint64_t status = hart->mstatus & ~(MSTATUS_MPIE | MSTATUS_MIE | MSTATUS_MPP);
    status |= (uint64_t)hart->priv << MSTATUS_MPP_SHIFT;
    if (hart->mstatus & MSTATUS_MIE) {
        status |= MSTATUS_MPIE;
    }
    hart_set_status(hart, PRV_M, status);
}

static void enter_supervisor(Hart *hart, uint64_t cause, uint64_t tval)
{
    hart->sepc = hart->env.pc;
    hart->scause = cause;
    hart->stval = tval;
    uint64_t status = hart->mstatus & ~(MSTATUS_SPIE | MSTATUS_SIE | MSTATUS_SPP);
    if (hart->priv == PRV_S) {
        status |= MSTATUS_SPP;
    }
    if (hart->mstatus & MSTATUS_SIE) {
        status |= MSTATUS_SPIE;
    }
    hart_set_status(hart, PRV_S, status);
}

// Vectored mode moves interrupts only (3.1.7, 4.1.2).
static void enter(Hart *hart, uint64_t number, bool interrupt, uint64_t tval)
{
    uint64_t delegated = interrupt ? hart->mideleg : hart->medeleg;
    uint64_t cause = number | (interrupt ? CAUSE_INTERRUPT : 0);
    if (log_on(LOG_INT)) {
        log_printf("riscv_cpu_do_interrupt: hart:%d, async:%d, cause:%016" PRIx64 ", epc:0x%016" PRIx64
                   ", tval:0x%016" PRIx64 ", desc=%s\n",
                   (int)hart->hartid, interrupt, number, hart->env.pc, tval, hart_trap_name(number, interrupt));
    }
    if (hart->hooks.trap) {
        hart->hooks.trap(hart->hooks.opaque, number, interrupt, tval);
    }
    hart->trap_count++;
    uint64_t vector;
    if (hart->priv < PRV_M && (delegated >> number & 1)) {
        enter_supervisor(hart, cause, tval);
        vector = hart->stvec;
    } else {
        enter_machine(hart, cause, tval);
        vector = hart->mtvec;
    }
    hart->env.pc = (vector & ~UINT64_C(3)) + (interrupt && (vector & 1) ? 4 * number : 0);
    hart->env.res_addr = ~UINT64_C(0);
}

void hart_exception(Hart *hart, uint64_t cause, uint64_t tval)
{
    uint64_t icount = ir_env_icount(&hart->env);
    bool again = hart->env.pc == hart->last_trap_pc && icount == hart->last_trap_icount;
    hart->trap_loop_count = again ? hart->trap_loop_count + 1 : 0;
    hart->last_trap_pc = hart->env.pc;
    hart->last_trap_icount = icount;
    enter(hart, cause, false, tval);
    if (again) // nothing retires, so the slice would never end
        ir_env_kick_self(&hart->env);
}

uint64_t hart_mip(const Hart *hart)
{
    return (uint64_t)__atomic_load_n(&hart->mip, __ATOMIC_SEQ_CST) | hart->mip_soft;
}

bool hart_interrupt_pending(const Hart *hart)
{
    return (hart_mip(hart) & hart->mie) != 0;
}

static unsigned most_urgent(uint64_t pending)
{
    static const uint8_t by_priority[] = {IRQ_M_EXT, IRQ_M_SOFT, IRQ_M_TIMER, IRQ_S_EXT, IRQ_S_SOFT, IRQ_S_TIMER};
    for (unsigned i = 0; i < G_N_ELEMENTS(by_priority); i++) {
        if (pending >> by_priority[i] & 1) {
            return by_priority[i];
        }
    }
    return 0;
}

// The interrupt to take now, or 0. Those for M-mode come before those for S-mode; each is enabled below its mode
// always, in its mode by MIE or SIE, above it never (3.1.9, 4.1.3).
static unsigned next_interrupt(const Hart *hart)
{
    uint64_t pending = hart_mip(hart) & hart->mie;
    if (!pending) {
        return 0;
    }
    uint64_t for_m = pending & ~hart->mideleg, for_s = pending & hart->mideleg;
    if (for_m && (hart->priv < PRV_M || (hart->mstatus & MSTATUS_MIE))) {
        return most_urgent(for_m);
    }
    if (for_s && (hart->priv < PRV_S || (hart->priv == PRV_S && (hart->mstatus & MSTATUS_SIE)))) {
        return most_urgent(for_s);
    }
    return 0;
}

bool hart_interrupt_takeable(const Hart *hart)
{
    return next_interrupt(hart) != 0;
}

bool hart_take_interrupt(Hart *hart)
{
    unsigned irq = next_interrupt(hart);
    if (!irq) {
        return false;
    }
    hart->wfi = false;
    hart->interrupt_count++;
    enter(hart, irq, true, 0);
    return true;
}

void hart_poll_interrupts(Hart *hart)
{
    if (hart_interrupt_takeable(hart)) {
        ir_env_kick_self(&hart->env);
    }
}

void hart_mret(Hart *hart)
{
    unsigned to = (hart->mstatus & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT;
    uint64_t status =
        (hart->mstatus & ~(MSTATUS_MIE | MSTATUS_MPP)) | MSTATUS_MPIE; // MPP = U, the least privileged
    if (hart->mstatus & MSTATUS_MPIE) {
        status |= MSTATUS_MIE;
    }
    if (to != PRV_M) {
        status &= ~MSTATUS_MPRV;
    }
    hart->env.pc = hart->mepc;
    hart->env.res_addr = ~UINT64_C(0);
    hart_set_status(hart, to, status);
    hart_poll_interrupts(hart);
}

void hart_sret(Hart *hart)
{
    unsigned to = hart->mstatus & MSTATUS_SPP ? PRV_S : PRV_U;
    uint64_t status = (hart->mstatus & ~(MSTATUS_SIE | MSTATUS_SPP | MSTATUS_MPRV)) | MSTATUS_SPIE;
    if (hart->mstatus & MSTATUS_SPIE) {
        status |= MSTATUS_SIE;
    }
    hart->env.pc = hart->sepc;
    hart->env.res_addr = ~UINT64_C(0);
    hart_set_status(hart, to, status);
    hart_poll_interrupts(hart);
}

void hart_mem_fault(IrEnv *env, const MemFault *fault)
{
    static const uint8_t causes[][ACCESS_KINDS] = {
        [FAULT_ALIGN] = {EXC_LOAD_MISALIGNED, EXC_STORE_MISALIGNED, EXC_INSN_MISALIGNED},
        [FAULT_ACCESS] = {EXC_LOAD_ACCESS, EXC_STORE_ACCESS, EXC_INSN_ACCESS},
        [FAULT_PAGE] = {EXC_LOAD_PAGE, EXC_STORE_PAGE, EXC_INSN_PAGE},
    };
    if (fault->kind == FAULT_STOP) {
        ir_env_kick_self(env);
        return;
    }
    g_assert(fault->kind != FAULT_NONE && fault->kind < G_N_ELEMENTS(causes) && fault->access < ACCESS_KINDS);
    hart_exception((Hart *)env, causes[fault->kind][fault->access], fault->addr);
}
