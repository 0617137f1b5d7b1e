// SPDX-License-Identifier: GPL-3.0-or-later
// Eight address spaces with a number (ASID) each take turns: the same addresses, other pages, no fence.
#include "sv39.h"

#ifndef SIZE
#define SIZE 2000 // switches
#endif
#define SPACES 8
#define PAGES  16
#define WINDOW 0x10000 // where each space has its pages

static uint64_t roots[SPACES][512] __attribute__((aligned(4096))), middles[SPACES][512] __attribute__((aligned(4096)));
static uint64_t leaves[SPACES][512] __attribute__((aligned(4096)));
static uint64_t pages[SPACES][PAGES][512] __attribute__((aligned(4096)));

static uint64_t pointer(const void *table)
{
    return (uint64_t)table >> 12 << 10;
}

int main(void)
{
    const uint64_t *own = (const uint64_t *)(CSR_READ(satp) << 12);
    uint64_t sum = 0;
    for (int s = 0; s < SPACES; s++) {
        roots[s][2] = own[2]; // RAM, as in all spaces
        roots[s][0] = pointer(middles[s]) | PTE_V;
        middles[s][0] = pointer(leaves[s]) | PTE_V;
        for (int i = 0; i < PAGES; i++) {
            leaves[s][(WINDOW >> 12) + i] = pointer(pages[s][i]) | PTE_AD | PTE_R | PTE_W | PTE_V;
            for (int k = 0; k < 512; k++)
                pages[s][i][k] = (uint64_t)(s * 1000 + i * 10 + k);
        }
    }
    __asm__ volatile("sfence.vma" ::: "memory");
    volatile uint64_t *window = (volatile uint64_t *)WINDOW;
    for (int n = 0; n < SIZE; n++) {
        uint64_t s = (uint64_t)n % SPACES;
        CSR_WRITE(satp, SATP_SV39 | (s + 1) << 44 | (uint64_t)roots[s] >> 12);
        for (int i = 0; i < 4 * PAGES; i++) {
            volatile uint64_t *word = &window[i % PAGES * 512 + (n + i) % 512];
            sum = sum * 31 + *word;
            *word += sum >> 60;
        }
    }
    printf("%d switches, sum %016lx\n", SIZE, (unsigned long)sum);
    return sum & 127;
}
