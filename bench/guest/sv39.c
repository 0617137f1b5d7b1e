// SPDX-License-Identifier: GPL-3.0-or-later
// Start-up of a program under paging: main runs in S-mode, where 4 KiB pages of Sv39 map the RAM to itself. Exceptions
// still go to M-mode and crt0.S.
#include "rt.h"
#include "sv39.h"

#ifndef SV39_MIB
#define SV39_MIB 128
#endif
#define RAM    UINT64_C(0x80000000)
#define LEAVES (SV39_MIB / 2) // tables of 512 pages

static uint64_t leaf[LEAVES][512] __attribute__((aligned(4096)));
static uint64_t root[512] __attribute__((aligned(4096))), middle[512] __attribute__((aligned(4096)));

void rt_before_main(void);

__attribute__((weak)) void sv39_machine_mode(void)
{
}

uint64_t *sv39_entry(uint64_t va)
{
    return &leaf[(va - RAM) >> 21][va >> 12 & 511];
}

void rt_before_main(void)
{
    rt_allow_all();
    sv39_machine_mode();
    for (uint64_t i = 0; i < LEAVES; i++) {
        middle[i] = (uint64_t)leaf[i] >> 12 << 10 | PTE_V;
        for (uint64_t k = 0; k < 512; k++)
            leaf[i][k] = (RAM >> 12 | i << 9 | k) << 10 | PTE_AD | PTE_R | PTE_W | PTE_X | PTE_V;
    }
    root[RAM >> 30 & 511] = (uint64_t)middle >> 12 << 10 | PTE_V;
    CSR_WRITE(satp, UINT64_C(8) << 60 | (uint64_t)root >> 12);
    __asm__ volatile("sfence.vma" ::: "memory");
    CSR_CLEAR(mstatus, UINT64_C(3) << 11);
    CSR_SET(mstatus, UINT64_C(1) << 11); // MPP = S
    __asm__ volatile("la t0, 1f\n\tcsrw mepc, t0\n\tmret\n1:" ::: "t0", "memory");
}
