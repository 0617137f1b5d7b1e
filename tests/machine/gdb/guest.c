// SPDX-License-Identifier: GPL-3.0-or-later
// What the debugger tests debug: hart 0 adds in a loop, hart 1 counts meanwhile and then waits.
#include "harts.h"
#include <stdint.h>
#include <stdio.h>

#define ROUNDS 20000

volatile uint64_t counter;     // of hart 0
volatile uint64_t other;       // of hart 1
volatile uint64_t cell = 1;    // written in one place, every 5000 rounds
static uint64_t fed[4];

__attribute__((noinline)) uint64_t add(uint64_t a, uint64_t b)
{
    counter++;
    return a + b;
}

__attribute__((noinline)) static void feed(uint64_t i)
{
    fed[i & 3] ^= i;
    if (i % 5000 == 4999)
        cell = i;
}

__attribute__((noinline)) static void atomics(void)
{
    __atomic_add_fetch(&cell, 3, __ATOMIC_SEQ_CST);
}

__attribute__((noinline)) void work(unsigned hart)
{
    if (hart) {
        while (other < 1000)
            other++;
        return;
    }
    uint64_t sum = 0;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        sum = add(sum, i);
        feed(i);
    }
    atomics();
    printf("sum %lu cell %lu\n", (unsigned long)sum, (unsigned long)cell);
}

int main(void)
{
    harts_run(work);
    return counter == ROUNDS && other == 1000 ? 42 : 1;
}
