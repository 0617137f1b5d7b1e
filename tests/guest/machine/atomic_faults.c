// SPDX-License-Identifier: GPL-3.0-or-later
// LR, SC and AMO that fail, and unaligned device accesses (memory/spec.md 2.8 to 2.10; QEMU 7.2 has other
// causes).
#include "rt.h"

#define HOLE 0x3000000
#define MSIP 0x2000000

int main(void)
{
    static uint64_t words[4];
    uint64_t at = (uint64_t)words;
    TRY_AMO("amoadd.w", HOLE, 1);
    CHECK_TRAP(1, 7, HOLE);
    TRY_AMO("amoswap.d", HOLE, 1);
    CHECK_TRAP(2, 7, HOLE);
    TRY("lr.w %0, (%2)", 0, HOLE, 0);
    CHECK_TRAP(3, 5, HOLE);
    // Alignment wins over the missing memory.
    TRY_AMO("amoadd.w", HOLE + 2, 1);
    CHECK_TRAP(4, 6, HOLE + 2);
    TRY("lr.w %0, (%2)", 0, HOLE + 2, 0);
    CHECK_TRAP(5, 4, HOLE + 2);
    TRY_AMO("amoadd.d", at + 4, 1);
    CHECK_TRAP(6, 6, at + 4);
    TRY("lr.d %0, (%2)", 0, at + 4, 0);
    CHECK_TRAP(7, 4, at + 4);
    TRY("sc.d %0, %3, (%2)", 0, at + 4, 1);
    CHECK_TRAP(8, 6, at + 4);
    CHECK(9, words[0] == 0 && words[1] == 0);
    // Without a reservation SC does not even look at the memory.
    CHECK(10, TRY_AMO("sc.w", HOLE, 1) == 1);
    CHECK_NO_TRAP(10);
    CHECK(11, TRY_AMO("sc.w", 0x1000, 1) == 1);
    CHECK_NO_TRAP(11);
    TRY_AMO("amoswap.d", MSIP, 1);
    CHECK_TRAP(12, 7, MSIP);
    // An unaligned word of a device becomes small pieces, which the CLINT refuses.
    TRY_LOAD("lw", MSIP + 2);
    CHECK_TRAP(13, 5, MSIP + 2);
    TRY_LOAD("ld", 0x200bffc); // 4 mod 8: two words, the second behind the last register
    CHECK_TRAP(14, 5, 0x200c000);
    printf("atomic_faults: all checks passed\n");
    return 0;
}
