// SPDX-License-Identifier: GPL-3.0-or-later
// Page tables of privileged programs, and what they map: code and data pages.
//
// Each of Sv39, Sv48 and Sv57 has two root tables. A root maps the image with one large page for S-mode, with another,
// USER_OFFSET higher, for U-mode, and has four windows with tables of their own, from which all variety comes. Window 0
// is global and the same under both roots. A root has two ASIDs that no other root has.
#include "tests/diff/priv.h"

enum { PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_U = 16, PTE_G = 32, PTE_A = 64, PTE_D = 128 };
#define LARGE_LEAF (PTE_V | PTE_R | PTE_X | PTE_A)
enum { TABLE_CODE, TABLE_DATA, TABLE_L1, TABLE_L2, TABLE_L3, TABLES }; // of a window; the first two are of level 0
enum { ROOT_TABLES = 4 * ROOTS * WINDOWS * TABLES, LOW_L2 = ROOT_TABLES + 8, LOW_L3 };

#define STAGING    (DATA_BASE + 0x4000)
#define STAGED     512 // bytes of each code page: half at its start, half at its end
#define CODE_INDEX 1   // of the level 1 entry that leads to the code pages
#define DATA_INDEX 2

static uint64_t table_page(unsigned n)
{
    return TABLE_PAGES + UINT64_C(4096) * n;
}

static uint64_t root_table(int mode, unsigned root)
{
    return table_page(ROOT_TABLES + (unsigned)mode * ROOTS + root);
}

static uint64_t window_table(int mode, unsigned root, unsigned window, unsigned table)
{
    if (window == 0)
        root = 0;
    return table_page((((unsigned)(mode - 1) * ROOTS + root) * WINDOWS + window) * TABLES + table);
}

static uint64_t pointer(uint64_t table)
{
    return table >> 2 | PTE_V;
}

static uint64_t base_of_window(const Priv *g, int mode, unsigned window)
{
    unsigned shift = 21 + 9 * (unsigned)mode, sign = 64 - shift - 9;
    uint64_t va = (uint64_t)g->index[mode][window] << shift | (mode > 1 ? IMAGE_BASE : 0);
    return (uint64_t)((int64_t)(va << sign) >> sign);
}

uint64_t some_window(Priv *g)
{
    return g->mode ? base_of_window(g, g->mode, below(&g->p.asm_, WINDOWS)) : IMAGE_BASE;
}

typedef struct {
    int mode;
    unsigned root, window, level;
    bool data;      // of levels 0 and 1: the half with the data pages
    unsigned page;  // of level 0
    uint64_t addr;  // of the entry
    uint64_t child; // the table it may point at
} Place;

static void locate(const Priv *g, Place *p)
{
    unsigned top = (unsigned)p->mode + 1;
    uint64_t table = p->level == top ? root_table(p->mode, p->root)
                                     : window_table(p->mode, p->root, p->window,
                                                    p->level ? TABLE_L1 + p->level - 1 : (unsigned)p->data);
    unsigned index = p->page;
    if (p->level == 1)
        index = p->data ? DATA_INDEX : CODE_INDEX;
    else if (p->level > 1)
        index = p->level == top ? g->index[p->mode][p->window] : p->level == 2 ? 2 : 0;
    p->addr = table + 8 * index;
    p->child = window_table(p->mode, p->root, p->window, p->level > 1 ? TABLE_L1 + p->level - 2 : (unsigned)p->data);
}

// Permissions of a leaf: legal ones mostly; A and D set mostly.
static uint64_t some_permissions(Asm *a)
{
    static const uint8_t legal[] = {PTE_R, PTE_R | PTE_W, PTE_X, PTE_X, PTE_R | PTE_X, PTE_R | PTE_W | PTE_X};
    uint64_t pte = percent(a, 96) ? legal[below(a, G_N_ELEMENTS(legal))] : 2 * (uint64_t)below(a, 8);
    if (percent(a, 50))
        pte |= PTE_R | PTE_W | PTE_X;
    pte |= (percent(a, 95) ? PTE_V : 0) | (percent(a, 50) ? PTE_U : 0);
    return pte | (percent(a, 75) ? PTE_A : 0) | (percent(a, 75) ? PTE_D : 0);
}

