// SPDX-License-Identifier: GPL-3.0-or-later
// Unpacked floating-point numbers and rounding. Private to ir/; users see ir_eval_fp of ir/ir.h.
#pragma once
#include "ir/ir.h"

typedef struct {
    unsigned frac; // fraction bits: 23 or 52
    int bias;      // 127 or 1023; also the largest exponent of a finite number
} FpFormat;

extern const FpFormat fp_single, fp_double;

typedef enum { FP_ZERO, FP_FINITE, FP_INF, FP_QNAN, FP_SNAN } FpClass;

#define FP_TOP 52 // the leading one of a finite number's sig

typedef struct { // (-1)^sign * sig * 2^exp if finite and not zero
    uint8_t class; // FpClass
    bool sign;
    int exp;
    uint64_t sig; // 2^FP_TOP <= sig < 2^(FP_TOP + 1), whatever the format
} FpNumber;

// A rounding mode and the exceptions so far.
typedef struct {
    const FpFormat *format; // of the result
    unsigned rm;            // an IR_RM_ value below IR_RM_MODES
    unsigned flags;         // IR_FP_NX ...
} FpState;

// The number that the bits are; a single must be NaN-boxed or counts as a NaN.
FpNumber fp_unpack(const FpFormat *format, uint64_t bits);

// Bits of special results in s->format; singles come NaN-boxed.
uint64_t fp_zero(const FpState *s, bool sign);
uint64_t fp_inf(const FpState *s, bool sign);
uint64_t fp_nan(const FpState *s); // the canonical one
// Bits of n, which s->format must hold exactly unless it is finite and not zero: then it is rounded.
uint64_t fp_pack(FpState *s, const FpNumber *n);

// (-1)^sign * sig * 2^exp rounded to s->format, with overflow, underflow (tininess after rounding) and inexact
// raised (unprivileged spec, chapter F; IEEE 754-2019, 4.3 and 7.4 .. 7.6). sig is not 0 and below 2^127. If it is
// not exact, its lowest bit must be one and stand for what is missing, and it must have at least FP_TOP + 3 bits.
uint64_t fp_round(FpState *s, bool sign, int exp, unsigned __int128 sig);
// sig / 2^shift rounded to an integer; *inexact is set if that changed it. shift > 0; the result is below 2^127.
unsigned __int128 fp_round_shift(unsigned rm, bool sign, unsigned __int128 sig, unsigned shift, bool *inexact);
// sig / 2^shift with the lowest bit set if bits were lost. shift >= 0.
unsigned __int128 fp_jam(unsigned __int128 sig, unsigned shift);
