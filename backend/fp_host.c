// SPDX-License-Identifier: GPL-3.0-or-later
// The floating-point ops on the host: SSE2 and FMA3 do exactly what IEEE 754 says, with underflow detected after
// rounding as RISC-V wants it. Three ways, the cheapest first:
//
// quick   Rounding to nearest while NX is set already, the usual state of a program: plain host arithmetic. Nothing
//         can be raised but NX as long as the result is no NaN, no infinity and no tiny number.
// host    Any mode but RMM: the operation between two loads of MXCSR, whose flags are read back.
// soft    ir_eval_fp: RMM, NaN results (the host's NaNs are others), what the host cannot do.
//
// The host operation and its accesses to MXCSR are one asm statement, so that the compiler cannot part them. The
// program is compiled for SSE2; the one VEX instruction, FMA, works on 128-bit registers and so leaves no upper halves
// behind that would slow down legacy SSE code.
#include "backend/fp_host.h"

#include "backend/fp_mode.h"
#include <math.h>
#include <string.h>

#define NAN_BOX UINT64_C(0xffffffff00000000)

#define N_OPS (IR_OP_FCLASS64 - IR_OP_FADD32 + 1)

static double to_double(uint64_t v)
{
    double d;
    memcpy(&d, &v, sizeof d);
    return d;
}

static uint64_t from_double(double d)
{
    uint64_t v;
    memcpy(&v, &d, sizeof v);
    return v;
}

static float to_single(uint64_t v)
{
    uint32_t w = v >= NAN_BOX ? (uint32_t)v : 0x7fc00000;
    float f;
    memcpy(&f, &w, sizeof f);
    return f;
}

static uint64_t from_single(float f)
{
    uint32_t w;
    memcpy(&w, &f, sizeof w);
    return NAN_BOX | w;
}

static inline unsigned mode(const IrEnv *env, uint64_t imm)
{
    return ir_fp_imm(env, (int64_t)imm) & IR_FP_RM;
}

static inline bool quick(const IrEnv *env, uint64_t imm)
{
    return mode(env, imm) == IR_RM_RNE && (env->fflags & IR_FP_NX);
}

// No infinity or NaN: enough for sums, which are exact where they are tiny.
static inline bool finite64(uint64_t v)
{
    return (~v & UINT64_C(0x7ff0000000000000)) != 0;
}

static inline bool finite32(uint64_t v)
{
    return (~v & UINT64_C(0x7f800000)) != 0;
}

// Also not 0 and above the smallest normal number, which a tiny result can be rounded to.
static inline bool plain64(uint64_t v)
{
    return ((v >> 52) & 0x7ff) - 2 < 0x7fd;
}

static inline bool plain32(uint64_t v)
{
    return ((v >> 23) & 0xff) - 2 < 0xfd;
}

static uint64_t __attribute__((noinline)) soft(IrEnv *env, IrOpcode op, uint64_t a, uint64_t b, uint64_t c,
                                               uint64_t imm)
{
    return ir_eval_fp(op, a, b, c, ir_fp_imm(env, (int64_t)imm), &env->fflags);
}

// One instruction under the given MXCSR. x is its destination and y, z its sources.
#define UNDER_MXCSR(instruction, x, y, z, mxcsr)                                                                       \
    do {                                                                                                               \
        const unsigned normal = MXCSR_DEFAULT;                                                                         \
        __asm__ volatile("ldmxcsr %1\n\t" instruction "\n\tstmxcsr %1\n\tldmxcsr %4"                                   \
                         : "+x"(x), "+m"(mxcsr)                                                                        \
                         : "x"(y), "x"(z), "m"(normal));                                                               \
    } while (0)

