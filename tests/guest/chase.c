// SPDX-License-Identifier: GPL-3.0-or-later
// Follows pointers in random order through a buffer: every load depends on the one before and, in a large
// buffer, misses the caches and the TLB.
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 200000 // steps
#endif
#ifndef KIBIBYTES
#define KIBIBYTES (64 * 1024)
#endif
#define LINE 64 // bytes between pointers: one per cache line
#define COUNT (KIBIBYTES * 1024 / LINE)

typedef struct {
    uint32_t next;
    uint32_t value;
    uint8_t rest[LINE - 8];
} Node;

#if defined NODES_AT && defined __riscv // more than the linker script knows of
#define nodes ((Node *)NODES_AT)
#else
static Node nodes[COUNT];
#endif

// One cycle through all nodes: COUNT is a power of two, so this congruential generator has full period.
static void link_nodes(void)
{
    for (uint32_t i = 0; i < COUNT; i++) {
        nodes[i].next = (i * UINT32_C(1664525) + UINT32_C(1013904223)) % COUNT;
        nodes[i].value = i ^ i >> 3;
    }
}

int main(void)
{
    uint64_t sum = 0;
    uint32_t at = 0;
    link_nodes();
    for (long i = 0; i < SIZE; i++) {
        sum += nodes[at].value;
        at = nodes[at].next;
    }
    printf("%d KiB, %d steps: at %lu, sum %016lx\n", KIBIBYTES, SIZE, (unsigned long)at, (unsigned long)sum);
    return at & 127;
}
