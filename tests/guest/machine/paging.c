// SPDX-License-Identifier: GPL-3.0-or-later
// Sv39, Sv48 and Sv57: every kind of access by S-mode and U-mode code through page tables (priv. spec 4.3 to 4.5).
#include "paging.h"
#include <string.h>

#define CODE_VA UINT64_C(0x10000) // the probes
#define AREA UINT64_C(0x40000000)

enum { LOAD, STORE, FETCH, AMO };
static const uint64_t probe_at[] = {PROBE_LOAD, PROBE_STORE, PROBE_FETCH, PROBE_AMO};
static const uint64_t page_cause[] = {13, 15, 12, 15};

static Space space;

static uint64_t code_va(unsigned mode)
{
    return CODE_VA + (mode == MODE_U ? 0x1000 : 0);
}

// A space of that satp mode with the probes in it, once for each privilege.
static void begin(unsigned mode, unsigned asid)
{
    space = space_new(mode, asid);
    space_map(&space, code_va(MODE_S), (uint64_t)probe_page, PTE_V | PTE_X | PTE_AD, 0);
    space_map(&space, code_va(MODE_U), (uint64_t)probe_page, PTE_V | PTE_X | PTE_U | PTE_AD, 0);
    space_enter(&space);
    CHECK(1, CSR_READ(satp) >> 60 == mode);
    __asm__ volatile("sfence.vma" ::: "memory");
}

static void sfence(uint64_t va)
{
    __asm__ volatile("sfence.vma %0" ::"r"(va) : "memory");
}

static uint64_t probe(unsigned priv, unsigned what, uint64_t va, uint64_t value)
{
    return run_in(priv, code_va(priv) + probe_at[what], va, value);
}

// Did the last probe fault as a page fault of its kind at va? QEMU 7.2 calls that of an AMO one of a load
// (tests/exec/sv.cases is exact about it).
static int faulted(unsigned what, uint64_t va)
{
    int as_load = what == AMO && trap_info.cause == 13;
    return (trap_info.cause == page_cause[what] || as_load) && trap_info.tval == va;
}

// Did it reach its ecall? For a fetch, that of the page fetched from.
static int worked(unsigned priv, unsigned what, uint64_t va)
{
    return trap_info.cause == 8 + priv && trap_info.epc == (what == FETCH ? va : code_va(priv) + probe_at[what] + 4);
}

static int may(unsigned flags, unsigned priv, unsigned what, uint64_t status)
{
    if ((flags & PTE_W) && !(flags & PTE_R))
        return 0;
    if (!(flags & (PTE_R | PTE_W | PTE_X)))
        return 0; // a pointer at the last level
    if (priv == MODE_U ? !(flags & PTE_U) : (flags & PTE_U) && (what == FETCH || !(status & MSTATUS_SUM)))
        return 0;
    if (what == LOAD)
        return (flags & PTE_R) || ((flags & PTE_X) && (status & MSTATUS_MXR));
    return what == FETCH ? flags & PTE_X : flags & PTE_W;
}

// Every R W X U by every access of every mode, with SUM and MXR.
static void check_permissions(void)
{
    uint64_t va = AREA;
    pages[0][8] = 0x00000073; // ecall
    for (unsigned flags = 0; flags < 32; flags += 2) {
        space_map(&space, va, (uint64_t)pages[0], flags | PTE_V | PTE_AD, 0);
        sfence(va);
        for (unsigned n = 0; n < 32; n++) {
            unsigned priv = n & 1, what = n >> 1 & 3;
            uint64_t status = (n & 8 ? MSTATUS_SUM : 0) | (n & 16 ? MSTATUS_MXR : 0);
            CSR_CLEAR(mstatus, MSTATUS_SUM | MSTATUS_MXR);
            CSR_SET(mstatus, status);
            probe(priv, what, va + 64, 0x73);
            if (may(flags, priv, what, status))
                CHECK(10 + what, worked(priv, what, va + 64));
            else
                CHECK(20 + what, faulted(what, va + 64));
            pages[0][8] = 0x73;
        }
    }
    CSR_CLEAR(mstatus, MSTATUS_SUM | MSTATUS_MXR);
}

