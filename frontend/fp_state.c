// SPDX-License-Identifier: GPL-3.0-or-later
// fcsr and mstatus.FS.
//
// fcsr lives in IrEnv as its two fields, where the engines use them. FS is Dirty or not by what instructions may write,
// not by what they change: one that can raise flags counts, raised or not (the manual allows it).
#include "frontend/fp_state.h"
#include "frontend/trap.h"

#define FFLAGS_MASK UINT64_C(0x1f)
#define FRM_MASK    UINT64_C(7)
#define FRM_SHIFT   5 // in fcsr
#define LAST_MODE   4 // rmm

bool fp_enabled(const Hart *hart)
{
    return hart->mstatus & MSTATUS_FS;
}

static bool dirty(const Hart *hart)
{
    return (hart->mstatus & MSTATUS_FS) == MSTATUS_FS;
}

void fp_status_changed(Hart *hart)
{
    IrEnv *env = &hart->env;
    env->fp_off = fp_enabled(hart) ? 0 : IR_FP_OFF;
    env->fp_off |= dirty(hart) ? 0 : IR_FP_CLEAN;
    env->fp_off |= env->frm > LAST_MODE ? IR_FP_BAD_RM : 0;
}

static void set_dirty(Hart *hart)
{
    hart->mstatus |= MSTATUS_FS;
    fp_status_changed(hart);
}

bool fp_denied(IrEnv *env, unsigned mask, uint32_t bits)
{
    Hart *hart = (Hart *)env;
    if (!fp_enabled(hart) || (env->fp_off & mask & IR_FP_BAD_RM)) {
        hart_exception(hart, EXC_ILLEGAL, bits);
        return false;
    }
    set_dirty(hart);
    return true;
}

bool fp_csr(unsigned csr)
{
    return csr >= CSR_FFLAGS && csr <= CSR_FCSR;
}

uint64_t fp_csr_read(const Hart *hart, unsigned csr)
{
    const IrEnv *env = &hart->env;
    if (csr == CSR_FFLAGS) {
        return env->fflags;
    }
    return csr == CSR_FRM ? env->frm : env->frm << FRM_SHIFT | env->fflags;
}

void fp_csr_write(Hart *hart, unsigned csr, uint64_t value)
{
    if (csr & CSR_FFLAGS) {
        hart->env.fflags = value & FFLAGS_MASK;
    }
    if (csr & CSR_FRM) {
        hart->env.frm = (csr == CSR_FCSR ? value >> FRM_SHIFT : value) & FRM_MASK;
    }
    set_dirty(hart);
}
