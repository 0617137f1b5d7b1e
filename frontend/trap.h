// SPDX-License-Identifier: GPL-3.0-or-later
// Privilege changes inside the frontend: what traps, mret and CSR writes share.
#pragma once
#include "frontend/hart.h"

// Bits and fields of mstatus (priv. spec 3.1.6).
#define MSTATUS_SIE       (UINT64_C(1) << 1)
#define MSTATUS_MIE       (UINT64_C(1) << 3)
#define MSTATUS_SPIE      (UINT64_C(1) << 5)
#define MSTATUS_MPIE      (UINT64_C(1) << 7)
#define MSTATUS_SPP       (UINT64_C(1) << 8)
#define MSTATUS_MPP_SHIFT 11
#define MSTATUS_MPP       (UINT64_C(3) << MSTATUS_MPP_SHIFT)
#define MSTATUS_FS        (UINT64_C(3) << 13) // 0: off, 3: dirty
#define MSTATUS_MPRV      (UINT64_C(1) << 17)
#define MSTATUS_SUM       (UINT64_C(1) << 18)
#define MSTATUS_MXR       (UINT64_C(1) << 19)
#define MSTATUS_TVM       (UINT64_C(1) << 20)
#define MSTATUS_TW        (UINT64_C(1) << 21)
#define MSTATUS_TSR       (UINT64_C(1) << 22)
#define MSTATUS_UXL_64    (UINT64_C(2) << 32)
#define MSTATUS_SXL_64    (UINT64_C(2) << 34)
#define MSTATUS_SD        (UINT64_C(1) << 63) // computed when read

// Bits of menvcfg (3.1.18); senvcfg has the first four too (4.1.10).
#define ENVCFG_FIOM        UINT64_C(1)
#define ENVCFG_CBIE_SHIFT  4
#define ENVCFG_CBIE        (UINT64_C(3) << ENVCFG_CBIE_SHIFT)
#define ENVCFG_CBCFE       (UINT64_C(1) << 6)
#define ENVCFG_CBZE        (UINT64_C(1) << 7)
#define MENVCFG_ADUE       (UINT64_C(1) << 61)
#define MENVCFG_PBMTE      (UINT64_C(1) << 62)
#define MENVCFG_STCE       (UINT64_C(1) << 63)

#define CAUSE_INTERRUPT (UINT64_C(1) << 63) // mcause bit 63

// Sets privilege and mstatus together, and calls the mmu_changed hook
// if an MMU index is another one now.
void hart_set_status(Hart *hart, unsigned priv, uint64_t mstatus);

// The name of an exception or interrupt as QEMU 7.2 logs it, so that logs of both can be compared line by line;
// "unknown" if it has none.
const char *hart_trap_name(uint64_t number, bool interrupt);

// Ends the slice if an interrupt can be taken now: call it after what may have enabled one.
void hart_poll_interrupts(Hart *hart);

// Return from a trap taken to M-mode or S-mode (priv. spec 3.3.2): privilege, mstatus, pc = mepc or sepc. They do
// not retire.
void hart_mret(Hart *hart);
void hart_sret(Hart *hart);

// IrEnvOps.mem_fault: the exception that a memory fault is for RISC-V.
void hart_mem_fault(IrEnv *env, const MemFault *fault);
