// SPDX-License-Identifier: GPL-3.0-or-later
// The guest of memory/spec.md 6.9: Sv39 tables at its addresses, the word "cons" at GVA 0xffffffff8001e980, read twice
// and, behind an sfence.vma, once more; then it prints what it has seen and waits for ever.
#include "pte.h"
#include "rt.h"

#define GVA   UINT64_C(0xffffffff8001e980)
#define GPA   UINT64_C(0x80007980)
#define ROOT  UINT64_C(0x8000c000)
#define PTE(pa, flags) ((uint64_t)(pa) >> 12 << 10 | (flags))
#define RW (PTE_V | PTE_R | PTE_W)

// The pages that the tables and what they map lie on: nothing else may.
static uint8_t room[0x12000] __attribute__((aligned(4096)));

static uint64_t *word(uint64_t pa)
{
    return (uint64_t *)pa;
}

static void make_tables(void)
{
    word(ROOT)[2] = PTE(0x80000000, RW | PTE_X | PTE_AD); // 1 GiB as it is
    word(ROOT)[0x1fe] = PTE(0x8000b000, PTE_V);
    word(0x8000b000)[0] = PTE(0x8000a000, PTE_V);
    word(0x8000b000)[1] = PTE(0x80200000, RW | PTE_U | PTE_AD); // 2 MiB
    word(0x8000a000)[0x1e] = PTE(0x80007000, RW | PTE_AD);
    word(0x8000a000)[0x1f] = PTE(0x80009000, PTE_V | PTE_R | PTE_AD);
    word(0x8000a000)[0x20] = PTE(0x80008000, RW | PTE_AD);
}

static void enter_supervisor(void)
{
    CSR_WRITE(pmpaddr0, UINT64_MAX);
    CSR_WRITE(pmpcfg0, 0x1f);
    CSR_CLEAR(mstatus, UINT64_C(3) << 11);
    CSR_SET(mstatus, UINT64_C(1) << 11);
    CSR_WRITE(satp, UINT64_C(8) << 60 | ROOT >> 12);
    __asm__ volatile("sfence.vma\n\tla t0, 1f\n\tcsrw mepc, t0\n\tmret\n1:" ::: "t0", "memory");
}

int main(void)
{
    CHECK(1, (uint64_t)room <= 0x80007000 && (uint64_t)room + sizeof room >= ROOT + 0x1000);
    make_tables();
    *(uint32_t *)GPA = 0x736e6f63; // "cons"
    enter_supervisor();
    const volatile uint32_t *p = (const volatile uint32_t *)GVA;
    uint32_t first = *p, second = *p;
    __asm__ volatile("sfence.vma %0" ::"r"(GVA) : "memory");
    uint32_t third = *p;
    CHECK(2, first == second && second == third);
    printf("GVA: 0x%lx, GPA: 0x%lx, Val: 0x%x\n", (unsigned long)GVA, (unsigned long)GPA, (unsigned)third);
    for (;;)
        __asm__ volatile("wfi" ::: "memory");
}
