// SPDX-License-Identifier: GPL-3.0-or-later
// A guest that asks the CLINT for the time in the middle of blocks, by loads, by an atomic and by setting the time
// itself. With -icount the answers are the same whatever runs the code: tests/guest/run_icount.py compares.
#include "rt.h"

#define MTIME UINT64_C(0x200bff8)

// A straight line with several accesses; the times are folded into *sum.
static void ask(uint64_t *sum, uint64_t k)
{
    uint64_t a, b, c, d;
    __asm__ volatile("addi %4, %4, 1\n\t"
                     "ld %0, 0(%5)\n\t"
                     "xor %4, %4, %0\n\t"
                     "addi %4, %4, 3\n\t"
                     "ld %1, 0(%5)\n\t"
                     "amoor.w %2, zero, (%5)\n\t"
                     "addi %4, %4, 5\n\t"
                     "addi %1, %1, 0\n\t"
                     "sd %1, 0(%5)\n\t" // the clock goes back a little
                     "xor %4, %4, %1\n\t"
                     "lw %3, 0(%5)\n\t"
                     "xor %4, %4, %3"
                     : "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(d), "+r"(k)
                     : "r"(MTIME)
                     : "memory");
    *sum = *sum * 31 + a + 3 * b + 5 * c + 7 * d + 11 * k;
}

int main(void)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        ask(&sum, i);
        if (i % 1000 == 0)
            printf("%lu: sum %lx, mtime %lu, instret %lu\n", (unsigned long)i, (unsigned long)sum,
                   (unsigned long)*(volatile uint64_t *)MTIME, (unsigned long)CSR_READ(minstret));
    }
    return 0;
}
