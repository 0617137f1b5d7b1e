// SPDX-License-Identifier: GPL-3.0-or-later
// Streams through arrays larger than any cache: fill, copy, add, reduce.
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 1 // rounds
#endif
#ifndef MEBIBYTES
#define MEBIBYTES 4 // of both arrays together
#endif
#define WORDS (MEBIBYTES * 1024 * 1024 / 16)

static uint64_t a[WORDS], b[WORDS];

// A loop, not a call of memcpy.
__attribute__((noinline, optimize("no-tree-loop-distribute-patterns")))
static void copy(uint64_t *to, const uint64_t *from)
{
    for (long i = 0; i < WORDS; i++)
        to[i] = from[i];
}

int main(void)
{
    uint64_t sum = 0;
    for (long i = 0; i < WORDS; i++)
        a[i] = i * UINT64_C(0x9e3779b97f4a7c15);
    for (int round = 0; round < SIZE; round++) {
        copy(b, a);
        for (long i = 0; i < WORDS; i++)
            a[i] = b[i] * 3 + round;
        for (long i = 0; i < WORDS; i++)
            sum += a[i] ^ b[i];
    }
    printf("%d MiB, sum %016lx\n", MEBIBYTES, (unsigned long)sum);
    return sum & 127;
}
