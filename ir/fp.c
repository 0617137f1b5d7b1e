// SPDX-License-Identifier: GPL-3.0-or-later
// What each floating-point op computes: the definition all engines are held to (unprivileged spec, chapters F and D,
// and IEEE 754-2019, to which they refer).
//
// Both formats share one code: operands are unpacked to numbers with a 53-bit significand, the exact result (or one
// with a sticky last bit) is formed in 128 bits, and fp_round makes the format's number of it. NaN results are
// always the canonical NaN; a signaling NaN raises NV everywhere, even where the result is another operand.
#include "ir/fp.h"

typedef unsigned __int128 u128;

static bool is_nan(const FpNumber *n)
{
    return n->class >= FP_QNAN;
}

static uint64_t invalid(FpState *s)
{
    s->flags |= IR_FP_NV;
    return fp_nan(s);
}

// The result of an operation on a NaN among up to three operands.
static uint64_t nan_of(FpState *s, const FpNumber *a, const FpNumber *b, const FpNumber *c)
{
    return a->class == FP_SNAN || b->class == FP_SNAN || c->class == FP_SNAN ? invalid(s) : fp_nan(s);
}

// x - x (6.3): +0, but -0 when rounding down.
static uint64_t exact_zero(const FpState *s)
{
    return fp_zero(s, s->rm == IR_RM_RDN);
}

// --- arithmetic ----------------------------------------------------------------------------------

// The sum of two numbers sig * 2^exp whose sigs are below 2^126. Where the exponents differ, the number that is
// shifted right must be so much smaller that bits which fall off matter only as a sticky bit.
static uint64_t sum(FpState *s, bool sign_a, int exp_a, u128 a, bool sign_b, int exp_b, u128 b)
{
    int exp = MAX(exp_a, exp_b);

    a = fp_jam(a, (unsigned)(exp - exp_a));
    b = fp_jam(b, (unsigned)(exp - exp_b));
    if (sign_a == sign_b)
        return fp_round(s, sign_a, exp, a + b);
    if (a == b)
        return exact_zero(s);
    return a > b ? fp_round(s, sign_a, exp, a - b) : fp_round(s, sign_b, exp, b - a);
}

static uint64_t add(FpState *s, const FpNumber *a, const FpNumber *b)
{
    if (is_nan(a) || is_nan(b))
        return nan_of(s, a, b, b);
    if (a->class == FP_INF && b->class == FP_INF && a->sign != b->sign)
        return invalid(s);
    if (a->class == FP_INF || b->class == FP_INF)
        return fp_inf(s, a->class == FP_INF ? a->sign : b->sign);
    if (a->class == FP_ZERO && b->class == FP_ZERO)
        return a->sign == b->sign ? fp_zero(s, a->sign) : exact_zero(s);
    if (a->class == FP_ZERO || b->class == FP_ZERO)
        return fp_pack(s, a->class == FP_ZERO ? b : a);
    // 73 zeros below each: only a number less than 2^-73 of the other loses bits.
    return sum(s, a->sign, a->exp - 73, (u128)a->sig << 73, b->sign, b->exp - 73, (u128)b->sig << 73);
}

static uint64_t mul(FpState *s, const FpNumber *a, const FpNumber *b)
{
    bool sign = a->sign != b->sign;

    if (is_nan(a) || is_nan(b))
        return nan_of(s, a, b, b);
    if (a->class == FP_INF || b->class == FP_INF)
        return a->class == FP_ZERO || b->class == FP_ZERO ? invalid(s) : fp_inf(s, sign);
    if (a->class == FP_ZERO || b->class == FP_ZERO)
        return fp_zero(s, sign);
    return fp_round(s, sign, a->exp + b->exp, (u128)a->sig * b->sig);
}

static uint64_t divide(FpState *s, const FpNumber *a, const FpNumber *b)
{
    bool sign = a->sign != b->sign;

    if (is_nan(a) || is_nan(b))
        return nan_of(s, a, b, b);
    if (a->class == b->class && a->class != FP_FINITE) // 0/0, inf/inf
        return invalid(s);
    if (a->class == FP_INF)
        return fp_inf(s, sign);
    if (a->class == FP_ZERO || b->class == FP_INF)
        return fp_zero(s, sign);
    if (b->class == FP_ZERO) {
        s->flags |= IR_FP_DZ;
        return fp_inf(s, sign);
    }
    u128 n = (u128)a->sig << 73, q = n / b->sig; // 73 or 74 bits
    return fp_round(s, sign, a->exp - b->exp - 73, q | (q * b->sig != n));
}

// The integer square root of n < 2^126, with the last bit set if there is a remainder. Digit by digit.
static u128 root(u128 n)
{
    u128 r = 0;

    for (u128 bit = (u128)1 << 124; bit; bit >>= 2) {
        if (n >= r + bit) {
            n -= r + bit;
            r = r >> 1 | bit;
        } else {
            r >>= 1;
        }
    }
    return r | (n != 0);
}

