// SPDX-License-Identifier: GPL-3.0-or-later
// Accesses to nothing, to the ROM and to devices of limited sizes (memory/spec.md 2.8, 6.6).
#include "rt.h"

#define HOLE 0x10
#define ROM 0x1000
#define MSIP 0x2000000
#define MTIMECMP 0x2004000
#define MTIME 0x200bff8

static void check_hole(void)
{
    TRY_LOAD("ld", HOLE);
    CHECK_TRAP(1, 5, HOLE);
    TRY_LOAD("lb", 0x3000000);
    CHECK_TRAP(2, 5, 0x3000000);
    TRY_STORE("sd", HOLE, 1);
    CHECK_TRAP(3, 7, HOLE);
    TRY_STORE("sb", 0x7fffffff, 1);
    CHECK_TRAP(4, 7, 0x7fffffff);
    TRY("jr %2", 0, HOLE, 0);
    CHECK(5, trap_info.cause == 1 && trap_info.tval == HOLE);
    TRY_LOAD("lw", UINT64_C(0xffffffff80000000));
    CHECK_TRAP(6, 5, UINT64_C(0xffffffff80000000));
}

// A failing load leaves the destination alone.
static void check_destination(void)
{
    CHECK(10, TRY_LOAD("ld", HOLE) == 0xdead);
    CHECK(11, TRY_LOAD("lbu", 0x3000007) == 0xdead);
}

static void check_rom(void)
{
    CHECK(20, TRY_LOAD("lwu", ROM) == 0x297);
    CHECK_NO_TRAP(20);
    CHECK(21, TRY_LOAD("lwu", ROM + 4) == 0x02828613);
    CHECK(22, TRY_LOAD("lwu", ROM + 8) == 0xf1402573);
    CHECK(23, TRY_LOAD("ld", ROM + 0x18) == 0x80000000); // start address
    TRY_STORE("sw", ROM, 0x12345678);
    CHECK_NO_TRAP(24);
    CHECK(25, TRY_LOAD("lwu", ROM) == 0x297); // dropped
    CHECK(26, TRY_AMO("amoadd.w", ROM, 1) == 0x297);
    CHECK_NO_TRAP(26);
    CHECK(27, TRY_LOAD("lwu", ROM) == 0x297);
    CHECK(28, TRY_LOAD("lhu", ROM + 3) == 0x1300); // unaligned across two words
    CHECK_NO_TRAP(28);
    CHECK(29, TRY_LOAD("ld", ROM + 0xeff8) == 0);
    CHECK_NO_TRAP(29);
}

static void check_clint_sizes(void)
{
    static const uint64_t bases[] = {MSIP, MTIMECMP, MTIME};
    for (int i = 0; i < 3; i++) {
        TRY_LOAD("lb", bases[i]);
        CHECK_TRAP(30, 5, bases[i]);
        TRY_LOAD("lhu", bases[i]);
        CHECK_TRAP(31, 5, bases[i]);
        TRY_LOAD("lw", bases[i]);
        CHECK_NO_TRAP(32);
        TRY_STORE("sb", bases[i], 0);
        CHECK_TRAP(33, 7, bases[i]);
    }
    TRY_LOAD("ld", MSIP);
    CHECK_TRAP(34, 5, MSIP);
    TRY_LOAD("ld", MTIME);
    CHECK_NO_TRAP(35);
    TRY_LOAD("lw", 0x200c000); // behind the CLINT's registers
    CHECK_TRAP(36, 5, 0x200c000);
    TRY("jr %2", 0, MSIP, 0);
    CHECK(37, trap_info.cause == 1 && trap_info.tval == MSIP);
    TRY("jr %2", 0, MTIME, 0);
    CHECK(38, trap_info.cause == 1 && trap_info.tval == MTIME);
}

static void check_clint_registers(void)
{
    TRY_STORE("sw", MSIP, 0xffffffff);
    CHECK(40, TRY_LOAD("lw", MSIP) == 1 && (CSR_READ(mip) >> 3 & 1));
    TRY_STORE("sw", MSIP, 0xfffffffe);
    CHECK(41, TRY_LOAD("lw", MSIP) == 0 && !(CSR_READ(mip) >> 3 & 1));
    TRY_STORE("sd", MTIMECMP, -1);
    CHECK(42, !(CSR_READ(mip) >> 7 & 1));
    TRY_STORE("sd", MTIMECMP, 0);
    CHECK(43, CSR_READ(mip) >> 7 & 1);
    TRY_STORE("sw", MTIMECMP + 4, 0x7fffffff);
    CHECK(44, !(CSR_READ(mip) >> 7 & 1));
    CHECK(45, TRY_LOAD("ld", MTIMECMP) == UINT64_C(0x7fffffff00000000));
    CHECK(46, TRY_LOAD("ld", 0x2005000) == 0); // no such hart: reads 0
    CHECK_NO_TRAP(46);
    TRY_AMO("amoor.w", MSIP, 1);
    CHECK_NO_TRAP(47);
    CHECK(48, TRY_AMO("amoswap.w", MSIP, 0) == 1);
    CHECK(49, TRY_LOAD("lw", MSIP) == 0);
}

int main(void)
{
    check_hole();
    check_destination();
    check_rom();
    check_clint_sizes();
    check_clint_registers();
    printf("faults: all checks passed\n");
    return 0;
}
