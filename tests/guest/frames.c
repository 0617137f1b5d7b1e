// SPDX-License-Identifier: GPL-3.0-or-later
// Call chains of all kinds for tests/machine/names_test.c, which runs this one instruction at a time: leaves,
// recursion, large and computed frames, early returns, a switch, tail calls, functions that save registers late.
#include <alloca.h>
#include <stdio.h>
#include <string.h>

#define NOINLINE __attribute__((noinline, noclone))

static volatile long sink;

NOINLINE long leaf(long x)
{
    return x * 3 + sink;
}

NOINLINE static long recursive(long n)
{
    return n ? recursive(n - 1) * 2 + leaf(n) : leaf(0);
}

NOINLINE static long large(long n)
{
    volatile char buffer[5000];
    for (unsigned i = 0; i < sizeof buffer; i += 1000)
        buffer[i] = (char)n;
    return leaf(buffer[3000]) + recursive(2);
}

NOINLINE static long computed(long n)
{
    char *p = alloca((size_t)n * 16);
    memset(p, 1, (size_t)n);
    sink = p[0];
    return leaf(p[n - 1]) + recursive(1);
}

NOINLINE static long early(long n) // no frame on the short way
{
    if (n < 5)
        return n;
    return leaf(n) + recursive(n - 5);
}

NOINLINE static long tail(long n)
{
    sink = n;
    return leaf(n + 1);
}

NOINLINE static long choose(long n)
{
    switch (n) {
    case 0: return early(3) + 1;
    case 1: return early(7) - 2;
    case 2: return tail(1) * 3;
    case 3: return large(4) ^ 4;
    case 4: return computed(6) + 5;
    case 5: return recursive(3) * 6;
    case 6: return leaf(1) / 7;
    default: return 0;
    }
}

int main(void)
{
    long sum = 0;
    for (long i = 0; i < 8; i++)
        sum += choose(i);
    return sum == 0;
}