static uint64_t square_root(FpState *s, const FpNumber *a)
{
    if (is_nan(a))
        return nan_of(s, a, a, a);
    if (a->class == FP_ZERO)
        return fp_zero(s, a->sign);
    if (a->sign)
        return invalid(s);
    if (a->class == FP_INF)
        return fp_inf(s, false);
    int up = 72 + (a->exp & 1); // makes the exponent even; the root has 63 bits
    return fp_round(s, false, (a->exp - up) / 2, root((u128)a->sig << up));
}

// a * b + c with one rounding. NV for 0 * inf even if c is a quiet NaN.
static uint64_t fused(FpState *s, const FpNumber *a, const FpNumber *b, const FpNumber *c, bool negate)
{
    bool sign = (a->sign != b->sign) != negate, zero = a->class == FP_ZERO || b->class == FP_ZERO;
    bool inf = a->class == FP_INF || b->class == FP_INF;

    if (zero && inf)
        return invalid(s);
    if (is_nan(a) || is_nan(b) || is_nan(c))
        return nan_of(s, a, b, c);
    if (inf && c->class == FP_INF && c->sign != sign)
        return invalid(s);
    if (inf || c->class == FP_INF)
        return fp_inf(s, inf ? sign : c->sign);
    if (zero && c->class == FP_ZERO)
        return sign == c->sign ? fp_zero(s, sign) : exact_zero(s);
    if (zero)
        return fp_pack(s, c);
    u128 product = (u128)a->sig * b->sig;
    if (c->class == FP_ZERO)
        return fp_round(s, sign, a->exp + b->exp, product);
    // The product has 105 or 106 bits, c has 53: both get their leading bits near bit 125. The product loses bits
    // only below 2^-20 of c, and c only below 2^-73 of the product, so neither by cancellation.
    return sum(s, sign, a->exp + b->exp - 20, product << 20, c->sign, c->exp - 73, (u128)c->sig << 73);
}

// --- comparison ----------------------------------------------------------------------------------

// Below 0, 0 or above 0 as a is less than, equal to or greater than b; no NaNs.
static int order(const FpNumber *a, const FpNumber *b)
{
    int less = a->sign ? 1 : -1; // if a's magnitude is less

    if (a->class == FP_ZERO && b->class == FP_ZERO)
        return 0;
    if (a->class == FP_ZERO)
        return b->sign ? 1 : -1;
    if (b->class == FP_ZERO || a->sign != b->sign)
        return a->sign ? -1 : 1;
    if (a->class != b->class)
        return a->class < b->class ? less : -less;
    if (a->class == FP_INF)
        return 0;
    if (a->exp != b->exp)
        return a->exp < b->exp ? less : -less;
    return a->sig == b->sig ? 0 : a->sig < b->sig ? less : -less;
}

// -0 is below +0. With one NaN the other operand, with two the canonical NaN (F 11.6).
static uint64_t min_max(FpState *s, const FpNumber *a, const FpNumber *b, bool max)
{
    if (is_nan(a) || is_nan(b)) {
        nan_of(s, a, b, b);
        return is_nan(a) ? fp_pack(s, b) : fp_pack(s, a);
    }
    int o = order(a, b);
    bool a_is_less = o < 0 || (o == 0 && a->sign);
    return fp_pack(s, a_is_less != max ? a : b);
}

static uint64_t compare(FpState *s, IrOpcode op, const FpNumber *a, const FpNumber *b)
{
    bool quiet = op == IR_OP_FEQ32 || op == IR_OP_FEQ64;

    if (is_nan(a) || is_nan(b)) {
        if (!quiet || a->class == FP_SNAN || b->class == FP_SNAN)
            s->flags |= IR_FP_NV;
        return 0;
    }
    int o = order(a, b);
    return quiet ? o == 0 : op == IR_OP_FLT32 || op == IR_OP_FLT64 ? o < 0 : o <= 0;
}

// The mask of fclass (F 11.9): bits 0 to 9 are -inf, negative normal and subnormal, -0, +0, positive subnormal and
// normal, +inf, signaling and quiet NaN.
static uint64_t class_mask(const FpFormat *f, const FpNumber *n)
{
    unsigned bit; // of a positive number; negative ones are mirrored

    switch ((FpClass)n->class) {
    case FP_SNAN: return 1 << 8;
    case FP_QNAN: return 1 << 9;
    case FP_ZERO: bit = 4; break;
    case FP_INF: bit = 7; break;
    default: bit = n->exp + FP_TOP < 1 - f->bias ? 5 : 6;
    }
    return UINT64_C(1) << (n->sign ? 7 - bit : bit);
}

