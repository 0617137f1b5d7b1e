// SPDX-License-Identifier: GPL-3.0-or-later
// Floating-point formats and the one place where results are rounded.
//
// fp_round looks at a result twice. Bounded: to the precision that the format has at that magnitude, fewer bits below
// the smallest normal number; this is the result. Unbounded: to full precision as if exponents had no lower end; this
// only says whether the result counts as tiny (RISC-V: "tininess is detected after rounding"). The two differ in the
// binade below the smallest normal number alone.
#include "ir/fp.h"

typedef unsigned __int128 u128;

#define NAN_BOX UINT64_C(0xffffffff00000000)

const FpFormat fp_single = {23, 127}, fp_double = {52, 1023};

static bool is_single(const FpFormat *f)
{
    return f == &fp_single;
}

// Exponent, fraction and sign put together.
static uint64_t assemble(const FpFormat *f, bool sign, uint64_t magnitude)
{
    return is_single(f) ? NAN_BOX | (uint64_t)sign << 31 | magnitude : (uint64_t)sign << 63 | magnitude;
}

static uint64_t inf_magnitude(const FpFormat *f)
{
    return (uint64_t)(2 * f->bias + 1) << f->frac;
}

uint64_t fp_zero(const FpState *s, bool sign)
{
    return assemble(s->format, sign, 0);
}

uint64_t fp_inf(const FpState *s, bool sign)
{
    return assemble(s->format, sign, inf_magnitude(s->format));
}

uint64_t fp_nan(const FpState *s)
{
    return assemble(s->format, false, inf_magnitude(s->format) | UINT64_C(1) << (s->format->frac - 1));
}

FpNumber fp_unpack(const FpFormat *f, uint64_t bits)
{
    if (is_single(f) && bits < NAN_BOX)
        return (FpNumber){FP_QNAN, false, 0, 0};
    bool sign = is_single(f) ? bits >> 31 & 1 : bits >> 63;
    int exponent = (int)(bits >> f->frac) & (2 * f->bias + 1);
    uint64_t fraction = bits & ((UINT64_C(1) << f->frac) - 1);

    if (exponent == 2 * f->bias + 1) {
        bool quiet = fraction >> (f->frac - 1);
        return (FpNumber){!fraction ? FP_INF : quiet ? FP_QNAN : FP_SNAN, sign, 0, 0};
    }
    if (exponent)
        fraction |= UINT64_C(1) << f->frac;
    else if (!fraction)
        return (FpNumber){FP_ZERO, sign, 0, 0};
    int up = FP_TOP - (63 - __builtin_clzll(fraction));
    return (FpNumber){FP_FINITE, sign, MAX(exponent, 1) - f->bias - (int)f->frac - up, fraction << up};
}

u128 fp_jam(u128 sig, unsigned shift)
{
    if (shift > 127)
        return sig != 0;
    return sig >> shift | ((sig & (((u128)1 << shift) - 1)) != 0);
}

u128 fp_round_shift(unsigned rm, bool sign, u128 sig, unsigned shift, bool *inexact)
{
    if (shift > 127) { // less than half is left
        sig = 1;
        shift = 2;
    }
    u128 whole = sig >> shift, rest = sig & (((u128)1 << shift) - 1), half = (u128)1 << (shift - 1);
    bool up = false;

    if (!rest)
        return whole;
    *inexact = true;
    switch (rm) {
    case IR_RM_RNE: up = rest > half || (rest == half && whole & 1); break;
    case IR_RM_RMM: up = rest >= half; break;
    case IR_RM_RDN: up = sign; break;
    case IR_RM_RUP: up = !sign; break;
    default: break; // towards zero
    }
    return whole + up;
}

static unsigned top_bit(u128 sig)
{
    uint64_t high = (uint64_t)(sig >> 64);

    return high ? 127 - (unsigned)__builtin_clzll(high) : 63 - (unsigned)__builtin_clzll((uint64_t)sig);
}

// IEEE 754-2019, 7.4: infinity, or the largest finite number where the mode rounds away from infinity.
static uint64_t overflow(FpState *s, bool sign)
{
    bool to_inf = s->rm == IR_RM_RNE || s->rm == IR_RM_RMM || s->rm == (sign ? IR_RM_RDN : IR_RM_RUP);

    s->flags |= IR_FP_OF | IR_FP_NX;
    return assemble(s->format, sign, inf_magnitude(s->format) - !to_inf);
}

// sig * 2^exp in units of 2^to, rounded.
static uint64_t in_units(const FpState *s, bool sign, u128 sig, int exp, int to, bool *inexact)
{
    return (uint64_t)(to > exp ? fp_round_shift(s->rm, sign, sig, (unsigned)(to - exp), inexact) : sig << (exp - to));
}

uint64_t fp_round(FpState *s, bool sign, int exp, u128 sig)
{
    const FpFormat *f = s->format;
    int binade = exp + (int)top_bit(sig), least = 1 - f->bias, frac = (int)f->frac;
    bool inexact = false, unused = false;
    uint64_t one = UINT64_C(1) << frac;
    uint64_t m = in_units(s, sign, sig, exp, MAX(binade, least) - frac, &inexact);

    if (inexact) {
        bool tiny = binade < least - 1 ||
                    (binade == least - 1 && in_units(s, sign, sig, exp, binade - frac, &unused) < 2 * one);
        s->flags |= IR_FP_NX | (tiny ? IR_FP_UF : 0);
    }
    // A carry out of the fraction is the next exponent, and a subnormal number that reaches 2^frac is normal: adding
    // the leading one into the exponent field does both.
    int field = MAX(binade, least) + f->bias - 1;
    if (binade > f->bias || (binade == f->bias && m == 2 * one))
        return overflow(s, sign);
    return assemble(f, sign, ((uint64_t)field << frac) + m);
}

uint64_t fp_pack(FpState *s, const FpNumber *n)
{
    switch ((FpClass)n->class) {
    case FP_ZERO: return fp_zero(s, n->sign);
    case FP_INF: return fp_inf(s, n->sign);
    case FP_FINITE: return fp_round(s, n->sign, n->exp, n->sig);
    default: return fp_nan(s);
    }
}
