// SPDX-License-Identifier: GPL-3.0-or-later
// What software sees of the memory system: the cases T080 to T090 of memory/spec.md 7.2, by their names.
//
// QEMU 7.2 answers some of them otherwise (spec 2.9). The board has 2 GiB of RAM here.
#include "paging.h"

#define HOLE UINT64_C(0x3000000)
#define RAM_END UINT64_C(0x100000000)
#define ROM UINT64_C(0x1000)
#define MSIP UINT64_C(0x2000000)
#define MTIME UINT64_C(0x200bff8)
#define RW (PTE_V | PTE_R | PTE_W | PTE_AD)
#define CODE_VA UINT64_C(0x10000)
#define AREA UINT64_C(0x40000000)

#define LI_A0(n) (0x00000513u | (uint32_t)(n) << 20)
#define RET 0x00008067u
typedef long Function(void);

static void t080_unassigned(void) // T080
{
    TRY_LOAD("lw", HOLE + 12);
    CHECK_TRAP(1, 5, HOLE + 12);
    TRY_STORE("sd", HOLE, 1);
    CHECK_TRAP(2, 7, HOLE);
    TRY("jr %2", 0, HOLE + 2, 0);
    CHECK(3, trap_info.cause == 1 && trap_info.tval == HOLE + 2);
    TRY_AMO("amoadd.w", HOLE, 1);
    CHECK_TRAP(4, 7, HOLE);
    TRY("lr.d %0, (%2)", 0, HOLE, 0);
    CHECK_TRAP(5, 5, HOLE);
    CHECK(6, TRY_AMO("sc.d", HOLE, 1) == 1); // no reservation: no access
    CHECK_NO_TRAP(6);
}

static void t081_end_of_ram(void) // T081
{
    volatile uint32_t *last = (uint32_t *)(RAM_END - 4);
    TRY_STORE("sd", RAM_END - 4, UINT64_C(0x1122334455667788));
    CHECK_TRAP(10, 7, RAM_END);
    CHECK(11, *last == 0x55667788);
    TRY_LOAD("ld", RAM_END - 4);
    CHECK_TRAP(12, 5, RAM_END);
}

static void t083_clint(void) // T083
{
    TRY_LOAD("ld", 0x200bffc);
    CHECK_TRAP(15, 5, 0x200c000);
    TRY_LOAD("ld", 0x2003ffc);
    CHECK_NO_TRAP(16);
    TRY_LOAD("lw", MSIP + 1);
    CHECK_TRAP(17, 5, MSIP + 1);
    TRY_LOAD("lb", MSIP);
    CHECK_TRAP(18, 5, MSIP);
    TRY_LOAD("lh", MTIME);
    CHECK_TRAP(19, 5, MTIME);
    TRY_LOAD("ld", MSIP);
    CHECK_TRAP(20, 5, MSIP);
}

static void t084_rom(void) // T084
{
    uint64_t word = *(volatile uint32_t *)ROM;
    TRY_STORE("sw", ROM, ~word);
    CHECK_NO_TRAP(25);
    CHECK(26, TRY_AMO("amoswap.w", ROM, ~word) == word);
    CHECK_NO_TRAP(26);
    CHECK(27, *(volatile uint32_t *)ROM == word);
}

static void t085_atomics(void) // T085
{
    static const uint64_t odd[] = {MSIP + 2, HOLE + 2, ROM + 1};
    CHECK(30, TRY_AMO("amoor.w", MSIP, 1) == 0);
    CHECK(31, CSR_READ(mip) >> 3 & 1);
    CHECK(32, TRY_AMO("amoswap.w", MSIP, 0) == 1);
    CHECK(33, !(CSR_READ(mip) >> 3 & 1));
    TRY_AMO("amoswap.d", MSIP, 1);
    CHECK_TRAP(34, 7, MSIP);
    for (unsigned i = 0; i < sizeof odd / sizeof *odd; i++) {
        TRY_AMO("amoadd.w", odd[i], 1);
        CHECK_TRAP(35, 6, odd[i]);
        TRY_AMO("sc.w", odd[i], 1);
        CHECK_TRAP(36, 6, odd[i]);
        TRY("lr.w %0, (%2)", 0, odd[i], 0);
        CHECK_TRAP(37, 4, odd[i]);
    }
}

