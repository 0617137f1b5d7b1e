// SPDX-License-Identifier: GPL-3.0-or-later
// Pages mapped when they are touched: each round every page faults once, is used, and is taken away again.
#include "sv39.h"

#ifndef SIZE
#define SIZE 20 // rounds
#endif
#define PAGES 512

static uint64_t pages[PAGES][512] __attribute__((aligned(4096)));
static uint64_t faults;

__attribute__((interrupt("supervisor"), aligned(4))) static void page_fault(void)
{
    uint64_t va = CSR_READ(stval);
    *sv39_entry(va) |= PTE_V;
    __asm__ volatile("sfence.vma %0" ::"r"(va) : "memory");
    faults++;
}

void sv39_machine_mode(void)
{
    CSR_WRITE(medeleg, UINT64_C(1) << 13 | UINT64_C(1) << 15); // load and store page faults
}

int main(void)
{
    uint64_t sum = 0;
    CSR_WRITE(stvec, page_fault);
    for (int round = 0; round < SIZE; round++) {
        for (int i = 0; i < PAGES; i++)
            *sv39_entry((uint64_t)pages[i]) &= ~(uint64_t)PTE_V;
        __asm__ volatile("sfence.vma" ::: "memory");
        for (int i = 0; i < PAGES; i++) {
            volatile uint64_t *page = pages[i * 37 % PAGES];
            for (int k = 0; k < 512; k += 32)
                page[k] += (uint64_t)(i ^ k ^ round);
            sum = sum * 31 + page[round & 511];
        }
    }
    printf("%lu faults, sum %016lx\n", (unsigned long)faults, (unsigned long)sum);
    return sum & 127;
}
