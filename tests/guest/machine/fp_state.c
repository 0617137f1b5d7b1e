// SPDX-License-Identifier: GPL-3.0-or-later
// mstatus.FS, fcsr and what makes floating-point instructions illegal (unprivileged spec 11.2, priv. spec 3.1.6.6).
#include "rt.h"

#define FS (UINT64_C(3) << 13)
#define INITIAL (UINT64_C(1) << 13)
#define CLEAN (UINT64_C(2) << 13)
#define DIRTY FS
#define SD (UINT64_C(1) << 63)
#define FP(insn) ".option arch, +d\n" insn

static uint64_t cell;

static void set_fs(uint64_t fs)
{
    CSR_CLEAR(mstatus, FS);
    CSR_SET(mstatus, fs);
}

static uint64_t fs(void)
{
    return CSR_READ(mstatus) & (FS | SD);
}

// Everything is illegal while FS is Off.
static void check_off(void)
{
    set_fs(0);
    TRY(FP("fadd.s fa0, fa1, fa2, rne"), 0, 0, 0);
    CHECK_TRAP(1, 2, 0x00c58553);
    TRY(FP("fmv.x.d %0, fa0"), 0, 0, 0);
    CHECK(2, trap_info.cause == 2 && trap_info.epc == 0);
    TRY(FP("fld fa0, 0(%2)"), 0, 16, 0); // rather than an access fault
    CHECK(3, trap_info.cause == 2 && trap_info.epc == 0);
    TRY(FP("fsd fa0, 0(%2)"), 0, &cell, 0);
    CHECK(4, trap_info.cause == 2 && trap_info.epc == 0);
    TRY("csrr %0, fflags", 0, 0, 0);
    CHECK(5, trap_info.cause == 2);
    TRY("csrr %0, frm", 0, 0, 0);
    CHECK(6, trap_info.cause == 2);
    TRY("csrw fcsr, zero", 0, 0, 0);
    CHECK(7, trap_info.cause == 2);
    CHECK(8, fs() == 0);
}

static void check_kept(uint64_t state)
{
    set_fs(state);
    TRY(FP("fsd fa0, 0(%2)"), 0, &cell, 0);
    CHECK_NO_TRAP(10);
    CHECK(11, fs() == state);
    TRY(FP("fsw fa0, 0(%2)"), 0, &cell, 0);
    TRY(FP("fmv.x.w %0, fa0"), 0, 0, 0);
    TRY(FP("fmv.x.d %0, fa0"), 0, 0, 0);
    TRY(FP("fclass.d %0, fa0"), 0, 0, 0);
    TRY("csrr %0, fcsr", 0, 0, 0);
    CHECK_NO_TRAP(12);
    CHECK(13, fs() == state);
}

#define DIRTIES(number, state, insn) do { \
    set_fs(state); \
    TRY(FP(insn), &cell, &cell, 0); \
    CHECK_NO_TRAP(number); \
    CHECK(number, fs() == (DIRTY | SD)); \
} while (0)

static void check_dirtied(uint64_t state)
{
    DIRTIES(20, state, "fmv.d.x fa0, zero");
    DIRTIES(21, state, "fld fa0, 0(%2)");
    DIRTIES(22, state, "flw fa0, 0(%2)");
    DIRTIES(23, state, "fadd.d fa0, fa0, fa0");
    DIRTIES(24, state, "fsgnj.s fa1, fa0, fa0");
    DIRTIES(25, state, "fmax.s fa1, fa0, fa0");
    DIRTIES(26, state, "fcvt.d.w fa1, zero");
    DIRTIES(27, state, "fmadd.s fa1, fa0, fa0, fa0");
    set_fs(state);
    CSR_WRITE(fflags, 0);
    CHECK(28, fs() == (DIRTY | SD));
    set_fs(state);
    CSR_WRITE(frm, 0);
    CHECK(29, fs() == (DIRTY | SD));
}

static void check_fcsr(void)
{
    set_fs(INITIAL);
    CSR_WRITE(fcsr, -1);
    CHECK(40, CSR_READ(fcsr) == 0xff);
    CHECK(41, CSR_READ(frm) == 7 && CSR_READ(fflags) == 31);
    CSR_WRITE(fflags, 0);
    CHECK(42, CSR_READ(fcsr) == 0xe0);
    TRY(FP("fadd.d fa0, fa0, fa0, dyn"), 0, 0, 0); // frm is no mode
    CHECK_TRAP(43, 2, 0x02a57553);
    TRY(FP("fadd.d fa0, fa0, fa0, rup"), 0, 0, 0);
    CHECK_NO_TRAP(44);
    CSR_WRITE(frm, 5);
    TRY(FP("fmadd.s fa0, fa0, fa0, fa0, dyn"), 0, 0, 0);
    CHECK(45, trap_info.cause == 2);
    TRY(".word 0x02a55553", 0, 0, 0); // static mode 5
    CHECK_TRAP(46, 2, 0x02a55553);
    CSR_WRITE(frm, 0);
    CHECK(47, CSR_READ(fcsr) == 0);
    TRY(FP("fdiv.d fa0, fa0, fa1"), 0, 0, 0); // 0 / 0, from the registers below
    TRY(FP("fmv.d.x fa0, %2\nfmv.d.x fa1, zero\nfdiv.d fa0, fa0, fa1\nfmv.x.d %0, fa0"), 0, UINT64_C(0x3ff) << 52, 0);
    CHECK(48, CSR_READ(fflags) & 8);
}

int main(void)
{
    check_off();
    check_kept(INITIAL);
    check_kept(CLEAN);
    check_dirtied(INITIAL);
    check_dirtied(CLEAN);
    check_fcsr();
    return 0;
}
