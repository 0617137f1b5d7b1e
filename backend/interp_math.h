// SPDX-License-Identifier: GPL-3.0-or-later
// Arithmetic of the interpreter's operations that is more than one C operator; meanings are those of ir/ops.def.
#pragma once
#include <stdint.h>

#define NAN_BOX UINT64_C(0xffffffff00000000)
#define SIGN32 (UINT64_C(1) << 31)
#define SIGN64 (UINT64_C(1) << 63)

// What a single is that is not NaN-boxed: the canonical NaN.
static inline uint64_t unbox32(uint64_t v)
{
    return v >= NAN_BOX ? v : NAN_BOX | 0x7fc00000;
}

static inline uint64_t sext32(uint64_t v)
{
    return (uint64_t)(int64_t)(int32_t)v;
}

static inline uint64_t mulhsu(uint64_t a, uint64_t b)
{
    return (uint64_t)((__int128)(int64_t)a * (__int128)b >> 64);
}

static inline uint64_t div64(uint64_t a, uint64_t b)
{
    if (b + 1 <= 1) // 0 and -1 divide without dividing
        return b ? -a : ~UINT64_C(0);
    return (uint64_t)((int64_t)a / (int64_t)b);
}

static inline uint64_t rem64(uint64_t a, uint64_t b)
{
    if (b + 1 <= 1)
        return b ? 0 : a;
    return (uint64_t)((int64_t)a % (int64_t)b);
}

static inline uint64_t orcb(uint64_t a)
{
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
    uint64_t high = (((a & low) + low) | a) & ~low; // top bit of each byte that is not zero
    return (high >> 7) * 0xff;
}

// Without the popcnt instruction, which the host may lack, and without libgcc, which a stencil cannot call.
static inline uint64_t cpop64(uint64_t a)
{
    a -= (a >> 1) & UINT64_C(0x5555555555555555);
    a = (a & UINT64_C(0x3333333333333333)) + ((a >> 2) & UINT64_C(0x3333333333333333));
    a = (a + (a >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (a * UINT64_C(0x0101010101010101)) >> 56;
}
