// SPDX-License-Identifier: GPL-3.0-or-later
// The Mandelbrot set in double precision: a short dependent loop of sums and products with a comparison.
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 300 // iterations after which a point belongs to the set
#endif
#define WIDTH  64
#define HEIGHT 48

static int escape(double cx, double cy)
{
    double x = 0, y = 0;
    for (int n = 0; n < SIZE; n++) {
        double xx = x * x, yy = y * y;
        if (xx + yy > 4.0)
            return n;
        y = 2 * x * y + cy;
        x = xx - yy + cx;
    }
    return SIZE;
}

int main(void)
{
    uint64_t hash = 0;
    for (int row = 0; row < HEIGHT; row++)
        for (int column = 0; column < WIDTH; column++)
            hash = hash * 31 + (uint64_t)escape(column * 3.0 / WIDTH - 2.2, row * 2.5 / HEIGHT - 1.25);
    printf("picture %016lx\n", (unsigned long)hash);
    return hash & 127;
}
