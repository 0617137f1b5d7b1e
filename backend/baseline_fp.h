// SPDX-License-Identifier: GPL-3.0-or-later
// Which stencil does a floating-point op. Part of backend/baseline.c.
#pragma once
#include "backend/fp_host.h"
#include "backend/stencils.h"
#include "ir/ir.h"

typedef enum { FP_MM, FP_FM, FP_MF, FP_S, FP_FORMS } FpForm; // what is in the SSE register; FP_S: see stencils_fp.h

typedef struct {
    uint16_t stencil, slow; // slow: 0 if it has no slow path
    bool swap;              // operands a and b change places
    bool is_float;          // the result goes to the SSE register, else to the accumulator
} FpChoice;

#define S(name) STENCIL_##name
#define FORMS(N) {S(N##_MM), S(N##_FM), S(N##_MF), S(N##_S)}
static const uint16_t fp_binary[][FP_FORMS] = { // from FADD32 on
    FORMS(FADD32), FORMS(FADD64), FORMS(FSUB32), FORMS(FSUB64),
    FORMS(FMUL32), FORMS(FMUL64), FORMS(FDIV32), FORMS(FDIV64),
};
static const uint16_t fp_root[2][FP_FORMS] = {
    {S(FSQRT32_M), S(FSQRT32_F), 0, S(FSQRT32_S)},
    {S(FSQRT64_M), S(FSQRT64_F), 0, S(FSQRT64_S)},
};
#undef FORMS
#define FORMS(N) {S(N##_MMM), S(N##_FMM), S(N##_MMF), S(N##_S)}
static const uint16_t fp_fused[2][4][FP_FORMS] = { // by sign: plain, product negated, addend negated, both
    {FORMS(FMADD32), FORMS(FNMADD32), FORMS(FMSUB32), FORMS(FNMSUB32)},
    {FORMS(FMADD64), FORMS(FNMADD64), FORMS(FMSUB64), FORMS(FNMSUB64)},
};
#undef FORMS
static const uint16_t fp_plain[] = { // from FMIN32 on; those of F64TO32 are below
    S(FMIN32), S(FMIN64), S(FMAX32), S(FMAX64), S(FEQ32), S(FEQ64), S(FLT32), S(FLT64), S(FLE32), S(FLE64),
};
#define INTS(N) {S(N##W), S(N##WU), S(N##L), S(N##LU)}
static const uint16_t fp_to_int[2][3][4] = { // dynamic, static, towards zero
    {INTS(FTOI32_), INTS(FTOI32_S), INTS(FTOI32_Z)},
    {INTS(FTOI64_), INTS(FTOI64_S), INTS(FTOI64_Z)},
};
static const uint16_t fp_from_int[2][2][4] = {
    {INTS(ITOF32_), INTS(ITOF32_S)},
    {INTS(ITOF64_), INTS(ITOF64_S)},
};
#undef INTS

// Is an op up to FMAX64 one of doubles?
static bool fp_is_wide(unsigned op)
{
    return (op - IR_OP_FADD32) % 2;
}

// For operands a, b and c of which the SSE register has that of slot f.
static FpForm fp_form(unsigned f, unsigned a, unsigned b, unsigned c, unsigned op, bool *swap)
{
    bool fused = op >= IR_OP_FMADD32;
    bool commutes = fused || op <= IR_OP_FADD64 || (op >= IR_OP_FMUL32 && op <= IR_OP_FMUL64);

    if (fused && c == f)
        return FP_MF;
    *swap = commutes && b == f && a != f;
    if (a == f || *swap)
        return FP_FM;
    return b == f && op < IR_OP_FSQRT32 ? FP_MF : FP_MM;
}

static uint16_t fp_convert(unsigned op, unsigned imm, bool is_static)
{
    unsigned wide = op % 2 == IR_OP_FTOI64 % 2, kind = (imm & IR_FP_UNSIGNED ? 1 : 0) + (imm & IR_FP_LONG ? 2 : 0);

    switch (op) {
    case IR_OP_F32TO64: return S(F32TO64);
    case IR_OP_F64TO32: return is_static ? S(F64TO32_S) : S(F64TO32);
    case IR_OP_FTOI32:
    case IR_OP_FTOI64: return fp_to_int[wide][(imm & IR_FP_RM) == IR_RM_RTZ ? 2 : is_static][kind];
    case IR_OP_ITOF32:
    case IR_OP_ITOF64: return fp_from_int[wide][is_static && (!wide || kind >= 2)][kind]; // words fit in doubles
    default: return 0; // fclass
    }
}
#undef S

// Slot f is in the SSE register; a, b and c are the slots of the operands.
static FpChoice fp_choose(unsigned op, unsigned imm, unsigned f, unsigned a, unsigned b, unsigned c)
{
    FpChoice r = {.is_float = op <= IR_OP_FMAX64 || (op >= IR_OP_F64TO32 && op <= IR_OP_F32TO64) ||
                              op == IR_OP_ITOF32 || op == IR_OP_ITOF64};
    unsigned rm = imm & IR_FP_RM;
    bool rounds = ir_op_info[op].args[ir_n_values((IrOpcode)op)] == 'i', is_static = rounds && rm != IR_RM_DYN;
    bool exact = op == IR_OP_F32TO64 || (op == IR_OP_ITOF64 && !(imm & IR_FP_LONG));
    bool fused = op == IR_OP_FMADD32 || op == IR_OP_FMADD64, wide = fp_is_wide(op);

    r.slow = r.is_float ? STENCIL_FP_SOFT_SLOW : STENCIL_FP_SOFT_INT_SLOW;
    if ((is_static && rm == IR_RM_RMM && !exact) || (fused && !__builtin_cpu_supports("fma"))) {
        // by software
    } else if (op <= IR_OP_FMADD64) {
        FpForm form = is_static ? FP_S : fp_form(f, a, b, c, op, &r.swap);
        if (wide && !is_static && !fused)
            r.slow = STENCIL_FP_NAN_SLOW; // nothing else can happen
        r.stencil = fused                  ? fp_fused[wide][imm >> 3 & 3][form]
                    : op >= IR_OP_FSQRT32 ? fp_root[wide][form]
                                          : fp_binary[op - IR_OP_FADD32][form];
    } else if (op <= IR_OP_FLE64) {
        r.stencil = fp_plain[op - IR_OP_FMIN32];
    } else {
        r.stencil = fp_convert(op, imm, is_static);
    }
    if (!r.stencil) {
        r.stencil = r.is_float ? STENCIL_FP_SOFT : STENCIL_FP_SOFT_INT;
        r.slow = 0;
    }
    return r;
}
