// SPDX-License-Identifier: GPL-3.0-or-later
// Idioms of privileged programs: traps, returns, interrupts, atomics, accesses under MPRV.
#include "tests/diff/priv.h"

static unsigned size_of(InsnId id)
{
    return insn_info[id].bits[19] == '1' ? 8 : 4; // funct3 is 2 or 3
}

static void item_amo(Priv *g)
{
    static InsnId amos[INSNS];
    static unsigned n;
    Asm *a = &g->p.asm_;
    if (!n)
        for (unsigned id = 1; id < INSNS; id++)
            if (insn_info[id].format == FMT_AMO && id != INSN_SC_W && id != INSN_SC_D && id != INSN_LR_W &&
                id != INSN_LR_D)
                amos[n++] = id;
    InsnId id = amos[below(a, n)];
    if (g->p.portable && g->pmp) // rule amo-cause: which fault comes first
        return;
    window_address(&g->p);
    if (g->p.portable || !one_in(a, 8))
        op_i(a, INSN_ANDI, TEMP, TEMP, -(int64_t)size_of(id));
    if (g->p.portable) // rule amo-a
        op_i(a, INSN_LBU, some_rd(&g->p), TEMP, 0);
    op_i(a, INSN_ADDI, MARK, 0, MARK_AMO);
    op_r(a, id, some_rd(&g->p), TEMP, some_rs(&g->p));
    op_i(a, INSN_ADDI, MARK, 0, MARK_NONE);
}

static void item_reserve(Priv *g)
{
    Asm *a = &g->p.asm_;
    bool wide = one_in(a, 2);
    window_address(&g->p);
    op_i(a, INSN_ANDI, TEMP, TEMP, -8);
    op_i(a, INSN_ADDI, 5, 0, 0x5a5);
    op_i(a, INSN_ADDI, 6, 0, 0x5a5);
    op_r(a, wide ? INSN_LR_D : INSN_LR_W, 5, TEMP, 0);
    Hole faulted = hole(a, INSN_BEQ, 5, 6, false);
    op_i(a, INSN_ADDI, MARK, 0, MARK_AMO);
    op_r(a, wide ? INSN_SC_D : INSN_SC_W, some_rd(&g->p), TEMP, some_rs(&g->p));
    op_i(a, INSN_ADDI, MARK, 0, MARK_NONE);
    land(a, &faulted);
}

static void item_trap(Priv *g)
{
    Asm *a = &g->p.asm_;
    switch (below(a, 8)) {
    case 0:
        put16(a, 0);
        break;
    case 1:
        put16(a, 0x9002); // c.ebreak
        break;
    case 2:
        op(a, INSN_EBREAK, 0, 0, 0, 0);
        break;
    case 3:
        put32(a, 0xffffffff);
        break;
    case 4: // where it is allowed, item_return does it
        op(a, g->priv < 3 ? INSN_MRET : INSN_ECALL, 0, 0, 0, 0);
        break;
    case 5:
        op(a, g->priv < 1 ? INSN_SRET : INSN_ECALL, 0, 0, 0, 0);
        break;
    default:
        op(a, INSN_ECALL, 0, 0, 0, 0);
        break;
    }
}

// Loads and stores at an address that is not canonical, or where there is no memory.
static void item_bad_access(Priv *g)
{
    Asm *a = &g->p.asm_;
    window_address(&g->p);
    op_i(a, INSN_ANDI, TEMP, TEMP, -8);
    op_i(a, INSN_BINVI, TEMP, TEMP, 38 + below(a, 26));
    if (one_in(a, 2))
        op_i(a, one_in(a, 2) ? INSN_LD : INSN_LHU, some_rd(&g->p), TEMP, 0);
    else
        op_store(a, one_in(a, 2) ? INSN_SD : INSN_SB, some_rs(&g->p), TEMP, 0);
}

// The last bytes of a page of the window, so that the access often reaches into the next.
static void item_edge_access(Priv *g)
{
    static const InsnId loads[] = {INSN_LH, INSN_LW, INSN_LD, INSN_FLD}, stores[] = {INSN_SH, INSN_SW, INSN_SD};
    Asm *a = &g->p.asm_;
    load_int32(a, TEMP, (int32_t)((1 + below(a, 4)) * 4096 - 1 - below(a, 7)));
    op_r(a, INSN_ADD, TEMP, TEMP, WINDOW_REG);
    if (g->p.portable && g->pmp)
        op_i(a, INSN_ANDI, TEMP, TEMP, -8);
    if (one_in(a, 2))
        op_i(a, loads[below(a, 4)], some_rd(&g->p), TEMP, 0);
    else
        op_store(a, stores[below(a, 3)], some_rs(&g->p), TEMP, 0);
}

