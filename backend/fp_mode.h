// SPDX-License-Identifier: GPL-3.0-or-later
// The host's MXCSR while compiled code runs: its rounding mode is the guest's, its status flags are new ones of the
// guest's fflags. Everywhere else the thread has its own MXCSR, whose mode is to nearest.
//
// fp_mode_enter and fp_mode_leave stand around each entry into compiled code, and the other way round around the
// helpers that it calls. What else compiled code calls (ram_slow, atomic_slow, fp_soft) runs in the guest's mode and
// must not compute with floats.
#pragma once
#include "ir/ir.h"
#include <xmmintrin.h>

#define MXCSR_DEFAULT 0x1f80u // exceptions masked, to nearest, no flush to zero, no flag set
#define MXCSR_FLAGS 0x3fu     // invalid, denormal operand, division by zero, overflow, underflow, precision

// MXCSR for an IR_RM_ value, no flags set. To nearest for those that the host does not have.
static inline unsigned fp_mode_mxcsr(uint64_t rm)
{
    return MXCSR_DEFAULT | (rm == IR_RM_RDN ? 1u << 13 : rm == IR_RM_RUP ? 2u << 13 : rm == IR_RM_RTZ ? 3u << 13 : 0);
}

// The flags of MXCSR as env->fflags has them; it has no denormal operand.
static inline uint64_t fp_mode_flags(unsigned mxcsr)
{
    return (mxcsr >> 5 & 1 ? IR_FP_NX : 0) | (mxcsr >> 4 & 1 ? IR_FP_UF : 0) | (mxcsr >> 3 & 1 ? IR_FP_OF : 0) |
           (mxcsr >> 2 & 1 ? IR_FP_DZ : 0) | (mxcsr & 1 ? IR_FP_NV : 0);
}

// Before compiled code is entered. Costs next to nothing while floating point is off or its state clean, when compiled
// code does no operation that rounds or raises a flag.
static inline void fp_mode_enter(IrEnv *env)
{
    // to nearest, ties away: the host cannot, so dynamic rounding is left to the interpreter
    env->fp_leave = env->fp_off | (env->frm == IR_RM_RMM ? IR_FP_BAD_RM : 0);
    if (!(env->fp_off & (IR_FP_OFF | IR_FP_CLEAN)))
        _mm_setcsr(fp_mode_mxcsr(env->frm));
}

// After it has returned: notes the flags. fp_off and frm are as they were at the entry.
static inline void fp_mode_leave(IrEnv *env)
{
    if (env->fp_off & (IR_FP_OFF | IR_FP_CLEAN))
        return;
    unsigned mxcsr = _mm_getcsr();
    if (mxcsr == MXCSR_DEFAULT)
        return;
    if (mxcsr & MXCSR_FLAGS)
        env->fflags |= fp_mode_flags(mxcsr);
    _mm_setcsr(MXCSR_DEFAULT);
}
