// SPDX-License-Identifier: GPL-3.0-or-later
// ir_eval_fp against MPFR: results and flags in five rounding modes, over edge values and random ones.
//
// MPFR rounds each operation correctly to any precision with exponents that have no end in practice. The precision is
// chosen by the magnitude of the result, so that subnormal numbers too are rounded once and by MPFR alone; this test
// adds the special values, overflow, and what is below the smallest number.
#include "tests/test.h"
#include "tests/ir/gen.h"
#include <inttypes.h>
#include <math.h>
#define MPFR_USE_INTMAX_T 1
#include <mpfr.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    bool single;
    int precision, least, most; // 2^least <= |x| < 2^(most+1) for normal numbers
} Format;

static const Format formats[2] = {{true, 24, -126, 127}, {false, 53, -1022, 1023}};

typedef struct { // what is to be computed
    IrOpcode op;
    unsigned imm;
    mpfr_t v[3];
} Operation;

static mpfr_t result, wide;
static uint64_t checked;

static bool is_nan(const Format *f, uint64_t v)
{
    if (f->single)
        return v >> 32 != UINT32_MAX || (v & 0x7fffffff) > 0x7f800000;
    return (v & INT64_MAX) > UINT64_C(0x7ff0000000000000);
}

static bool is_signaling(const Format *f, uint64_t v)
{
    if (f->single)
        return v >> 32 == UINT32_MAX && is_nan(f, v) && !(v >> 22 & 1);
    return is_nan(f, v) && !(v >> 51 & 1);
}

static uint64_t canonical_nan(const Format *f)
{
    return f->single ? UINT64_C(0xffffffff7fc00000) : UINT64_C(0x7ff8000000000000);
}

static void set_number(const Format *f, mpfr_t to, uint64_t v)
{
    float s;
    double d;
    memcpy(&s, &v, sizeof s);
    memcpy(&d, &v, sizeof d);
    mpfr_set_d(to, f->single ? (double)s : d, MPFR_RNDN);
}

// The operation to the precision of r; as the ternary value of MPFR.
static int compute(mpfr_ptr r, Operation *o, mpfr_rnd_t rnd)
{
    switch (o->op) {
    case IR_OP_FADD32:
    case IR_OP_FADD64: return mpfr_add(r, o->v[0], o->v[1], rnd);
    case IR_OP_FSUB32:
    case IR_OP_FSUB64: return mpfr_sub(r, o->v[0], o->v[1], rnd);
    case IR_OP_FMUL32:
    case IR_OP_FMUL64: return mpfr_mul(r, o->v[0], o->v[1], rnd);
    case IR_OP_FDIV32:
    case IR_OP_FDIV64: return mpfr_div(r, o->v[0], o->v[1], rnd);
    case IR_OP_FSQRT32:
    case IR_OP_FSQRT64: return mpfr_sqrt(r, o->v[0], rnd);
    case IR_OP_FMADD32:
    case IR_OP_FMADD64: return mpfr_fma(r, o->v[0], o->v[1], o->v[2], rnd);
    default: return mpfr_set(r, o->v[0], rnd);
    }
}

static int compute_rounded(mpfr_t r, Operation *o, unsigned rm)
{
    static const mpfr_rnd_t modes[] = {MPFR_RNDN, MPFR_RNDZ, MPFR_RNDD, MPFR_RNDU};

    if (rm == IR_RM_RMM)
        return mpfr_round_nearest_away(compute, r, o);
    return compute(r, o, modes[rm]);
}

static uint64_t to_bits(const Format *f, const mpfr_t v)
{
    float s = mpfr_get_flt(v, MPFR_RNDZ);
    double d = mpfr_get_d(v, MPFR_RNDZ);
    uint64_t bits = 0;
    if (f->single)
        memcpy(&bits, &s, sizeof s);
    else
        memcpy(&bits, &d, sizeof d);
    return f->single ? bits | UINT64_C(0xffffffff) << 32 : bits;
}

