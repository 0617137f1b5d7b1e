// SPDX-License-Identifier: GPL-3.0-or-later
// Physical memory protection: modes, permissions, priority, locking, sub-page ranges, MPRV (priv. spec 3.7).
#include "rt.h"

#define A_TOR 0x08
#define A_NA4 0x10
#define A_NAPOT 0x18
#define R 1
#define W 2
#define X 4
#define L 0x80
#define MPRV (UINT64_C(1) << 17)
#define MPP (UINT64_C(3) << 11)

static uint64_t page[1024] __attribute__((aligned(8192)));

static void set_cfg(int entry, uint64_t cfg)
{
    uint64_t shift = entry * 8;
    CSR_CLEAR(pmpcfg0, UINT64_C(0xff) << shift);
    CSR_SET(pmpcfg0, cfg << shift);
}

// Loads and stores as U-mode would do them, from M-mode by MPRV. The trap handler clears MPRV.
static int user_can_read(const void *p)
{
    uint64_t ok;
    CSR_CLEAR(mstatus, MPP);
    ok = TRY("csrs mstatus, %3\n\tld t0, 0(%2)\n\tcsrc mstatus, %3\n\tli %0, 1", 0, p, MPRV);
    CSR_CLEAR(mstatus, MPRV);
    return ok;
}

static int user_can_write(void *p)
{
    uint64_t ok;
    CSR_CLEAR(mstatus, MPP);
    ok = TRY("csrs mstatus, %3\n\tsd zero, 0(%2)\n\tcsrc mstatus, %3\n\tli %0, 1", 0, p, MPRV);
    CSR_CLEAR(mstatus, MPRV);
    return ok;
}

static void check_nothing_allowed(void)
{
    CHECK(1, !user_can_read(page));
    CHECK(2, trap_info.cause == 5 && trap_info.tval == (uint64_t)page);
    CHECK(3, !user_can_write(page));
    CHECK(4, trap_info.cause == 7);
    TRY_LOAD("ld", page); // M-mode is not asked
    CHECK_NO_TRAP(5);
}

static void check_napot(void)
{
    CSR_WRITE(pmpaddr0, (uint64_t)page >> 2 | 0x1ff); // 4 KiB
    set_cfg(0, A_NAPOT | R);
    CHECK(10, user_can_read(page) && user_can_read(page + 511));
    CHECK(11, !user_can_read(page + 512));
    CHECK(12, !user_can_write(page));
    set_cfg(0, A_NAPOT | R | W);
    CHECK(13, user_can_write(page));
    set_cfg(0, 0);
    CHECK(14, !user_can_read(page));
}

// Smaller than a page: the TLB must not remember the whole page.
static void check_small(void)
{
    CSR_WRITE(pmpaddr0, (uint64_t)page >> 2 | 0); // 8 bytes: ...0 in NAPOT
    set_cfg(0, A_NAPOT | R);
    CHECK(20, user_can_read(page) && !user_can_read(page + 1) && user_can_read(page));
    CSR_WRITE(pmpaddr0, (uint64_t)(page + 4) >> 2);
    CSR_WRITE(pmpaddr1, (uint64_t)(page + 8) >> 2);
    set_cfg(0, 0);
    set_cfg(1, A_TOR | R | W);
    CHECK(21, !user_can_read(page + 3) && user_can_read(page + 4));
    CHECK(21, user_can_write(page + 7) && !user_can_read(page + 8));
    // An access over the border of a range matches partly: refused even for the half inside.
    CHECK(22, !user_can_read((char *)(page + 8) - 4));
    set_cfg(1, 0);
}

// The entry with the lowest number decides.
static void check_priority(void)
{
    CSR_WRITE(pmpaddr0, (uint64_t)page >> 2 | 0x1ff);
    CSR_WRITE(pmpaddr1, -1);
    set_cfg(1, A_NAPOT | R | W | X);
    CHECK(30, user_can_write(page) && user_can_read(page + 512));
    set_cfg(0, A_NAPOT);
    CHECK(31, !user_can_read(page) && user_can_read(page + 512));
    set_cfg(0, A_NAPOT | R);
    CHECK(32, user_can_read(page) && !user_can_write(page) && user_can_write(page + 512));
    set_cfg(0, 0);
}

static void user_ecall(void)
{
    __asm__ volatile("ecall");
}

static void check_execute(void)
{
    set_cfg(1, A_NAPOT | R | W | X);
    CHECK(40, rt_run_user(user_ecall) == 8);
    set_cfg(1, A_NAPOT | R | W);
    CHECK(41, rt_run_user(user_ecall) == 1);
    CHECK(42, trap_info.tval == (uint64_t)user_ecall && trap_info.epc == (uint64_t)user_ecall);
    set_cfg(1, A_NAPOT | R | W | X);
    CHECK(43, rt_run_user(user_ecall) == 8);
}

// A locked entry binds M-mode too, and stays.
static void check_lock(void)
{
    CSR_WRITE(pmpaddr2, (uint64_t)(page + 512) >> 2 | 0x1ff);
    set_cfg(1, 0);
    set_cfg(2, L | A_NAPOT | R);
    TRY_LOAD("ld", page + 512);
    CHECK_NO_TRAP(50);
    TRY_STORE("sd", page + 512, 1);
    CHECK_TRAP(51, 7, page + 512);
    set_cfg(2, A_NAPOT | R | W);
    CHECK(52, (CSR_READ(pmpcfg0) >> 16 & 0xff) == (L | A_NAPOT | R));
    CSR_WRITE(pmpaddr2, 0);
    CHECK(53, CSR_READ(pmpaddr2) == ((uint64_t)(page + 512) >> 2 | 0x1ff));
    TRY_AMO("amoadd.d", page + 600, 1);
    CHECK(54, trap_info.cause == 7);
    TRY_STORE("sd", page, 1);
    CHECK_NO_TRAP(55);
}

int main(void)
{
    check_nothing_allowed();
    check_napot();
    check_small();
    check_priority();
    check_execute();
    check_lock();
    printf("pmp: all checks passed\n");
    return 0;
}
