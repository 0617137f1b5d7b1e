// SPDX-License-Identifier: GPL-3.0-or-later
// Bit counts, rotations, min/max, byte swaps, sign extensions: compiled with Zba, Zbb and Zbs for the guest.
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 5000 // rounds
#endif

static uint64_t rotl(uint64_t x, unsigned n)
{
    return x << (n & 63) | x >> (-n & 63);
}

static uint32_t rotr32(uint32_t x, unsigned n)
{
    return x >> (n & 31) | x << (-n & 31);
}

static uint64_t mix(uint64_t x, uint64_t y, const uint32_t *table)
{
    int64_t sx = x, sy = y;
    uint64_t r = rotl(x, y) ^ rotr32(x, y >> 32);
    r += (sx < sy ? sx : sy) ^ (x > y ? x : y);
    r += __builtin_popcountll(x) + __builtin_clzll(x | 1) + __builtin_ctzll(y | UINT64_C(1) << 63);
    r += __builtin_popcount(y) * 3 + __builtin_clz((uint32_t)y | 1);
    r ^= __builtin_bswap64(x) + (x & ~y) + (x | ~y) + ~(x ^ y);
    r += (int8_t)x + (int64_t)(int16_t)y + (uint16_t)(x >> 9);
    r ^= (uint64_t)1 << (y & 63);
    r &= ~((uint64_t)1 << (x & 63));
    r += x >> (r & 63) & 1;
    r += table[(uint32_t)y & 63] + ((uint64_t)(uint32_t)x << 3) + (y * 2 + r) + (x * 8 + y);
    return r;
}

int main(void)
{
    uint32_t table[64];
    uint64_t x = 1, y = UINT64_C(0x123456789abcdef), sum = 0;
    for (uint32_t i = 0; i < 64; i++)
        table[i] = i * 0x01010101u;
    for (int i = 0; i < SIZE; i++) {
        x = x * UINT64_C(6364136223846793005) + 1;
        y = rotl(y, 13) + x;
        sum += mix(x >> (i & 63), y, table);
        sum ^= mix(sum, x | (uint64_t)i << 50, table);
    }
    printf("%016lx\n", (unsigned long)sum);
    return sum & 127;
}
