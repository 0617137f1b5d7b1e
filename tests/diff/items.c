// SPDX-License-Identifier: GPL-3.0-or-later
// Computation, loads and stores.
#include "tests/diff/items.h"

static InsnId alu[INSNS], loads[INSNS], stores[INSNS];
static unsigned n_alu, n_loads, n_stores;

void items_init(void)
{
    for (unsigned id = 1; id < INSNS; id++) {
        const InsnInfo *row = &insn_info[id];
        bool computes = row->format == FMT_R || row->format == FMT_R2 || row->format == FMT_I ||
                        row->format == FMT_SHAMT || row->format == FMT_SHAMTW || row->format == FMT_U;
        if (computes)
            alu[n_alu++] = id;
        else if (row->format == FMT_LOAD && id != INSN_JALR)
            loads[n_loads++] = id;
        else if (row->format == FMT_S)
            stores[n_stores++] = id;
    }
    float_init();
}

static bool writable(unsigned r)
{
    return r == 0 || (r >= 5 && r <= 7) || (r >= 10 && r <= 26);
}

unsigned some_rd(Program *p)
{
    unsigned r;
    do
        r = below(&p->asm_, 32);
    while (!writable(r) || (r == 0 && !one_in(&p->asm_, 8)));
    return r;
}

unsigned some_rs(Program *p)
{
    return below(&p->asm_, 32);
}

static bool points(unsigned r)
{
    return r == SP || r == POINTER;
}

// A compressed instruction that may stand here; false if the random one may not.
static bool try_compressed(Program *p)
{
    uint16_t bits = (uint16_t)random_word(&p->asm_.random);
    if (!insn_is_compressed(bits))
        return false;
    Insn i = decode(bits);
    switch (insn_info[i.id].format) {
    case FMT_R:
    case FMT_R2:
    case FMT_I:
    case FMT_SHAMT:
    case FMT_SHAMTW:
    case FMT_U:
        if (i.id == INSN_ILLEGAL || !writable(i.rd))
            return false;
        break;
    case FMT_LOAD:
        if (i.id == INSN_JALR || !writable(i.rd) || !points(i.rs1))
            return false;
        break;
    case FMT_FLOAD:
    case FMT_FS:
        if (!p->floats)
            return false;
        // fall through
    case FMT_S:
        if (!points(i.rs1))
            return false;
        break;
    default:
        return false;
    }
    put16(&p->asm_, bits);
    return true;
}

static void item_alu(Program *p)
{
    Asm *a = &p->asm_;
    InsnId id;
    do
        id = alu[below(a, n_alu)];
    while (p->portable && id == INSN_CTZW); // QEMU 7.2 does not stop at 32
    const InsnInfo *row = &insn_info[id];
    Insn i = {.id = (uint16_t)id, .rd = (uint8_t)some_rd(p), .rs1 = (uint8_t)some_rs(p), .rs2 = (uint8_t)some_rs(p)};
    switch (row->format) {
    case FMT_U:
        i.imm = (int32_t)(random_word(&a->random) & 0xfffff000);
        break;
    case FMT_I:
        i.imm = one_in(a, 3) ? (int64_t)below(a, 5) - 2 : (int64_t)below(a, 4096) - 2048;
        break;
    default:
        i.imm = below(a, row->format == FMT_SHAMTW ? 32 : 64);
        break;
    }
    put32(a, insn_encode(&i, 0));
}

// Values at which arithmetic changes its mind.
static void item_corner_value(Program *p)
{
    static const int16_t small[] = {0, 1, -1, 2, -2, 31, 32, 63, 64, 127, -128, 255};
    Asm *a = &p->asm_;
    unsigned rd = some_rd(p);
    switch (below(a, 4)) {
    case 0:
        op_i(a, INSN_BSETI, rd, 0, 63);
        break;
    case 1:
        op_i(a, INSN_LUI, rd, 0, INT32_MIN);
        break;
    case 2:
        op_i(a, INSN_ADDI, rd, 0, -1);
        op_i(a, INSN_SRLI, rd, rd, 1 + below(a, 62));
        break;
    default:
        op_i(a, INSN_ADDI, rd, 0, small[below(a, G_N_ELEMENTS(small))]);
        break;
    }
}

// QEMU 7.2 fails a misaligned access as a whole if it reaches over the end of a PMP region (it may, priv. spec 3.7.1).
static bool keeps_aligned(const Program *p)
{
    return p->portable && p->user;
}

void window_address(Program *p)
{
    Asm *a = &p->asm_;
    op_r(a, INSN_AND, TEMP, some_rs(p), MASK_REG);
    if (keeps_aligned(p))
        op_i(a, INSN_ANDI, TEMP, TEMP, -8);
    op_r(a, INSN_ADD, TEMP, TEMP, WINDOW_REG);
}

// Bases never leave the window, and offsets not the guard pages.
unsigned some_base(Program *p)
{
    static const uint8_t bases[] = {SP, WINDOW_REG, POINTER, TEMP};
    unsigned base = bases[below(&p->asm_, G_N_ELEMENTS(bases))];
    if (base == TEMP)
        window_address(p);
    return base;
}

int64_t some_offset(Program *p)
{
    Asm *a = &p->asm_;
    int64_t offset = one_in(a, 2) ? 8 * (int64_t)below(a, 16) : (int64_t)below(a, 4096) - 2048;
    return keeps_aligned(p) ? offset & -8 : offset;
}

static void item_access(Program *p)
{
    Asm *a = &p->asm_;
    unsigned base = some_base(p);
    unsigned n = 1 + below(a, 3);
    for (unsigned i = 0; i < n; i++) {
        int64_t offset = some_offset(p);
        if (one_in(a, 2))
            op_i(a, loads[below(a, n_loads)], some_rd(p), base, offset);
        else
            op_store(a, stores[below(a, n_stores)], some_rs(p), base, offset);
    }
}

static void item_move_pointer(Program *p)
{
    Asm *a = &p->asm_;
    unsigned pointer = one_in(a, 2) ? SP : POINTER;
    op_r(a, INSN_AND, pointer, some_rs(p), MASK_REG);
    if (pointer == SP || p->portable)
        op_i(a, INSN_ANDI, pointer, pointer, -16);
    op_r(a, INSN_ADD, pointer, pointer, WINDOW_REG);
}

void item_plain(Program *p)
{
    Asm *a = &p->asm_;
    unsigned kind = below(a, 32);
    if (below(a, 32) < p->floats) {
        item_float(p);
    } else if (kind < 12) {
        while (!try_compressed(p))
            continue;
    } else if (kind < 24) {
        item_alu(p);
    } else if (kind < 29) {
        item_access(p);
    } else if (kind < 31) {
        item_corner_value(p);
    } else {
        item_move_pointer(p);
    }
}

InsnId some_branch(Program *p)
{
    static const InsnId branches[] = {INSN_BEQ, INSN_BNE, INSN_BLT, INSN_BGE, INSN_BLTU, INSN_BGEU};
    return branches[below(&p->asm_, G_N_ELEMENTS(branches))];
}