// Bits that make most entries invalid: reserved ones, Svnapot's and Svpbmt's. With those extensions QEMU 7.2 ignores
// the reserved ones (rule pte-reserved); PBMT = 3 is taken for valid (rule pte-pbmt).
static uint64_t some_high_bits(const Priv *g, Asm *a)
{
    unsigned kinds = g->p.portable && g->extensions ? 2 : 3;
    switch (below(a, kinds)) {
    case 0:
        return UINT64_C(1) << 63;
    case 1:
        return UINT64_C(1) << (61 + below(a, 2));
    default:
        return UINT64_C(1) << (54 + below(a, 7));
    }
}

static uint64_t some_leaf(Priv *g, const Place *p)
{
    Asm *a = &g->p.asm_;
    uint64_t base = p->data ? DATA_PAGES : CODE_PAGES;
    uint64_t ppn = p->level > 2 ? 0 : p->level == 2 ? IMAGE_BASE >> 12 : base >> 12;
    if (p->level == 0) {
        ppn += percent(a, 50) ? p->page : below(a, PAGES);
    } else if (percent(a, 20)) {
        ppn |= UINT64_C(1) << below(a, 9 * p->level);
    }
    uint64_t pte = ppn << 10 | some_permissions(a) | (uint64_t)below(a, 4) << 8;
    if (p->level && !(pte & (PTE_R | PTE_W | PTE_X))) // data pages are no table
        pte |= PTE_X;
    if (p->window == 0)
        pte |= PTE_G;
    if (g->extensions && p->level == 0 && percent(a, 10)) // 64 KiB at once; base is aligned so
        pte = (pte & 0x3ff) | (base >> 12 | 8) << 10 | UINT64_C(1) << 63;
    if (!percent(a, 4))
        return pte;
    pte |= some_high_bits(g, a);
    if (g->p.portable && pte >> 63) // rule pte-napot
        pte |= PTE_A | PTE_D;
    return pte;
}

static uint64_t some_entry(Priv *g, const Place *p)
{
    Asm *a = &g->p.asm_;
    if (p->level == 0 || percent(a, 30))
        return some_leaf(g, p);
    uint64_t pte = pointer(p->child) | (p->window == 0 && percent(a, 50) ? PTE_G : 0);
    if (percent(a, 88))
        return pte;
    static const uint8_t wrong[] = {PTE_A, PTE_D, PTE_U, PTE_W, PTE_V};
    if (percent(a, 70))
        return pte ^ wrong[below(a, G_N_ELEMENTS(wrong))];
    return pte | some_high_bits(g, a);
}

static void pair(Asm *a, uint64_t *at, uint64_t addr, uint64_t value)
{
    g_assert(*at + 24 <= STAGING);
    put64_at(a, *at, addr);
    put64_at(a, *at + 8, value);
    *at += 16;
}

static void init_window(Priv *g, uint64_t *at, Place p)
{
    Asm *a = &g->p.asm_;
    unsigned top = (unsigned)p.mode + 1;
    for (p.level = 0; p.level <= top; p.level++) {
        for (unsigned half = 0; half < (p.level < 2 ? 2 : 1); half++) {
            p.data = half;
            for (p.page = 0; p.page < (p.level ? 1 : PAGES); p.page++) {
                locate(g, &p);
                bool usual = p.level == top || (p.level && percent(a, 80)); // root entries of window 0 must be equal
                pair(a, at, p.addr, usual ? pointer(p.child) : some_entry(g, &p));
            }
        }
    }
}

void pages_init(Priv *g)
{
    Asm *a = &g->p.asm_;
    uint64_t at = PAGE_TABLE_PAIRS, leaf = IMAGE_BASE >> 2 | LARGE_LEAF;
    uint64_t low_l2 = table_page(LOW_L2), low_l3 = table_page(LOW_L3);
    pair(a, &at, low_l2 + 16, leaf | PTE_W | PTE_D);
    pair(a, &at, low_l2 + 24, leaf | PTE_U);
    pair(a, &at, low_l3, pointer(low_l2));
    for (int mode = 1; mode <= 3; mode++) {
        for (unsigned w = 0; w < WINDOWS; w++)
            g->index[mode][w] = (1 + w * 2 + below(a, 2)) * 51 + below(a, 50); // different, and not below 4
        for (unsigned r = 0; r < ROOTS; r++) {
            uint64_t root = root_table(mode, r);
            if (mode == 1) {
                pair(a, &at, root + 16, leaf | PTE_W | PTE_D);
                pair(a, &at, root + 24, leaf | PTE_U);
            } else {
                pair(a, &at, root, pointer(mode == 2 ? low_l2 : low_l3));
            }
            for (unsigned w = 0; w < WINDOWS; w++)
                init_window(g, &at, (Place){.mode = mode, .root = r, .window = w});
        }
    }
}