// --- with page tables --------------------------------------------------------------------------------------
static Space space;

static uint64_t probe(unsigned what, uint64_t va, uint64_t value)
{
    return run_in(MODE_S, CODE_VA + what, va, value);
}

static void begin(void)
{
    space_reset();
    space = space_new(SV39, 0);
    space_map(&space, CODE_VA, (uint64_t)probe_page, PTE_V | PTE_X | PTE_AD, 0);
    space_enter(&space);
    __asm__ volatile("sfence.vma" ::: "memory");
}

static int faulted(uint64_t cause, uint64_t tval)
{
    return trap_info.cause == cause && trap_info.tval == tval;
}

static void t082_unmapped_second_page(void) // T082
{
    space_map(&space, AREA, (uint64_t)pages[0], RW, 0);
    pages[0][511] = 7;
    probe(PROBE_STORE, AREA + 0xffc, -1);
    CHECK(40, faulted(15, AREA + 0x1000) && pages[0][511] == 7);
    probe(PROBE_LOAD, AREA + 0xffd, 0);
    CHECK(41, faulted(13, AREA + 0x1000));
}

// A table that is nowhere, and one in the ROM, whose words have V clear or name reserved things.
static void t086_table_not_in_ram(void) // T086
{
    static const struct {
        unsigned what;
        uint64_t access, page;
    } kinds[] = {{PROBE_LOAD, 5, 13}, {PROBE_STORE, 7, 15}, {PROBE_FETCH, 1, 12}, {PROBE_AMO, 7, 15}};
    uint64_t hole = AREA + 0x200000, rom = AREA + 0x400000 + 0x100000; // entry 0x100 of the ROM's page is 0
    *space_entry(&space, hole, 1) = HOLE >> 12 << 10 | PTE_V;
    *space_entry(&space, rom, 1) = ROM >> 12 << 10 | PTE_V;
    __asm__ volatile("sfence.vma" ::: "memory");
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        probe(kinds[i].what, hole + 0x5128, 0);
        CHECK(45, faulted(kinds[i].access, hole + 0x5128));
        probe(kinds[i].what, rom + 8, 0);
        CHECK(46, faulted(kinds[i].page, rom + 8));
    }
}

// A table in a device: what it answers is the entry. In the CLINT: mtimecmp takes double words, msip does not.
static void t086_table_in_clint(void) // T086
{
    uint64_t timer = AREA + 0x600000, software = AREA + 0x800000;
    *space_entry(&space, timer, 1) = (MSIP + 0x4000) >> 12 << 10 | PTE_V;
    *space_entry(&space, software, 1) = MSIP >> 12 << 10 | PTE_V;
    *(volatile uint64_t *)(MSIP + 0x4000) = (uint64_t)pages[4] >> 12 << 10 | PTE_V | PTE_R | PTE_AD;
    __asm__ volatile("sfence.vma" ::: "memory");
    pages[4][3] = 0x4444;
    CHECK(47, probe(PROBE_LOAD, timer + 24, 0) == 0x4444 && trap_info.cause == 9);
    probe(PROBE_STORE, timer + 24, 0);
    CHECK(48, faulted(15, timer + 24));
    probe(PROBE_LOAD, software + 24, 0);
    CHECK(49, faulted(5, software + 24));
    *(volatile uint64_t *)(MSIP + 0x4000) = -1;
}

