// SPDX-License-Identifier: GPL-3.0-or-later
// The stencils of the baseline tier: one function for each interpreter op and place of its operands.
//
// This file is compiled by GCC into an object that is never linked: tools/make_stencils.py takes the machine code of
// each function out of it, and backend/baseline_layout.c copies it, one after another, and fills in the holes. A hole
// is an external symbol whose address stands for a value: the place of a register in the hart, an immediate, another
// piece of code. Code of kernel model makes such an address a sign-extended 32-bit immediate or displacement.
//
// A stencil gets the hart, the accumulator, which is the value of the op before it, env->left, which lives in a
// register while baseline code runs, the addend of runs of pages or of a group (guess), and the result of the
// last floating-point op; it ends by jumping to the next. Between the stencils of one block and of another, the pinned
// guest registers (stencil_forms.h) live in host registers. Everything else is in env->r.
#include "backend/code_cache.h"
#include "backend/interp_math.h"
#include "backend/stencil_forms.h"
#include "softmmu/tlb.h"

#define DECLARE(i, host, guest) register uint64_t p##i __asm__(#host);
PINNED(DECLARE)

// Stencils get a pointer into the hart, so that what they need most is at displacements of one byte.
typedef struct Near Near;
#define env ((IrEnv *)(void *)((char *)near - STENCIL_NEAR))
typedef JitSlot *Piece(Near *near, uint64_t acc, int64_t left, uint64_t value, uint64_t guess, double f);
typedef JitSlot *EndPiece(Near *near, uint64_t acc, int64_t left, uint64_t value, uint64_t guess);
extern Piece hole_next;
extern EndPiece hole_taken, hole_other;
typedef JitSlot *LeavePiece(Near *near, uint64_t site, int64_t left);
extern __attribute__((cold)) LeavePiece hole_leave;
extern __attribute__((cold)) Piece hole_far;  // another way, such as to the second run of pages
extern __attribute__((cold)) Piece hole_slow; // a TLB miss of a load, acc: the address; of a store:
typedef JitSlot *StorePiece(Near *near, uint64_t acc, int64_t left, uint64_t value, uint64_t guess, uint64_t va,
                            double f);
extern __attribute__((cold)) StorePiece slow_store __asm__("hole_slow"), far_store __asm__("hole_far");
// weak: GCC takes any other symbol for not zero
extern char hole_a[] __attribute__((weak)), hole_b[] __attribute__((weak)), hole_d[] __attribute__((weak));
extern char hole_row[] __attribute__((weak)), hole_row2[] __attribute__((weak));
extern int32_t hole_counter __attribute__((weak));
extern char hole_c[] __attribute__((weak));
extern char hole_run[] __attribute__((weak)), hole_run2[] __attribute__((weak)); // the start of a run, then its size
extern char hole_tag[] __attribute__((weak)), hole_loads[] __attribute__((weak)); // see backend/stencils_tap.h
extern char hole_stores[] __attribute__((weak));
extern char hole_kind[] __attribute__((weak)); // of an access, see backend/jit_abi.h
extern char hole_imm[] __attribute__((weak)), hole_insns[] __attribute__((weak)), hole_site[] __attribute__((weak));

#define unlikely(x) __builtin_expect(!!(x), 0)
#define MEM(hole) (*(uint64_t *)(void *)((char *)near + (intptr_t)(hole)))
#define IMM(hole) ((uint64_t)(intptr_t)(hole))
#define FULL() /* a 64-bit hole; one for each stencil */                                                               \
    ({                                                                                                                 \
        void *full_;                                                                                                   \
        asm("movabsq $hole_full, %0" : "=r"(full_));                                                                   \
        full_;                                                                                                         \
    })
// For `value`: whatever is in its register behind the computation of v.
#define NONE_AFTER(v)                                                                                                  \
    ({                                                                                                                 \
        register uint64_t none_ __asm__("rcx");                                                                        \
        asm("" : "=r"(none_) : "r"(v));                                                                                \
        none_;                                                                                                         \
    })