uint64_t some_space(Priv *g)
{
    Asm *a = &g->p.asm_;
    g->mode = percent(a, 15) ? 0 : percent(a, 60) && g->last_paged ? g->last_paged : 1 + (int)below(a, 3);
    g->root = below(a, ROOTS);
    if (!g->mode)
        return 0;
    uint64_t asid = (uint64_t)g->mode * 4 + g->root * 2 + below(a, 2);
    return (uint64_t)(g->mode + 7) << 60 | asid << 44 | root_table(g->mode, g->root) >> 12;
}

static bool may_fence(const Priv *g)
{
    return g->priv == 3 || (g->priv == 1 && !(g->status & STATUS_TVM));
}

static void fence(Priv *g, unsigned rs1, unsigned rs2)
{
    Asm *a = &g->p.asm_;
    bool inval = g->extensions && one_in(a, 3) && (may_fence(g) || !g->p.portable); // rule sinval-tval
    op_r(a, inval ? INSN_SINVAL_VMA : INSN_SFENCE_VMA, 0, rs1, rs2);
}

// Global entries of two modes may meet at one address.
void fence_after_switch(Priv *g, int last_paged)
{
    if (g->mode && last_paged && g->mode != last_paged)
        fence(g, 0, 0);
    if (g->mode)
        g->last_paged = g->mode;
}

// What the manual asks for after the change of an entry (4.2.1): all addresses if it was or is a pointer, all ASIDs for
// a global entry; else one address in the page or ASID may do.
static void fence_for(Priv *g, const Place *p, uint64_t va, bool leaf)
{
    Asm *a = &g->p.asm_;
    bool one_page = leaf && percent(a, 60), one_asid = p->window != 0 && percent(a, 40);
    if (one_page)
        load_int64(a, TEMP, va + (p->level ? 4096 * below(a, PAGES) : 0) + below(a, 4096));
    for (unsigned k = 0; k < (one_asid ? 2 : 1); k++) {
        if (one_asid)
            load_int32(a, 5, (int32_t)((unsigned)p->mode * 4 + p->root * 2 + k));
        fence(g, one_page ? TEMP : 0, one_asid ? 5 : 0);
    }
}

static void call_at(Priv *g, uint64_t va)
{
    Asm *a = &g->p.asm_;
    load_int64(a, TEMP, va);
    op_i(a, INSN_JALR, RA, TEMP, 0);
}

// Uses the page that a change of an entry concerns.
static void touch(Priv *g, const Place *p, uint64_t va)
{
    Asm *a = &g->p.asm_;
    if (p->data) {
        access_window(g, va + 8 * below(a, 512), 1 + below(a, 2));
    } else if (g->priv < 3) {
        unsigned function;
        do
            function = g->function[below(a, g->functions)];
        while (function / 4096 != p->page);
        call_at(g, va + function % 4096);
    }
}

static Place some_place(Priv *g)
{
    Asm *a = &g->p.asm_;
    Place p = {.mode = g->last_paged && percent(a, 80) ? g->last_paged : 1 + (int)below(a, 3)};
    p.root = g->last_paged == p.mode && percent(a, 75) ? g->root : below(a, ROOTS);
    p.window = below(a, WINDOWS);
    unsigned top = (unsigned)p.mode + 1;
    p.level = percent(a, 60) ? 0 : 1 + below(a, top);
    if (p.window == 0 && p.level == top) // the roots would differ in a global window
        p.level--;
    p.data = percent(a, 60);
    p.page = p.level ? 0 : below(a, PAGES);
    locate(g, &p);
    return p;
}

