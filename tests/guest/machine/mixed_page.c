// SPDX-License-Identifier: GPL-3.0-or-later
// Atomics of several harts on RAM that shares its page with a device (tohost): they are atomic there too
// (memory/spec.md R1.52, R2.60).
#include "harts.h"

#define ROUNDS 10000

static volatile uint64_t *words(void)
{
    return (volatile uint64_t *)(((uint64_t)&tohost & ~UINT64_C(4095)) + 0x400);
}

static void add_reserved(volatile uint64_t *p)
{
    uint64_t t, failed;
    __asm__ volatile("1: lr.d %0, (%2)\n\taddi %0, %0, 1\n\tsc.d %1, %0, (%2)\n\tbnez %1, 1b"
                     : "=&r"(t), "=&r"(failed)
                     : "r"(p)
                     : "memory");
}

static void count(unsigned hart)
{
    volatile uint64_t *w = words();
    for (unsigned i = 0; i < ROUNDS; i++) {
        __asm__ volatile("amoadd.d zero, %1, (%0)" ::"r"(w), "r"(UINT64_C(1)) : "memory");
        __asm__ volatile("amoadd.w zero, %1, (%0)" ::"r"(w + 1), "r"(1) : "memory");
        add_reserved(w + 2);
        w[8 + hart] = i; // others' plain stores do not disturb
        CHECK(1, w[8 + hart] == i);
    }
}

int main(void)
{
    volatile uint64_t *w = words();
    harts_run(count);
    CHECK(2, w[0] == HARTS * ROUNDS);
    CHECK(3, w[1] == HARTS * ROUNDS);
    CHECK(4, w[2] == HARTS * ROUNDS);
    printf("mixed_page: nothing was lost\n");
    return 0;
}