// A and D: set by hardware or asked of software; both names of a page show what is written through one.
static void t087_accessed_and_dirty(void) // T087
{
    uint64_t one = AREA + 0x10000, two = AREA + 0x11000;
    uint64_t *pte = space_map(&space, one, (uint64_t)pages[1], PTE_V | PTE_R | PTE_W, 0);
    space_map(&space, two, (uint64_t)pages[1], RW, 0);
    __asm__ volatile("sfence.vma" ::: "memory");
    probe(PROBE_STORE, one + 8, 0x1234);
    if (trap_info.cause == 15) { // Svade
        CHECK(50, trap_info.tval == one + 8 && !(*pte & PTE_AD));
        *pte |= PTE_AD;
        probe(PROBE_STORE, one + 8, 0x1234);
    }
    CHECK(51, trap_info.cause == 9 && (*pte & PTE_AD) == PTE_AD);
    CHECK(52, probe(PROBE_LOAD, two + 8, 0) == 0x1234);
    probe(PROBE_STORE, two + 8, 0x4321);
    CHECK(53, probe(PROBE_LOAD, one + 8, 0) == 0x4321);
    // A leaf in the ROM cannot be marked. The magic number of the firmware's block, "OSBI", is one: readable and
    // writable, A set, D clear, for a page that is not there.
    uint64_t rom = AREA + 0x400000 + 0x5000 + 0x18;
    probe(PROBE_STORE, rom, 0);
    CHECK(54, faulted(15, rom));
    probe(PROBE_LOAD, rom, 0);
    CHECK(55, faulted(5, rom));
}

static void t088_remap(void) // T088
{
    uint64_t va = AREA + 0x20000;
    pages[2][0] = 2;
    pages[3][0] = 3;
    space_map(&space, va, (uint64_t)pages[2], RW, 0);
    __asm__ volatile("sfence.vma %0" ::"r"(va) : "memory");
    for (unsigned i = 0; i < 10; i++) {
        CHECK(60, probe(PROBE_LOAD, va, 0) == 2 + (i & 1));
        space_map(&space, va, (uint64_t)pages[2 + !(i & 1)], RW, 0);
        __asm__ volatile("sfence.vma %0" ::"r"(va) : "memory");
    }
    // From invalid to valid: without a fence either the old answer or the new one.
    uint64_t fresh = va + 0x1000;
    probe(PROBE_LOAD, fresh, 0);
    CHECK(61, faulted(13, fresh));
    space_map(&space, fresh, (uint64_t)pages[3], RW, 0);
    uint64_t got = probe(PROBE_LOAD, fresh, 0);
    CHECK(62, faulted(13, fresh) || (trap_info.cause == 9 && got == 3));
    __asm__ volatile("sfence.vma" ::: "memory");
    CHECK(63, probe(PROBE_LOAD, fresh, 0) == 3);
}

static void t089_fetch_from_device(void) // T089
{
    TRY("jr %2", 0, MSIP, 0);
    CHECK(70, trap_info.cause == 1 && trap_info.tval == MSIP);
    TRY("jr %2", 0, MTIME, 0);
    CHECK(71, trap_info.cause == 1 && trap_info.tval == MTIME);
}

// The registers lie in a page of RAM: all but their bytes is RAM, for data and for code.
static void t090_tohost_page(void) // T090
{
    uint8_t *page = (uint8_t *)((uint64_t)&tohost & ~UINT64_C(4095));
    volatile uint64_t *words = (uint64_t *)(page + 0x200);
    uint32_t *code = (uint32_t *)(page + 0x100);
    for (unsigned i = 0; i < 64; i++)
        words[i] = i * UINT64_C(0x0102030405060708);
    for (unsigned i = 0; i < 64; i++)
        CHECK(80, words[i] == i * UINT64_C(0x0102030405060708));
    for (unsigned i = 0; i < 300; i++) {
        code[0] = LI_A0(i);
        code[1] = RET;
        __asm__ volatile("fence.i" ::: "memory");
        CHECK(81, ((Function *)code)() == (long)i);
    }
    CHECK(82, TRY_AMO("amoadd.d", (uint64_t)&words[1], 1) == UINT64_C(0x0102030405060708));
    CHECK(83, words[1] == UINT64_C(0x0102030405060709));
}

int main(void)
{
    rt_allow_all();
    t080_unassigned();
    t081_end_of_ram();
    t083_clint();
    t084_rom();
    t085_atomics();
    begin();
    t082_unmapped_second_page();
    t086_table_not_in_ram();
    t086_table_in_clint();
    t087_accessed_and_dirty();
    CSR_SET(0x30a, UINT64_C(1) << 61); // menvcfg.ADUE: by hardware from now on, if the hart has Svadu
    t087_accessed_and_dirty();
    t088_remap();
    t089_fetch_from_device();
    t090_tohost_page();
    printf("memory: all checks passed\n");
    return 0;
}
