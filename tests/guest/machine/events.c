// SPDX-License-Identifier: GPL-3.0-or-later
// Things that happen a known number of times, for the tests of watchers, samplers and profiles: 5 timer interrupts out
// of wfi, 3 environment calls and an illegal instruction, 2 fences, 2 writes of satp; and ROUNDS times 60 instructions,
// of which 48 are in work_a and 12 in work_b.
#include "rt.h"

#define MTIMECMP (*(volatile uint64_t *)0x2004000)
#define MTIME (*(volatile uint64_t *)0x200bff8)
#define MIE (UINT64_C(1) << 3)
#define MTI (UINT64_C(1) << 7)
#define ROUNDS 400000

void rt_interrupt(uint64_t cause);
void work_a(long rounds);

static volatile int interrupts;

void rt_interrupt(uint64_t cause)
{
    CHECK(1, cause == (UINT64_C(1) << 63 | 7));
    MTIMECMP = UINT64_MAX;
    interrupts++;
}

static void wait_for_timer(void)
{
    int before = interrupts;
    MTIMECMP = MTIME + 20000; // 2 ms
    while (interrupts == before)
        __asm__ volatile("wfi");
}

// 48 and 12 instructions each time around.
__asm__(".text\n"
        ".option push\n.option norvc\n"
        ".globl work_a\n.type work_a, @function\n"
        "work_a: mv t3, ra\n"
        "1: .rept 23\n addi t0, t0, 1\n .endr\n"
        "jal work_b\n"
        ".rept 22\n addi t0, t0, 3\n .endr\n"
        "addi a0, a0, -1\n"
        "bnez a0, 1b\n"
        "jr t3\n"
        ".size work_a, . - work_a\n"
        ".globl work_b\n.type work_b, @function\n"
        "work_b: .rept 11\n addi t1, t1, 1\n .endr\n"
        "ret\n"
        ".size work_b, . - work_b\n"
        ".option pop\n");

int main(void)
{
    MTIMECMP = UINT64_MAX;
    CSR_SET(mie, MTI);
    CSR_SET(mstatus, MIE);
    for (int i = 0; i < 5; i++)
        wait_for_timer();
    CSR_CLEAR(mstatus, MIE);
    for (int i = 0; i < 3; i++)
        TRY("ecall", 0, 0, 0);
    TRY(".word 0", 0, 0, 0);
    __asm__ volatile("sfence.vma");
    __asm__ volatile("sfence.vma %0, zero" ::"r"(UINT64_C(0x80000000)));
    CSR_WRITE(satp, UINT64_C(8) << 60 | 0x80000);
    CSR_WRITE(satp, 0);
    work_a(ROUNDS);
    return 0;
}
