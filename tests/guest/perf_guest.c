// SPDX-License-Identifier: GPL-3.0-or-later
// A program with one hot function, for tests/machine/perf_test.py.
#include <stdint.h>
#include <stdio.h>

__attribute__((noinline, noclone)) uint64_t mix(uint64_t n)
{
    uint64_t hash = 1;
    for (uint64_t i = 0; i < n; i++) {
        hash ^= i * 0x9e3779b97f4a7c15u;
        hash = hash << 13 | hash >> 51;
    }
    return hash;
}

int main(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < 300; i++)
        sum += mix(1000000 + i);
    printf("%lx\n", (unsigned long)sum);
    return 0;
}