// Below half the smallest number, or from there on up to it: rounding to 0 or to that number.
static void round_below(const Format *f, unsigned rm, bool at_least_half, bool exact_half)
{
    bool negative = mpfr_signbit(wide);
    bool up = rm == IR_RM_RNE   ? at_least_half && !exact_half
              : rm == IR_RM_RMM ? at_least_half
              : rm == IR_RM_RDN ? negative
                                : rm == IR_RM_RUP && !negative;

    mpfr_set_ui_2exp(result, up, f->least - f->precision + 1, MPFR_RNDN);
    mpfr_setsign(result, result, negative, MPFR_RNDN);
}

// Rounds a result that is neither 0 nor special.
static uint64_t expect_number(const Format *f, Operation *o, unsigned rm, unsigned *flags)
{
    bool inexact, tiny, negative;

    mpfr_set_prec(result, f->precision);
    inexact = compute_rounded(result, o, rm) != 0;
    negative = mpfr_signbit(result);
    tiny = mpfr_get_exp(result) - 1 < f->least; // rounded with exponents unbounded
    mpfr_set_prec(wide, 4000);
    bool wide_inexact = compute(wide, o, MPFR_RNDZ) != 0;
    int exponent = (int)mpfr_get_exp(wide) - 1, bits = f->precision - MAX(f->least - exponent, 0);
    if (bits >= 1) {
        mpfr_set_prec(result, bits);
        inexact = compute_rounded(result, o, rm) != 0;
    } else {
        inexact = true;
        round_below(f, rm, bits == 0, bits == 0 && !wide_inexact && mpfr_min_prec(wide) == 1);
    }
    if (inexact)
        *flags |= IR_FP_NX | (tiny ? IR_FP_UF : 0);
    if (!mpfr_zero_p(result) && mpfr_get_exp(result) - 1 > f->most) {
        bool to_inf = rm == IR_RM_RNE || rm == IR_RM_RMM || rm == (negative ? IR_RM_RDN : IR_RM_RUP);
        *flags |= IR_FP_OF | IR_FP_NX;
        mpfr_set_inf(result, negative ? -1 : 1);
        return to_bits(f, result) - !to_inf;
    }
    return to_bits(f, result);
}

// NaN operands, invalid operations and division by zero; true if that settles the result.
static bool expect_special(const Format *f, const Format *from, const Operation *o, const uint64_t v[3], unsigned n,
                           uint64_t *bits, unsigned *flags)
{
    bool nan = false;
    mpfr_prec_t p = 4000;

    for (unsigned i = 0; i < n; i++) {
        nan |= is_nan(from, v[i]);
        *flags |= is_signaling(from, v[i]) ? IR_FP_NV : 0;
    }
    bool product = o->op == IR_OP_FMADD32 || o->op == IR_OP_FMADD64;
    bool zero_inf = (mpfr_zero_p(o->v[0]) && mpfr_inf_p(o->v[1])) || (mpfr_inf_p(o->v[0]) && mpfr_zero_p(o->v[1]));
    if (product && zero_inf && !is_nan(from, v[0]) && !is_nan(from, v[1]))
        *flags |= IR_FP_NV;
    mpfr_set_prec(result, p);
    mpfr_clear_divby0();
    compute(result, (Operation *)o, MPFR_RNDN);
    if (!nan && mpfr_nan_p(result))
        *flags |= IR_FP_NV;
    if (mpfr_divby0_p())
        *flags |= IR_FP_DZ;
    if (nan || mpfr_nan_p(result)) {
        *bits = canonical_nan(f);
        return true;
    }
    return false;
}

static uint64_t expect(const Format *f, Operation *o, const uint64_t v[3], unsigned rm, unsigned *flags)
{
    const Format *from = o->op == IR_OP_F64TO32 ? &formats[1] : o->op == IR_OP_F32TO64 ? &formats[0] : f;
    unsigned n = ir_n_values(o->op);
    uint64_t bits;

    *flags = 0;
    for (unsigned i = 0; i < 3; i++)
        set_number(from, o->v[i], is_nan(from, v[i]) ? canonical_nan(from) : v[i]);
    if (o->imm & IR_FP_NEG_ADDEND)
        mpfr_neg(o->v[2], o->v[2], MPFR_RNDN);
    if (o->imm & IR_FP_NEG_PRODUCT)
        mpfr_neg(o->v[0], o->v[0], MPFR_RNDN);
    if (expect_special(f, from, o, v, n, &bits, flags))
        return bits;
    if (mpfr_inf_p(result))
        return to_bits(f, result);
    if (mpfr_zero_p(result)) {
        compute_rounded(result, o, rm); // the sign of an exact zero depends on the mode
        if (rm == IR_RM_RMM)
            compute(result, o, MPFR_RNDN);
        return to_bits(f, result);
    }
    return expect_number(f, o, rm, flags);
}

