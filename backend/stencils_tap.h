// SPDX-License-Identifier: GPL-3.0-or-later
// The stencils of baseline code with a tap (backend/jit_tap.h). Part of stencils.c.
//
// An access of another page than the last one's, and the first store to that, goes out of line to write a record, and
// does its access there. The forms of loads: A or pinned register to the accumulator; of stores the fewest.
#pragma once

#undef BIN
#undef UN
#undef LD
#undef ST
#undef BR
// hole_tag: of the site; hole_loads, hole_stores: see JitTapSite.
#define TAP_RECORD(va, access, page)                                                                                   \
    do {                                                                                                               \
        TapRecord *r_ = env->tap.cursor;                                                                               \
        uint16_t *count_ = (uint16_t *)(void *)&r_->count;                                                             \
        r_->what = (va);                                                                                               \
        asm("movl $hole_tag + %c1, %0" : "=m"(r_->tag) : "i"(access));                                                 \
        count_[0] = (uint16_t)(env->tap.loads - IMM(hole_loads));                                                      \
        count_[1] = (uint16_t)(env->tap.stores - IMM(hole_stores));                                                    \
        env->tap.last_data = (page);                                                                                   \
        env->tap.cursor = ++r_;                                                                                        \
        if (unlikely(r_ == env->tap.end))                                                                              \
            asm volatile("call *%c1(%%rdi)"                                                                            \
                         :                                                                                             \
                         : "D"(near), "i"(offsetof(IrEnv, tap_full) - STENCIL_NEAR)                                    \
                         : "memory", "cc");                                                                            \
    } while (0)
#define TAP_LOAD(op, x, y, d, type)                                                                                    \
    STENCIL(TAP_##op##_##x##y##_##d)                                                                                   \
    {                                                                                                                  \
        uint64_t va = HIDDEN(A_##x + B_##y);                                                                           \
        if (unlikely((va ^ env->tap.last_data) >= PAGE_SIZE))                                                          \
            return hole_far(near, va, left, NONE, guess, f);                                                           \
        const TlbEntry *t = TLB_ENTRY(va);                                                                             \
        if (MISSES(t, va, type, ACCESS_READ))                                                                          \
            return hole_slow(near, va, left, NONE, guess, f);                                                          \
        TO_##d((uint64_t)(int64_t)AT(type, t->addend, va), va);                                                        \
    }
#define LD(NAME, type)                                                                                                 \
    FORMS_ONE_FEW(TAP_LOAD, NAME, type)                                                                                \
    STENCIL(TAP_##NAME##_FAR)                                                                                          \
    {                                                                                                                  \
        uint64_t va = acc;                                                                                             \
        TAP_RECORD(va, ACCESS_READ, va & PAGE_MASK);                                                                   \
        const TlbEntry *t = TLB_ENTRY(va);                                                                             \
        if (MISSES(t, va, type, ACCESS_READ))                                                                          \
            return hole_slow(near, va, left, NONE, guess, f);                                                          \
        NEXT((uint64_t)(int64_t)AT(type, t->addend, va), f);                                                           \
    }
#define TAP_STORE(op, x, y, d, type)                                                                                   \
    STENCIL(TAP_##op##_##x##y##_##d)                                                                                   \
    {                                                                                                                  \
        uint64_t va = HIDDEN(A_##x + IMM(hole_imm));                                                                   \
        if (unlikely((va | ~PAGE_MASK) != env->tap.last_data))                                                         \
            return far_store(near, acc, left, B_##y, guess, va, f);                                                    \
        const TlbEntry *t = TLB_ENTRY(va);                                                                             \
        if (MISSES(t, va, type, ACCESS_WRITE))                                                                         \
            return slow_store(near, acc, left, B_##y, guess, va, f);                                                   \
        AT(type, t->addend, va) = (type)B_##y;                                                                         \
        NEXT(acc, f);                                                                                                  \
    }
#define ST(NAME, type)                                                                                                 \
    FORMS_FEW(TAP_STORE, NAME, type)                                                                                   \
    StorePiece TAP_##NAME##_FAR;                                                                                       \
    JitSlot *TAP_##NAME##_FAR(Near *near, uint64_t acc, int64_t left, uint64_t v, uint64_t guess, uint64_t va,         \
                              double f)                                                                                \
    {                                                                                                                  \
        TAP_RECORD(va, ACCESS_WRITE, va | ~PAGE_MASK);                                                                 \
        const TlbEntry *t = TLB_ENTRY(va);                                                                             \
        if (MISSES(t, va, type, ACCESS_WRITE))                                                                         \
            return slow_store(near, acc, left, v, guess, va, f);                                                       \
        AT(type, t->addend, va) = (type)v;                                                                             \
        NEXT(acc, f);                                                                                                  \
    }
#define BIN(NAME, expr)
#define UN(NAME, expr)
#define BR(NAME, cond)
#include "backend/interp_ops.def"
#undef BIN
#undef UN
#undef LD
#undef ST
#undef BR

STENCIL(TAP_COUNT_LOADS) // of the block
{
    env->tap.loads += IMM(hole_imm);
    NEXT(acc, f);
}

STENCIL(TAP_COUNT_STORES)
{
    env->tap.stores += IMM(hole_imm);
    NEXT(acc, f);
}

#define TAP_RECORD_FETCH() /* the page, the offset in it, the tag */                                                   \
    asm volatile("movabsq $hole_full, %%r9\n\t"                                                                        \
                 "leaq hole_imm(%%r9), %%r9\n\t"                                                                       \
                 "movq $hole_kind, %%rax\n\t"                                                                          \
                 "call *%c2(%%rdi)"                                                                                    \
                 :                                                                                                     \
                 : "D"(near), "d"(left), "i"(offsetof(IrEnv, tap_fetch) - STENCIL_NEAR)                                \
                 : "rax", "r9", "r10", "r11", "memory", "cc")
STENCIL(TAP_FETCH)
{
    if (unlikely(env->tap.last_fetch != (uint64_t)FULL()))
        return hole_far(near, acc, left, NONE, guess, f);
    NEXT(acc, f);
}

STENCIL(TAP_FETCH_FAR)
{
    TAP_RECORD_FETCH();
    NEXT(acc, f);
}

STENCIL(TAP_STRADDLE) // of an instruction: the second page
{
    TAP_RECORD_FETCH();
    NEXT(acc, f);
}

STENCIL(TAP_SITE)
{
    asm volatile("movq $hole_kind, %%rax\n\t"
                 "movl %%eax, %c1(%%rdi)"
                 :
                 : "D"(near), "i"(offsetof(IrEnv, tap) + offsetof(Tap, tag) - STENCIL_NEAR)
                 : "rax", "memory");
    NEXT(acc, f);
}

STENCIL(TAP_ATOMIC)
{
    PINNED(SPILL)
    env->left = left;
    asm volatile("" ::: "memory");
    uint64_t v = env->tap_atomic(env, MEM(hole_a), MEM(hole_b), FULL());
    left = env->left;
    if (unlikely(env->exit_site))
        return hole_leave(near, IMM(hole_site), left);
    NEXT_AFTER_CALL(v, f);
}
