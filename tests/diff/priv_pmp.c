// SPDX-License-Identifier: GPL-3.0-or-later
// PMP entries of privileged programs (privileged spec 3.7). Entry 0 opens the image, entry 15 everything; those between
// are random and lie over data pages, code pages and page tables of windows.
#include "tests/diff/priv.h"

enum { PMP_R = 1, PMP_W = 2, PMP_X = 4, PMP_TOR = 1 << 3, PMP_NA4 = 2 << 3, PMP_NAPOT = 3 << 3, PMP_L = 0x80 };

void pmp_emit_start(Priv *g)
{
    Asm *a = &g->p.asm_;
    load_int64(a, 5, IMAGE_BASE >> 2 | (0x200000 / 8 - 1));
    csr(a, INSN_CSRRW, 0, PMPADDR0, 5);
    load_int64(a, 5, (UINT64_C(1) << 54) - 1);
    csr(a, INSN_CSRRW, 0, PMPADDR0 + 15, 5);
    load_int64(a, 5, PMP_NAPOT | PMP_R | PMP_W | PMP_X);
    csr(a, INSN_CSRRW, 0, PMPCFG0, 5);
    op_i(a, INSN_SLLI, 5, 5, 56);
    csr(a, INSN_CSRRW, 0, PMPCFG0 + 2, 5);
}

// The byte of entry i := cfg. Destroys x5 and TEMP.
static void set_cfg(Asm *a, unsigned i, unsigned cfg)
{
    unsigned number = PMPCFG0 + (i < 8 ? 0 : 2), shift = 8 * (i & 7);
    load_int64(a, 5, UINT64_C(0xff) << shift);
    csr(a, INSN_CSRRS, TEMP, number, 0);
    op_r(a, INSN_ANDN, TEMP, TEMP, 5);
    load_int64(a, 5, (uint64_t)cfg << shift);
    op_r(a, INSN_OR, TEMP, TEMP, 5);
    csr(a, INSN_CSRRW, 0, number, TEMP);
}

static void set_addr(Asm *a, unsigned i, uint64_t value)
{
    load_int64(a, 5, value);
    csr(a, INSN_CSRRW, 0, PMPADDR0 + i, 5);
    csr(a, INSN_CSRRS, 5, PMPADDR0 + i + 1, 0); // rule pmp-tor
    csr(a, INSN_CSRRW, 0, PMPADDR0 + i + 1, 5);
}

// W without R is reserved (rule pmp-w).
static unsigned some_permissions(Asm *a)
{
    static const uint8_t all[] = {0, PMP_R, PMP_X, PMP_R | PMP_W, PMP_R | PMP_X, PMP_R | PMP_W | PMP_X};
    return all[below(a, G_N_ELEMENTS(all))];
}

// Over code only whole pages (rule pmp-fetch), over tables too, and there W goes with R (rule pmp-ad).
void item_pmp(Priv *g)
{
    Asm *a = &g->p.asm_;
    unsigned i = 2 + below(a, 13), target = below(a, 8), cfg = some_permissions(a);
    bool data = target < 4, table = target == 7;
    uint64_t base = data ? DATA_PAGES + (below(a, 4096 * PAGES) & ~7u) : CODE_PAGES + 4096 * below(a, PAGES);
    if (table) {
        base = TABLE_PAGES + 4096 * below(a, 120);
        cfg = g->p.portable && (cfg & PMP_R) ? cfg | PMP_W : cfg;
    }
    if (!table && one_in(a, 3)) {
        uint64_t size = data ? 4 + 4 * below(a, 2048) : 4096 + 4096 * below(a, 4);
        set_cfg(a, i - 1, 0);
        set_addr(a, i - 1, base >> 2);
        set_addr(a, i, (base + size) >> 2);
        cfg |= PMP_TOR;
    } else if (data && one_in(a, 4)) {
        set_addr(a, i, base >> 2);
        cfg |= PMP_NA4;
    } else {
        unsigned size = data ? 3 + below(a, 12) : 12; // log2
        set_addr(a, i, (base >> size << size) >> 2 | ((UINT64_C(1) << (size - 3)) - 1));
        cfg |= PMP_NAPOT;
    }
    if (one_in(a, 3))
        cfg = 0;
    else if (data && one_in(a, 4)) // what the final hash reads
        cfg |= PMP_L | PMP_R;
    set_cfg(a, i, cfg);
    op_r(a, INSN_SFENCE_VMA, 0, 0, 0); // 3.7.2
    if (!data)
        return;
    load_int64(a, TEMP, base); // which M-mode may not do if the entry is locked
    if (one_in(a, 2))
        op_i(a, INSN_LW, some_rd(&g->p), TEMP, 0);
    else
        op_store(a, INSN_SW, some_rs(&g->p), TEMP, 0);
}
