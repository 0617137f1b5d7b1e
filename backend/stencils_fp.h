// SPDX-License-Identifier: GPL-3.0-or-later
// The floating-point stencils; part of backend/stencils.c.
//
// The host's MXCSR has the guest's rounding mode and collects its flags (backend/fp_mode.h). Operands: M in memory, F
// in the SSE register that goes from stencil to stencil as `f`; the result is in memory and in that register. What the
// host does otherwise than RISC-V, NaN results above all, is left to env->fp_soft. S in a name stands for an operation
// whose static rounding mode (hole_imm) must be the present one. hole_full is what fp_soft is told.
//
// All of it is asm, as the order and number of operations matters, not only their values.

#define DOUBLE(hole) (*(double *)(void *)((char *)near + (intptr_t)(hole)))
#define HIGH(hole) (*(int32_t *)(void *)((char *)near + (intptr_t)(hole) + 4))
#define FROM_BITS(bits) /* no constant in memory */                                                                    \
    ({                                                                                                                 \
        double d_;                                                                                                     \
        asm volatile("movq %1, %0" : "=x"(d_) : "r"(bits));                                                            \
        d_;                                                                                                            \
    })
#define GO_SLOW_IF(condition, f)                                                                                       \
    if (unlikely(condition))                                                                                           \
    return hole_slow(near, acc, left, NONE, guess, f)
#define ANY /* in place of f, which the slow path will change */                                                       \
    ({                                                                                                                 \
        double any_;                                                                                                   \
        asm("" : "=x"(any_));                                                                                          \
        any_;                                                                                                          \
    })
#define LOAD64(hole, f) DOUBLE(hole)
#define LOAD32(hole, f)                                                                                                \
    ({                                                                                                                 \
        GO_SLOW_IF(HIGH(hole) != -1, f);                                                                               \
        DOUBLE(hole);                                                                                                  \
    })
#define PUT_F(v)                                                                                                       \
    do {                                                                                                               \
        double put_ = (v);                                                                                             \
        DOUBLE(hole_d) = put_;                                                                                         \
        NEXT(acc, put_);                                                                                               \
    } while (0)
#define PUT_INT(v)                                                                                                     \
    do {                                                                                                               \
        uint64_t int_ = (v);                                                                                           \
        MEM(hole_d) = int_;                                                                                            \
        NEXT(int_, f);                                                                                                 \
    } while (0)

#define SOFT() /* the operands are in their slots still */                                                             \
    env->fp_soft(env, MEM(hole_a), MEM(hole_b), MEM(hole_c), (uint64_t)FULL())
#define SOFT_PIECE(name, PUT)                                                                                          \
    STENCIL(name)                                                                                                      \
    {                                                                                                                  \
        PUT(SOFT());                                                                                                   \
    }
#define PUT_BITS(v) PUT_F(FROM_BITS(v))
SOFT_PIECE(FP_SOFT, PUT_BITS)
SOFT_PIECE(FP_SOFT_INT, PUT_INT)
SOFT_PIECE(FP_SOFT_SLOW, PUT_BITS)
SOFT_PIECE(FP_SOFT_INT_SLOW, PUT_INT)

STENCIL(FP_NAN_SLOW) // the canonical NaN, a double
{
    PUT_BITS(UINT64_C(0x7ff8000000000000));
}

#define ANY_MODE
#define THIS_MODE GO_SLOW_IF(env->frm != IMM(hole_imm), ANY);
#define THIS_MODE_F GO_SLOW_IF(env->frm != IMM(hole_imm), f);

// v := text of v and %2 and %3
#define CANONICAL(type, v, text, ...)                                                                                  \
    do {                                                                                                               \
        int nan_;                                                                                                      \
        asm volatile(text "\n\tucomis" type " %0, %0" : "+x"(v), "=@ccp"(nan_) : __VA_ARGS__);                         \
        GO_SLOW_IF(nan_, v);                                                                                           \
    } while (0)

#define FP_BIN(name, type, insn, MODE, A, B)                                                                           \
    STENCIL(name)                                                                                                      \
    {                                                                                                                  \
        MODE double b = B, v = A;                                                                                      \
        CANONICAL(type, v, insn " %2, %0", "x"(b));                                                                    \
        PUT_F(v);                                                                                                      \
    }
