// SPDX-License-Identifier: GPL-3.0-or-later
// Product of double matrices: multiply and add in a counted loop with two strides.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef SIZE
#define SIZE 2 // products
#endif
#define N 96

static double a[N][N], b[N][N], c[N][N];

static void multiply(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double sum = 0;
            for (int k = 0; k < N; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
}

int main(void)
{
    uint64_t hash = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            a[i][j] = (i * 3 - j) * 0.01, b[i][j] = (i ^ j * 5) * 0.001;
    for (int round = 0; round < SIZE; round++) {
        multiply();
        for (int i = 0; i < N; i++) {
            uint64_t bits;
            memcpy(&bits, &c[i][(i + round) % N], sizeof bits);
            hash = hash * 31 + bits;
            a[i][round % N] = c[i][i] * 0.25;
        }
    }
    printf("trace %016lx\n", (unsigned long)hash);
    return hash & 127;
}
