// SPDX-License-Identifier: GPL-3.0-or-later
// Doubles by soft float, and their printing: what libgcc and the C library make of them must be what the
// host has.
#include <math.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 300 // steps
#endif

int main(void)
{
    volatile double one = 1, zero = 0;
    double x = 0.5, sum = 0, product = 1;
    float f = 1.0f;
    for (int i = 1; i <= SIZE; i++) {
        x = x * 3.75 * (one - x); // chaotic: one wrong bit shows
        sum += x / i;
        product *= 1 + x / (i * i);
        f = f / 1.01f + (float)x;
        sum -= (long)(x * 1000) % 7;
    }
    printf("%.15f %.12e %.6g\n", x, sum, product);
    printf("%f %.3f %g %g\n", (double)f, -1234567.8915, 1e-7, 6.02214076e23);
    printf("%d %d %d\n", sum < product, x > 0.5, (int)(x * 1e6));
    printf("%g %g %g\n", one / zero, -one / zero, fabs(-2.5));
    return (int)(x * 100);
}