// Loads from or stores to TEMP.
static void access_there(Priv *g)
{
    Asm *a = &g->p.asm_;
    if (percent(a, 60))
        op_i(a, one_in(a, 2) ? INSN_LD : INSN_LBU, some_rd(&g->p), TEMP, 0);
    else
        op_store(a, one_in(a, 2) ? INSN_SD : INSN_SB, some_rs(&g->p), TEMP, 0);
}

void access_window(Priv *g, uint64_t va, unsigned n)
{
    Asm *a = &g->p.asm_;
    while (n--) {
        load_int64(a, TEMP, va);
        if (g->priv < 3) {
            access_there(g);
            continue;
        }
        load_int64(a, 5, STATUS_MPP | STATUS_SUM | STATUS_MXR);
        csr(a, INSN_CSRRC, 0, MSTATUS, 5);
        load_int64(a, 5, STATUS_MPRV | some_bits(a, STATUS_SUM | STATUS_MXR | STATUS_MPP_S));
        csr(a, INSN_CSRRS, 0, MSTATUS, 5);
        access_there(g);
        load_int64(a, 5, STATUS_MPRV);
        csr(a, INSN_CSRRC, 0, MSTATUS, 5);
    }
}

static void item_mprv(Priv *g)
{
    Asm *a = &g->p.asm_;
    uint64_t va = some_window(g) + (WINDOW - DATA_BASE) + (DATA_PAGES - IMAGE_BASE);
    bool aligned = g->p.portable && g->pmp;
    access_window(g, va + (below(a, WINDOW_MASK) & (aligned ? ~7u : ~0u)), 1 + below(a, 6));
}

// Makes interrupts pending or not. M-mode, MIE = 0 first: a device's line is seen at the next chance only.
static void item_raise(Priv *g)
{
    Asm *a = &g->p.asm_;
    csr(a, INSN_CSRRCI, 0, MSTATUS, STATUS_MIE);
    switch (below(a, 4)) {
    case 0:
        load_int32(a, TEMP, 0x02000000);
        op_i(a, INSN_ADDI, 5, 0, below(a, 2));
        op_store(a, INSN_SW, 5, TEMP, 0);
        break;
    case 1:
        load_int32(a, TEMP, 0x02004000);
        op_i(a, INSN_ADDI, 5, 0, -(int64_t)below(a, 2));
        op_store(a, INSN_SD, 5, TEMP, 0);
        break;
    default:
        load_int32(a, TEMP, (int32_t)some_bits(a, 0x222));
        csr(a, one_in(a, 3) ? INSN_CSRRC : INSN_CSRRS, 0, MIP, TEMP);
        break;
    }
    if (one_in(a, 2)) {
        csr(a, INSN_CSRRS, 5, MIP, 0);
        op_i(a, INSN_ANDI, 5, 5, 0x2aa);
    }
    set_enabled(g, MIE, 0xaaa);
    if (one_in(a, 3)) // here they are taken
        csr(a, INSN_CSRRSI, 0, MSTATUS, STATUS_MIE);
}

// An interrupt is pending and enabled but not taken, so it does not wait.
static void item_wfi(Priv *g)
{
    Asm *a = &g->p.asm_;
    if (g->priv == 3) {
        csr(a, INSN_CSRRCI, 0, MSTATUS, STATUS_MIE);
        csr(a, INSN_CSRRSI, 0, MIP, 2);
        csr(a, INSN_CSRRWI, 0, MIE, 2);
    } else if (g->priv == 1 && !(g->status & STATUS_TW)) {
        if (!(g->mideleg & 2))
            return;
        csr(a, INSN_CSRRCI, 0, SSTATUS, STATUS_SIE);
        csr(a, INSN_CSRRSI, 0, SIP, 2);
        csr(a, INSN_CSRRWI, 0, SIE, 2);
    }
    op(a, INSN_WFI, 0, 0, 0, 0);
}

// S-mode makes an interrupt pending, or lets a pending one in.
static void item_supervisor_irq(Priv *g)
{
    Asm *a = &g->p.asm_;
    csr(a, one_in(a, 3) ? INSN_CSRRCI : INSN_CSRRSI, some_rd(&g->p), SIP, 2);
    set_enabled(g, SIE, 0x222);
    if (one_in(a, 2))
        csr(a, INSN_CSRRSI, 0, SSTATUS, STATUS_SIE);
}

