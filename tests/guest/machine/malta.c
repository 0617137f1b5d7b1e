// SPDX-License-Identifier: GPL-3.0-or-later
// The board registers of MIPS' Malta (memory/spec.md 6.8, system 3): a store of 0x41 is nothing, one of 0x42 resets the
// machine. A counter in RAM that no image covers survives that.
#include "rt.h"

#define MALTA 0x1f000000
#define COUNTER ((volatile uint64_t *)0x90000000)

int main(void)
{
    volatile uint32_t *word = (volatile uint32_t *)MALTA;
    if (word[0x200 / 4] != 0)
        return 1;
    word[0x500 / 4] = 0x41;
    if (*COUNTER == 0) {
        *COUNTER = 1;
        printf("first\n");
        *(volatile uint64_t *)(MALTA + 0x500) = 0x42;
        for (;;)
            ;
    }
    printf("counter %d\n", (int)*COUNTER);
    return 0;
}
