// SPDX-License-Identifier: GPL-3.0-or-later
// 128-bit arithmetic: mulh/mulhu/mulhsu, carries, shifts and libgcc's division.
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 3000 // rounds
#endif

typedef unsigned __int128 u128;

static u128 power(u128 base, uint64_t exponent, u128 modulus)
{
    u128 result = 1;
    for (; exponent; exponent >>= 1) {
        if (exponent & 1)
            result = result * base % modulus;
        base = base * base % modulus;
    }
    return result;
}

static void print(const char *name, u128 v)
{
    printf("%s %016lx%016lx\n", name, (unsigned long)(v >> 64), (unsigned long)v);
}

int main(void)
{
    u128 x = 1, y = UINT64_C(0xfedcba9876543210), sum = 0;
    __int128 s = -1;
    for (int i = 1; i <= SIZE; i++) {
        x = x * UINT64_C(0x2360ed051fc65da4) + ((u128)i << 77 | 1);
        y ^= x >> (i & 127);
        sum += x / (y | 1) + (x % ((y >> 70) | 3)) + (y << (i % 128));
        s = s * (int64_t)(x >> 13) - (__int128)y;
        s ^= (s >> (i % 127)) + (s < 0);
        sum += (u128)(s / (i - SIZE - 7)) + (u128)(s % (int64_t)(y | 1));
    }
    print("x", x);
    print("sum", sum);
    print("s", s);
    print("power", power(3, UINT64_C(1000000006), UINT64_C(1000000007)));
    return (int)(sum >> 64) & 127;
}
