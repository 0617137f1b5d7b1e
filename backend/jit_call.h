// SPDX-License-Identifier: GPL-3.0-or-later
// Calls into compiled code, and out of it without losing the registers that it computes in.
#pragma once
#include "backend/jit_abi.h"

// Runs code(env, slots, entry), which need not preserve any register, as a function that preserves what C functions do.
JitSlot *jit_enter(IrEnv *env, JitSlot *slots, uint64_t entry, JitCode code);

// For asm statements of compiled code, behind IrEnv.jit_call: calls the function in rax with the arguments in rdi, rsi,
// rdx, rcx and r8. The result is in rax; every other register is as before, the flags are not.
void jit_call(void);
