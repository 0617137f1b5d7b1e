// SPDX-License-Identifier: GPL-3.0-or-later
// A guest whose output shows time down to the tick: timer interrupts in busy loops, naps, console input and counters.
// With -icount two runs print the same.
#include "rt.h"

#define MTIMECMP (*(volatile uint64_t *)0x2004000)
#define MTIME (*(volatile uint64_t *)0x200bff8)
#define MIE (UINT64_C(1) << 3)
#define MTI (UINT64_C(1) << 7)

void rt_interrupt(uint64_t cause);

static volatile uint64_t interrupts, when_sum, where_sum, interval;
static uint8_t memory[1 << 20];

void rt_interrupt(uint64_t cause)
{
    CHECK(90, cause == (UINT64_C(1) << 63 | 7));
    interrupts++;
    when_sum = when_sum * 31 + MTIME;
    where_sum = where_sum * 31 + CSR_READ(mepc);
    MTIMECMP = MTIME + interval;
}

static uint64_t work(uint64_t n)
{
    uint64_t x = n;
    for (uint64_t i = 0; i < n; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        memory[(x >> 33) % sizeof memory] += (uint8_t)x;
    }
    return x;
}

static void report(const char *what)
{
    printf("%s: mtime %lu, instret %lu, interrupts %lu, when %lx, where %lx\n", what, (unsigned long)MTIME,
        (unsigned long)CSR_READ(minstret), (unsigned long)interrupts, (unsigned long)when_sum,
        (unsigned long)where_sum);
}

int main(void)
{
    report("start");
    interval = 777;
    MTIMECMP = MTIME + interval;
    CSR_SET(mie, MTI);
    CSR_SET(mstatus, MIE);
    for (int i = 0; i < 10; i++) {
        uint64_t x = work(100000);
        report("work");
        printf("%lx\n", (unsigned long)x);
    }
    interval = 10000000; // a second
    uint64_t seen = interrupts;
    while (interrupts < seen + 20)
        __asm__ volatile("wfi");
    report("naps");
    for (int c; (c = getchar()) != 4;)
        printf("%02x at %lu\n", c, (unsigned long)MTIME);
    report("end");
    return 0;
}
