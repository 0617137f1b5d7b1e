// SPDX-License-Identifier: GPL-3.0-or-later
// A program with a known shape for tests/guest/run_profile.py. Each round takes these turns of a loop of two
// instructions: main > a > x 400, main > a > y 200, main > b > x 100, main > b > c > y 100, and main > r > r > r > r
// with 50 in y at each level.
#define NOINLINE __attribute__((noinline, noclone))

long x(long n), y(long n), a(void), b(void), c(void), r(long depth);
int main(void);

#define SPIN(n) __asm__ volatile("1: addi %0, %0, -1\n\tbnez %0, 1b" : "+r"(n))

NOINLINE long x(long n)
{
    SPIN(n);
    return n;
}

NOINLINE long y(long n)
{
    SPIN(n);
    return n;
}

NOINLINE long a(void)
{
    return x(400) + y(200) + 1;
}

NOINLINE long c(void)
{
    return y(100) + 1;
}

NOINLINE long b(void)
{
    return x(100) + c() + 1;
}

NOINLINE long r(long depth)
{
    long n = y(50);
    return depth ? r(depth - 1) + n + 1 : n;
}

int main(void)
{
    long sum = 0;
    for (int i = 0; i < ROUNDS; i++)
        sum += a() + b() + r(3);
    return sum != ROUNDS * 6L;
}