#define NONE NONE_AFTER(left)
#define STENCIL(name)                                                                                                  \
    Piece name;                                                                                                        \
    JitSlot *name(Near *near, __attribute__((unused)) uint64_t acc, __attribute__((unused)) int64_t left,              \
                  __attribute__((unused)) uint64_t value, __attribute__((unused)) uint64_t guess,                      \
                  __attribute__((unused)) double f)
#define NEXT_WITH(v, guess, f)                                                                                         \
    do {                                                                                                               \
        uint64_t next_ = (v);                                                                                          \
        return hole_next(near, next_, left, NONE_AFTER(next_), guess, f);                                              \
    } while (0)
#define NEXT(v, f) NEXT_WITH(v, guess, f)
#define NEXT_AFTER_CALL(v, f) NEXT_WITH(v, env->runs.addend, f)

#define A_A acc
#define A_M MEM(hole_a)
#define B_A acc
#define B_M MEM(hole_b)
#define B_I IMM(hole_imm)
#define B_Z 0
#define A_0 p0
#define A_1 p1
#define A_2 p2
#define A_3 p3
#define A_4 p4
#define A_5 p5
#define B_0 p0
#define B_1 p1
#define B_2 p2
#define B_3 p3
#define B_4 p4
#define B_5 p5
#define TO_N(v, acc) NEXT(v, f)
#define TO_P(p, v, acc)                                                                                                \
    do {                                                                                                               \
        (p) = (v);                                                                                                     \
        NEXT(acc, f);                                                                                                  \
    } while (0)
#define TO_0(v, acc) TO_P(p0, v, acc)
#define TO_1(v, acc) TO_P(p1, v, acc)
#define TO_2(v, acc) TO_P(p2, v, acc)
#define TO_3(v, acc) TO_P(p3, v, acc)
#define TO_4(v, acc) TO_P(p4, v, acc)
#define TO_5(v, acc) TO_P(p5, v, acc)

