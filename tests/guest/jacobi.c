// SPDX-License-Identifier: GPL-3.0-or-later
// Heat in a plate: a five-point stencil over two grids, with the largest change of each sweep.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef SIZE
#define SIZE 10 // sweeps
#endif
#define N 256

static double grids[2][N][N];

static double sweep(double to[N][N], double from[N][N])
{
    double most = 0;
    for (int i = 1; i < N - 1; i++)
        for (int j = 1; j < N - 1; j++) {
            double v = 0.25 * (from[i - 1][j] + from[i + 1][j] + from[i][j - 1] + from[i][j + 1]);
            double change = fabs(v - from[i][j]);
            to[i][j] = v;
            if (change > most)
                most = change;
        }
    return most;
}

int main(void)
{
    double last = 0;
    uint64_t bits;
    for (int i = 0; i < N; i++)
        grids[0][0][i] = grids[1][0][i] = 100 + i % 7;
    for (int n = 0; n < SIZE; n++)
        last = sweep(grids[(n + 1) % 2], grids[n % 2]);
    memcpy(&bits, &last, sizeof bits);
    printf("last change %.9f %016lx\n", last, (unsigned long)bits);
    return bits & 127;
}