// Where there is no right to fence, nothing is changed: what is seen then is not defined.
void item_edit(Priv *g)
{
    Asm *a = &g->p.asm_;
    if (!may_fence(g))
        return;
    Place p = some_place(g);
    uint64_t offset = (p.data ? DATA_PAGES : CODE_PAGES) - IMAGE_BASE + 4096 * p.page;
    uint64_t va = base_of_window(g, p.mode, p.window) + offset;
    bool touched = p.mode == g->mode && (p.root == g->root || p.window == 0) && percent(a, 70);
    if (touched)
        touch(g, &p, va);
    bool leaf = p.level == 0 || one_in(a, 3), known_leaf = p.level == 0;
    for (unsigned n = 1 + below(a, 2); n; n--) {
        load_int64(a, TEMP, p.addr);
        load_int64(a, 5, leaf ? some_leaf(g, &p) : some_entry(g, &p));
        op_store(a, INSN_SD, 5, TEMP, 0);
        fence_for(g, &p, va, known_leaf);
        if (touched)
            touch(g, &p, va);
        known_leaf |= leaf;
    }
}

void item_fence(Priv *g)
{
    Asm *a = &g->p.asm_;
    fence(g, one_in(a, 2) ? some_rs(&g->p) : 0, one_in(a, 2) ? some_rs(&g->p) : 0);
    if (g->extensions && one_in(a, 2) && (may_fence(g) || !g->p.portable))
        op(a, one_in(a, 2) ? INSN_SFENCE_W_INVAL : INSN_SFENCE_INVAL_IR, 0, 0, 0, 0);
}

void item_satp(Priv *g)
{
    Asm *a = &g->p.asm_;
    int last = g->last_paged;
    if (!may_fence(g)) {
        csr(a, INSN_CSRRW, some_rd(&g->p), SATP, some_rs(&g->p)); // traps
        return;
    }
    load_int64(a, TEMP, some_space(g));
    csr(a, INSN_CSRRW, some_rd(&g->p), SATP, TEMP);
    fence_after_switch(g, last);
    if (g->priv == 3)
        return;
    set_windows(g);
}

// One instruction of a function in the code pages; only long ones may trap there.
static void code_insn(Priv *g)
{
    static const InsnId ops[] = {INSN_ADD, INSN_SUB, INSN_XOR, INSN_MUL, INSN_SRA, INSN_SLTU, INSN_ROR, INSN_SH2ADD};
    static const InsnId loads[] = {INSN_LB, INSN_LHU, INSN_LW, INSN_LD};
    static const InsnId stores[] = {INSN_SB, INSN_SH, INSN_SW, INSN_SD};
    Asm *a = &g->p.asm_;
    int64_t offset = 8 * (int64_t)below(a, 256);
    switch (below(a, 6)) {
    case 0:
        op_i(a, loads[below(a, 4)], some_rd(&g->p), WINDOW_REG, offset);
        break;
    case 1:
        op_store(a, stores[below(a, 4)], some_rs(&g->p), WINDOW_REG, offset);
        break;
    case 2:
        op_r(a, one_in(a, 2) ? INSN_FADD_D : INSN_FMV_D_X, below(a, 32), some_rs(&g->p), 1);
        break;
    default:
        op_r(a, ops[below(a, G_N_ELEMENTS(ops))], some_rd(&g->p), some_rs(&g->p), some_rs(&g->p));
        break;
    }
}

static uint32_t patch_insn(Priv *g)
{
    Asm *a = &g->p.asm_;
    Insn i = {.id = INSN_ADDI, .rd = (uint8_t)some_rd(&g->p), .rs1 = (uint8_t)some_rs(&g->p),
              .imm = (int64_t)below(a, 4096) - 2048};
    return insn_encode(&i, 0);
}

static void emit_function(Priv *g, unsigned page_offset, uint64_t start, uint64_t end)
{
    Asm *a = &g->p.asm_;
    g->function[g->functions++] = g->patch[g->patches++] = (uint16_t)(page_offset + (a->pc - start));
    put32(a, patch_insn(g));
    for (unsigned n = 1 + below(a, 5); n && a->pc + 12 < end; n--)
        code_insn(g);
    op_i(a, INSN_JALR, 0, RA, 0);
}