#define COMPUTE(op, x, y, d, expr)                                                                                     \
    STENCIL(op##_##x##y##_##d)                                                                                         \
    {                                                                                                                  \
        __attribute__((unused)) uint64_t a = A_##x, b = B_##y;                                                         \
        TO_##d(expr, acc);                                                                                             \
    }
// A shift or rotation, for which immediates need an instruction of GCC's that GCC cannot be led to.
#define SHIFT_I(op, x, y, d, insn, type)                                                                               \
    STENCIL(op##_##x##y##_##d)                                                                                         \
    {                                                                                                                  \
        type t = (type)(A_##x);                                                                                        \
        asm(insn " $hole_imm, %0" : "+r"(t));                                                                          \
        TO_##d((uint64_t)(int64_t)t, acc);                                                                             \
    }
#define BIN(NAME, expr) FORMS_FEW(COMPUTE, NAME, expr) COMPUTE(NAME, A, I, N, expr)
#define OFTEN(NAME, expr) FORMS_MANY(COMPUTE, NAME, expr) FORMS_ONE_MANY(COMPUTE, NAME, expr)
#define SHIFT(NAME, expr, insn, type)                                                                                  \
    FORMS_FEW(COMPUTE, NAME, expr)                                                                                     \
    FORMS_ONE_MANY(SHIFT_I, NAME, insn, type)
#define UN(NAME, expr) FORMS_ONE_FEW(COMPUTE, NAME, expr)

// A load or store looks into the TLB; what misses goes to a piece of its own, out of the way, which calls the slow path
// and, if that has no host address either, leaves before the instruction. A device's is that of a word: the slow path
// has called it. Nothing need be saved around the call (backend/jit_call.h), but left may be another one.
#define ACCESS_SLOW(va, v)                                                                                             \
    ({                                                                                                                 \
        char *base_;                                                                                                   \
        register uint64_t va_ __asm__("r9") = (va);                                                                    \
        asm volatile("movq $hole_kind, %%rax\n\t"                                                                      \
                     "movabsq $hole_full, %%r10\n\t"                                                                   \
                     "call *%c5(%%rdi)"                                                                                \
                     : "=a"(base_), "+d"(left)                                                                         \
                     : "r"(va_), "c"(v), "D"(near), "i"(offsetof(IrEnv, jit_access) - STENCIL_NEAR)                    \
                     : "r10", "r11", "memory", "cc");                                                                  \
        base_;                                                                                                         \
    })
#define TLB_ENTRY(va) ((const TlbEntry *)(void *)((char *)env->tlb_table + (((va) >> 7) & env->tlb_mask)))
#define MISSES(t, va, type, access) unlikely(((va) & (PAGE_MASK | (sizeof(type) - 1))) != (t)->cmp[access])
#define AT(type, base, va) (*(type *)(void *)((char *)(base) + (va)))
#define HIDDEN(v) /* else GCC adds the parts of an address anew for each use */                                        \
    ({                                                                                                                 \
        uint64_t hidden_ = (v);                                                                                        \
        asm("" : "+r"(hidden_));                                                                                       \
        hidden_;                                                                                                       \
    })
// Where no page tables translate, a run of pages (softmmu/tlb.h) is tried first, hole_run, and the rest out of the way:
// the other one, hole_run2, then the TLB. The guess is the addend of all runs then. The accumulator is lost.
#define IN_RUN(hole, va) ((va) - MEM(hole) < MEM((hole) + sizeof(uint64_t)))
#define LOAD(op, x, y, d, type)                                                                                        \
    STENCIL(op##_##x##y##_##d)                                                                                         \
    {                                                                                                                  \
        uint64_t va = HIDDEN(A_##x + B_##y);                                                                           \
        if (unlikely(!IN_RUN(hole_run, va)))                                                                           \
            return hole_far(near, va, left, NONE, guess, f);                                                           \
        TO_##d((uint64_t)(int64_t)AT(type, guess, va), va);                                                            \
    }
// Where they do.
#define LOAD_PLAIN(op, x, y, d, type)                                                                                  \
    STENCIL(op##_##x##P_##d)                                                                                           \
    {                                                                                                                  \
        uint64_t va = HIDDEN(A_##x + B_##y);                                                                           \
        const TlbEntry *t = TLB_ENTRY(va);                                                                             \
        if (MISSES(t, va, type, ACCESS_READ))                                                                          \
            return hole_slow(near, va, left, NONE, guess, f);                                                          \
        TO_##d((uint64_t)(int64_t)AT(type, t->addend, va), va);                                                        \
    }
#define LOAD_FAR(d, op, type)                                                                                          \
    STENCIL(op##_##d##_FAR)                                                                                            \
    {                                                                                                                  \
        uint64_t base = guess, va = acc;                                                                               \
        if (!IN_RUN(hole_run2, va)) {                                                                                  \
            const TlbEntry *t = TLB_ENTRY(va);                                                                         \
            if (MISSES(t, va, type, ACCESS_READ))                                                                      \
                return hole_slow(near, va, left, NONE, guess, f);                                                      \
            base = t->addend;                                                                                          \
        }                                                                                                              \
        TO_##d((uint64_t)(int64_t)AT(type, base, va), va);                                                             \
    }
// After a call the runs may be others: reload.
#define LOAD_SLOW_WITH(name, d, type, after)                                                                           \
    STENCIL(name)                                                                                                      \
    {                                                                                                                  \
        uint64_t va = acc;                                                                                             \
        char *base = ACCESS_SLOW(va, value);                                                                           \
        if (!base)                                                                                                     \
            return hole_leave(near, IMM(hole_site), left);                                                             \
        guess = after;                                                                                                 \
        TO_##d((uint64_t)(int64_t)AT(type, base, va), va);                                                             \
    }
#define LOAD_SLOW(d, op, type)                                                                                         \
    LOAD_SLOW_WITH(op##_##d##_SLOW, d, type, guess)                                                                    \
    LOAD_SLOW_WITH(op##_##d##_RUN_SLOW, d, type, env->runs.addend)
// Of a group of accesses through one base register, which GROUP has found to lie on one page: the guess is its addend.
#define LOAD_GROUP(op, x, y, d, type)                                                                                  \
    STENCIL(op##_##x##G_##d)                                                                                           \
    {                                                                                                                  \
        TO_##d((uint64_t)(int64_t)AT(type, guess, A_##x + B_##y), acc);                                                \
    }
#define STORE_GROUP(op, x, y, d, type)                                                                                 \
    STENCIL(op##_##x##y##G)                                                                                            \
    {                                                                                                                  \
        AT(type, guess, A_##x + IMM(hole_imm)) = (type)B_##y;                                                          \
        NEXT(acc, f);                                                                                                  \
    }
#define LD(NAME, type)                                                                                                 \
    FORMS_ONE_MANY(LOAD, NAME, type) FORMS_ONE_MANY(LOAD_GROUP, NAME, type) FORMS_ONE_MANY(LOAD_PLAIN, NAME, type)     \
    LOAD_SLOW(N, NAME, type) EACH_PINNED(LOAD_SLOW, NAME, type)                                                        \
    LOAD_FAR(N, NAME, type) EACH_PINNED(LOAD_FAR, NAME, type)
#define STORE_RUN(op, x, y, d, type)                                                                                   \
    STENCIL(op##_##x##y##R)                                                                                            \
    {                                                                                                                  \
        uint64_t va = HIDDEN(A_##x + IMM(hole_imm));                                                                   \
        if (unlikely(!IN_RUN(hole_run, va)))                                                                           \
            return far_store(near, acc, left, B_##y, guess, va, f);                                                    \
        AT(type, guess, va) = (type)B_##y;                                                                             \
        NEXT(acc, f);                                                                                                  \
    }
#define STORE(op, x, y, d, type)                                                                                       \
    STENCIL(op##_##x##y##_##d)                                                                                         \
    {                                                                                                                  \
        uint64_t va = HIDDEN(A_##x + IMM(hole_imm));                                                                   \
        const TlbEntry *t = TLB_ENTRY(va);                                                                             \
        if (MISSES(t, va, type, ACCESS_WRITE))                                                                         \
            return slow_store(near, acc, left, B_##y, guess, va, f);                                                   \
        AT(type, t->addend, va) = (type)B_##y;                                                                         \
        NEXT(acc, f);                                                                                                  \
    }
#define ST(NAME, type)                                                                                                 \
    FORMS_NO_RESULT(STORE, NAME, type) FORMS_NO_RESULT(STORE_GROUP, NAME, type) FORMS_NO_RESULT(STORE_RUN, NAME, type) \
    StorePiece NAME##_FAR;                                                                                             \
    JitSlot *NAME##_FAR(Near *near, uint64_t acc, int64_t left, uint64_t v, uint64_t guess, uint64_t va, double f)     \
    {                                                                                                                  \
        uint64_t base = guess;                                                                                         \
        if (!IN_RUN(hole_run2, va)) {                                                                                  \
            const TlbEntry *t = TLB_ENTRY(va);                                                                         \
            if (MISSES(t, va, type, ACCESS_WRITE))                                                                     \
                return slow_store(near, acc, left, v, guess, va, f);                                                   \
            base = t->addend;                                                                                          \
        }                                                                                                              \
        AT(type, base, va) = (type)v;                                                                                  \
        NEXT(acc, f);                                                                                                  \
    }                                                                                                                  \
    STORE_SLOW(NAME##_SLOW, type, guess) STORE_SLOW(NAME##_RUN_SLOW, type, env->runs.addend)
#define STORE_SLOW(name, type, after)                                                                                  \
    StorePiece name;                                                                                                   \
    JitSlot *name(Near *near, uint64_t acc, int64_t left, uint64_t v,                          \
                  __attribute__((unused)) uint64_t guess, uint64_t va, double f)                                       \
    {                                                                                                                  \
        char *base = ACCESS_SLOW(va, v);                                                                               \
        if (!base)                                                                                                     \
            return hole_leave(near, IMM(hole_site), left);                                                             \
        AT(type, base, va) = (type)v;                                                                                  \
        NEXT_WITH(acc, after, f);                                                                                      \
    }

// The first byte of a group is at imm, the last one `site` behind it. If not all of them are on one page of RAM, the
// accesses are done one by one.
#define GROUP(x, kinds, missing)                                                                                       \
    STENCIL(GROUP_##x##_##kinds)                                                                                       \
    {                                                                                                                  \
        uint64_t va = HIDDEN(A_##x + IMM(hole_imm)), last = va + IMM(hole_site);                                       \
        const TlbEntry *t = TLB_ENTRY(va);                                                                             \
        if (unlikely((missing)) || unlikely((va ^ last) & PAGE_MASK))                                                  \
            return hole_slow(near, acc, left, NONE, guess, f);                                                         \
        NEXT_WITH(acc, t->addend, f);                                                                                  \
    }
// Where runs are used: all bytes of a group are in the run if the first one is, and those of the store's in a load's.
#define GROUP_RUN(x)                                                                                                   \
    STENCIL(GROUP_##x##_RUN)                                                                                           \
    {                                                                                                                  \
        uint64_t va = HIDDEN(A_##x + IMM(hole_imm));                                                                   \
        if (unlikely(!IN_RUN(hole_run, va)))                                                                           \
            return hole_slow(near, acc, left, NONE, guess, f);                                                         \
        NEXT(acc, f);                                                                                                  \
    }
GROUP_RUN(A) GROUP_RUN(0) GROUP_RUN(1) GROUP_RUN(2) GROUP_RUN(3) GROUP_RUN(4) GROUP_RUN(5)
#define NOT_FOR(access) ((va & PAGE_MASK) != t->cmp[access])
#define GROUPS(x)                                                                                                      \
    GROUP(x, R, NOT_FOR(ACCESS_READ))                                                                                  \
    GROUP(x, W, NOT_FOR(ACCESS_WRITE))                                                                                 \
    GROUP(x, RW, NOT_FOR(ACCESS_READ) || NOT_FOR(ACCESS_WRITE))
GROUPS(A) GROUPS(0) GROUPS(1) GROUPS(2) GROUPS(3) GROUPS(4) GROUPS(5)

STENCIL(REJOIN)
{
    NEXT(acc, f);
}

// The end of a block: counts its instructions; the slice may be over. (A test of the sign is one instruction less.)
#define SLICE_OVER() unlikely((left -= (intptr_t)hole_insns) < 0)
#define BRANCH(op, x, y, d, cond)                                                                                      \
    STENCIL(op##_##x##y##_##d)                                                                                         \
    {                                                                                                                  \
        uint64_t a = A_##x, b = B_##y;                                                                                 \
        if (SLICE_OVER())                                                                                              \
            return hole_leave(near, (cond) ? 0 : 1, left);                                                             \
        if (cond)                                                                                                      \
            return hole_taken(near, acc, left, NONE, guess);                                                           \
        return hole_other(near, acc, left, NONE, guess);                                                               \
    }
#define BR(NAME, cond) FORMS_NO_RESULT(BRANCH, NAME, cond)
#include "backend/interp_ops.def"

// From one place to another: GET into the accumulator, PUT out of it.
STENCIL(GET_M)
{
    NEXT(MEM(hole_a), f);
}

STENCIL(PUT_M)
{
    MEM(hole_d) = acc;
    NEXT(acc, f);
}

STENCIL(LI_N)
{
    NEXT(IMM(hole_imm), f);
}

STENCIL(LI64_N)
{
    NEXT((uint64_t)FULL(), f);
}

#define MOVES(i, host, guest)                                                                                          \
    STENCIL(GET_##i)                                                                                                   \
    {                                                                                                                  \
        NEXT(p##i, f);                                                                                                 \
    }                                                                                                                  \
    STENCIL(PUT_##i)                                                                                                   \
    {                                                                                                                  \
        TO_##i(acc, acc);                                                                                              \
    }                                                                                                                  \
    STENCIL(LOAD_##i) /* from memory */                                                                                \
    {                                                                                                                  \
        TO_##i(MEM(hole_a), acc);                                                                                      \
    }                                                                                                                  \
    STENCIL(STORE_##i) /* to memory */                                                                                 \
    {                                                                                                                  \
        MEM(hole_d) = p##i;                                                                                            \
        NEXT(acc, f);                                                                                                  \
    }                                                                                                                  \
    STENCIL(LI_##i)                                                                                                    \
    {                                                                                                                  \
        TO_##i(IMM(hole_imm), acc);                                                                                    \
    }                                                                                                                  \
    EACH_PINNED(MOVE, i)
#define MOVE(j, i)                                                                                                     \
    STENCIL(MOV_##i##_##j)                                                                                             \
    {                                                                                                                  \
        TO_##j(p##i, acc);                                                                                             \
    }
PINNED(MOVES)

#define SPILL(i, host, guest) env->r[guest] = p##i;
#define RELOAD(i, host, guest) p##i = env->r[guest];

STENCIL(FENCE)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    NEXT(acc, f);
}

STENCIL(ATOMIC)
{
    uint64_t v = env->atomic_slow(env, MEM(hole_a), MEM(hole_b), IMM(hole_imm));
    if (unlikely(env->exit_site))
        return hole_leave(near, IMM(hole_site), left);
    NEXT_AFTER_CALL(v, f);
}

STENCIL(FPCHECK) // imm: the mask
{
    if (unlikely(env->fp_leave & IMM(hole_imm)))
        return hole_leave(near, IMM(hole_site), left);
    NEXT(acc, f);
}

STENCIL(ENTRY) // from the engine or a region; baseline code goes past it
{
    near = (Near *)((char *)near + STENCIL_NEAR); // it comes with the hart
    PINNED(RELOAD)
    left = env->left;
    NEXT_AFTER_CALL(acc, f);
}

STENCIL(HEAD) // counts the entry
{
    if (unlikely(--hole_counter < 0))
        return hole_leave(near, IMM(hole_site), left);
    NEXT(acc, f);
}

STENCIL(JUMP)
{
    if (SLICE_OVER())
        return hole_leave(near, 0, left);
    return hole_taken(near, acc, left, NONE, guess);
}

static inline const JumpEntry *jump_row(const IrEnv *hart, uint64_t pc)
{
    uint64_t offset = (pc << 4 ^ pc >> (JIT_JUMP_SHIFT - 4)) & (((1u << JIT_JUMP_BITS) - 1) << 5); // of jit_jump_row
    return (JumpEntry *)(void *)((char *)hart->jumps + offset);
}

static inline const JumpEntry *jump_entry(const IrEnv *hart, uint64_t pc)
{
    const JumpEntry *j = jump_row(hart, pc);
    if (unlikely(j->pc != pc)) // the other one of the pair
        j = (JumpEntry *)(void *)((char *)hart->jumps + (((uintptr_t)j - (uintptr_t)hart->jumps) ^ sizeof *j));
    return j;
}

// Goes on through a row of the jump table, with registers as they are if that is baseline code.
#define GO_TO(j)                                                                                                       \
    do {                                                                                                               \
        if (__builtin_expect((j)->entry >= JIT_ENTRY_BODY, 1))                                                         \
            return ((EndPiece *)(j)->entry)(near, acc, left, NONE, guess);                                             \
        PINNED(SPILL)                                                                                                  \
        env->left = left;                                                                                              \
        return (j)->code(env, (j)->slots, (j)->entry);                                                                 \
    } while (0)

// Before JMPIND: of 64 targets that follow one another, 8 are noted, which spares the host's caches the block.
STENCIL(TARGET)
{
    if (unlikely(!(hole_counter & 0x38)))
        return hole_slow(near, acc, left, NONE, guess, f);
    NEXT(acc, f);
}

STENCIL(TARGET_SLOW)
{
    uint64_t *target = FULL();
    int32_t n = hole_counter;
    target[(n & 7) | (n >> 3 & (BLOCK_TARGETS - 8))] = acc; // nothing is waited for
    NEXT(acc, f);
}

// In place of JMPIND where one target was seen nearly always: it is the block's only static exit.
STENCIL(GUESS)
{
    if (unlikely(acc != (uint64_t)FULL()))
        return hole_far(near, acc, left, NONE, guess, f);
    if (SLICE_OVER())
        return hole_leave(near, 0, left);
    return hole_taken(near, acc, left, NONE, guess);
}

STENCIL(GUESS_FAR)
{
    const JumpEntry *j = jump_entry(env, acc);
    if (SLICE_OVER() || unlikely(j->pc != acc)) {
        env->pc = acc;
        return hole_leave(near, JIT_SITE_PC, left);
    }
    GO_TO(j);
}

// What is not the usual case, likewise for CROSS, is done by the second one out of the way.
STENCIL(JMPIND)
{
    const JumpEntry *j = jump_row(env, acc);
    if (SLICE_OVER() || unlikely(j->pc != acc) || unlikely(j->entry < JIT_ENTRY_BODY))
        return hole_far(near, acc, left, NONE, guess, f);
    return ((EndPiece *)j->entry)(near, acc, left, NONE, guess);
}

STENCIL(JMPIND_FAR)
{
    const JumpEntry *j = jump_entry(env, acc);
    if (unlikely(left < 0) || unlikely(j->pc != acc)) {
        env->pc = acc;
        return hole_leave(near, JIT_SITE_PC, left);
    }
    GO_TO(j);
}

// Site: instructions before it. A helper that traps or ends the slice leaves, so that endless traps are seen.
STENCIL(SYS_CALL)
{
    left -= (intptr_t)hole_site;
    env->pc = (uint64_t)FULL();
    env->left = left;
    PINNED(SPILL)
    asm volatile("" ::: "memory"); // the operands may be pinned
    env->system(env, IMM(hole_imm), MEM(hole_a), MEM(hole_b));
    const JumpEntry *j = jump_entry(env, env->pc);
    if (unlikely(env->left != left - 1) || unlikely(env->left <= 0) || unlikely(j->pc != env->pc)) {
        PINNED(RELOAD)
        return hole_leave(near, JIT_SITE_PC, env->left);
    }
    return j->code(env, j->slots, j->entry);
}

STENCIL(SYS) // the interpreter does it
{
    return hole_leave(near, IMM(hole_site), left);
}

STENCIL(SLOT) // the way through a chain slot
{
    const JitSlot *s = FULL();
    PINNED(SPILL)
    env->left = left;
    return s->code(env, s->slots, s->entry);
}

STENCIL(CROSS) // the way of a slot to a page that is another one's, through the jump table
{
    uint64_t pc = (uint64_t)FULL();
    const JumpEntry *j = (JumpEntry *)(void *)((char *)env->jumps + (intptr_t)hole_row);
    if (unlikely(j->pc != pc) || unlikely(j->entry < JIT_ENTRY_BODY))
        return hole_far(near, acc, left, NONE, guess, 0);
    return ((EndPiece *)j->entry)(near, acc, left, NONE, guess);
}

STENCIL(CROSS_FAR)
{
    uint64_t pc = (uint64_t)FULL();
    const JumpEntry *j = (JumpEntry *)(void *)((char *)env->jumps + (intptr_t)hole_row);
    if (unlikely(j->pc != pc)) {
        j = (JumpEntry *)(void *)((char *)env->jumps + (intptr_t)hole_row2);
        if (unlikely(j->pc != pc))
            return hole_leave(near, IMM(hole_site), left);
    }
    GO_TO(j);
}

LeavePiece LEAVE;
JitSlot *LEAVE(Near *near, uint64_t site, int64_t left)
{
    PINNED(SPILL)
    env->exit_site = site;
    env->left = left;
    return FULL();
}

#include "backend/stencils_fp.h"
#include "backend/stencils_tap.h"

// Not a stencil, but code of a slot: see baseline_by_table.
#undef env
JitSlot *BY_TABLE(IrEnv *env, JitSlot *slots, uint64_t entry);
JitSlot *BY_TABLE(IrEnv *env, JitSlot *slots, uint64_t entry)
{
    const JitUnit *u = jit_unit_of(slots);
    uint64_t pc = u->base + (uint64_t)u->sites[entry].pc;
    const JumpEntry *j = jump_entry(env, pc);
    if (j->pc == pc)
        return j->code(env, j->slots, j->entry);
    env->exit_site = entry;
    return slots;
}
