// SPDX-License-Identifier: GPL-3.0-or-later
// Takeuchi's function and mutual recursion with many arguments: calls that save and restore registers.
#include <stdio.h>

#ifndef SIZE
#define SIZE 1 // times
#endif
#define PLAIN __attribute__((noipa, optimize("no-optimize-sibling-calls")))

PLAIN static int tak(int x, int y, int z)
{
    if (y >= x)
        return z;
    return tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

PLAIN static long odd_sum(int n, long a, long b, long c, long d);

PLAIN static long even_sum(int n, long a, long b, long c, long d)
{
    if (n <= 0)
        return a ^ b;
    return odd_sum(n - 1, b + c, c ^ d, d + a, a + n) + odd_sum(n - 2, d, c, b, a);
}

PLAIN static long odd_sum(int n, long a, long b, long c, long d)
{
    if (n <= 0)
        return c ^ d;
    return even_sum(n - 2, d - n, a + b, b ^ c, c + 1) - even_sum(n - 3, a, d, b, c);
}

int main(void)
{
    long sum = 0;
    for (int i = 0; i < SIZE; i++)
        sum = sum * 3 + tak(16 + i % 2, 9, 3) + even_sum(22, i, 2, 3, 4);
    printf("sum %lx\n", (unsigned long)sum);
    return sum & 127;
}
