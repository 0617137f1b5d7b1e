// SPDX-License-Identifier: GPL-3.0-or-later
// How compiled code calls functions of the engine without losing the registers that it computes in.
#pragma once

// For asm statements of compiled code, behind IrEnv.jit_call: calls the function in rax with the arguments in rdi, rsi,
// rdx, rcx and r8. The result is in rax; every other register is as before, the flags are not.
void jit_call(void);
