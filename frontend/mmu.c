// SPDX-License-Identifier: GPL-3.0-or-later
// Virtual memory: Bare, Sv39, Sv48 and Sv57 (privileged spec 4.3 to 4.5), Svnapot (ch. 5), Svpbmt (ch. 6), Svade and
// Svadu.
//
// The walk is that of 4.3.2. An entry faults (page fault of the kind of the access) when it is invalid, W without R,
// has a reserved bit set, is a pointer with D, A or U or at the last level, or is a leaf that the privilege may not
// use this way or whose page number is not aligned to its size. A page-table entry that PMP refuses to S-mode, or that
// is not RAM, gives an access fault of the kind of the access.
#include "frontend/pte.h"
#include "frontend/trap.h"
#include "util/bits.h"

#define PTE_RESERVED   (UINT64_C(0x7f) << 54) // bits 60:54
#define PTE_PBMT_SHIFT 61
#define PTE_PBMT       (UINT64_C(3) << PTE_PBMT_SHIFT)

#define SPACE_MXR       (UINT64_C(1) << 62) // 0 in the satp of every mode there is

typedef struct {
    const Hart *hart;
    uint64_t va;
    MemAccess access;
    unsigned mmu;
    uint64_t pte, pte_addr; // the entry looked at
    unsigned level;
    bool global; // the leaf, or a pointer on the way to it, has G (4.3.1)
    bool debug;  // any leaf will do, PMP as well, and nothing is marked
    MemFault *fault;
} Walk;

uint64_t hart_space(const Hart *hart)
{
    return hart->satp | (hart->mstatus & MSTATUS_MXR ? SPACE_MXR : 0);
}

uint16_t hart_asid(const Hart *hart)
{
    return (uint16_t)(hart->satp >> SATP_ASID_SHIFT);
}

bool hart_fetch_paged(const Hart *hart)
{
    return hart->priv != PRV_M && hart->satp >> SATP_MODE_SHIFT;
}

static bool refuse(Walk *w, FaultKind kind)
{
    *w->fault = (MemFault){kind, w->access, w->va};
    return false;
}

// May the walk itself access the entry that way? It counts as an access of S-mode (3.7.2).
static bool pte_permitted(const Walk *w, MemAccess access)
{
    bool whole;
    return w->debug || hart_pmp_allows(w->hart, w->pte_addr, 8, access, PRV_S, &whole);
}

static bool is_pointer(uint64_t pte)
{
    return !(pte & (PTE_R | PTE_W | PTE_X));
}

// What is wrong with an entry whatever the access.
static bool well_formed(const Walk *w)
{
    const Hart *hart = w->hart;
    uint64_t pte = w->pte, pbmt = (pte & PTE_PBMT) >> PTE_PBMT_SHIFT;
    if (!(pte & PTE_V) || ((pte & PTE_W) && !(pte & PTE_R)) || (pte & PTE_RESERVED))
        return false;
    if (pbmt && (pbmt == 3 || !(hart->menvcfg & MENVCFG_PBMTE)))
        return false;
    if (is_pointer(pte))
        return w->level > 0 && !(pte & (PTE_D | PTE_A | PTE_U | PTE_PBMT | PTE_N));
    uint64_t ppn = bits_get(pte, PTE_PPN_SHIFT, PTE_PPN_BITS);
    if (pte & PTE_N)
        return hart->features.svnapot && w->level == 0 && (ppn & 0xf) == 8;
    return (ppn & ((UINT64_C(1) << 9 * w->level) - 1)) == 0;
}

// Do a leaf's R, W, X and U allow an access of this kind under this MMU index (4.3.1)? D is not looked at.
static bool leaf_permits(const Hart *hart, uint64_t pte, MemAccess access, unsigned mmu)
{
    bool user = pte & PTE_U;
    if (mmu == 0 ? !user : user && (mmu == 1 || access == ACCESS_FETCH))
        return false;
    switch (access) {
    case ACCESS_READ:
        return (pte & PTE_R) || ((hart->mstatus & MSTATUS_MXR) && (pte & PTE_X));
    case ACCESS_WRITE:
        return pte & PTE_W;
    default:
        return pte & PTE_X;
    }
}

// Reads the entry at w->pte_addr. False: *fault.
static bool load_pte(Walk *w)
{
    const HartHooks *hooks = &w->hart->hooks;
    bool (*load)(void *, uint64_t, uint64_t *) = w->debug && hooks->pte_peek ? hooks->pte_peek : hooks->pte_load;
    if (!pte_permitted(w, ACCESS_READ) || !load || !load(hooks->opaque, w->pte_addr, &w->pte))
        return refuse(w, FAULT_ACCESS);
    return true;
}