// The second and third way of op with host type F, whose value x the instruction turns into the result.
#define HOST(NAME, instruction, F, to, from)                                                                           \
    static uint64_t __attribute__((noinline)) host_##NAME(IrEnv *env, uint64_t a, uint64_t b, uint64_t c,              \
                                                          uint64_t imm, F x, F y, F z)                                 \
    {                                                                                                                  \
        unsigned rm = mode(env, imm);                                                                                  \
        if (rm == IR_RM_RMM)                                                                                           \
            return soft(env, IR_OP_##NAME, a, b, c, imm);                                                              \
        unsigned mxcsr = fp_mode_mxcsr(rm);                                                                            \
        UNDER_MXCSR(instruction, x, y, z, mxcsr);                                                                      \
        if (isnan(x))                                                                                                  \
            return soft(env, IR_OP_##NAME, a, b, c, imm);                                                              \
        env->fflags |= fp_mode_flags(mxcsr);                                                                           \
        return from(x);                                                                                                \
    }

#define ARITHMETIC(NAME, instruction, operator, F, to, from, good)                                                     \
    HOST(NAME, instruction " %2, %0", F, to, from)                                                                     \
    static uint64_t do_##NAME(IrEnv *env, uint64_t a, uint64_t b, uint64_t c, uint64_t imm)                            \
    {                                                                                                                  \
        F x = to(a), y = to(b);                                                                                        \
        if (quick(env, imm)) {                                                                                         \
            uint64_t r = from(x operator y);                                                                           \
            if (good(r))                                                                                               \
                return r;                                                                                              \
        }                                                                                                              \
        return host_##NAME(env, a, b, c, imm, x, y, y);                                                                \
    }
ARITHMETIC(FADD32, "addss", +, float, to_single, from_single, finite32)
ARITHMETIC(FADD64, "addsd", +, double, to_double, from_double, finite64)
ARITHMETIC(FSUB32, "subss", -, float, to_single, from_single, finite32)
ARITHMETIC(FSUB64, "subsd", -, double, to_double, from_double, finite64)
ARITHMETIC(FMUL32, "mulss", *, float, to_single, from_single, plain32)
ARITHMETIC(FMUL64, "mulsd", *, double, to_double, from_double, plain64)
ARITHMETIC(FDIV32, "divss", /, float, to_single, from_single, plain32)
ARITHMETIC(FDIV64, "divsd", /, double, to_double, from_double, plain64)

#define SQUARE_ROOT(NAME, instruction, F, to, from, good)                                                              \
    HOST(NAME, instruction " %2, %0", F, to, from)                                                                     \
    static uint64_t do_##NAME(IrEnv *env, uint64_t a, uint64_t b, uint64_t c, uint64_t imm)                            \
    {                                                                                                                  \
        F y = to(a);                                                                                                   \
        if (quick(env, imm)) {                                                                                         \
            F x;                                                                                                       \
            __asm__(instruction " %1, %0" : "=x"(x) : "x"(y));                                                         \
            uint64_t r = from(x);                                                                                      \
            if (good(r))                                                                                               \
                return r;                                                                                              \
        }                                                                                                              \
        return host_##NAME(env, a, b, c, imm, y, y, y);                                                                \
    }
SQUARE_ROOT(FSQRT32, "sqrtss", float, to_single, from_single, plain32)
SQUARE_ROOT(FSQRT64, "sqrtsd", double, to_double, from_double, plain64)

// Negating a NaN changes nothing: the result is the canonical one, and quiet or not it stays.
#define FUSED(NAME, suffix, F, to, from, good)                                                                         \
    HOST(NAME, "vfmadd231" suffix " %3, %2, %0", F, to, from)                                                          \
    static uint64_t do_##NAME(IrEnv *env, uint64_t a, uint64_t b, uint64_t c, uint64_t imm)                            \
    {                                                                                                                  \
        F x = imm & IR_FP_NEG_ADDEND ? -to(c) : to(c), y = imm & IR_FP_NEG_PRODUCT ? -to(a) : to(a), z = to(b);        \
        if (quick(env, imm)) {                                                                                         \
            F sum = x;                                                                                                 \
            __asm__("vfmadd231" suffix " %2, %1, %0" : "+x"(sum) : "x"(y), "x"(z));                                    \
            uint64_t r = from(sum);                                                                                    \
            if (good(r))                                                                                               \
                return r;                                                                                              \
        }                                                                                                              \
        return host_##NAME(env, a, b, c, imm, x, y, z);                                                                \
    }
FUSED(FMADD32, "ss", float, to_single, from_single, plain32)
FUSED(FMADD64, "sd", double, to_double, from_double, plain64)

#define SOFT(NAME)                                                                                                     \
    static uint64_t soft_##NAME(IrEnv *env, uint64_t a, uint64_t b, uint64_t c, uint64_t imm)                          \
    {                                                                                                                  \
        return soft(env, IR_OP_##NAME, a, b, c, imm);                                                                  \
    }
SOFT(FMADD32)
SOFT(FMADD64)
SOFT(FCLASS32)
SOFT(FCLASS64)

// NaNs, and zeros of different signs, are done in software.
#define CHOICE(NAME, operator, to)                                                                                     \
    static uint64_t do_##NAME(IrEnv *env, uint64_t a, uint64_t b, uint64_t c, uint64_t imm)                            \
    {                                                                                                                  \
        return to(a) operator to(b) ? a                                                                                \
               : to(b) operator to(a) ? b                                                                              \
                                      : soft(env, IR_OP_##NAME, a, b, c, imm);                                         \
    }
CHOICE(FMIN32, <, to_single)
CHOICE(FMIN64, <, to_double)
CHOICE(FMAX32, >, to_single)
CHOICE(FMAX64, >, to_double)

#define COMPARISON(NAME, operator, to)                                                                                 \
    static uint64_t do_##NAME(IrEnv *env, uint64_t a, uint64_t b, uint64_t c, uint64_t imm)                            \
    {                                                                                                                  \
        if (isunordered(to(a), to(b)))                                                                                 \
            return soft(env, IR_OP_##NAME, a, b, c, imm);                                                              \
        return to(a) operator to(b);                                                                                   \
    }
COMPARISON(FEQ32, ==, to_single)
COMPARISON(FEQ64, ==, to_double)
COMPARISON(FLT32, <, to_single)
COMPARISON(FLT64, <, to_double)
COMPARISON(FLE32, <=, to_single)
COMPARISON(FLE64, <=, to_double)

static uint64_t do_F32TO64(IrEnv *env, uint64_t a, uint64_t b, uint64_t c, uint64_t imm)
{
    float x = to_single(a);
    return isnan(x) ? soft(env, IR_OP_F32TO64, a, b, c, imm) : from_double(x);
}

static uint64_t do_F64TO32(IrEnv *env, uint64_t a, uint64_t b, uint64_t c, uint64_t imm)
{
    if (quick(env, imm)) {
        uint64_t r = from_single((float)to_double(a));
        if (plain32(r))
            return r;
    }
    return soft(env, IR_OP_F64TO32, a, b, c, imm);
}

// Towards zero, as C converts, within the range of the type; NX if that is another number.
static uint64_t to_integer(IrEnv *env, IrOpcode op, double x, uint64_t a, uint64_t imm)
{
    const double two31 = 2147483648.0, two63 = 9223372036854775808.0;
    double low = imm & IR_FP_UNSIGNED ? -1.0 : imm & IR_FP_LONG ? -two63 * (1 + 0x1p-52) : -two31 - 1;
    double high = imm & IR_FP_LONG ? two63 : imm & IR_FP_UNSIGNED ? 2 * two31 : two31;
    if (mode(env, imm) != IR_RM_RTZ || !(x > low && x < high))
        return soft(env, op, a, 0, 0, imm);
    int64_t i = (int64_t)x;
    if ((double)i != x)
        env->fflags |= IR_FP_NX;
    return imm & IR_FP_LONG ? (uint64_t)i : (uint64_t)(int64_t)(int32_t)i;
}

static uint64_t do_FTOI32(IrEnv *env, uint64_t a, uint64_t b, uint64_t c, uint64_t imm)
{
    (void)b, (void)c;
    return to_integer(env, IR_OP_FTOI32, to_single(a), a, imm);
}

static uint64_t do_FTOI64(IrEnv *env, uint64_t a, uint64_t b, uint64_t c, uint64_t imm)
{
    (void)b, (void)c;
    return to_integer(env, IR_OP_FTOI64, to_double(a), a, imm);
}

// The integer as a signed one; false if it is none.
static inline bool signed_value(uint64_t a, uint64_t imm, int64_t *v)
{
    *v = imm & IR_FP_LONG ? (int64_t)a : imm & IR_FP_UNSIGNED ? (int64_t)(uint32_t)a : (int32_t)a;
    return *v >= 0 || !(imm & IR_FP_UNSIGNED);
}

static uint64_t do_ITOF32(IrEnv *env, uint64_t a, uint64_t b, uint64_t c, uint64_t imm)
{
    int64_t v;
    if (signed_value(a, imm, &v) && (quick(env, imm) || (v >= -(1 << 24) && v <= 1 << 24)))
        return from_single((float)v);
    return soft(env, IR_OP_ITOF32, a, b, c, imm);
}

static uint64_t do_ITOF64(IrEnv *env, uint64_t a, uint64_t b, uint64_t c, uint64_t imm)
{
    int64_t v, exact = INT64_C(1) << 53;
    if (signed_value(a, imm, &v) && (quick(env, imm) || (v >= -exact && v <= exact)))
        return from_double((double)v);
    return soft(env, IR_OP_ITOF64, a, b, c, imm);
}

uint64_t fp_host_soft(IrEnv *env, uint64_t a, uint64_t b, uint64_t c, uint64_t imm)
{
    return soft(env, (IrOpcode)(imm >> FP_SOFT_OP), a, b, c, imm & ((1 << FP_SOFT_OP) - 1));
}

const IrFpFn *fp_host_functions(void)
{
#define ROW(NAME) [IR_OP_##NAME - IR_OP_FADD32] = do_##NAME
    static IrFpFn table[N_OPS] = {
        ROW(FADD32), ROW(FADD64), ROW(FSUB32),  ROW(FSUB64),  ROW(FMUL32),  ROW(FMUL64), ROW(FDIV32),
        ROW(FDIV64), ROW(FSQRT32), ROW(FSQRT64), ROW(FMADD32), ROW(FMADD64), ROW(FMIN32), ROW(FMIN64),
        ROW(FMAX32), ROW(FMAX64), ROW(FEQ32),   ROW(FEQ64),   ROW(FLT32),   ROW(FLT64),  ROW(FLE32),
        ROW(FLE64),  ROW(F64TO32), ROW(F32TO64), ROW(FTOI32),  ROW(FTOI64),  ROW(ITOF32), ROW(ITOF64),
        [IR_OP_FCLASS32 - IR_OP_FADD32] = soft_FCLASS32,
        [IR_OP_FCLASS64 - IR_OP_FADD32] = soft_FCLASS64,
    };
    if (!__builtin_cpu_supports("fma")) {
        table[IR_OP_FMADD32 - IR_OP_FADD32] = soft_FMADD32;
        table[IR_OP_FMADD64 - IR_OP_FADD32] = soft_FMADD64;
    }
    return table;
}