// --- integers ------------------------------------------------------------------------------------

// The largest magnitude that the integer type has on that side of zero.
static uint64_t limit(unsigned imm, bool negative)
{
    unsigned bits = imm & IR_FP_LONG ? 64 : 32;

    if (imm & IR_FP_UNSIGNED)
        return negative ? 0 : UINT64_MAX >> (64 - bits);
    return (UINT64_C(1) << (bits - 1)) - !negative;
}

// Out of range, infinite or NaN: NV and the nearest value; NaN counts as +inf (F 11.7).
static uint64_t to_integer(FpState *s, const FpNumber *a, unsigned imm)
{
    bool negative = a->sign && !is_nan(a), inexact = false;
    uint64_t most = limit(imm, negative), magnitude = most;
    u128 v = 0;

    if (a->class == FP_FINITE && a->exp <= 64 - FP_TOP)
        v = a->exp >= 0 ? (u128)a->sig << a->exp
                        : fp_round_shift(s->rm, negative, a->sig, (unsigned)-a->exp, &inexact);
    if (a->class == FP_ZERO || (a->class == FP_FINITE && a->exp <= 64 - FP_TOP && v <= most)) {
        magnitude = (uint64_t)v;
        s->flags |= inexact ? IR_FP_NX : 0;
    } else {
        s->flags |= IR_FP_NV;
    }
    uint64_t result = negative ? 0 - magnitude : magnitude;
    return imm & IR_FP_LONG ? result : (uint64_t)(int64_t)(int32_t)result;
}

static uint64_t from_integer(FpState *s, uint64_t v, unsigned imm)
{
    if (!(imm & IR_FP_LONG))
        v = imm & IR_FP_UNSIGNED ? (uint32_t)v : (uint64_t)(int64_t)(int32_t)v;
    bool negative = !(imm & IR_FP_UNSIGNED) && v >> 63;
    uint64_t magnitude = negative ? 0 - v : v;
    return magnitude ? fp_round(s, negative, 0, magnitude) : fp_zero(s, false);
}

// --- all together --------------------------------------------------------------------------------

static uint64_t convert(FpState *s, const FpNumber *a)
{
    return is_nan(a) ? nan_of(s, a, a, a) : fp_pack(s, a);
}

static uint64_t evaluate(FpState *s, IrOpcode op, const FpFormat *from, const uint64_t bits[3], unsigned imm)
{
    FpNumber a = fp_unpack(from, bits[0]), b = fp_unpack(from, bits[1]), c = fp_unpack(from, bits[2]);

    switch (op) {
    case IR_OP_FSUB32:
    case IR_OP_FSUB64: b.sign = !b.sign; return add(s, &a, &b);
    case IR_OP_FADD32:
    case IR_OP_FADD64: return add(s, &a, &b);
    case IR_OP_FMUL32:
    case IR_OP_FMUL64: return mul(s, &a, &b);
    case IR_OP_FDIV32:
    case IR_OP_FDIV64: return divide(s, &a, &b);
    case IR_OP_FSQRT32:
    case IR_OP_FSQRT64: return square_root(s, &a);
    case IR_OP_FMADD32:
    case IR_OP_FMADD64: c.sign ^= (imm & IR_FP_NEG_ADDEND) != 0; return fused(s, &a, &b, &c, imm & IR_FP_NEG_PRODUCT);
    case IR_OP_FMIN32:
    case IR_OP_FMIN64: return min_max(s, &a, &b, false);
    case IR_OP_FMAX32:
    case IR_OP_FMAX64: return min_max(s, &a, &b, true);
    case IR_OP_F32TO64:
    case IR_OP_F64TO32: return convert(s, &a);
    case IR_OP_FTOI32:
    case IR_OP_FTOI64: return to_integer(s, &a, imm);
    case IR_OP_ITOF32:
    case IR_OP_ITOF64: return from_integer(s, bits[0], imm);
    case IR_OP_FCLASS32:
    case IR_OP_FCLASS64: return class_mask(from, &a);
    default: return compare(s, op, &a, &b);
    }
}

uint64_t ir_eval_fp(IrOpcode op, uint64_t a, uint64_t b, uint64_t c, unsigned imm, uint64_t *flags)
{
    bool single = (op - IR_OP_FADD32) % 2 == 0;
    const FpFormat *to = single ? &fp_single : &fp_double, *from = to;
    FpState s = {to, imm & IR_FP_RM, 0};

    g_assert(s.rm < IR_RM_MODES);
    if (op == IR_OP_F64TO32)
        from = &fp_double;
    else if (op == IR_OP_F32TO64)
        from = &fp_single;
    uint64_t result = evaluate(&s, op, from, (uint64_t[]){a, b, c}, imm);
    *flags |= s.flags;
    return result;
}
