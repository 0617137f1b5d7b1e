// SPDX-License-Identifier: GPL-3.0-or-later
// The spectral norm of an infinite matrix, cut off: conversions from integers, divisions, sums.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef SIZE
#define SIZE 60 // rows
#endif

static double u[SIZE], v[SIZE], between[SIZE];

static double element(int i, int j)
{
    return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1);
}

static void multiply(const double *x, double *out, int transposed)
{
    for (int i = 0; i < SIZE; i++) {
        double sum = 0;
        for (int j = 0; j < SIZE; j++)
            sum += (transposed ? element(j, i) : element(i, j)) * x[j];
        out[i] = sum;
    }
}

int main(void)
{
    for (int i = 0; i < SIZE; i++)
        u[i] = 1;
    for (int n = 0; n < 10; n++) {
        multiply(u, between, 0);
        multiply(between, v, 1);
        multiply(v, between, 0);
        multiply(between, u, 1);
    }
    double uv = 0, vv = 0;
    for (int i = 0; i < SIZE; i++) {
        uv += u[i] * v[i];
        vv += v[i] * v[i];
    }
    double norm = sqrt(uv / vv);
    uint64_t bits;
    memcpy(&bits, &norm, sizeof bits);
    printf("norm %.9f %016lx\n", norm, (unsigned long)bits);
    return bits & 127;
}
