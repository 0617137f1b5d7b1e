// SPDX-License-Identifier: GPL-3.0-or-later
// What baseline code calls when there is a tap.
#include "backend/jit_tap.h"

#include "backend/atomic.h"
#include "backend/engine_private.h"
#include "backend/fp_mode.h"
#include "backend/stencil_forms.h"

// --- records

_Static_assert(offsetof(TapRecord, tag) == 8 && offsetof(TapRecord, count) == 12, "records are made in assembler");

#define AT_TAP(name, field) [name] "i"(offsetof(IrEnv, tap) + offsetof(Tap, field) - STENCIL_NEAR)

static __attribute__((naked, used)) void full(void) __asm__("tap_full");

__attribute__((naked)) void jit_tap_fetch(void)
{
    __asm__("movq %c[cursor](%%rdi), %%r10\n\t"
            "movq %%r9, (%%r10)\n\t"
            "movl %%eax, 8(%%r10)\n\t"
            "movl %c[limit](%%rdi), %%r11d\n\t"
            "subl %%edx, %%r11d\n\t"
            "movl %%r11d, 12(%%r10)\n\t"
            "movq %%r9, %%r11\n\t"
            "andq $-4096, %%r11\n\t"
            "movq %%r11, %c[last](%%rdi)\n\t"
            "addq $16, %%r10\n\t"
            "movq %%r10, %c[cursor](%%rdi)\n\t"
            "cmpq %c[end](%%rdi), %%r10\n\t"
            "je tap_full\n\t"
            "ret"
            :
            : AT_TAP(cursor, cursor), AT_TAP(end, end), AT_TAP(last, last_fetch),
              [limit] "i"(offsetof(IrEnv, icount_limit) - STENCIL_NEAR));
}

// Stencils with a frame have another stack pointer.
static __attribute__((naked, used)) void full(void)
{
    __asm__("pushq %%rdi\n\tpushq %%rsi\n\tpushq %%rcx\n\tpushq %%rdx\n\tpushq %%r8\n\tpushq %%r9\n\t"
            "pushq %%r10\n\tpushq %%r11\n\tpushq %%rax\n\t"
            "movq %%rsp, %%rax\n\t"
            "subq $16, %%rsp\n\t"
            "andq $-16, %%rsp\n\t"
            "movq %%rax, 8(%%rsp)\n\t"
            "movsd %%xmm0, (%%rsp)\n\t"
            "leaq %c[near](%%rdi), %%rdi\n\t"
            "call jit_tap_full\n\t"
            "movsd (%%rsp), %%xmm0\n\t"
            "movq 8(%%rsp), %%rsp\n\t"
            "popq %%rax\n\tpopq %%r11\n\tpopq %%r10\n\t"
            "popq %%r9\n\tpopq %%r8\n\tpopq %%rdx\n\tpopq %%rcx\n\tpopq %%rsi\n\tpopq %%rdi\n\t"
            "ret"
            :
            : [near] "i"(-STENCIL_NEAR));
}

void jit_tap_full(IrEnv *env)
{
    fp_mode_leave(env);
    env->tap.full(&env->tap);
    fp_mode_enter(env);
}

// --- accesses. While they are done everything is exact.

static void begin(IrEnv *env, const JitTapSite *site, int64_t left, MemAccess access, uint64_t va)
{
    env->pc = site->block->pc + site->block->insn_pc[site->insn];
    env->left = left - site->insn;
    env->tap.loads -= site->loads;
    env->tap.stores -= site->stores;
    tap_add(&env->tap, access, 1);
    tap_begin(&env->tap, va, access, site->tag);
    fp_mode_leave(env);
}

static void end(IrEnv *env, const JitTapSite *site, MemAccess access)
{
    fp_mode_enter(env);
    env->left += site->insn;
    env->tap.loads += site->loads;
    env->tap.stores += site->stores;
    tap_add(&env->tap, access, UINT64_MAX);
}

JitAccess jit_tap_access_slow(IrEnv *env, uint64_t va, uint64_t kind, uint64_t value, int64_t left,
                              const JitTapSite *site)
{
    Engine *e = env->engine;
    unsigned size = kind & 0xff;
    MemAccess access = kind & JIT_RAM_WRITE ? ACCESS_WRITE : ACCESS_READ;
    e->stats.jit_slow++;
    e->device_word = value;
    begin(env, site, left, access, va);
    bool ok = access == ACCESS_WRITE ? tlb_store(e->tlb, va, size, value, &e->fault)
                                     : tlb_load(e->tlb, va, size, &e->device_word, &e->fault);
    end(env, site, access);
    e->faulted = !ok;
    return (JitAccess){ok ? (char *)((uintptr_t)&e->device_word - va) : NULL, env->left};
}

static uint64_t tap_atomic(IrEnv *env, uint64_t va, uint64_t value, const JitTapSite *site)
{
    Engine *e = env->engine;
    uint64_t out = 0;
    MemAccess access = (site->kind & 0xff) == JIT_ATOMIC_LR ? ACCESS_READ : ACCESS_WRITE;
    env->tap.loads -= site->loads;
    env->tap.stores -= site->stores;
    if (!tap_passes(&env->tap, va, access))
        tap_record(&env->tap, va, access, site->tag);
    env->tap.loads += site->loads;
    env->tap.stores += site->stores;
    begin(env, site, env->left, access, va);
    e->faulted = !atomic_access(env, e->tlb, site->kind, va, value, false, &out, &e->fault);
    end(env, site, access);
    env->exit_site = e->faulted;
    return out;
}

static __attribute__((naked)) void jit_tap_access(void) // as jit_access
{
    JIT_ACCESS(jit_tap_access_slow);
}

void jit_tap_init(IrEnv *env)
{
    env->jit_access = jit_tap_access;
    env->tap_full = full;
    env->tap_fetch = jit_tap_fetch;
    env->tap_atomic = tap_atomic;
}