#define FP_BIN_M(name, insn, MODE, A) /* doubles: the second operand needs no register */                              \
    STENCIL(name)                                                                                                      \
    {                                                                                                                  \
        MODE double v = A;                                                                                             \
        CANONICAL("d", v, insn " %2, %0", "m"(DOUBLE(hole_b)));                                                        \
        PUT_F(v);                                                                                                      \
    }
#define FP_BINARY(NAME, insn)                                                                                          \
    FP_BIN_M(NAME##64_MM, insn "sd", ANY_MODE, DOUBLE(hole_a))                                                         \
    FP_BIN_M(NAME##64_FM, insn "sd", ANY_MODE, f)                                                                      \
    FP_BIN(NAME##64_MF, "d", insn "sd", ANY_MODE, DOUBLE(hole_a), f)                                                   \
    FP_BIN_M(NAME##64_S, insn "sd", THIS_MODE, DOUBLE(hole_a))                                                         \
    FP_BIN(NAME##32_MM, "s", insn "ss", ANY_MODE, LOAD32(hole_a, ANY), LOAD32(hole_b, ANY))                            \
    FP_BIN(NAME##32_FM, "s", insn "ss", ANY_MODE, f, LOAD32(hole_b, ANY))                                              \
    FP_BIN(NAME##32_MF, "s", insn "ss", ANY_MODE, LOAD32(hole_a, ANY), f)                                              \
    FP_BIN(NAME##32_S, "s", insn "ss", THIS_MODE, LOAD32(hole_a, ANY), LOAD32(hole_b, ANY))
FP_BINARY(FADD, "add")
FP_BINARY(FSUB, "sub")
FP_BINARY(FMUL, "mul")
FP_BINARY(FDIV, "div")

#define FP_ROOT(name, type, MODE, A)                                                                                   \
    STENCIL(name)                                                                                                      \
    {                                                                                                                  \
        MODE double v = A;                                                                                             \
        CANONICAL(type, v, "sqrts" type " %0, %0", "m"(*env));                                                         \
        PUT_F(v);                                                                                                      \
    }
FP_ROOT(FSQRT64_M, "d", ANY_MODE, DOUBLE(hole_a))
FP_ROOT(FSQRT64_F, "d", ANY_MODE, f)
FP_ROOT(FSQRT64_S, "d", THIS_MODE, DOUBLE(hole_a))
FP_ROOT(FSQRT32_M, "s", ANY_MODE, LOAD32(hole_a, ANY))
FP_ROOT(FSQRT32_F, "s", ANY_MODE, f)
FP_ROOT(FSQRT32_S, "s", THIS_MODE, LOAD32(hole_a, ANY))

// Only for hosts with FMA3. Which NaN results are invalid operations, the host sees otherwise than RISC-V.
#define FP_FUSED(name, type, insn, MODE, A, B, C)                                                                      \
    STENCIL(name)                                                                                                      \
    {                                                                                                                  \
        MODE double a = A, b = B, v = C;                                                                               \
        int nan;                                                                                                       \
        asm volatile(insn " %3, %2, %0\n\tucomis" type " %0, %0" : "+x"(v), "=@ccp"(nan) : "x"(a), "x"(b));            \
        GO_SLOW_IF(nan, v);                                                                                            \
        PUT_F(v);                                                                                                      \
    }
#define A_64 LOAD64(hole_a, ANY)
#define B_64 LOAD64(hole_b, ANY)
#define C_64 LOAD64(hole_c, ANY)
#define A_32 LOAD32(hole_a, ANY)
#define B_32 LOAD32(hole_b, ANY)
#define C_32 LOAD32(hole_c, ANY)
#define FP_FUSED_ALL(NAME, bits, type, insn)                                                                           \
    FP_FUSED(NAME##_MMM, type, insn, ANY_MODE, A_##bits, B_##bits, C_##bits)                                           \
    FP_FUSED(NAME##_FMM, type, insn, ANY_MODE, f, B_##bits, C_##bits)                                                  \
    FP_FUSED(NAME##_MMF, type, insn, ANY_MODE, A_##bits, B_##bits, f)                                                  \
    FP_FUSED(NAME##_S, type, insn, THIS_MODE, A_##bits, B_##bits, C_##bits)
FP_FUSED_ALL(FMADD64, 64, "d", "vfmadd231sd")
FP_FUSED_ALL(FMSUB64, 64, "d", "vfmsub231sd")
FP_FUSED_ALL(FNMADD64, 64, "d", "vfnmadd231sd")
FP_FUSED_ALL(FNMSUB64, 64, "d", "vfnmsub231sd")
FP_FUSED_ALL(FMADD32, 32, "s", "vfmadd231ss")
FP_FUSED_ALL(FMSUB32, 32, "s", "vfmsub231ss")
FP_FUSED_ALL(FNMADD32, 32, "s", "vfnmadd231ss")
FP_FUSED_ALL(FNMSUB32, 32, "s", "vfnmsub231ss")

// With the NaNs gone: two minima in both orders agree but for -0 and +0, of which a bit operation finds the right one.
#define FP_CHOICE(name, bits, type, insn, both)                                                                        \
    STENCIL(name)                                                                                                      \
    {                                                                                                                  \
        double v = LOAD##bits(hole_a, ANY), b = LOAD##bits(hole_b, ANY), t;                                            \
        int nan;                                                                                                       \
        asm volatile("ucomis" type " %2, %1" : "=@ccp"(nan) : "x"(v), "x"(b));                                         \
        GO_SLOW_IF(nan, v);                                                                                            \
        asm volatile("movdqa %2, %1\n\t" insn " %0, %1\n\t" insn " %2, %0\n\t" both " %1, %0"                          \
                     : "+x"(v), "=&x"(t)                                                                               \
                     : "x"(b));                                                                                        \
        PUT_F(v);                                                                                                      \
    }
FP_CHOICE(FMIN64, 64, "d", "minsd", "por")
FP_CHOICE(FMAX64, 64, "d", "maxsd", "pand")
FP_CHOICE(FMIN32, 32, "s", "minss", "por")
FP_CHOICE(FMAX32, 32, "s", "maxss", "pand")

// The host's predicates signal for the same NaNs as RISC-V's.
#define FP_COMPARE(name, bits, insn, type)                                                                             \
    STENCIL(name)                                                                                                      \
    {                                                                                                                  \
        double v = LOAD##bits(hole_a, f);                                                                              \
        asm volatile(insn " %1, %0" : "+x"(v) : "x"(LOAD##bits(hole_b, f)));                                           \
        type mask;                                                                                                     \
        __builtin_memcpy(&mask, &v, sizeof mask);                                                                      \
        PUT_INT(-mask);                                                                                                \
    }
FP_COMPARE(FEQ64, 64, "cmpeqsd", uint64_t)
FP_COMPARE(FLT64, 64, "cmpltsd", uint64_t)
FP_COMPARE(FLE64, 64, "cmplesd", uint64_t)
FP_COMPARE(FEQ32, 32, "cmpeqss", uint32_t)
FP_COMPARE(FLT32, 32, "cmpltss", uint32_t)
FP_COMPARE(FLE32, 32, "cmpless", uint32_t)

#define FP_FORMAT(name, type, MODE, A, text)                                                                           \
    STENCIL(name)                                                                                                      \
    {                                                                                                                  \
        MODE double a = A, v;                                                                                          \
        int nan;                                                                                                       \
        asm volatile(text " %2, %0\n\tucomis" type " %0, %0" : "=&x"(v), "=@ccp"(nan) : "x"(a));                       \
        GO_SLOW_IF(nan, v);                                                                                            \
        PUT_F(v);                                                                                                      \
    }
FP_FORMAT(F32TO64, "d", ANY_MODE, LOAD32(hole_a, ANY), "pxor %0, %0\n\tcvtss2sd")
FP_FORMAT(F64TO32, "s", ANY_MODE, LOAD64(hole_a, ANY), "pcmpeqd %0, %0\n\tcvtsd2ss")
FP_FORMAT(F64TO32_S, "s", THIS_MODE, LOAD64(hole_a, ANY), "pcmpeqd %0, %0\n\tcvtsd2ss")

// The host answers with its smallest integer if the result is out of range. It knows signed types only: an unsigned
// result is got from the wider one or the same, for operands for which that cannot go wrong; as integers, their bits
// are ordered like the numbers.
#define FP_TO_INT(name, bits, MODE, insn, type)                                                                        \
    STENCIL(name)                                                                                                      \
    {                                                                                                                  \
        MODE type v;                                                                                                   \
        asm volatile(insn " %1, %0" : "=r"(v) : "x"(LOAD##bits(hole_a, f)));                                           \
        GO_SLOW_IF(v == (type)(UINT64_C(1) << (8 * sizeof v - 1)), f);                                                 \
        PUT_INT((uint64_t)(int64_t)v);                                                                                 \
    }
#define FP_TO_UINT(name, bits, MODE, insn, limit, type)                                                                \
    STENCIL(name)                                                                                                      \
    {                                                                                                                  \
        MODE int64_t v;                                                                                                \
        GO_SLOW_IF(MEM(hole_a) - BOX##bits >= (limit), f);                                                             \
        asm volatile(insn " %1, %0" : "=r"(v) : "x"(DOUBLE(hole_a)));                                                  \
        PUT_INT((uint64_t)(int64_t)(type)v);                                                                           \
    }
#define BOX64 0
#define BOX32 UINT64_C(0xffffffff00000000)
#define FP_TO_INTS(NAME, bits, MODE, insn)                                                                             \
    FP_TO_INT(NAME##W, bits, MODE, insn "l", int32_t)                                                                  \
    FP_TO_UINT(NAME##WU, bits, MODE, insn "q", bits == 64 ? UINT64_C(0x41efffffffe00001) : 0x4f800000, int32_t)        \
    FP_TO_INT(NAME##L, bits, MODE, insn "q", int64_t)                                                                  \
    FP_TO_UINT(NAME##LU, bits, MODE, insn "q", bits == 64 ? UINT64_C(0x43e0000000000000) : 0x5f000000, int64_t)
FP_TO_INTS(FTOI64_, 64, ANY_MODE, "cvtsd2si")
FP_TO_INTS(FTOI64_S, 64, THIS_MODE_F, "cvtsd2si")
FP_TO_INTS(FTOI64_Z, 64, ANY_MODE, "cvttsd2si")
FP_TO_INTS(FTOI32_, 32, ANY_MODE, "cvtss2si")
FP_TO_INTS(FTOI32_S, 32, THIS_MODE_F, "cvtss2si")
FP_TO_INTS(FTOI32_Z, 32, ANY_MODE, "cvttss2si")

#define FP_FROM_INT(name, MODE, text, type, check)                                                                     \
    STENCIL(name)                                                                                                      \
    {                                                                                                                  \
        MODE double v;                                                                                                 \
        int64_t i = (type)MEM(hole_a);                                                                                 \
        GO_SLOW_IF(check && i < 0, ANY);                                                                               \
        asm volatile(text " %1, %0" : "=x"(v) : "r"(i));                                                               \
        PUT_F(v);                                                                                                      \
    }
#define FP_FROM_INTS(NAME, MODE, text)                                                                                 \
    FP_FROM_INT(NAME##W, MODE, text, int32_t, 0)                                                                       \
    FP_FROM_INT(NAME##WU, MODE, text, uint32_t, 0)                                                                     \
    FP_FROM_INT(NAME##L, MODE, text, int64_t, 0)                                                                       \
    FP_FROM_INT(NAME##LU, MODE, text, int64_t, 1)
FP_FROM_INTS(ITOF64_, ANY_MODE, "pxor %0, %0\n\tcvtsi2sdq")
FP_FROM_INTS(ITOF64_S, THIS_MODE, "pxor %0, %0\n\tcvtsi2sdq")
FP_FROM_INTS(ITOF32_, ANY_MODE, "pcmpeqd %0, %0\n\tcvtsi2ssq")
FP_FROM_INTS(ITOF32_S, THIS_MODE, "pcmpeqd %0, %0\n\tcvtsi2ssq")
