// SPDX-License-Identifier: GPL-3.0-or-later
// SIZE loads and as many stores of a device register that does nothing but hold a number: msip of a hart that is not
// there.
#include <stdint.h>
#include <stdio.h>

int main(void)
{
    volatile uint32_t *absent = (uint32_t *)0x2000100;
    uint64_t sum = 0;
    for (long i = 0; i < SIZE; i++) {
        *absent = (uint32_t)i;
        sum += *absent;
    }
    printf("%ld\n", (long)sum);
    return 0;
}
