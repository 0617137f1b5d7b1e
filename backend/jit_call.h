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

// For baseline code, behind IrEnv.jit_access: a miss in the TLB. In: the hart in rdi, STENCIL_NEAR into it; the kind in
// rax, the address in r9, a store's value in rcx, `left` in rdx, the unit's slots in r10. Out: rax and rdx as in
// JitAccess. Every other register but r10 and r11 is as before, the flags are not; of the SSE registers xmm0.
void jit_access(void);

typedef struct {
    char *base;   // the value is at base + va, or a store may write it there; NULL: leave before the instruction
    int64_t left;
} JitAccess;
// slow_paths.c: what jit_access does, with the pinned registers in env->r.
JitAccess jit_access_slow(IrEnv *env, uint64_t va, uint64_t kind, uint64_t value, int64_t left, JitSlot *slots);

// For asm statements of regions, behind IrEnv.jit_stop, with env in rbp: they push a kind and an address. Kind 0 leaves
// the region; else it is one of ram_slow's, and the page's addend takes its place on the stack, or the region is left.
// The region's table of exits says by the return address which site that is and where guest registers are (exits.h).
void jit_stop(void);
