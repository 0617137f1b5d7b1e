// SPDX-License-Identifier: GPL-3.0-or-later
// How the engine enters compiled code, and how that calls the engine without losing the registers that it computes in.
#pragma once
#include "backend/jit_abi.h"

// The host's registers at a stop, where compiled code called jit_stop.
typedef struct {
    uint64_t gpr[16]; // in the order of their numbers; that of rsp means nothing
    uint64_t at;      // the return address
    uint64_t va, kind; // what compiled code pushed
} JitFrame;

// Calls code(env, slots, entry) and saves what functions must preserve, so that regions need not. What compiled code
// leaves by is the stack pointer kept in env->jit_sp.
JitSlot *jit_enter(IrEnv *env, JitSlot *slots, uint64_t entry, JitCode code);

// For asm statements of compiled code, behind IrEnv.jit_call: calls the function in rax with the arguments in rdi, rsi,
// rdx, rcx and r8. The result is in rax; every other register is as before, the flags are not.
void jit_call(void);

// For asm statements of regions, behind IrEnv.jit_stop, with env in rbp: they push a kind and an address. Kind 0 leaves
// the region; else it is one of ram_slow's, and the page's addend takes its place on the stack, or the region is left.
// The region's table of exits says by the return address which site that is and where guest registers are (exits.h).
void jit_stop(void);
