// SPDX-License-Identifier: GPL-3.0-or-later
// Who called a frame.
#include "machine/names_private.h"

#define REG_RA 1
#define REG_SP 2
#define REG_FP 8
#define FRAME_MAX (UINT64_C(16) << 20) // bytes

static bool load(Cpu *cpu, uint64_t va, uint64_t *out)
{
    return va % 8 == 0 && cpu_memory_rw_debug(cpu, va, out, sizeof *out, false);
}

// The frame pointer is the caller's stack pointer; ra and its frame pointer lie below.
static bool by_frame_pointer(Cpu *cpu, uint64_t regs[32])
{
    uint64_t fp = regs[REG_FP], ra, old_fp;
    if (fp <= regs[REG_SP] || fp - regs[REG_SP] > FRAME_MAX || !load(cpu, fp - 8, &ra) ||
        !load(cpu, fp - 16, &old_fp) || !ra)
        return false;
    regs[0] = regs[REG_RA] = ra;
    regs[REG_SP] = fp;
    regs[REG_FP] = old_fp;
    return true;
}

bool names_unwind(Names *n, Cpu *cpu, uint64_t regs[32])
{
    (void)n;
    return by_frame_pointer(cpu, regs);
}
