// SPDX-License-Identifier: GPL-3.0-or-later
// Does to the emulator's TLB what its arguments say, in S-mode under Sv39 where nothing else runs, so that the counts
// of that privilege are those of the arguments (run_soft_tlb.py):
//
//     load:PAGE:N:STEP:K      K times over: a load from each of N pages, STEP pages apart, from page number PAGE on
//     store:PAGE:N:STEP:K     the same with stores
//     global:PAGE:N:STEP:K    as load, of pages that are global
//     readonly:PAGE:N:STEP:K  as load, of pages that may not be stored to
//     fence                   sfence.vma
//     page:PAGE               sfence.vma of that page
//     asid                    sfence.vma of the present ASID
//     space:ASID              the address space with that ASID, from 1 on; made when it is first named. No fence
//     tour:FIRST:LAST:N       in the spaces with these ASIDs, one after the other: load:0:N:1:2
//     fences:N                N times: a store to page 0, sfence.vma
//     spin:N                  N rounds of two instructions, in M-mode
#include "paging.h"
#include <stdlib.h>
#include <string.h>

#define CODE_VA UINT64_C(0x5f0ff000) // slot 63 of a table of 64 entries, 127 of 128, 255 of a larger one
#define DATA_VA UINT64_C(0x40000000) // page 0
#define SPACES 20

// a0: first address; a1: pages | rounds << 16 | bytes from one to the next >> 12 << 40.
#define WALK(access) \
    "slli t0, a1, 48\nsrli t0, t0, 48\nslli t1, a1, 24\nsrli t1, t1, 40\nsrli t2, a1, 40\nslli t2, t2, 12\n" \
    "1: mv t3, a0\nmv t4, t0\n" \
    "2: " access "\nadd t3, t3, t2\naddi t4, t4, -1\nbnez t4, 2b\naddi t1, t1, -1\nbnez t1, 1b\necall\n.balign 64\n"
extern char soft_tlb_code[];
__asm__(".pushsection .text.code, \"ax\"\n.balign 4096\n.option push\n.option norvc\n"
        "soft_tlb_code:\n" WALK("ld t5, (t3)") WALK("sd t3, (t3)")
        "1: sd a1, (a0)\nsfence.vma\naddi a1, a1, -1\nbnez a1, 1b\necall\n"
        ".balign 4096\n.option pop\n.popsection\n");
enum { LOADS = 0, STORES = 64, FENCES = 128 };

static Space spaces[SPACES];
static Space *space;
static uint64_t word[4]; // of the argument

static void enter(unsigned asid)
{
    space = &spaces[asid];
    if (!space->root) {
        *space = space_new(SV39, asid);
        space_map(space, CODE_VA, (uint64_t)soft_tlb_code, PTE_V | PTE_R | PTE_X | PTE_A, 0);
    }
    space_enter(space);
}

static uint64_t va_of(uint64_t page)
{
    return DATA_VA + (page << 12);
}

// All pages are the same one of RAM.
static void map(uint64_t page, uint64_t n, uint64_t step, uint64_t flags)
{
    for (uint64_t i = 0; i < n; i++)
        space_map(space, va_of(page + i * step), (uint64_t)pages[0], PTE_V | PTE_R | flags, 0);
}

static void walk(unsigned code, uint64_t flags)
{
    map(word[0], word[1], word[2], flags);
    run_in(MODE_S, CODE_VA + code, va_of(word[0]), word[1] | word[3] << 16 | word[2] << 40);
}

static void tour(unsigned first, unsigned last, uint64_t n)
{
    word[0] = 0, word[1] = n, word[2] = 1, word[3] = 2;
    for (unsigned asid = first; asid <= last; asid++) {
        enter(asid);
        walk(LOADS, PTE_W | PTE_AD);
    }
}

static void run(const char *what)
{
    if (!strcmp(what, "load"))
        walk(LOADS, PTE_W | PTE_AD);
    else if (!strcmp(what, "store"))
        walk(STORES, PTE_W | PTE_AD);
    else if (!strcmp(what, "global"))
        walk(LOADS, PTE_W | PTE_AD | PTE_G);
    else if (!strcmp(what, "readonly"))
        walk(LOADS, PTE_A);
    else if (!strcmp(what, "fence"))
        __asm__ volatile("sfence.vma" ::: "memory");
    else if (!strcmp(what, "page"))
        __asm__ volatile("sfence.vma %0" : : "r"(va_of(word[0])) : "memory");
    else if (!strcmp(what, "asid"))
        __asm__ volatile("sfence.vma zero, %0" : : "r"((uint64_t)space->asid) : "memory");
    else if (!strcmp(what, "space"))
        enter((unsigned)word[0]);
    else if (!strcmp(what, "tour"))
        tour((unsigned)word[0], (unsigned)word[1], word[2]);
    else if (!strcmp(what, "fences"))
        map(0, 1, 1, PTE_W | PTE_AD), run_in(MODE_S, CODE_VA + FENCES, va_of(0), word[0]);
    else if (!strcmp(what, "spin"))
        for (uint64_t i = word[0]; i; i--)
            __asm__ volatile("");
    else
        exit(2);
}

int main(int argc, char **argv)
{
    CSR_WRITE(pmpaddr0, ~UINT64_C(0) >> 10); // S-mode may do all
    CSR_WRITE(pmpcfg0, 0x1f);
    enter(1);
    for (int i = 1; i < argc; i++) {
        char *at = strchr(argv[i], ':');
        memset(word, 0, sizeof word);
        if (at)
            *at++ = '\0';
        for (unsigned w = 0; at && *at && w < 4; w++, at += *at == ':')
            word[w] = strtoul(at, &at, 0);
        run(argv[i]);
    }
    return 0;
}
