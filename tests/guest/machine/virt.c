// SPDX-License-Identifier: GPL-3.0-or-later
// virt's devices as a bare-metal program uses them: interrupts of the UART and of the real-time clock through the PLIC,
// loopback, the flash leaving romd mode and coming back, the empty PCI window, the empty platform bus.
#include "rt.h"

#define PLIC      UINT64_C(0xc000000)
#define WORD(a)   (*(volatile uint32_t *)(a))
#define BYTE(a)   (*(volatile uint8_t *)(a))
#define CLAIM     WORD(PLIC + 0x200004)
#define UART      0x10000000
#define RTC       0x101000
#define FLASH     0x20000000
#define MEI       (UINT64_C(1) << 11)
#define MIE       (UINT64_C(1) << 3)
#define INTERRUPT (UINT64_C(1) << 63)

enum { UART_IRQ = 10, RTC_IRQ = 11 };

void rt_interrupt(uint64_t cause);

static volatile int uart_interrupts, rtc_interrupts;
static volatile int received;

void rt_interrupt(uint64_t cause)
{
    CHECK(90, cause == (INTERRUPT | 11));
    uint32_t source = CLAIM;
    if (source == UART_IRQ) {
        uart_interrupts++;
        int iir = BYTE(UART + 2) & 0xf;
        if (iir == 4 || iir == 12)
            received = BYTE(UART);
        else
            CHECK(91, iir == 2);
    } else {
        CHECK(92, source == RTC_IRQ);
        rtc_interrupts++;
        WORD(RTC + 0x1c) = 0;
    }
    CLAIM = source;
}

static void wait_for(int number, volatile int *count, int wanted)
{
    for (long n = 0; *count < wanted; n++)
        CHECK(number, n < 100000000);
}

static void check_uart(void)
{
    BYTE(UART + 1) = 2; // the transmitter is empty
    wait_for(1, &uart_interrupts, 1);
    BYTE(UART + 1) = 0;
    BYTE(UART + 4) = 0x18; // loopback
    BYTE(UART + 1) = 1;
    BYTE(UART) = 'A';
    wait_for(2, &received, 'A');
    BYTE(UART + 1) = 0;
    BYTE(UART + 4) = 8;
}

static uint64_t rtc_now(void)
{
    uint64_t low = WORD(RTC);
    return (uint64_t)WORD(RTC + 4) << 32 | low;
}

static void check_rtc(void)
{
    uint64_t start = rtc_now(), alarm = start + 2000000; // in 2 ms
    WORD(RTC + 0x0c) = (uint32_t)(alarm >> 32);
    WORD(RTC + 0x10) = 1;
    WORD(RTC + 0x08) = (uint32_t)alarm;
    CSR_CLEAR(mstatus, MIE); // lest it comes between the test and wfi
    while (!rtc_interrupts) {
        __asm__ volatile("wfi");
        CSR_SET(mstatus, MIE);
        CSR_CLEAR(mstatus, MIE);
    }
    CSR_SET(mstatus, MIE);
    CHECK(10, rtc_interrupts == 1 && rtc_now() >= alarm);
    CHECK(11, WORD(RTC + 0x18) == 0);
}

static void check_flash(void)
{
    uint32_t array = WORD(FLASH);
    WORD(FLASH) = 0x00900090;
    CHECK(20, WORD(FLASH) == 0x00890089);
    WORD(FLASH) = 0x00ff00ff;
    CHECK(21, WORD(FLASH) == array);
}

static void check_windows(void)
{
    CHECK(30, WORD(0x40001000) == 0xffffffff); // a PCI window with nobody behind it
    WORD(0x40001000) = 1;
    TRY_LOAD("lw", 0x4000000); // the platform bus
    CHECK_TRAP(31, 5, 0x4000000);
    TRY_STORE("sw", 0x5fffffc, 1);
    CHECK_TRAP(32, 7, 0x5fffffc);
    CHECK(33, WORD(0x10001000) == 0x74726976 && WORD(0x10008008) == 0);
    TRY_LOAD("ld", 0x100000); // the finisher takes 2 to 4 bytes
    CHECK_TRAP(34, 5, 0x100000);
}

int main(void)
{
    for (int i = UART_IRQ; i <= RTC_IRQ; i++)
        WORD(PLIC + 4 * i) = 1;
    WORD(PLIC + 0x2000) = 1 << UART_IRQ | 1 << RTC_IRQ;
    WORD(PLIC + 0x200000) = 0;
    CSR_SET(mie, MEI);
    CSR_SET(mstatus, MIE);
    check_uart();
    check_rtc();
    check_flash();
    check_windows();
    printf("virt is all right\n");
    return 42;
}
