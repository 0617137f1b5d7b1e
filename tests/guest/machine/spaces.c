// SPDX-License-Identifier: GPL-3.0-or-later
// Address spaces: ASIDs, fences by address and ASID, global pages, and code whose pages change under it.
#include "paging.h"
#include <string.h>

#define CODE_VA UINT64_C(0x10000)
#define DATA_VA UINT64_C(0x40000000)
#define FUNC_VA UINT64_C(0x50000000)
#define RWX (PTE_V | PTE_R | PTE_W | PTE_X | PTE_AD)
#define SPACES 20

static Space spaces[SPACES];

static void fence(uint64_t va, uint64_t asid)
{
    __asm__ volatile("sfence.vma %0, %1" ::"r"(va), "r"(asid) : "memory");
}

static void fence_page(uint64_t va)
{
    __asm__ volatile("sfence.vma %0" ::"r"(va) : "memory");
}

static void fence_asid(uint64_t asid)
{
    __asm__ volatile("sfence.vma zero, %0" ::"r"(asid) : "memory");
}

static uint64_t load(uint64_t va)
{
    uint64_t value = run_in(MODE_S, CODE_VA + PROBE_LOAD, va, 0);
    return trap_info.cause == 9 ? value : UINT64_C(0xbad00) + trap_info.cause;
}

// A page of code: a loop of a0 rounds that adds step in each; ecall with the sum in a0.
static void write_code(uint64_t *page, unsigned step)
{
    static const uint32_t code[] = {
        0x00000613, // li a2, 0
        0x00060613, // addi a2, a2, step
        0xfff50513, // addi a0, a0, -1
        0xfe051ce3, // bnez a0, -8
        0x00060513, // mv a0, a2
        0x00000073, // ecall
    };
    memcpy(page, code, sizeof code);
    ((uint32_t *)page)[1] |= step << 20;
    __asm__ volatile("fence.i" ::: "memory");
}

static uint64_t call(uint64_t rounds)
{
    uint64_t value = run_in(MODE_S, FUNC_VA, rounds, 0);
    return trap_info.cause == 9 ? value : UINT64_C(0xbad00) + trap_info.cause;
}

static void begin(unsigned mode, unsigned n)
{
    space_reset();
    for (unsigned i = 0; i < n; i++) {
        spaces[i] = space_new(mode, i + 1);
        space_map(&spaces[i], CODE_VA, (uint64_t)probe_page, RWX & ~PTE_W, 0);
        space_map(&spaces[i], DATA_VA, (uint64_t)pages[i], RWX, 0);
    }
    for (unsigned i = 0; i < PAGES; i++)
        pages[i][0] = 1000 + i;
    __asm__ volatile("sfence.vma" ::: "memory");
}

// Going from space to space with different ASIDs needs no fence, more of them than a TLB may hold.
static void check_switching(void)
{
    begin(SV39, 12);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 12; i++) {
            unsigned k = i * 7 % 12;
            space_enter(&spaces[k]);
            CHECK(10, load(DATA_VA) == 1000 + k);
        }
    }
    CSR_WRITE(satp, 0);
    CHECK(11, run_in(MODE_S, (uint64_t)probe_page + PROBE_LOAD, (uint64_t)pages[3], 0) == 1003); // Bare
}

// What each fence must make visible; what it need not is not looked at.
static void check_fences(void)
{
    begin(SV48, 4);
    for (unsigned i = 0; i < 4; i++) {
        space_map(&spaces[i], DATA_VA + 0x1000, (uint64_t)pages[10 + i], RWX | PTE_G, 0);
        space_enter(&spaces[i]);
        CHECK(20, load(DATA_VA) == 1000 + i && load(DATA_VA + 0x1000) == 1010 + i);
    }
    for (unsigned i = 0; i < 4; i++)
        space_map(&spaces[i], DATA_VA, (uint64_t)pages[20 + i], RWX, 0);
    space_enter(&spaces[0]);
    fence(DATA_VA, 1);
    CHECK(21, load(DATA_VA) == 1020);
    fence_asid(2); // from outside
    space_enter(&spaces[1]);
    CHECK(22, load(DATA_VA) == 1021);
    fence_page(DATA_VA + 0xfff);
    space_enter(&spaces[2]);
    CHECK(23, load(DATA_VA) == 1022);
    space_enter(&spaces[3]);
    CHECK(24, load(DATA_VA) == 1023);
    for (unsigned i = 0; i < 4; i++)
        space_map(&spaces[i], DATA_VA + 0x1000, (uint64_t)pages[30 + i], RWX | PTE_G, 0);
    fence_page(DATA_VA + 0x1000); // global ones too, as no ASID is named
    for (unsigned i = 0; i < 4; i++) {
        space_enter(&spaces[i]);
        CHECK(25, load(DATA_VA + 0x1000) == 1030 + i);
    }
    for (unsigned i = 0; i < 4; i++)
        space_map(&spaces[i], DATA_VA + 0x1000, 0, 0, 0);
    __asm__ volatile("sfence.vma" ::: "memory");
    for (unsigned i = 0; i < 4; i++) {
        space_enter(&spaces[i]);
        CHECK(26, load(DATA_VA + 0x1000) == 0xbad0d);
    }
}

