// SPDX-License-Identifier: GPL-3.0-or-later
// Integer matrix product: multiply-add in a counted loop with two strides.
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 2 // products
#endif
#define N 96

static int32_t a[N][N], b[N][N];
static int64_t c[N][N];

static void multiply(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            int64_t sum = 0;
            for (int k = 0; k < N; k++)
                sum += (int64_t)a[i][k] * b[k][j];
            c[i][j] = sum;
        }
}

int main(void)
{
    uint64_t trace = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            a[i][j] = i * 3 - j, b[i][j] = i ^ j * 5;
    for (int round = 0; round < SIZE; round++) {
        multiply();
        for (int i = 0; i < N; i++) {
            trace = trace * 7 + c[i][(i + round) % N];
            a[i][round % N] = c[i][i] >> 3;
        }
    }
    printf("trace %016lx\n", (unsigned long)trace);
    return trace & 127;
}
