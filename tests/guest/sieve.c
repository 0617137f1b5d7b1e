// SPDX-License-Identifier: GPL-3.0-or-later
// Sieve of Eratosthenes over bytes: strided stores and a linear scan.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef SIZE
#define SIZE 4 // rounds
#endif
#define LIMIT 200000

static uint8_t composite[LIMIT];

static unsigned count_primes(void)
{
    unsigned count = 0;
    memset(composite, 0, sizeof composite);
    for (unsigned i = 2; i < LIMIT; i++) {
        if (composite[i])
            continue;
        count++;
        for (unsigned j = 2 * i; j < LIMIT; j += i)
            composite[j] = 1;
    }
    return count;
}

int main(void)
{
    unsigned long total = 0;
    for (int i = 0; i < SIZE; i++)
        total += count_primes() + i;
    printf("primes below %d: %u, total %lu\n", LIMIT, count_primes(), total);
    return total % 251;
}