static void check(Operation *o, const uint64_t v[3])
{
    const Format *f = &formats[(o->op - IR_OP_FADD32) % 2];

    for (unsigned rm = 0; rm < IR_RM_MODES; rm++) {
        unsigned flags;
        uint64_t got_flags = 0, want = expect(f, o, v, rm, &flags);
        uint64_t got = ir_eval_fp(o->op, v[0], v[1], v[2], o->imm | rm, &got_flags);
        checked++;
        if (got != want || got_flags != flags)
            fail_msg("%s(%" PRIx64 ", %" PRIx64 ", %" PRIx64 ") imm %x: %" PRIx64 " flags %x, MPFR %" PRIx64
                     " flags %x",
                     ir_op_info[o->op].name, v[0], v[1], v[2], o->imm | rm, got, (unsigned)got_flags, want, flags);
    }
}

// All pairs of edge values; for three operands, the third is some other edge value.
static void check_edges(Operation *o)
{
    static const uint64_t doubles[] = {
        0, 1, 2, UINT64_C(0xfffffffffffff), UINT64_C(0x8000000000000), UINT64_C(0x10000000000000),
        UINT64_C(0x10000000000001), UINT64_C(0x20000000000000), UINT64_C(0x3ca0000000000000),
        UINT64_C(0x3fdfffffffffffff), UINT64_C(0x3fe0000000000000), UINT64_C(0x3fefffffffffffff),
        UINT64_C(0x3ff0000000000000), UINT64_C(0x3ff0000000000001), UINT64_C(0x3ff8000000000000),
        UINT64_C(0x4000000000000000), UINT64_C(0x4008000000000000), UINT64_C(0x4340000000000001),
        UINT64_C(0x7fdfffffffffffff), UINT64_C(0x7fe0000000000000), UINT64_C(0x7fefffffffffffff),
        UINT64_C(0x7ff0000000000000), UINT64_C(0x7ff0000000000001), UINT64_C(0x7ff8000000000000),
    };
    static const uint32_t singles[] = {
        0, 1, 2, 0x7fffff, 0x400000, 0x800000, 0x800001, 0x1000000, 0x33800000, 0x3effffff, 0x3f000000, 0x3f7fffff,
        0x3f800000, 0x3f800001, 0x3fc00000, 0x40000000, 0x40400000, 0x4b800001, 0x7effffff, 0x7f000000, 0x7f7fffff,
        0x7f800000, 0x7f800001, 0x7fc00000,
    };
    const unsigned n = 2 * G_N_ELEMENTS(doubles);
    bool single = ((o->op - IR_OP_FADD32) % 2 == 0) != (o->op == IR_OP_F64TO32 || o->op == IR_OP_F32TO64);
    uint64_t edges[2 * G_N_ELEMENTS(doubles)];

    for (unsigned i = 0; i < n; i++)
        edges[i] = single ? UINT64_C(0xffffffff) << 32 | singles[i / 2] | (uint64_t)(i % 2) << 31
                          : doubles[i / 2] | (uint64_t)(i % 2) << 63;
    unsigned pairs = ir_n_values(o->op) > 1 ? n : 1;
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < pairs; j++)
            for (unsigned k = 0; k < (ir_n_values(o->op) > 2 ? n : 1); k += 5)
                check(o, (uint64_t[]){edges[i], edges[j], edges[(i + j + k) % n]});
}

