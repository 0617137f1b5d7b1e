// SPDX-License-Identifier: GPL-3.0-or-later
// Timer and software interrupts of the CLINT: in a busy loop, out of wfi, masked, vectored (priv. spec
// 3.1.7, 3.1.9).
#include "rt.h"

#define MSIP (*(volatile uint32_t *)0x2000000)
#define MTIMECMP (*(volatile uint64_t *)0x2004000)
#define MTIME (*(volatile uint64_t *)0x200bff8)
#define MIE (UINT64_C(1) << 3)
#define MSI (UINT64_C(1) << 3)
#define MTI (UINT64_C(1) << 7)
#define INTERRUPT (UINT64_C(1) << 63)

void rt_interrupt(uint64_t cause);

static volatile int timer_interrupts, software_interrupts;
static volatile uint64_t interval;

void rt_interrupt(uint64_t cause)
{
    if (cause == (INTERRUPT | 7)) {
        timer_interrupts++;
        MTIMECMP = interval ? MTIME + interval : UINT64_MAX;
    } else if (cause == (INTERRUPT | 3)) {
        software_interrupts++;
        MSIP = 0;
    } else {
        CHECK(90, 0);
    }
}

static void check_busy_loop(void)
{
    interval = 2000; // 0.2 ms
    MTIMECMP = MTIME + interval;
    CSR_SET(mie, MTI | MSI);
    CSR_SET(mstatus, MIE);
    volatile uint64_t work = 0;
    uint64_t limit = MTIME + 1000000000; // 100 s
    while (timer_interrupts < 20) {
        work++;
        CHECK(1, (work & 0xfffff) || MTIME < limit);
    }
    CHECK(2, work > 0);
}

// A loop that keeps everything in registers must still be interrupted.
static void check_tight_loop(void)
{
    int before = timer_interrupts;
    uint64_t n = 4000000; // at least a millisecond
    __asm__ volatile("1: addi %0, %0, -1\n\tbnez %0, 1b" : "+r"(n));
    CHECK(3, timer_interrupts > before);
}

static void check_wfi(void)
{
    MTIMECMP = UINT64_MAX;
    timer_interrupts = 0;
    interval = 20000; // 2 ms; comes again, should this program be stopped just before its wfi
    uint64_t start = MTIME;
    MTIMECMP = start + interval;
    while (!timer_interrupts)
        __asm__ volatile("wfi");
    CHECK(10, MTIME >= start + interval);
    // With interrupts disabled wfi ends as well, without a trap.
    CSR_CLEAR(mstatus, MIE);
    int seen = timer_interrupts;
    MTIMECMP = MTIME + 10000;
    __asm__ volatile("wfi");
    while (!(CSR_READ(mip) & MTI))
        continue;
    CHECK(11, timer_interrupts == seen);
    interval = 0;
    MTIMECMP = UINT64_MAX;
    CHECK(12, !(CSR_READ(mip) & MTI));
    CSR_SET(mstatus, MIE);
    CHECK(13, timer_interrupts == seen);
}

static void check_software(void)
{
    MSIP = 1;
    for (volatile int i = 0; i < 10000 && !software_interrupts; i++)
        continue;
    CHECK(20, software_interrupts == 1);
    CSR_CLEAR(mie, MSI);
    MSIP = 1;
    for (volatile int i = 0; i < 1000; i++)
        continue;
    CHECK(21, software_interrupts == 1 && (CSR_READ(mip) & MSI));
    CSR_SET(mie, MSI);
    for (volatile int i = 0; i < 10000 && software_interrupts < 2; i++)
        continue;
    CHECK(22, software_interrupts == 2);
}

// The software interrupt is more urgent than the timer's; both arrive.
static void check_order(void)
{
    CSR_CLEAR(mstatus, MIE);
    timer_interrupts = software_interrupts = 0;
    MTIMECMP = 0;
    MSIP = 1;
    while ((CSR_READ(mip) & (MSI | MTI)) != (MSI | MTI))
        continue;
    CSR_SET(mstatus, MIE);
    for (volatile int i = 0; i < 10000 && !timer_interrupts; i++)
        continue;
    CHECK(30, timer_interrupts == 1 && software_interrupts == 1);
}

// Interrupts go to base + 4 * number in vectored mode, exceptions to base.
__asm__(".balign 256\nvector_table:\n.option push\n.option norvc\n"
        "j trap_entry\nj trap_entry\nj trap_entry\nj trap_entry\nj trap_entry\nj trap_entry\nj trap_entry\n"
        "j vectored_timer\n.option pop\n"
        "vectored_timer:\n\taddi sp, sp, -16\n\tsd t0, 0(sp)\n\tsd t1, 8(sp)\n"
        "\tla t0, vectored\n\tlw t1, 0(t0)\n\taddi t1, t1, 1\n\tsw t1, 0(t0)\n"
        "\tld t0, 0(sp)\n\tld t1, 8(sp)\n\taddi sp, sp, 16\n\tj trap_entry\n");
extern char vector_table[];
volatile int vectored;

static void check_vectored(void)
{
    timer_interrupts = 0;
    CSR_WRITE(mtvec, (uint64_t)vector_table | 1);
    MTIMECMP = 0;
    for (volatile int i = 0; i < 10000 && !timer_interrupts; i++)
        continue;
    CHECK(40, timer_interrupts == 1 && vectored == 1);
    TRY("ecall", 0, 0, 0);
    CHECK_TRAP(41, 11, 0);
    CHECK(42, vectored == 1);
}

int main(void)
{
    check_busy_loop();
    check_tight_loop();
    check_wfi();
    check_software();
    check_order();
    check_vectored();
    printf("timer: all checks passed\n");
    return 0;
}
