// SPDX-License-Identifier: GPL-3.0-or-later
// Transposes a matrix row by row: one side is read in order, the other written a page or more apart each time.
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 1 // times there and back
#endif
#define N 1025 // a row takes a page and a bit

static uint32_t a[N][N], b[N][N];

static void transpose(uint32_t to[N][N], uint32_t from[N][N])
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            to[j][i] = from[i][j] + 1;
}

int main(void)
{
    uint32_t sum = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            a[i][j] = (uint32_t)i * 2654435761u ^ (uint32_t)j;
    for (int n = 0; n < SIZE; n++) {
        transpose(b, a);
        transpose(a, b);
    }
    for (int i = 0; i < N; i++)
        sum = sum * 31 + a[i][(i * 7) % N];
    printf("sum %08x\n", (unsigned)sum);
    return sum & 127;
}