static void arithmetic(void **state)
{
    GenRng rng = {41};
    Operation o;
    (void)state;

    for (unsigned i = 0; i < 3; i++)
        mpfr_init2(o.v[i], 53);
    mpfr_inits2(53, result, wide, (mpfr_ptr)0);
    for (o.op = IR_OP_FADD32; o.op <= IR_OP_F32TO64; o.op++) {
        if (o.op > IR_OP_FMADD64 && o.op < IR_OP_F64TO32)
            continue;
        bool fused = o.op == IR_OP_FMADD32 || o.op == IR_OP_FMADD64;
        bool single = ((o.op - IR_OP_FADD32) % 2 == 0) != (o.op >= IR_OP_F64TO32);
        o.imm = 0;
        check_edges(&o);
        for (unsigned n = 0; n < (fused ? 150000 : 50000); n++) {
            uint64_t v[3];
            gen_fp_operands(&rng, single, v);
            o.imm = fused ? 8 * gen_below(&rng, 4) : 0;
            check(&o, v);
        }
    }
    for (unsigned i = 0; i < 3; i++)
        mpfr_clear(o.v[i]);
    mpfr_clears(result, wide, (mpfr_ptr)0);
    assert_true(checked > 4000000);
}

// --- integers ------------------------------------------------------------------------------------

static bool is_long(unsigned imm)
{
    return imm & IR_FP_LONG;
}

static uint64_t expect_integer(const Format *f, uint64_t v, unsigned imm, unsigned *flags)
{
    static const mpfr_rnd_t modes[] = {MPFR_RNDN, MPFR_RNDZ, MPFR_RNDD, MPFR_RNDU};
    unsigned rm = imm & IR_FP_RM, bits = is_long(imm) ? 64 : 32;
    mpfr_t x, low, high;
    uint64_t integer;

    mpfr_inits2(100, x, low, high, (mpfr_ptr)0);
    mpfr_set_si(low, imm & IR_FP_UNSIGNED ? 0 : -1, MPFR_RNDN);
    mpfr_mul_2ui(low, low, bits - 1, MPFR_RNDN);
    mpfr_set_ui_2exp(high, 1, imm & IR_FP_UNSIGNED ? bits : bits - 1, MPFR_RNDN);
    mpfr_sub_ui(high, high, 1, MPFR_RNDN);
    if (is_nan(f, v))
        mpfr_set_inf(x, 1);
    else
        set_number(f, x, v);
    int inexact = rm == IR_RM_RMM ? mpfr_round(x, x) : mpfr_rint(x, x, modes[rm]);
    *flags = inexact ? IR_FP_NX : 0;
    if (mpfr_less_p(x, low) || mpfr_greater_p(x, high)) {
        *flags = IR_FP_NV;
        mpfr_set(x, mpfr_less_p(x, low) ? low : high, MPFR_RNDN);
    }
    integer = mpfr_signbit(x) ? (uint64_t)mpfr_get_sj(x, MPFR_RNDN) : mpfr_get_uj(x, MPFR_RNDN);
    mpfr_clears(x, low, high, (mpfr_ptr)0);
    return is_long(imm) ? integer : (uint64_t)(int64_t)(int32_t)integer;
}

static void to_integers(void **state)
{
    GenRng rng = {42};
    (void)state;

    for (unsigned n = 0; n < 300000; n++) {
        const Format *f = &formats[n % 2];
        uint64_t v[3], got_flags = 0;
        unsigned imm = gen_below(&rng, IR_RM_MODES) | 8 * gen_below(&rng, 4), flags;
        gen_fp_operands(&rng, f->single, v);
        if (n % 3 == 0) { // the magnitudes that matter, often with .5
            uint64_t eighths = gen_edge(&rng) >> gen_below(&rng, 64);
            double d = (double)(int64_t)eighths / (double)(1u << gen_below(&rng, 4));
            float s = (float)d;
            uint32_t word;
            memcpy(&v[0], &d, sizeof d);
            memcpy(&word, &s, sizeof s);
            v[0] = f->single ? UINT64_C(0xffffffff) << 32 | word : v[0];
        }
        uint64_t got = ir_eval_fp(f->single ? IR_OP_FTOI32 : IR_OP_FTOI64, v[0], 0, 0, imm, &got_flags);
        uint64_t want = expect_integer(f, v[0], imm, &flags);
        if (got != want || got_flags != flags)
            fail_msg("%s %" PRIx64 " imm %x: %" PRIx64 " flags %x, MPFR %" PRIx64 " flags %x", f->single ? "s" : "d",
                     v[0], imm, got, (unsigned)got_flags, want, flags);
    }
}

