// SPDX-License-Identifier: GPL-3.0-or-later
// A window whose pages are exchanged for others, one entry and one fence of that page at a time, and read at once.
#include "sv39.h"

#ifndef SIZE
#define SIZE 20000 // exchanges
#endif
#define PAGES 64

static uint64_t pages[PAGES][512] __attribute__((aligned(4096)));

int main(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < PAGES; i++)
        for (int k = 0; k < 512; k++)
            pages[i][k] = (uint64_t)(i * 512 + k) * UINT64_C(0x9e3779b97f4a7c15);
    for (int n = 0; n < SIZE; n++) {
        uint64_t a = (uint64_t)pages[n % PAGES], b = (uint64_t)pages[n * 7 % PAGES ^ 1];
        uint64_t *at = sv39_entry(a), *to = sv39_entry(b), entry = *at;
        *at = *to;
        *to = entry;
        __asm__ volatile("sfence.vma %0\n\tsfence.vma %1" ::"r"(a), "r"(b) : "memory");
        for (int k = 0; k < 8; k++)
            sum = sum * 31 + ((volatile uint64_t *)a)[(n + k * 64) & 511] + ((volatile uint64_t *)b)[k];
    }
    printf("%d exchanges, sum %016lx\n", SIZE, (unsigned long)sum);
    return sum & 127;
}
