// SPDX-License-Identifier: GPL-3.0-or-later
// How the engine enters compiled code, and how that calls the engine without losing the registers that it computes in.
#pragma once
#include "backend/jit_abi.h"
#include "backend/stencil_forms.h"

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
// The body of that, a naked function: puts the pinned registers into env->r and calls slow, which is like
// jit_access_slow. Stencils call it, whose stack pointer is 8 below a multiple of 16.
#define JIT_ACCESS_SPILL(i, host, guest) "movq %%" #host ", %c[r" #guest "](%%rdi)\n\t"
#define JIT_ACCESS_AT(n) [r##n] "i"(offsetof(IrEnv, r) + (n) * sizeof(uint64_t) - STENCIL_NEAR)
#define JIT_ACCESS(slow)                                                                                               \
    __asm__("pushq %%rdi\n\tpushq %%rsi\n\tpushq %%rcx\n\tpushq %%r8\n\tpushq %%r9\n\t"                                \
            "subq $8, %%rsp\n\t"                                                                                       \
            "movsd %%xmm0, (%%rsp)\n\t" PINNED(JIT_ACCESS_SPILL)                                                       \
            "leaq %c[near](%%rdi), %%rdi\n\t"                                                                          \
            "movq %%r9, %%rsi\n\t"                                                                                     \
            "movq %%rdx, %%r8\n\t"                                                                                     \
            "movq %%rax, %%rdx\n\t"                                                                                    \
            "movq %%r10, %%r9\n\t"                                                                                     \
            "call " #slow "\n\t"                                                                                       \
            "movsd (%%rsp), %%xmm0\n\t"                                                                                \
            "addq $8, %%rsp\n\t"                                                                                       \
            "popq %%r9\n\tpopq %%r8\n\tpopq %%rcx\n\tpopq %%rsi\n\tpopq %%rdi\n\t"                                     \
            "ret"                                                                                                      \
            :                                                                                                          \
            : [near] "i"(-STENCIL_NEAR), JIT_ACCESS_AT(2), JIT_ACCESS_AT(10), JIT_ACCESS_AT(12), JIT_ACCESS_AT(13),    \
              JIT_ACCESS_AT(14), JIT_ACCESS_AT(15))

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