// A clear A or D bit either faults (Svade) or gets set (Svadu, and QEMU 7.2): never anything else.
static void check_accessed_dirty(void)
{
    uint64_t va = AREA + 0x1000;
    for (unsigned n = 0; n < 16; n++) {
        unsigned what = n & 3, have = (n & 4 ? PTE_A : 0) | (n & 8 ? PTE_D : 0);
        unsigned want = what == STORE || what == AMO ? PTE_AD : PTE_A;
        uint64_t *pte = space_map(&space, va, (uint64_t)pages[0], PTE_V | PTE_R | PTE_W | PTE_X | have, 0);
        uint64_t before = *pte;
        sfence(va);
        probe(MODE_S, what, va + 64, 0x73);
        pages[0][8] = 0x73;
        if (faulted(what, va + 64))
            CHECK(30, *pte == before && (have & want) != want);
        else
            CHECK(31, worked(MODE_S, what, va + 64) && *pte == (before | want));
    }
}

static void check_malformed(void)
{
    uint64_t va = AREA + 0x2000, good = PTE_V | PTE_R | PTE_W | PTE_X | PTE_AD;
    for (unsigned bit = 54; bit < 64; bit++) {
        uint64_t *pte = space_map(&space, va, (uint64_t)pages[0], good, 0);
        *pte |= UINT64_C(1) << bit; // reserved, PBMT without menvcfg.PBMTE, N with a wrong page number
        for (unsigned what = LOAD; what <= AMO; what++) {
            sfence(va);
            probe(MODE_S, what, va + 64, 1);
            CHECK(35, faulted(what, va + 64));
        }
    }
    for (unsigned bit = 4; bit < 8; bit++) { // U, A and D are not for pointers; G is
        uint64_t *pte = space_entry(&space, va, 1);
        uint64_t pointer = *pte;
        space_map(&space, va, (uint64_t)pages[0], good, 0);
        *pte = pointer | 1u << bit;
        __asm__ volatile("sfence.vma" ::: "memory");
        probe(MODE_S, LOAD, va, 0);
        CHECK(36, 1u << bit == PTE_G ? worked(MODE_S, LOAD, va) : faulted(LOAD, va));
        *pte = pointer;
        __asm__ volatile("sfence.vma" ::: "memory");
    }
}

static void check_canonical(void)
{
    unsigned top = 12 + 9 * space_levels(&space) - 1;
    uint64_t high = -(UINT64_C(1) << top) + 0x5000;
    space_map(&space, high, (uint64_t)pages[1], PTE_V | PTE_R | PTE_W | PTE_AD, 0);
    pages[1][0] = 0x1234;
    CHECK(40, probe(MODE_S, LOAD, high, 0) == 0x1234);
    for (unsigned bit = top + 1; bit < 64; bit++) {
        probe(MODE_S, LOAD, high ^ UINT64_C(1) << bit, 0);
        CHECK(41, faulted(LOAD, high ^ UINT64_C(1) << bit));
        probe(MODE_S, STORE, (AREA + 64) | UINT64_C(1) << bit, 0);
        CHECK(42, faulted(STORE, (AREA + 64) | UINT64_C(1) << bit));
    }
}

