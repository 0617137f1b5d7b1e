// SPDX-License-Identifier: GPL-3.0-or-later
// Recursion: Fibonacci and Ackermann, almost nothing but calls and returns.
#include <stdio.h>

#ifndef SIZE
#define SIZE 22
#endif

// The compiler must not turn the recursion into loops or inline it into itself: calls are what is measured.
#define PLAIN __attribute__((noipa, optimize("no-optimize-sibling-calls")))

PLAIN static long fib(long n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

PLAIN static long ackermann(long m, long n)
{
    if (m == 0)
        return n + 1;
    return ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

int main(void)
{
    long f = fib(SIZE), a = ackermann(2, SIZE);
    printf("fib(%d) = %ld, ackermann(2, %d) = %ld, ackermann(3, 5) = %ld\n", SIZE, f, SIZE, a,
           ackermann(3, 5));
    return (f + a) & 127;
}
