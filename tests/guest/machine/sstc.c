// SPDX-License-Identifier: GPL-3.0-or-later
// Time as lower privileges see it: the time CSR, stimecmp and STIP (Sstc), menvcfg and the counter enables.
#include "paging.h"

#define STCE (UINT64_C(1) << 63)
#define INTERRUPT (UINT64_C(1) << 63)
#define TM 2

#define INSN(name, text) \
    static void __attribute__((naked, aligned(4))) name(void) \
    { \
        __asm__ volatile(text "\n\tecall"); \
    }

INSN(read_time, "csrr a0, time")
INSN(read_stimecmp, "csrr a0, 0x14d")
INSN(set_stimecmp, "csrw 0x14d, a0")
// Waits in S-mode, interrupts off, until stimecmp; gives the time.
INSN(wait_until, "csrw 0x14d, a0\n\tli a1, 32\n\tcsrw sie, a1\n1:\twfi\n\tcsrr a1, sip\n\tandi a1, a1, 32\n\t"
                 "beqz a1, 1b\n\tcsrr a0, time")
// The same, but with interrupts on, spinning: the interrupt goes to S-mode's handler.
INSN(spin_until, "csrw 0x14d, a0\n\tli a1, 32\n\tcsrw sie, a1\n\tla a1, handler\n\tcsrw stvec, a1\n\t"
                 "csrsi sstatus, 2\n1:\tj 1b\n\t.balign 4\nhandler:\tcsrr a0, scause")

static uint64_t in(unsigned mode, void (*f)(void), uint64_t a0)
{
    uint64_t value = run_in(mode, (uint64_t)f, a0, 0);
    return trap_info.cause == 8 + mode ? value : ~UINT64_C(0);
}

static void check_rights(void)
{
    for (unsigned n = 0; n < 8; n++) {
        int m = n & 1, s = n & 2, stce = n & 4;
        CSR_WRITE(mcounteren, m ? TM : 0);
        CSR_WRITE(scounteren, s ? TM : 0);
        CSR_WRITE(0x30a, stce ? STCE : 0); // menvcfg
        CHECK(10, (in(MODE_S, read_time, 0) != ~UINT64_C(0)) == !!m);
        CHECK(11, (in(MODE_U, read_time, 0) != ~UINT64_C(0)) == (m && s));
        CHECK(12, (in(MODE_S, read_stimecmp, 0) != ~UINT64_C(0)) == (m && stce));
        CHECK(13, in(MODE_U, read_stimecmp, 0) == ~UINT64_C(0) && trap_info.cause == 2);
    }
}

static void check_line(void)
{
    CSR_WRITE(0x30a, 0);
    CSR_SET(mip, 32);
    CHECK(20, CSR_READ(mip) & 32); // software's bit
    CSR_WRITE(0x14d, -1);
    CSR_WRITE(0x30a, STCE);
    CHECK(21, !(CSR_READ(mip) & 32));
    CSR_SET(mip, 32);
    CHECK(22, !(CSR_READ(mip) & 32)); // read-only now
    CSR_WRITE(0x14d, 0);
    CHECK(23, CSR_READ(mip) & 32);
    CSR_CLEAR(mip, 32);
    CHECK(24, CSR_READ(mip) & 32);
    CSR_WRITE(0x14d, CSR_READ(time) + 20000); // 2 ms, and a busy host may let them pass at once
    CHECK(25, !(CSR_READ(mip) & 32) || CSR_READ(time) >= CSR_READ(0x14d));
    while (!(CSR_READ(mip) & 32))
        continue;
    CHECK(26, CSR_READ(time) >= CSR_READ(0x14d));
    CSR_WRITE(0x30a, 0);
    CHECK(27, !(CSR_READ(mip) & 32));
}

static void check_supervisor(void)
{
    CSR_WRITE(mcounteren, TM);
    CSR_WRITE(0x30a, STCE);
    CSR_WRITE(mideleg, 0x222);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t until = CSR_READ(time) + 10000, at = in(MODE_S, wait_until, until);
        CHECK(30, at != ~UINT64_C(0) && at >= until);
        in(MODE_S, set_stimecmp, ~UINT64_C(0));
        CHECK(31, !(CSR_READ(mip) & 32));
        CHECK(32, in(MODE_S, spin_until, CSR_READ(time) + 10000) == (INTERRUPT | 5));
        CSR_WRITE(0x14d, -1);
    }
}

int main(void)
{
    rt_allow_all();
    check_rights();
    check_line();
    check_supervisor();
    printf("sstc: all checks passed\n");
    return 0;
}