// The first halfword of a page is the second of an instruction at the end of a page: addi x10, x10, imm.
static void emit_code_page(Priv *g, unsigned page)
{
    Asm *a = &g->p.asm_;
    uint64_t start = STAGING + STAGED * page, middle = start + STAGED / 2, end = start + STAGED;
    unsigned offset = page * 4096;
    a->pc = start;
    put16(a, (uint16_t)(below(a, 4096) << 4 | 10 >> 1));
    put16(a, 0x8082); // ret
    for (unsigned i = 0; i < 3; i++)
        emit_function(g, offset, start, middle);
    a->pc = middle;
    emit_function(g, offset + 4096 - STAGED / 2, middle, end);
    unsigned n = 1 + below(a, 4);
    a->pc = end - 2 - 4 * n;
    if (page + 1 < PAGES)
        g->function[g->functions++] = (uint16_t)(offset + 4096 - (end - a->pc));
    for (; n; n--)
        code_insn(g);
    put16(a, (uint16_t)(10 << 7 | 0x13));
}

static void copy(Asm *a, uint64_t to, uint64_t from, unsigned len)
{
    load_int64(a, 5, to);
    load_int64(a, 6, from);
    op_i(a, INSN_ADDI, 7, 0, len);
    uint64_t loop = a->pc;
    op_i(a, INSN_LD, 10, 6, 0);
    op_store(a, INSN_SD, 10, 5, 0);
    op_i(a, INSN_ADDI, 5, 5, 8);
    op_i(a, INSN_ADDI, 6, 6, 8);
    op_i(a, INSN_ADDI, 7, 7, -8);
    branch_to(a, INSN_BNE, 7, 0, loop);
}

void pages_emit_start(Priv *g)
{
    Asm *a = &g->p.asm_;
    uint64_t here = a->pc;
    for (unsigned page = 0; page < PAGES; page++)
        emit_code_page(g, page);
    a->pc = here;
    load_address(a, 5, PAGE_TABLE_PAIRS);
    uint64_t loop = a->pc;
    op_i(a, INSN_LD, 6, 5, 0);
    op_i(a, INSN_LD, 7, 5, 8);
    op_store(a, INSN_SD, 7, 6, 0);
    op_i(a, INSN_ADDI, 5, 5, 16);
    op_i(a, INSN_LD, 6, 5, 0);
    branch_to(a, INSN_BNE, 6, 0, loop);
    for (unsigned page = 0; page < PAGES; page++) {
        uint64_t from = STAGING + STAGED * page, to = CODE_PAGES + 4096 * page;
        copy(a, to, from, STAGED / 2);
        copy(a, to + 4096 - STAGED / 2, from + STAGED / 2, STAGED / 2);
    }
    load_int64(a, 5, DATA_PAGES);
    load_int64(a, 6, DATA_PAGES + 4096 * PAGES);
    load_int32(a, 7, (int32_t)random_word(&a->random));
    loop = a->pc;
    op_store(a, INSN_SD, 7, 5, 0);
    op_r(a, INSN_MUL, 7, 7, 6);
    op_r(a, INSN_XOR, 7, 7, 5);
    op_i(a, INSN_RORI, 7, 7, 29);
    op_i(a, INSN_ADDI, 5, 5, 8);
    branch_to(a, INSN_BLTU, 5, 6, loop);
    op(a, INSN_FENCE_I, 0, 0, 0, 0);
}

void item_call(Priv *g)
{
    Asm *a = &g->p.asm_;
    load_int32(a, TEMP, g->function[below(a, g->functions)]);
    op_r(a, INSN_ADD, TEMP, TEMP, CALL_REG);
    if (percent(a, 3))
        op_i(a, INSN_BINVI, TEMP, TEMP, 38 + below(a, 26));
    op_i(a, INSN_JALR, RA, TEMP, 0);
}

void item_patch(Priv *g)
{
    Asm *a = &g->p.asm_;
    unsigned offset = g->patch[below(a, g->patches)];
    load_int32(a, 5, (int32_t)patch_insn(g));
    load_int32(a, TEMP, (int32_t)offset);
    if (g->priv && (one_in(a, 2) || g->p.portable)) { // rule sum-fetch
        load_int64(a, TEMP, CODE_PAGES + offset);
        op_store(a, INSN_SW, 5, TEMP, 0);
        load_int32(a, TEMP, (int32_t)offset);
        op_r(a, INSN_ADD, TEMP, TEMP, CALL_REG);
    } else {
        op_r(a, INSN_ADD, TEMP, TEMP, CALL_REG);
        op_store(a, INSN_SW, 5, TEMP, 0);
    }
    op(a, INSN_FENCE_I, 0, 0, 0, 0);
    op_i(a, INSN_JALR, RA, TEMP, 0);
}
