// SPDX-License-Identifier: GPL-3.0-or-later
// minstret counts exactly, in cold and in hot code, and what else QEMU 7.2 does differently (priv. spec
// 3.1.10, 3.1.14).
#include "rt.h"

#define COUNT(body) ({ \
    uint64_t before_, after_; \
    __asm__ volatile("csrr %0, minstret\n\t" body "\n\tcsrr %1, minstret" \
                     : "=&r"(before_), "=&r"(after_) \
                     : \
                     : "t0", "t1", "t2", "memory"); \
    after_ - before_ - 1; /* without the first csrr */ \
})

static void check_straight(void)
{
    CHECK(1, COUNT("") == 0);
    CHECK(2, COUNT("nop") == 1);
    CHECK(3, COUNT(".option push\n\t.option rvc\n\tc.nop\n\tc.nop\n\tc.nop\n\t.option pop") == 3);
    CHECK(4, COUNT("beq x0, x0, 1f\n\tnop\n1:") == 1);
    CHECK(5, COUNT("bne x0, x0, 1f\n\tnop\n1:") == 2);
    CHECK(6, COUNT("la t0, 1f\n\tjr t0\n\tnop\n1:") == 3);
    CHECK(7, COUNT("addi sp, sp, -16\n\tsd t0, 0(sp)\n\tld t0, 0(sp)\n\tamoadd.d t1, x0, (sp)\n\t"
                   "addi sp, sp, 16") == 5);
    CHECK(8, COUNT("fence\n\tfence.i\n\tcsrw mscratch, x0") == 3);
}

static void check_loops(void)
{
    for (int round = 0; round < 40; round++) { // from cold to hot
        CHECK(10, COUNT("li t0, 1000\n1:\taddi t0, t0, -1\n\tbnez t0, 1b") == 2001);
        CHECK(11, COUNT("li t0, 300\n\tli t1, 0\n1:\tandi t2, t0, 1\n\tbeqz t2, 2f\n\taddi t1, t1, 1\n"
                        "2:\taddi t0, t0, -1\n\tbnez t0, 1b") == 2 + 300 * 4 + 150);
    }
    // This li is two instructions.
    CHECK(12, COUNT("li t0, 100000\n1:\taddi t0, t0, -1\n\tbnez t0, 1b") == 200002);
}

// Instructions that trap do not retire.
static void check_traps(void)
{
    uint64_t before, after, old = CSR_READ(mtvec);
    __asm__ volatile(
        "la t0, 1f\n\tcsrw mtvec, t0\n\tcsrr %0, minstret\n\tecall\n\t.balign 4\n1:\tcsrr %1, minstret"
        : "=&r"(before), "=&r"(after)
        :
        : "t0", "memory");
    CHECK(20, after - before == 1);
    __asm__ volatile(
        "la t0, 1f\n\tcsrw mtvec, t0\n\tcsrr %0, minstret\n\tld t0, 0x10(x0)\n\t"
        ".balign 4\n1:\tcsrr %1, minstret"
        : "=&r"(before), "=&r"(after)
        :
        : "t0", "memory");
    CHECK(21, after - before == 1);
    CSR_WRITE(mtvec, old);
}

static void check_writes(void)
{
    uint64_t value;
    __asm__ volatile("csrw minstret, %1\n\tcsrr %0, minstret" : "=r"(value) : "r"(UINT64_C(1000)));
    CHECK(30, value == 1000); // the write is not followed by its own increment
    __asm__ volatile("csrw minstret, %1\n\tnop\n\tnop\n\tcsrr %0, minstret"
                     : "=r"(value)
                     : "r"(UINT64_C(-1)));
    CHECK(31, value == 1);
    CSR_WRITE(mcountinhibit, 4);
    CHECK(32, CSR_READ(mcountinhibit) & 4);
    CHECK(33, COUNT("nop\n\tnop") + 1 == 0);
    CSR_WRITE(mcountinhibit, 0);
    CHECK(34, COUNT("nop\n\tnop") == 2);
}

static void check_cycle(void)
{
    uint64_t before = CSR_READ(mcycle);
    for (volatile int i = 0; i < 100; i++)
        continue;
    CHECK(40, CSR_READ(mcycle) - before >= 300);
}

// time is mtime; user code sees it when mcounteren and scounteren say so.
static void check_time(void)
{
    volatile uint64_t *mtime = (volatile uint64_t *)0x200bff8;
    uint64_t first = *mtime, between = CSR_READ(time), last = *mtime;
    CHECK(45, first <= between && between <= last);
    while (CSR_READ(time) < last + 100)
        continue;
}

static void check_mepc(void)
{
    CSR_WRITE(mepc, 0x80000003);
    CHECK(50, CSR_READ(mepc) == 0x80000002); // bit 0 is always 0
}

int main(void)
{
    check_straight();
    check_loops();
    check_traps();
    check_writes();
    check_cycle();
    check_time();
    check_mepc();
    printf("counters: all checks passed\n");
    return 0;
}
