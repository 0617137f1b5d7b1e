// SPDX-License-Identifier: GPL-3.0-or-later
// The same load on each of HARTS harts, with nothing shared: arithmetic, a table of 32 KiB, branches. Natively: one.
#include <stdint.h>
#include <stdio.h>
#ifdef __riscv
#include "harts.h"
#else
#define HARTS 1
#endif

#ifndef SIZE
#define SIZE 10 // rounds
#endif
#define WORDS 4096

typedef struct {
    uint64_t words[WORDS], result;
} Load;
static Load loads[HARTS] __attribute__((aligned(4096)));

static void work(unsigned hart)
{
    Load *load = &loads[hart];
    uint64_t x = 1;
    for (int i = 0; i < WORDS; i++)
        load->words[i] = (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15);
    for (int n = 0; n < SIZE; n++)
        for (int i = 0; i < WORDS; i++) {
            uint64_t *w = &load->words[x >> 20 & (WORDS - 1)];
            x = x * UINT64_C(6364136223846793005) + *w;
            if (x >> 60 & 1)
                *w ^= x;
            else
                x += (uint64_t)i;
        }
    load->result = x;
}

int main(void)
{
#ifdef __riscv
    harts_run(work);
#else
    work(0);
#endif
    for (int i = 0; i < HARTS; i++)
        if (loads[i].result != loads[0].result)
            return 1;
    printf("each %016lx\n", (unsigned long)loads[0].result);
    return 0;
}