// mpfr_set_sj and mpfr_set_uj round directly.
static void from_integers(void **state)
{
    static const mpfr_rnd_t modes[] = {MPFR_RNDN, MPFR_RNDZ, MPFR_RNDD, MPFR_RNDU};
    GenRng rng = {43};
    mpfr_t x;
    (void)state;

    mpfr_init2(x, 24);
    for (unsigned n = 0; n < 200000; n++) {
        const Format *f = &formats[n % 2];
        uint64_t v = gen_edge(&rng), got_flags = 0;
        unsigned rm = gen_below(&rng, IR_RM_MODES - 1), kind = 8 * gen_below(&rng, 4);
        uint64_t extended = is_long(kind) ? v : kind & IR_FP_UNSIGNED ? (uint32_t)v : (uint64_t)(int64_t)(int32_t)v;
        mpfr_set_prec(x, f->precision);
        int inexact = kind & IR_FP_UNSIGNED ? mpfr_set_uj(x, extended, modes[rm])
                                            : mpfr_set_sj(x, (int64_t)extended, modes[rm]);
        uint64_t got = ir_eval_fp(f->single ? IR_OP_ITOF32 : IR_OP_ITOF64, v, 0, 0, rm | kind, &got_flags);
        assert_int_equal(got, to_bits(f, x));
        assert_int_equal(got_flags, inexact ? IR_FP_NX : 0);
    }
    mpfr_clear(x);
}

// --- comparisons ---------------------------------------------------------------------------------

// The host compares, the rules for NaNs and zeros are written out.
static void comparisons(void **state)
{
    GenRng rng = {44};
    (void)state;

    for (unsigned n = 0; n < 300000; n++) {
        const Format *f = &formats[n % 2];
        uint64_t v[3], flags[5] = {0}, got[5];
        double x[2];
        gen_fp_operands(&rng, f->single, v);
        if (n % 7 == 0)
            v[1] = n % 14 ? v[0] : v[0] ^ (f->single ? UINT64_C(1) << 31 : UINT64_C(1) << 63);
        for (unsigned i = 0; i < 2; i++) {
            float s;
            memcpy(&s, &v[i], sizeof s);
            memcpy(&x[i], &v[i], sizeof x[i]);
            x[i] = f->single ? (double)s : x[i];
        }
        for (unsigned i = 0; i < 5; i++)
            got[i] = ir_eval_fp((IrOpcode)(IR_OP_FMIN32 + 2 * i + !f->single), v[0], v[1], 0, 0, &flags[i]);
        bool nan[2] = {is_nan(f, v[0]), is_nan(f, v[1])}, any = nan[0] || nan[1];
        uint64_t nv = is_signaling(f, v[0]) || is_signaling(f, v[1]) ? IR_FP_NV : 0;
        bool less = x[0] < x[1] || (x[0] == x[1] && signbit(x[0]));
        uint64_t min = nan[0] && nan[1] ? canonical_nan(f) : nan[0] ? v[1] : nan[1] || less ? v[0] : v[1];
        uint64_t max = nan[0] && nan[1] ? canonical_nan(f) : nan[0] ? v[1] : nan[1] || !less ? v[0] : v[1];
        assert_int_equal(got[0], min);
        assert_int_equal(got[1], max);
        assert_int_equal(got[2], !any && x[0] == x[1]);
        assert_int_equal(got[3], !any && x[0] < x[1]);
        assert_int_equal(got[4], !any && x[0] <= x[1]);
        for (unsigned i = 0; i < 5; i++)
            assert_int_equal(flags[i], i < 3 || !any ? nv : IR_FP_NV);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic),
        cmocka_unit_test(to_integers),
        cmocka_unit_test(from_integers),
        cmocka_unit_test(comparisons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
