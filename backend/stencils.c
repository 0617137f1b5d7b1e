// SPDX-License-Identifier: GPL-3.0-or-later
// The stencils of the baseline tier: one function for each interpreter op and place of its operands.
//
// This file is compiled by GCC into an object that is never linked: tools/make_stencils.py takes the machine code of
// each function out of it, and backend/baseline.c copies it, one after another, and fills in the holes. A hole is an
// external symbol whose address stands for a value: the place of a register in the hart, an immediate, another piece of
// code. Code of kernel model makes such an address a sign-extended 32-bit immediate or displacement.
//
// A stencil gets the hart, the accumulator, which is the value of the op before it, and env->left, which lives in a
// register while baseline code runs; it ends by jumping to the next. Operands: M in memory (env->r), A in the
// accumulator, I immediate. Results: D stored and left in the accumulator, N only left there.
#include "backend/code_cache.h"
#include "backend/interp_math.h"
#include "softmmu/tlb.h"

typedef JitSlot *Piece(IrEnv *env, uint64_t acc, int64_t left);
extern Piece hole_next, hole_taken, hole_other;
extern __attribute__((cold)) Piece hole_leave; // acc: the site
extern __attribute__((cold)) Piece hole_slow; // a TLB miss of a load, acc: the address; of a store:
typedef JitSlot *StorePiece(IrEnv *env, uint64_t va, int64_t left, uint64_t value, uint64_t acc);
extern __attribute__((cold)) StorePiece slow_store __asm__("hole_slow");
// weak: GCC takes any other symbol for not zero
extern char hole_a[] __attribute__((weak)), hole_b[] __attribute__((weak)), hole_d[] __attribute__((weak));
extern char hole_row[] __attribute__((weak)), hole_row2[] __attribute__((weak));
extern char hole_c[] __attribute__((weak));
extern char hole_imm[] __attribute__((weak)), hole_insns[] __attribute__((weak)), hole_site[] __attribute__((weak));

#define unlikely(x) __builtin_expect(!!(x), 0)
#define MEM(hole) (*(uint64_t *)(void *)((char *)env + (intptr_t)(hole)))
#define IMM(hole) ((uint64_t)(intptr_t)(hole))
#define FULL() /* a 64-bit hole; one for each stencil */                                                               \
    ({                                                                                                                 \
        void *full_;                                                                                                   \
        asm("movabsq $hole_full, %0" : "=r"(full_));                                                                   \
        full_;                                                                                                         \
    })
#define STENCIL(name)                                                                                                  \
    Piece name;                                                                                                        \
    JitSlot *name(IrEnv *env, __attribute__((unused)) uint64_t acc, __attribute__((unused)) int64_t left)

#define PUT_D(v) MEM(hole_d) = (v)
#define PUT_N(v)
#define PURE(name, A, B, PUT, expr)                                                                                    \
    STENCIL(name)                                                                                                      \
    {                                                                                                                  \
        __attribute__((unused)) uint64_t a = A, b = B, v = (expr);                                                     \
        PUT(v);                                                                                                        \
        return hole_next(env, v, left);                                                                                \
    }
