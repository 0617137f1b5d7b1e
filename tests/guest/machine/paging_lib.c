// SPDX-License-Identifier: GPL-3.0-or-later
// Page tables and short visits to S-mode and U-mode for the guest tests of paging.
#include "paging.h"
#include <string.h>

#define TABLES 96

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

// What runs there may leave any register changed: they come back from a block of their own.
uint64_t saved_registers[14];
__asm__(".pushsection .text\n"
        ".balign 4\n"
        "enter_mode:\n" // a0, a1: arguments; a2: where to
        "la t0, saved_registers\n"
        "sd ra, 0(t0)\nsd sp, 8(t0)\nsd s0, 16(t0)\nsd s1, 24(t0)\nsd s2, 32(t0)\nsd s3, 40(t0)\n"
        "sd s4, 48(t0)\nsd s5, 56(t0)\nsd s6, 64(t0)\nsd s7, 72(t0)\nsd s8, 80(t0)\nsd s9, 88(t0)\n"
        "sd s10, 96(t0)\nsd s11, 104(t0)\n"
        "la t1, trap_info\n"
        "la t2, 1f\n"
        "sd t2, 32(t1)\n"
        "csrw mepc, a2\n"
        "mret\n"
        "1: la t0, saved_registers\n"
        "ld ra, 0(t0)\nld sp, 8(t0)\nld s0, 16(t0)\nld s1, 24(t0)\nld s2, 32(t0)\nld s3, 40(t0)\n"
        "ld s4, 48(t0)\nld s5, 56(t0)\nld s6, 64(t0)\nld s7, 72(t0)\nld s8, 80(t0)\nld s9, 88(t0)\n"
        "ld s10, 96(t0)\nld s11, 104(t0)\n"
        "ret\n"
        ".popsection\n");
uint64_t enter_mode(uint64_t a0, uint64_t a1, uint64_t va);

uint64_t run_in(unsigned mode, uint64_t va, uint64_t a0, uint64_t a1)
{
    trap_info.cause = NO_TRAP;
    CSR_CLEAR(mstatus, MSTATUS_MPP);
    CSR_SET(mstatus, (uint64_t)mode << 11);
    return enter_mode(a0, a1, va);
}
