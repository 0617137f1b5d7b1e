// SPDX-License-Identifier: GPL-3.0-or-later
// Bit fields, sign extension, alignment.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// Bits [lo, lo+len) of v, len 1..64.
static inline uint64_t bits_get(uint64_t v, unsigned lo, unsigned len)
{
    return (v >> lo) & (~UINT64_C(0) >> (64 - len));
}

// The low len bits (1..64) of v as a signed number.
static inline int64_t bits_sext(uint64_t v, unsigned len)
{
    return (int64_t)(v << (64 - len)) >> (64 - len);
}

// v with bits [lo, lo+len) replaced by the low bits of f.
static inline uint64_t bits_set(uint64_t v, unsigned lo, unsigned len, uint64_t f)
{
    uint64_t m = (~UINT64_C(0) >> (64 - len)) << lo;
    return (v & ~m) | ((f << lo) & m);
}

// v rounded down / up to a multiple of a, a power of two.
static inline uint64_t align_down(uint64_t v, uint64_t a)
{
    return v & ~(a - 1);
}

static inline uint64_t align_up(uint64_t v, uint64_t a)
{
    return (v + a - 1) & ~(a - 1);
}