// The same address, hot, with other code behind it in each space; and changed in place.
static void check_code(void)
{
    begin(SV39, 4);
    for (unsigned i = 0; i < 8; i++)
        write_code(pages[i], i + 1);
    for (unsigned i = 0; i < 4; i++)
        space_map(&spaces[i], FUNC_VA, (uint64_t)pages[i], RWX & ~PTE_W, 0);
    __asm__ volatile("sfence.vma" ::: "memory");
    for (unsigned round = 0; round < 40; round++) {
        unsigned i = round % 4;
        space_enter(&spaces[i]);
        CHECK(30, call(5000) == 5000 * (i + 1));
    }
    space_enter(&spaces[1]);
    for (unsigned round = 0; round < 20; round++) {
        unsigned p = round % 8;
        space_map(&spaces[1], FUNC_VA, (uint64_t)pages[p], RWX & ~PTE_W, 0);
        fence_page(FUNC_VA);
        CHECK(31, call(5000) == 5000 * (p + 1));
    }
    space_map(&spaces[1], FUNC_VA, (uint64_t)pages[2], PTE_V | PTE_R | PTE_AD, 0); // no X any more
    fence(FUNC_VA + 8, 2);
    CHECK(32, call(10) == 0xbad0c && trap_info.tval == FUNC_VA);
    space_map(&spaces[1], FUNC_VA, 0, 0, 0);
    fence_asid(2);
    CHECK(33, call(10) == 0xbad0c);
    write_code(pages[3], 77); // through M-mode's address of the page
    space_enter(&spaces[3]);
    CHECK(34, call(1000) == 77000);
}

// Code that goes on from one page to another, which is exchanged.
static void check_second_page(void)
{
    begin(SV39, 1);
    space_enter(&spaces[0]);
    for (unsigned i = 1; i < 4; i++) {
        uint32_t *code = (uint32_t *)pages[i];
        code[0] = 0x00060613 | i << 20; // addi a2, a2, i
        code[1] = 0xfff50513;           // addi a0, a0, -1
        code[2] = 0x00050463;           // beqz a0, +8
        code[3] = 0xff5ff06f;           // j -12
        code[4] = 0x00060513;           // mv a0, a2
        code[5] = 0x00000073;           // ecall
    }
    uint32_t *hops = (uint32_t *)pages[0]; // 0x000, 0x004, 0x800, 0xffc, next page
    hops[0] = 0x00000613;                  // li a2, 0
    hops[1] = 0x7fc0006f;                  // j +0x7fc
    hops[0x800 / 4] = 0x7fc0006f;          // j +0x7fc
    hops[0xffc / 4] = 0x0040006f;          // j +4
    __asm__ volatile("fence.i" ::: "memory");
    space_map(&spaces[0], FUNC_VA, (uint64_t)pages[0], RWX & ~PTE_W, 0);
    for (unsigned round = 0; round < 12; round++) {
        unsigned p = 1 + round % 3;
        space_map(&spaces[0], FUNC_VA + 0x1000, (uint64_t)pages[p], RWX & ~PTE_W, 0);
        fence_page(FUNC_VA + 0x1000);
        CHECK(40, call(3000) == 3000 * p);
    }
}

int main(void)
{
    rt_allow_all();
    check_switching();
    check_fences();
    check_code();
    check_second_page();
    printf("spaces: all checks passed\n");
    return 0;
}
