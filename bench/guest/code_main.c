// SPDX-License-Identifier: GPL-3.0-or-later
// Runs code.S until some SIZE million instructions have retired.
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 200
#endif

uint64_t code(uint64_t seed, uint64_t *words);

int main(void)
{
    static uint64_t words[129];
    uint64_t value = 1;
    for (long i = 0; i < SIZE * 1000000L / INSNS; i++)
        value = code(value, words);
    printf("%d instructions, value %016lx\n", INSNS, (unsigned long)value);
    return value & 127;
}
