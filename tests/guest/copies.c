// SPDX-License-Identifier: GPL-3.0-or-later
// Simple loops that copy and fill memory, of all lengths, distances, overlaps and directions, and the library's.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef SIZE
#define SIZE 3000 // rounds
#endif
#define NOINLINE __attribute__((noinline))
#define ONE_BY_ONE (__extension__({ __asm__ volatile(""); })) // or the compiler knows what the loop is

static unsigned char from[8192], to[8192];

NOINLINE static void copy_up(unsigned char *d, const unsigned char *s, size_t n)
{
    for (size_t i = 0; i < n; i++, ONE_BY_ONE)
        d[i] = s[i];
}

NOINLINE static void copy_down(unsigned char *d, const unsigned char *s, size_t n)
{
    for (; n--; ONE_BY_ONE)
        d[n] = s[n];
}

NOINLINE static void copy_by(unsigned char *d, const unsigned char *s, size_t n, long step)
{
    for (; n--; d += step, s += step, ONE_BY_ONE)
        *d = *s;
}

NOINLINE static int16_t copy_halves(int16_t *d, const int16_t *s, size_t n)
{
    int16_t last = 0;
    for (const int16_t *end = s + n; s != end; ONE_BY_ONE)
        *d++ = last = *s++;
    return last;
}

NOINLINE static void copy_words(uint32_t *d, const uint32_t *s, size_t n)
{
    for (size_t i = n; i; i--, ONE_BY_ONE)
        d[i - 1] = s[i - 1];
}

NOINLINE static void fill(unsigned char *d, int v, size_t n)
{
    for (size_t i = 0; i < n; i++, ONE_BY_ONE)
        d[i] = v;
}

static uint32_t hash(void)
{
    uint32_t h = 1;
    for (unsigned i = 0; i < sizeof to; i++)
        h = h * 31 + to[i];
    return h;
}

int main(void)
{
    uint32_t seed = 1, sum = 0;
    for (unsigned i = 0; i < sizeof from; i++)
        from[i] = (seed = seed * 1664525 + 1013904223) >> 24;
    for (unsigned k = 0; k < SIZE; k++) {
        unsigned n = k % 131, a = k % 31, b = k % 37, near = k % 19;
        copy_up(to + b, from + a, n);
        copy_down(to + 300 + b, from + a, n);
        copy_by(to + 600 + b, from + a, n, 1);
        copy_by(to + 1000 + b, from + 200 + a, n, -1);
        copy_by(to + 1200, from + a, n, k % 4);
        sum += (uint32_t)copy_halves((int16_t *)to + 900 + b, (int16_t *)from + a, n);
        copy_words((uint32_t *)to + 600 + b, (uint32_t *)from + a, n);
        fill(to + 3300 + b, (int)k, n);
        copy_up(to + 3700 + near, to + 3700 + 9, n);
        copy_down(to + 4000 + near, to + 4000 + 9, n);
        memmove(to + 4300 + near, to + 4300 + 9, n);
        memcpy(to + 4700 + b, from + a, n);
        memset(to + 5000 + a, (int)k, n);
        if (k % 64 == 0)
            sum = sum * 31 + hash();
    }
    printf("%08lx %08lx\n", (unsigned long)sum, (unsigned long)hash());
    return sum & 127;
}
