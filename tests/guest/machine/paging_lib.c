// SPDX-License-Identifier: GPL-3.0-or-later
// Page tables and short visits to S-mode and U-mode for the guest tests of paging.
#include "paging.h"
#include <string.h>

#define TABLES 64

uint64_t pages[PAGES][512] __attribute__((aligned(4096)));
static uint64_t tables[TABLES][512] __attribute__((aligned(4096)));
static unsigned used;

__asm__(".pushsection .text.probe, \"ax\"\n"
        ".balign 4096\n"
        ".option push\n.option norvc\n"
        ".globl probe_page\n"
        "probe_page:\n"
        "ld a0, 0(a0)\necall\n.balign 16\n"
        "sd a1, 0(a0)\necall\n.balign 16\n"
        "jr a0\necall\n.balign 16\n"
        "amoadd.d a0, a1, (a0)\necall\n.balign 16\n"
        "ecall\n"
        ".balign 4096\n"
        ".option pop\n"
        ".popsection\n");

static uint64_t *new_table(void)
{
    if (used == TABLES) {
        printf("no page table left\n");
        exit(98);
    }
    memset(tables[used], 0, sizeof tables[used]);
    return tables[used++];
}

void space_reset(void)
{
    used = 0;
}

Space space_new(unsigned mode, unsigned asid)
{
    return (Space){mode, asid, new_table()};
}

unsigned space_levels(const Space *s)
{
    return s->mode - SV39 + 3;
}

uint64_t *space_entry(const Space *s, uint64_t va, unsigned level)
{
    uint64_t *table = s->root;
    for (unsigned l = space_levels(s) - 1; l > level; l--) {
        uint64_t *pte = &table[va >> (12 + 9 * l) & 511];
        if (!(*pte & PTE_V))
            *pte = (uint64_t)new_table() >> 12 << 10 | PTE_V;
        table = (uint64_t *)(*pte >> 10 << 12);
    }
    return &table[va >> (12 + 9 * level) & 511];
}

uint64_t *space_map(const Space *s, uint64_t va, uint64_t pa, uint64_t flags, unsigned level)
{
    uint64_t *pte = space_entry(s, va, level);
    *pte = pa >> 12 << 10 | flags;
    return pte;
}

void space_enter(const Space *s)
{
    CSR_WRITE(satp, (uint64_t)s->mode << 60 | (uint64_t)s->asid << 44 | (uint64_t)s->root >> 12);
}

uint64_t run_in(unsigned mode, uint64_t va, uint64_t a0, uint64_t a1)
{
    register uint64_t x0 __asm__("a0") = a0;
    register uint64_t x1 __asm__("a1") = a1;
    trap_info.cause = NO_TRAP;
    CSR_CLEAR(mstatus, MSTATUS_MPP);
    CSR_SET(mstatus, (uint64_t)mode << 11);
    __asm__ volatile("la t0, 1f\n\tsd t0, 32(%3)\n\tcsrw mepc, %2\n\tmret\n1:"
                     : "+r"(x0), "+r"(x1)
                     : "r"(va), "r"(&trap_info)
                     : "ra", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a2", "a3", "a4", "a5", "a6", "a7", "memory");
    return x0;
}
