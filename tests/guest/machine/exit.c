// SPDX-License-Identifier: GPL-3.0-or-later
// Ends with status CODE over HTIF, by one 8-byte store or, as riscv-tests do, by two 4-byte halves.
#include "rt.h"

#ifndef CODE
#define CODE 0
#endif

int main(void)
{
#ifdef HALVES
    volatile uint32_t *halves = (volatile uint32_t *)&tohost;
    for (;;) {
        halves[0] = CODE << 1 | 1;
        halves[1] = 0;
    }
#endif
    return CODE;
}
