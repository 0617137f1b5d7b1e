// SPDX-License-Identifier: GPL-3.0-or-later
// Start of the other harts, and barriers.
#include "harts.h"

#define STACK 16384

void harts_other(unsigned hart);
static void (*volatile work)(unsigned hart);
static LOCATION uint64_t arrived;
static LOCATION volatile uint64_t generation;
// Not in .bss, which hart 0 clears while the others are here already.
__attribute__((section(".data"))) volatile uint64_t harts_go = 0;
char harts_stacks[HARTS * STACK] __attribute__((aligned(16)));

#define TEXT(x) #x
#define NUMBER(x) TEXT(x)
__asm__(".globl rt_other_hart\n"
        "rt_other_hart:\n"
        "1:\tla t0, harts_go\n\tld t0, 0(t0)\n\tbeqz t0, 1b\n\tfence rw, rw\n\tfence.i\n"
        "\t.option push\n\t.option norelax\n\tla gp, __global_pointer$\n\t.option pop\n"
        "\tla tp, __tls_base\n\tla t0, trap_entry\n\tcsrw mtvec, t0\n"
        "\tcsrr a0, mhartid\n\taddi t1, a0, 1\n\tli t0, " NUMBER(STACK) "\n\tmul t1, t1, t0\n"
        "\tla sp, harts_stacks\n\tadd sp, sp, t1\n\tcall harts_other\n2:\twfi\n\tj 2b\n");

void harts_barrier(void)
{
    uint64_t now = generation;
    if (__atomic_add_fetch(&arrived, 1, __ATOMIC_ACQ_REL) == HARTS) {
        arrived = 0;
        __atomic_store_n(&generation, now + 1, __ATOMIC_RELEASE);
    } else {
        while (__atomic_load_n(&generation, __ATOMIC_ACQUIRE) == now)
            continue;
    }
}

void harts_other(unsigned hart)
{
    while (hart < HARTS) {
        harts_barrier();
        work(hart);
        harts_barrier();
    }
}

void harts_run(void (*f)(unsigned hart))
{
    work = f;
    FENCE(rw, rw);
    harts_go = 1;
    harts_barrier();
    f(0);
    harts_barrier();
}
