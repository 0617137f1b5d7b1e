// SPDX-License-Identifier: GPL-3.0-or-later
// Without the time CSR (-cpu rv64,rdtime=off) reading it is an illegal instruction, and Sstc is not there.
#include "rt.h"

#define RDTIME_A1 0xc01025f3 // csrrs a1, time, x0

static void t150_rdtime(void)
{
    TRY(".word 0xc01025f3", 0, 0, 0);
    CHECK_TRAP(1, 2, RDTIME_A1);
    TRY("csrr t0, 0x14d", 0, 0, 0); // stimecmp
    CHECK(2, trap_info.cause == 2);
}

int main(void)
{
    t150_rdtime();
    printf("rdtime: all checks passed\n");
    return 0;
}
