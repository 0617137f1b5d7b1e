// SPDX-License-Identifier: GPL-3.0-or-later
// Sleeps a second in wfi, in four naps, and checks that each lasted as long as asked and one of them not much longer.
#include "rt.h"

#define MTIMECMP (*(volatile uint64_t *)0x2004000)
#define MTIME (*(volatile uint64_t *)0x200bff8)
#define MTI (UINT64_C(1) << 7)
#define NAP 2500000  // ticks of 100 ns
#define SLACK 2000000

int main(void)
{
    uint64_t late = UINT64_MAX; // a busy host may be late, but not each time
    CSR_SET(mie, MTI);
    for (int i = 0; i < 4; i++) {
        uint64_t end = MTIME + NAP;
        MTIMECMP = end;
        while (!(CSR_READ(mip) & MTI))
            __asm__ volatile("wfi");
        uint64_t now = MTIME;
        CHECK(1, now >= end);
        late = now - end < late ? now - end : late;
    }
    CHECK(2, late < SLACK);
    printf("slept\n");
    return 0;
}
