// SPDX-License-Identifier: GPL-3.0-or-later
// Fast Fourier transform in double precision, there and back: butterflies with growing strides.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef SIZE
#define SIZE 2 // rounds
#endif
#define LOG 10
#define N   (1 << LOG)

typedef struct {
    double re, im;
} Complex;

static Complex roots[N / 2], data[N];

// exp(-2 pi i k / N) by halving angles, so that no library's sine matters.
static void make_roots(void)
{
    roots[0] = (Complex){1, 0};
    double c = 0, s = 1; // of a quarter turn
    for (int step = N / 4; step >= 1; step /= 2) {
        for (int k = step; k < N / 2; k += 2 * step) {
            Complex before = roots[k - step];
            roots[k] = (Complex){before.re * c + before.im * s, before.im * c - before.re * s};
        }
        s = sqrt((1 - c) / 2);
        c = sqrt((1 + c) / 2);
    }
}

static void transform(Complex *x)
{
    for (unsigned i = 1, j = 0; i < N; i++) {
        unsigned bit = N >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            Complex t = x[i];
            x[i] = x[j];
            x[j] = t;
        }
    }
    for (int half = 1; half < N; half *= 2)
        for (int i = 0; i < N; i += 2 * half)
            for (int k = 0; k < half; k++) {
                Complex w = roots[k * (N / 2 / half)], *a = &x[i + k], *b = a + half;
                double re = b->re * w.re - b->im * w.im, im = b->re * w.im + b->im * w.re;
                *b = (Complex){a->re - re, a->im - im};
                *a = (Complex){a->re + re, a->im + im};
            }
}

int main(void)
{
    uint64_t hash = 0, bits;
    make_roots();
    for (int i = 0; i < N; i++)
        data[i] = (Complex){i % 17 - 8, i % 5};
    for (int round = 0; round < SIZE; round++) {
        transform(data);
        for (int i = 0; i < N; i++) // conjugate: the next transform goes back
            data[i] = (Complex){data[i].re / 32, -data[i].im / 32};
    }
    for (int i = 0; i < N; i++) {
        memcpy(&bits, &data[i].re, sizeof bits);
        hash = hash * 31 + bits;
    }
    printf("spectrum %016lx\n", (unsigned long)hash);
    return hash & 127;
}