// Large pages of every size: alignment, and a fence anywhere in one is for all of it.
static void check_large(void)
{
    uint64_t ram = (uint64_t)pages, flags = PTE_V | PTE_R | PTE_W | PTE_AD;
    for (unsigned level = 1; level < space_levels(&space); level++) {
        uint64_t size = UINT64_C(1) << (12 + 9 * level), va = level == 1 ? AREA + 0x4000000 : 3 * size;
        uint64_t pa = ram & -size;
        if (level == space_levels(&space) - 1 && level > 2)
            va = 3 * size;
        for (unsigned bit = 0; bit < 9 * level; bit += 3) {
            space_map(&space, va, pa ^ (UINT64_C(0x1000) << bit), flags, level);
            sfence(va);
            probe(MODE_S, LOAD, va, 0);
            CHECK(45, ((pa >> 12 >> bit & 1) ? worked(MODE_S, LOAD, va) : faulted(LOAD, va)));
        }
        space_map(&space, va, pa, flags, level);
        __asm__ volatile("sfence.vma" ::: "memory");
        for (unsigned i = 0; i < PAGES; i++) {
            pages[i][3] = 100 * level + i;
            CHECK(46, probe(MODE_S, LOAD, va + (uint64_t)&pages[i][3] - pa, 0) == 100 * level + i);
        }
        space_map(&space, va, pa, flags & ~PTE_W, level);
        sfence(va + size - 1);
        for (unsigned i = 0; i < PAGES; i++) {
            uint64_t at = va + (uint64_t)&pages[i][3] - pa;
            probe(MODE_S, STORE, at, 7);
            CHECK(47, faulted(STORE, at));
        }
        space_map(&space, va, 0, 0, level);
        sfence(va + (uint64_t)pages - pa);
        for (unsigned i = 0; i < PAGES; i++) {
            uint64_t at = va + (uint64_t)&pages[i][3] - pa;
            probe(MODE_S, LOAD, at, 0);
            CHECK(48, faulted(LOAD, at));
        }
    }
}

// M-mode data accesses with MPRV go by MPP's rules.
static void check_mprv(void)
{
    uint64_t va = AREA + 0x3000;
    pages[2][0] = 0xabcd;
    space_map(&space, va, (uint64_t)pages[2], PTE_V | PTE_R | PTE_U | PTE_AD, 0);
    sfence(va);
    for (unsigned n = 0; n < 4; n++) {
        unsigned mpp = n & 1;
        uint64_t sum = n & 2 ? MSTATUS_SUM : 0;
        CSR_CLEAR(mstatus, MSTATUS_MPP | MSTATUS_SUM);
        CSR_SET(mstatus, sum | (uint64_t)mpp << 11);
        uint64_t got = TRY("csrs mstatus, %3\n\tld %0, 0(%2)\n\tcsrc mstatus, %3", 0, va, MSTATUS_MPRV);
        CSR_CLEAR(mstatus, MSTATUS_MPRV);
        if (mpp == MODE_U || sum)
            CHECK(50, trap_info.cause == NO_TRAP && got == 0xabcd);
        else
            CHECK(51, trap_info.cause == 13 && trap_info.tval == va);
    }
    CSR_CLEAR(mstatus, MSTATUS_SUM);
}

// Accesses that lie over two pages: nothing happens unless both allow it.
static void check_straddling(void)
{
    uint64_t va = AREA + 0x8000, at = va + 0xffc;
    unsigned rw = PTE_V | PTE_R | PTE_W | PTE_AD;
    for (unsigned n = 0; n < 4; n++) {
        space_map(&space, va, (uint64_t)pages[3], n & 1 ? rw : 0, 0);
        space_map(&space, va + 0x1000, (uint64_t)pages[5], n & 2 ? rw : 0, 0);
        __asm__ volatile("sfence.vma" ::: "memory");
        pages[3][511] = pages[5][0] = 0;
        probe(MODE_S, STORE, at, UINT64_C(0x1122334455667788));
        if (n == 3) {
            CHECK(55, pages[3][511] == UINT64_C(0x5566778800000000) && pages[5][0] == 0x11223344);
            CHECK(56, probe(MODE_S, LOAD, at, 0) == UINT64_C(0x1122334455667788));
        } else {
            CHECK(57, faulted(STORE, n & 1 ? va + 0x1000 : at) && pages[3][511] == 0 && pages[5][0] == 0);
        }
    }
}

int main(void)
{
    rt_allow_all();
    for (unsigned mode = SV39; mode <= SV57; mode++) {
        space_reset();
        begin(mode, mode);
        check_permissions();
        check_accessed_dirty();
        check_malformed();
        check_canonical();
        check_large();
        check_mprv();
        check_straddling();
    }
    printf("paging: all checks passed\n");
    return 0;
}
