// SPDX-License-Identifier: GPL-3.0-or-later
// Eight and more queens by bit masks and recursion: data-dependent branches, call and return.
#include <stdio.h>

#ifndef SIZE
#define SIZE 9 // largest board
#endif

static unsigned long place(unsigned all, unsigned columns, unsigned left, unsigned right)
{
    if (columns == all)
        return 1;
    unsigned long solutions = 0;
    unsigned free = all & ~(columns | left | right);
    while (free) {
        unsigned bit = free & -free;
        free ^= bit;
        solutions += place(all, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return solutions;
}

int main(void)
{
    unsigned long solutions = 0;
    for (int n = 4; n <= SIZE; n++) {
        solutions = place((1u << n) - 1, 0, 0, 0);
        printf("%d queens: %lu solutions\n", n, solutions);
    }
    return solutions % 255;
}