// mret to M-mode; or sret from S-mode to S- or U-mode. What follows runs there.
static void item_return(Priv *g)
{
    Asm *a = &g->p.asm_;
    if (g->priv == 3) {
        load_int64(a, TEMP, STATUS_MPP | some_bits(a, STATUS_MPIE));
        csr(a, INSN_CSRRS, 0, MSTATUS, TEMP);
        load_address(a, TEMP, a->pc + 16);
        csr(a, INSN_CSRRW, 0, MEPC, TEMP);
        op(a, INSN_MRET, 0, 0, 0, 0);
        return;
    }
    if (g->priv == 0 || (g->status & STATUS_TSR)) {
        op(a, INSN_SRET, 0, 0, 0, 0); // traps
        return;
    }
    bool user = one_in(a, 2);
    load_int64(a, TEMP, STATUS_SPP);
    csr(a, user ? INSN_CSRRC : INSN_CSRRS, 0, SSTATUS, TEMP);
    uint64_t at = a->pc;
    for (unsigned pass = 0; pass < 2; pass++) { // the second knows how long the code is
        uint64_t target = a->pc;
        a->pc = at;
        load_int64(a, TEMP, user && g->mode ? target + USER_OFFSET : target);
        csr(a, INSN_CSRRW, 0, SEPC, TEMP);
        op(a, INSN_SRET, 0, 0, 0, 0);
    }
    g->priv = user ? 0 : 1;
}

// FS from Initial or Clean to Dirty by what must do it: a write of an f register or of fcsr.
static void item_dirty(Priv *g)
{
    Asm *a = &g->p.asm_;
    unsigned status = g->priv == 3 ? MSTATUS : SSTATUS, f = below(a, 32), rd = some_rd(&g->p);
    load_int64(a, TEMP, STATUS_FS);
    csr(a, INSN_CSRRC, 0, status, TEMP);
    load_int64(a, TEMP, one_in(a, 2) ? 0x2000 : 0x4000);
    csr(a, INSN_CSRRS, 0, status, TEMP);
    switch (below(a, 4)) {
    case 0:
        op_r(a, INSN_FMV_D_X, f, some_rs(&g->p), 0);
        break;
    case 1:
        op_r(a, INSN_FSGNJ_D, f, below(a, 32), below(a, 32));
        break;
    case 2:
        if (!g->p.portable) // rule fs: a load that faults may have changed FS
            op_i(a, INSN_FLD, f, WINDOW_REG, 8 * (int64_t)below(a, 128));
        op_r(a, INSN_FMV_W_X, f, some_rs(&g->p), 0);
        break;
    default:
        csr(a, INSN_CSRRW, 0, FFLAGS, some_rs(&g->p));
        break;
    }
    csr(a, INSN_CSRRS, rd, status, 0);
    load_int64(a, TEMP, STATUS_FS);
    op_r(a, INSN_AND, rd, rd, TEMP);
}

// Cache-block instructions, which QEMU 7.2 lacks.
static void item_cache_block(Priv *g)
{
    static const InsnId all[] = {INSN_CBO_ZERO, INSN_CBO_INVAL, INSN_CBO_CLEAN, INSN_CBO_FLUSH};
    if (g->p.portable)
        return;
    window_address(&g->p);
    op_r(&g->p.asm_, all[below(&g->p.asm_, 4)], 0, TEMP, 0);
}

static void item_plains(Priv *g)
{
    for (unsigned n = 1 + below(&g->p.asm_, 5); n; n--)
        item_plain(&g->p);
}

static void item_floats(Priv *g)
{
    for (unsigned n = 1 + below(&g->p.asm_, 3); n; n--)
        item_float(&g->p);
}

void item_any(Priv *g)
{
    static const struct {
        uint8_t weight;
        uint8_t privs; // bit p: may be in mode p
        void (*emit)(Priv *g);
    } kinds[] = {
        {14, 0xf, item_plains},  {2, 0xf, item_floats}, {10, 0xf, item_csr},   {6, 0xf, item_call},
        {3, 0xf, item_patch},    {6, 0xf, item_amo},    {3, 0xf, item_reserve}, {4, 0xf, item_trap},
        {1, 0xf, item_bad_access}, {4, 0xf, item_edge_access}, {6, 0x8, item_mprv}, {6, 0x8, item_raise},
        {1, 0xf, item_wfi},      {4, 0x2, item_supervisor_irq}, {2, 0xf, item_return}, {8, 0xf, item_edit},
        {1, 0xb, item_satp},     {2, 0xf, item_fence},  {14, 0x8, item_pmp},
        {2, 0xa, item_dirty},    {1, 0xf, item_cache_block},
    };
    Asm *a = &g->p.asm_;
    for (;;) {
        unsigned i = below(a, G_N_ELEMENTS(kinds));
        if (below(a, 14) >= kinds[i].weight || !(kinds[i].privs >> g->priv & 1))
            continue;
        if (kinds[i].emit == item_pmp && !g->pmp)
            continue;
        if (kinds[i].emit == item_satp && !one_in(a, 3))
            continue;
        kinds[i].emit(g);
        return;
    }
}