#define BIN(NAME, expr)                                                                                                \
    PURE(NAME##_MM_D, MEM(hole_a), MEM(hole_b), PUT_D, expr)                                                           \
    PURE(NAME##_AM_D, acc, MEM(hole_b), PUT_D, expr)                                                                   \
    PURE(NAME##_MA_D, MEM(hole_a), acc, PUT_D, expr)                                                                   \
    PURE(NAME##_MI_D, MEM(hole_a), IMM(hole_imm), PUT_D, expr)                                                         \
    PURE(NAME##_AI_D, acc, IMM(hole_imm), PUT_D, expr)                                                                 \
    PURE(NAME##_MM_N, MEM(hole_a), MEM(hole_b), PUT_N, expr)                                                           \
    PURE(NAME##_AM_N, acc, MEM(hole_b), PUT_N, expr)                                                                   \
    PURE(NAME##_MA_N, MEM(hole_a), acc, PUT_N, expr)                                                                   \
    PURE(NAME##_MI_N, MEM(hole_a), IMM(hole_imm), PUT_N, expr)                                                         \
    PURE(NAME##_AI_N, acc, IMM(hole_imm), PUT_N, expr)
// A shift or rotation, for which immediates need an instruction of GCC's that GCC cannot be led to.
#define SHIFTED(name, A, PUT, insn, type)                                                                              \
    STENCIL(name)                                                                                                      \
    {                                                                                                                  \
        type t = (type)(A);                                                                                            \
        asm(insn " $hole_imm, %0" : "+r"(t));                                                                          \
        uint64_t v = (uint64_t)(int64_t)t;                                                                             \
        PUT(v);                                                                                                        \
        return hole_next(env, v, left);                                                                                \
    }
#define SHIFT(NAME, expr, insn, type)                                                                                  \
    PURE(NAME##_MM_D, MEM(hole_a), MEM(hole_b), PUT_D, expr)                                                           \
    PURE(NAME##_AM_D, acc, MEM(hole_b), PUT_D, expr)                                                                   \
    PURE(NAME##_MA_D, MEM(hole_a), acc, PUT_D, expr)                                                                   \
    SHIFTED(NAME##_MI_D, MEM(hole_a), PUT_D, insn, type)                                                               \
    SHIFTED(NAME##_AI_D, acc, PUT_D, insn, type)                                                                       \
    PURE(NAME##_MM_N, MEM(hole_a), MEM(hole_b), PUT_N, expr)                                                           \
    PURE(NAME##_AM_N, acc, MEM(hole_b), PUT_N, expr)                                                                   \
    PURE(NAME##_MA_N, MEM(hole_a), acc, PUT_N, expr)                                                                   \
    SHIFTED(NAME##_MI_N, MEM(hole_a), PUT_N, insn, type)                                                               \
    SHIFTED(NAME##_AI_N, acc, PUT_N, insn, type)
#define UN(NAME, expr)                                                                                                 \
    PURE(NAME##_M_D, MEM(hole_a), 0, PUT_D, expr)                                                                      \
    PURE(NAME##_A_D, acc, 0, PUT_D, expr)                                                                              \
    PURE(NAME##_M_N, MEM(hole_a), 0, PUT_N, expr)                                                                      \
    PURE(NAME##_A_N, acc, 0, PUT_N, expr)

// A load or store looks into the TLB; what misses goes to a piece of its own, out of the way, which calls the slow path
// and, if that has no host address either, leaves before the instruction.
#define TLB_ENTRY(va) ((const TlbEntry *)(void *)((char *)env->tlb_table + (((va) >> 7) & env->tlb_mask)))
#define MISSES(va, type, access) unlikely(((va) & (PAGE_MASK | (sizeof(type) - 1))) != TLB_ENTRY(va)->cmp[access])
// Where the entry's addend is the usual one, as a compare of its own finds out, the access need not wait for the entry.
#define ADDEND(va)                                                                                                     \
    ({                                                                                                                 \
        uint64_t addend_ = env->usual_addend;                                                                          \
        if (TLB_ENTRY(va)->addend != addend_) {                                                                        \
            addend_ = TLB_ENTRY(va)->addend;                                                                           \
            asm volatile("" : "+r"(addend_)); /* else GCC sees that one value serves both */                           \
        }                                                                                                              \
        addend_;                                                                                                       \
    })
#define AT(type, base, va) (*(type *)(void *)((char *)(base) + (va)))
#define LOAD(name, A, type)                                                                                            \
    STENCIL(name)                                                                                                      \
    {                                                                                                                  \
        uint64_t va = A + IMM(hole_imm);                                                                               \
        if (MISSES(va, type, ACCESS_READ))                                                                             \
            return hole_slow(env, va, left);                                                                           \
        uint64_t v = (uint64_t)(int64_t)AT(type, ADDEND(va), va);                                                      \
        MEM(hole_d) = v;                                                                                               \
        return hole_next(env, v, left);                                                                                \
    }
#define LD(NAME, type)                                                                                                 \
    LOAD(NAME##_M, MEM(hole_a), type)                                                                                  \
    LOAD(NAME##_A, acc, type)                                                                                          \
    STENCIL(NAME##_SLOW)                                                                                               \
    {                                                                                                                  \
        uint64_t va = acc;                                                                                             \
        char *base = env->ram_slow(env, va, sizeof(type));                                                             \
        if (!base)                                                                                                     \
            return hole_leave(env, IMM(hole_site), left);                                                              \
        uint64_t v = (uint64_t)(int64_t)AT(type, base, va);                                                            \
        MEM(hole_d) = v;                                                                                               \
        return hole_next(env, v, left);                                                                                \
    }
#define STORE(name, A, B, type)                                                                                        \
    STENCIL(name)                                                                                                      \
    {                                                                                                                  \
        uint64_t va = A + IMM(hole_imm), v = B;                                                                        \
        if (MISSES(va, type, ACCESS_WRITE))                                                                            \
            return slow_store(env, va, left, v, acc);                                                                  \
        AT(type, TLB_ENTRY(va)->addend, va) = (type)v;                                                                 \
        return hole_next(env, acc, left);                                                                              \
    }
#define ST(NAME, type)                                                                                                 \
    STORE(NAME##_MM, MEM(hole_a), MEM(hole_b), type)                                                                   \
    STORE(NAME##_AM, acc, MEM(hole_b), type)                                                                           \
    STORE(NAME##_MA, MEM(hole_a), acc, type)                                                                           \
    StorePiece NAME##_SLOW;                                                                                            \
    JitSlot *NAME##_SLOW(IrEnv *env, uint64_t va, int64_t left, uint64_t v, uint64_t acc)                              \
    {                                                                                                                  \
        char *base = env->ram_slow(env, va, sizeof(type) | JIT_RAM_WRITE);                                             \
        if (!base)                                                                                                     \
            return hole_leave(env, IMM(hole_site), left);                                                              \
        AT(type, base, va) = (type)v;                                                                                  \
        return hole_next(env, acc, left);                                                                              \
    }

// The end of a block: counts its instructions; the slice may be over. (A test of the sign is one instruction less.)
#define SLICE_OVER() unlikely((left -= (intptr_t)hole_insns) < 0)
#define BRANCH(name, A, B, cond)                                                                                       \
    STENCIL(name)                                                                                                      \
    {                                                                                                                  \
        uint64_t a = A, b = B;                                                                                         \
        if (SLICE_OVER())                                                                                              \
            return hole_leave(env, (cond) ? 0 : 1, left);                                                              \
        if (cond)                                                                                                      \
            return hole_taken(env, acc, left);                                                                         \
        return hole_other(env, acc, left);                                                                             \
    }
#define BR(NAME, cond)                                                                                                 \
    BRANCH(NAME##_MM, MEM(hole_a), MEM(hole_b), cond)                                                                  \
    BRANCH(NAME##_AM, acc, MEM(hole_b), cond) BRANCH(NAME##_MA, MEM(hole_a), acc, cond)
#include "backend/interp_ops.def"

PURE(MOV_M, MEM(hole_a), 0, PUT_D, a)
PURE(MOV_A, acc, 0, PUT_D, a)
PURE(LI_D, IMM(hole_imm), 0, PUT_D, a)
PURE(LI_N, IMM(hole_imm), 0, PUT_N, a)
PURE(LI64_D, (uint64_t)FULL(), 0, PUT_D, a)

STENCIL(FENCE)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return hole_next(env, acc, left);
}

STENCIL(ATOMIC)
{
    uint64_t v = env->atomic_slow(env, MEM(hole_a), MEM(hole_b), IMM(hole_imm));
    if (unlikely(env->exit_site))
        return hole_leave(env, IMM(hole_site), left);
    MEM(hole_d) = v;
    return hole_next(env, v, left);
}

STENCIL(FPCHECK) // imm: the mask
{
    if (unlikely(env->fp_off & IMM(hole_imm)))
        return hole_leave(env, IMM(hole_site), left);
    return hole_next(env, acc, left);
}

STENCIL(FP)
{
    uint64_t v = ((IrFpFn)FULL())(env, MEM(hole_a), MEM(hole_b), MEM(hole_c), IMM(hole_imm));
    MEM(hole_d) = v;
    return hole_next(env, v, left);
}

STENCIL(ENTRY) // from the engine, a region or the jump cache; baseline code goes past it
{
    return hole_next(env, acc, env->left);
}

STENCIL(HEAD) // counts the entry
{
    int32_t *runs = FULL();
    if (unlikely(--*runs < 0))
        return hole_leave(env, IMM(hole_site), left);
    return hole_next(env, acc, left);
}

STENCIL(JUMP)
{
    if (SLICE_OVER())
        return hole_leave(env, 0, left);
    return hole_taken(env, acc, left);
}

static inline const JumpEntry *jump_entry(const IrEnv *env, uint64_t pc)
{
    uint64_t offset = (pc << 4 ^ pc >> (JIT_JUMP_SHIFT - 4)) & (((1u << JIT_JUMP_BITS) - 1) << 5); // of jit_jump_row
    const JumpEntry *j = (JumpEntry *)(void *)((char *)env->jumps + offset);
    if (unlikely(j->pc != pc))
        j = (JumpEntry *)(void *)((char *)env->jumps + (offset ^ sizeof *j));
    return j;
}

static inline JitSlot *jump_to(IrEnv *env, Block *b, uint64_t pc, int64_t left)
{
    b->target[b->next_target++ % BLOCK_TARGETS] = pc;
    const JumpEntry *j = jump_entry(env, pc);
    if (SLICE_OVER() || unlikely(j->pc != pc)) {
        env->pc = pc;
        return hole_leave(env, JIT_SITE_PC, left);
    }
    env->left = left;
    return j->code(env, j->slots, j->entry);
}

STENCIL(JMPIND_M)
{
    return jump_to(env, FULL(), MEM(hole_a), left);
}

STENCIL(JMPIND_A)
{
    return jump_to(env, FULL(), acc, left);
}

// Site: instructions before it. A helper that traps or ends the slice leaves, so that endless traps are seen.
STENCIL(SYS_CALL)
{
    left -= (intptr_t)hole_site;
    env->pc = (uint64_t)FULL();
    env->left = left;
    env->ops->helpers[IMM(hole_imm)].fn(env, MEM(hole_a), MEM(hole_b));
    const JumpEntry *j = jump_entry(env, env->pc);
    if (unlikely(env->left != left - 1) || unlikely(env->left <= 0) || unlikely(j->pc != env->pc))
        return hole_leave(env, JIT_SITE_PC, env->left);
    return j->code(env, j->slots, j->entry);
}

STENCIL(SYS) // the interpreter does it
{
    return hole_leave(env, IMM(hole_site), left);
}

STENCIL(SLOT) // the way through a chain slot
{
    const JitSlot *s = FULL();
    env->left = left;
    return s->code(env, s->slots, s->entry);
}

STENCIL(CROSS) // the way of a slot to a page that is another one's, through the jump table
{
    uint64_t pc = (uint64_t)FULL();
    const JumpEntry *j = (JumpEntry *)(void *)((char *)env->jumps + (intptr_t)hole_row);
    if (unlikely(j->pc != pc)) {
        j = (JumpEntry *)(void *)((char *)env->jumps + (intptr_t)hole_row2);
        if (unlikely(j->pc != pc))
            return hole_leave(env, IMM(hole_site), left);
    }
    env->left = left;
    return j->code(env, j->slots, j->entry);
}

// Not a stencil, but code of a slot: see baseline_by_table.
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

STENCIL(LEAVE)
{
    env->exit_site = acc;
    env->left = left;
    return FULL();
}
