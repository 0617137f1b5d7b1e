// SPDX-License-Identifier: GPL-3.0-or-later
// Exceptions without memory: ecall, ebreak, illegal instructions; privilege and the mstatus stack (priv.
// spec 3.1.6).
#include "rt.h"

#define MPP (UINT64_C(3) << 11)
#define MPIE (UINT64_C(1) << 7)
#define MIE (UINT64_C(1) << 3)

static void user_ecall(void)
{
    __asm__ volatile("ecall");
}

static void user_csr(void)
{
    __asm__ volatile("csrr a0, mscratch");
}

static void user_mret(void)
{
    __asm__ volatile("mret");
}

static void user_ebreak(void)
{
    __asm__ volatile("ebreak");
}

static void check_machine(void)
{
    TRY("ecall", 0, 0, 0);
    CHECK_TRAP(1, 11, 0);
    CHECK(2, (trap_info.mstatus & MPP) == MPP);
    TRY("ebreak", 0, 0, 0);
    CHECK(3, trap_info.cause == 3 && trap_info.epc == 0);
    TRY(".word 0xffffffff", 0, 0, 0);
    CHECK_TRAP(4, 2, 0xffffffff);
    TRY(".word 0", 0, 0, 0); // a 16-bit illegal instruction
    CHECK(5, trap_info.cause == 2 && trap_info.epc == 0 && (trap_info.tval & 0xffff) == 0);
    TRY("csrw mhartid, zero", 0, 0, 0); // read-only
    CHECK_TRAP(6, 2, 0xf1401073);
    TRY(".word 0x3df01073", 0, 0, 0); // csrw 0x3df: no such CSR
    CHECK_TRAP(7, 2, 0x3df01073);
    TRY("csrr %0, mhartid", 0, 0, 0);
    CHECK_NO_TRAP(8);
}

static void check_interrupt_stack(void)
{
    CSR_SET(mstatus, MIE);
    TRY("ecall", 0, 0, 0);
    CHECK(10, (trap_info.mstatus & MPIE) && !(trap_info.mstatus & MIE));
    CHECK(11, CSR_READ(mstatus) & MIE); // mret put it back
    CSR_CLEAR(mstatus, MIE);
    TRY("ecall", 0, 0, 0);
    CHECK(12, !(trap_info.mstatus & (MPIE | MIE)));
}

static void check_user(void)
{
    rt_allow_all();
    CHECK(20, rt_run_user(user_ecall) == 8);
    CHECK(21, (trap_info.mstatus & MPP) == 0);
    CHECK(22, trap_info.epc == (uint64_t)user_ecall);
    CHECK(23, rt_run_user(user_csr) == 2);
    CHECK(24, rt_run_user(user_mret) == 2);
    CHECK(25, trap_info.tval == 0x30200073);
    CHECK(26, rt_run_user(user_ebreak) == 3);
    // Back in machine mode everything is allowed again.
    CSR_WRITE(mscratch, 0x1234);
    CHECK(27, CSR_READ(mscratch) == 0x1234);
}

static void check_csrs(void)
{
    uint64_t old;
    CSR_WRITE(mscratch, 0xff);
    __asm__ volatile("csrrsi %0, mscratch, 0" : "=r"(old));
    CHECK(30, old == 0xff && CSR_READ(mscratch) == 0xff);
    __asm__ volatile("csrrci %0, mscratch, 5" : "=r"(old));
    CHECK(31, old == 0xff && CSR_READ(mscratch) == 0xfa);
    __asm__ volatile("csrrw %0, mscratch, %1" : "=r"(old) : "r"(7));
    CHECK(32, old == 0xfa && CSR_READ(mscratch) == 7);
    CHECK(34, (CSR_READ(misa) >> 62) == 2);
    for (const char *letter = "IMAC"; *letter; letter++)
        CHECK(35, CSR_READ(misa) >> (*letter - 'A') & 1);
    CHECK(36, CSR_READ(mhartid) == 0);
}

int main(void)
{
    check_machine();
    check_interrupt_stack();
    check_user();
    check_csrs();
    printf("traps: all checks passed\n");
    return 0;
}
