// SPDX-License-Identifier: GPL-3.0-or-later
// The guest behind `addend demo`: draws the Mandelbrot set in fixed point, counts primes, hashes what it
// drew.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef DEEP
#define DEEP 200000 // iterations after which a point belongs to the set
#endif
#define WIDTH  78
#define HEIGHT 32
#define ONE    (INT64_C(1) << 32) // fixed point with 32 fraction bits
#define PRIMES 2000000

static int64_t mul(int64_t a, int64_t b)
{
    return (__int128)a * b >> 32;
}

static int escape(int64_t cx, int64_t cy)
{
    int64_t x = 0, y = 0;
    for (int n = 0; n < DEEP; n++) {
        int64_t xx = mul(x, x), yy = mul(y, y);
        if (xx + yy > 4 * ONE)
            return n;
        y = 2 * mul(x, y) + cy;
        x = xx - yy + cx;
    }
    return DEEP;
}

static uint64_t draw(void)
{
    static const char shades[] = " .,:;-=+*oO0%#";
    uint64_t hash = UINT64_C(0xcbf29ce484222325); // FNV-1a
    for (int row = 0; row < HEIGHT; row++) {
        char line[WIDTH + 1];
        for (int column = 0; column < WIDTH; column++) {
            int64_t x = column * 3 * ONE / WIDTH - 2 * ONE - ONE / 5;
            int64_t y = row * 5 * ONE / (HEIGHT * 2) - 5 * ONE / 4;
            int n = escape(x, y);
            line[column] = n == DEEP ? '@' : shades[n < 28 ? n / 2 : 13];
            hash = (hash ^ (uint8_t)line[column]) * UINT64_C(0x100000001b3);
        }
        line[WIDTH] = 0;
        printf("%s\n", line);
    }
    return hash;
}

static unsigned count_primes(void)
{
    static uint8_t odd_composite[PRIMES / 2];
    unsigned count = 1;
    for (unsigned i = 3; i < PRIMES; i += 2) {
        if (odd_composite[i / 2])
            continue;
        count++;
        for (uint64_t j = (uint64_t)i * i; j < PRIMES; j += 2 * i)
            odd_composite[j / 2] = 1;
    }
    return count;
}

int main(void)
{
    printf("A RISC-V program, translated as it runs: integer Mandelbrot, %d iterations deep.\n", DEEP);
    uint64_t hash = draw();
    unsigned primes = count_primes();
    printf("%u primes below %d (148933 are known), picture hash %016lx\n", primes, PRIMES,
           (unsigned long)hash);
    return primes == 148933 ? 0 : 1;
}
