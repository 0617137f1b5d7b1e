// SPDX-License-Identifier: GPL-3.0-or-later
// Exceptions, interrupts and the return from them (privileged spec 3.1.6..3.1.16, 3.3.2). Every trap goes to
// M-mode.
#include "frontend/trap.h"
#include "frontend/fp_state.h"
#include "util/log.h"
#include <inttypes.h>

unsigned hart_data_mmu(const Hart *hart)
{
    return hart->mstatus & MSTATUS_MPRV ? (hart->mstatus & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT : hart->priv;
}

unsigned hart_fetch_mmu(const Hart *hart)
{
    return hart->priv;
}

void hart_set_status(Hart *hart, unsigned priv, uint64_t mstatus)
{
    unsigned data = hart_data_mmu(hart), fetch = hart_fetch_mmu(hart);
    hart->priv = (uint8_t)priv;
    hart->mstatus = mstatus;
    fp_status_changed(hart);
    if (hart->hooks.mmu_changed && (hart_data_mmu(hart) != data || hart_fetch_mmu(hart) != fetch)) {
        hart->hooks.mmu_changed(hart->hooks.opaque);
    }
}

// Names as QEMU 7.2 logs them, so that logs of both can be compared line by line.
static const char *trap_name(uint64_t number, bool interrupt)
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

// Vectored mode moves interrupts only (3.1.7).
static void enter(Hart *hart, uint64_t number, bool interrupt, uint64_t tval)
{
    uint64_t pc = hart->env.pc;
    if (log_on(LOG_INT)) {
        log_printf("riscv_cpu_do_interrupt: hart:%d, async:%d, cause:%016" PRIx64 ", epc:0x%016" PRIx64
                   ", tval:0x%016" PRIx64 ", desc=%s\n",
                   (int)hart->hartid, interrupt, number, pc, tval, trap_name(number, interrupt));
    }
    hart->trap_count++;
    hart->mepc = pc;
    hart->mcause = number | (interrupt ? CAUSE_INTERRUPT : 0);
    hart->mtval = tval;
    uint64_t status = hart->mstatus & ~(MSTATUS_MPIE | MSTATUS_MIE | MSTATUS_MPP);
    status |= (uint64_t)hart->priv << MSTATUS_MPP_SHIFT;
    if (hart->mstatus & MSTATUS_MIE) {
        status |= MSTATUS_MPIE;
    }
    hart->env.pc = (hart->mtvec & ~UINT64_C(3)) + (interrupt && (hart->mtvec & 1) ? 4 * number : 0);
    hart->env.res_addr = ~UINT64_C(0);
    hart_set_status(hart, PRV_M, status);
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

bool hart_interrupt_pending(const Hart *hart)
{
    return ((uint64_t)__atomic_load_n(&hart->mip, __ATOMIC_SEQ_CST) & hart->mie) != 0;
}

// 3.1.9: taken in M-mode if mstatus.MIE, in less privileged modes always.
static bool can_interrupt(const Hart *hart)
{
    return hart_interrupt_pending(hart) && (hart->priv < PRV_M || (hart->mstatus & MSTATUS_MIE));
}

bool hart_take_interrupt(Hart *hart)
{
    static const uint8_t by_priority[] = {IRQ_M_EXT, IRQ_M_SOFT, IRQ_M_TIMER};
    if (!can_interrupt(hart)) {
        return false;
    }
    uint64_t pending = (uint64_t)__atomic_load_n(&hart->mip, __ATOMIC_SEQ_CST) & hart->mie;
    for (unsigned i = 0; i < G_N_ELEMENTS(by_priority); i++) {
        if (pending >> by_priority[i] & 1) {
            hart->wfi = false;
            enter(hart, by_priority[i], true, 0);
            return true;
        }
    }
    return false; // the device withdrew it in between
}

void hart_poll_interrupts(Hart *hart)
{
    if (can_interrupt(hart)) {
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

void hart_mem_fault(IrEnv *env, const MemFault *fault)
{
    static const uint8_t causes[][ACCESS_KINDS] = {
        [FAULT_ALIGN] = {EXC_LOAD_MISALIGNED, EXC_STORE_MISALIGNED, EXC_INSN_MISALIGNED},
        [FAULT_ACCESS] = {EXC_LOAD_ACCESS, EXC_STORE_ACCESS, EXC_INSN_ACCESS},
        [FAULT_PAGE] = {EXC_LOAD_PAGE, EXC_STORE_PAGE, EXC_INSN_PAGE},
    };
    g_assert(fault->kind != FAULT_NONE && fault->kind < G_N_ELEMENTS(causes) && fault->access < ACCESS_KINDS);
    hart_exception((Hart *)env, causes[fault->kind][fault->access], fault->addr);
}
