// SPDX-License-Identifier: GPL-3.0-or-later
// A chain of pointers with one in each of PAGES pages that lie APART pages apart: with a table of APART entries all of
// them want the same one. Each load depends on the one before.
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 1000000 // loads
#endif
#ifndef PAGES
#define PAGES 32
#endif
#ifndef APART
#define APART 1
#endif

#ifdef __riscv
#define buffer ((char *)0x80800000) // above the program, without clearing it first
#else
static char buffer[(uint64_t)PAGES * APART * 4096] __attribute__((aligned(4096)));
#endif

static void **slot(unsigned i)
{
    return (void **)(buffer + (uint64_t)i * APART * 4096 + i * 64 % 4096); // a cache set of its own
}

int main(void)
{
    unsigned at = 0, step = PAGES % 5 ? 5 : 7; // no common divisor: through all pages
    for (unsigned i = 0; i < PAGES; i++) {
        *slot(at) = slot((at + step) % PAGES);
        at = (at + step) % PAGES;
    }
    void **p = slot(0);
    for (long i = 0; i < SIZE; i++)
        p = *p;
    printf("%d loads: at %ld\n", SIZE, (long)((char *)p - buffer));
    return 0;
}