// Goes down to a leaf that permits the access. False: *fault.
static bool find_leaf(Walk *w, unsigned levels)
{
    uint64_t table = bits_get(w->hart->satp, 0, PTE_PPN_BITS) << PAGE_BITS;
    for (w->level = levels; w->level-- > 0;) {
        w->pte_addr = table + 8 * bits_get(w->va, PAGE_BITS + 9 * w->level, 9);
        if (!load_pte(w))
            return false;
        if (!well_formed(w))
            return refuse(w, FAULT_PAGE);
        w->global |= (w->pte & PTE_G) != 0;
        if (!is_pointer(w->pte))
            return w->debug || leaf_permits(w->hart, w->pte, w->access, w->mmu) || refuse(w, FAULT_PAGE);
        table = bits_get(w->pte, PTE_PPN_SHIFT, PTE_PPN_BITS) << PAGE_BITS;
    }
    return refuse(w, FAULT_PAGE); // not reached: a pointer at level 0 is not well formed
}

// Step 7: A, and D for a write, must be set or are set here. *again: the entry changed meanwhile.
static bool mark_used(Walk *w, bool *again)
{
    const HartHooks *hooks = &w->hart->hooks;
    uint64_t want = PTE_A | (w->access == ACCESS_WRITE ? PTE_D : 0), seen;
    *again = false;
    if (w->debug || (w->pte & want) == want)
        return true;
    if (!(w->hart->menvcfg & MENVCFG_ADUE))
        return refuse(w, FAULT_PAGE);
    if (!pte_permitted(w, ACCESS_WRITE))
        return refuse(w, FAULT_ACCESS);
    // What is in ROM or in a device cannot be marked (memory/spec.md R2.31).
    if (!hooks->pte_swap || !hooks->pte_swap(hooks->opaque, w->pte_addr, w->pte, w->pte | want, &seen))
        return refuse(w, FAULT_PAGE);
    *again = seen != w->pte;
    w->pte |= want;
    return true;
}

// The physical address of w->va, and what the leaf also permits. False: *fault.
static bool walk(Walk *w, unsigned levels, uint64_t *pa, HartPage *out)
{
    bool again;
    if ((uint64_t)bits_sext(w->va, PAGE_BITS + 9 * levels) != w->va)
        return refuse(w, FAULT_PAGE);
    do {
        w->global = false;
        if (!find_leaf(w, levels) || !mark_used(w, &again))
            return false;
    } while (again);
    unsigned bits = w->pte & PTE_N ? NAPOT_BITS : PAGE_BITS + 9 * w->level;
    uint64_t mask = (UINT64_C(1) << bits) - 1;
    *pa = (bits_get(w->pte, PTE_PPN_SHIFT, PTE_PPN_BITS) << PAGE_BITS & ~mask) | (w->va & mask);
    for (unsigned k = 0; k < ACCESS_KINDS; k++)
        out->allow[k] = leaf_permits(w->hart, w->pte, k, w->mmu) && (k != ACCESS_WRITE || (w->pte & PTE_D));
    out->large_bits = bits > PAGE_BITS ? (uint8_t)bits : 0;
    out->global = w->global;
    return true;
}

// Pages mapped by the same page-table entry, of 2^bits bytes, and under the same PMP entry.
static void find_same(const Hart *hart, uint64_t pa, unsigned bits, HartPage *out)
{
    uint64_t mask = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;
    uint64_t page = pa & PAGE_MASK, first = pa & ~mask, last = pa | mask;
    hart_pmp_same(hart, page, &first, &last);
    out->same_before = (page - first) & PAGE_MASK;
    out->same_after = (last - page + 1 - PAGE_SIZE) & PAGE_MASK; // also if last + 1 is 2^64
}

bool hart_translate(const Hart *hart, uint64_t va, unsigned size, MemAccess access, unsigned mmu, HartPage *out,
                    MemFault *fault)
{
    static const uint8_t privs[] = {PRV_U, PRV_S, PRV_S, PRV_M};
    unsigned levels = mmu == 3 ? 0 : satp_levels(hart->satp);
    uint64_t pa = va;
    *out = (HartPage){.allow = {true, true, true}};
    if (levels) {
        Walk w = {.hart = hart, .va = va, .access = access, .mmu = mmu, .fault = fault};
        if (!walk(&w, levels, &pa, out))
            return false;
    }
    bool whole = true;
    if (!hart_pmp_allows(hart, pa, size, access, privs[mmu], &whole)) {
        *fault = (MemFault){FAULT_ACCESS, access, va};
        return false;
    }
    out->page = pa & PAGE_MASK;
    for (unsigned k = 0; k < ACCESS_KINDS; k++) {
        if (k != access)
            out->allow[k] =
                out->allow[k] && whole && hart_pmp_allows(hart, out->page, PAGE_SIZE, k, privs[mmu], &whole);
    }
    out->whole_page = whole;
    if (whole)
        find_same(hart, pa, levels ? MAX(out->large_bits, PAGE_BITS) : 64, out);
    return true;
}

bool hart_debug_translate(const Hart *hart, uint64_t va, unsigned mmu, uint64_t *pa)
{
    unsigned levels = mmu == 3 ? 0 : satp_levels(hart->satp);
    MemFault fault;
    HartPage page;
    Walk w = {.hart = hart, .va = va, .access = ACCESS_READ, .mmu = mmu, .debug = true, .fault = &fault};
    *pa = va;
    return !levels || walk(&w, levels, pa, &page);
}
