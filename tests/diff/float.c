// SPDX-License-Identifier: GPL-3.0-or-later
// Floating point: random instructions of F and D, and values for them.
#include "tests/diff/items.h"

enum { FFLAGS = 1, FRM = 2, FCSR = 3, MSTATUS = 0x300 };

static InsnId any[INSNS];
static unsigned n_any;

void float_init(void)
{
    for (unsigned id = 1; id < INSNS; id++)
        if (insn_info[id].ext == EXT_F || insn_info[id].ext == EXT_D)
            any[n_any++] = id;
}

static unsigned some_f(Program *p)
{
    return below(&p->asm_, one_in(&p->asm_, 2) ? 8 : 32); // often the same, so that values meet
}

static void item_operation(Program *p)
{
    Asm *a = &p->asm_;
    InsnId id = any[below(a, n_any)];
    InsnFormat format = insn_info[id].format;
    bool from_x = format == FMT_X2F || format == FMT_X2FRM, to_x = format >= FMT_FCMP && format <= FMT_F2XRM;
    Insn i = {.id = (uint16_t)id, .rm = (uint8_t)below(a, 5)};
    if (format == FMT_FLOAD || format == FMT_FS) {
        i.rs1 = (uint8_t)some_base(p);
        i.imm = some_offset(p);
    } else {
        i.rs1 = (uint8_t)(from_x ? some_rs(p) : some_f(p));
    }
    i.rd = (uint8_t)(to_x ? some_rd(p) : some_f(p));
    i.rs2 = (uint8_t)some_f(p);
    i.rs3 = (uint8_t)some_f(p);
    if (one_in(a, 2))
        i.rm = 7;
    put32(a, insn_encode(&i, 0));
}

// A single or double with few significant bits: near 1, near the ends, NaN, infinity, by luck.
static void item_value(Program *p)
{
    static const uint16_t exponents[] = {0, 1, 2, 0x3c0, 0x3fe, 0x3ff, 0x400, 0x401, 0x41e, 0x43e, 0x7fd, 0x7fe, 0x7ff};
    Asm *a = &p->asm_;
    unsigned exponent = exponents[below(a, G_N_ELEMENTS(exponents))];
    bool single = one_in(a, 2);
    if (single)
        exponent = exponent >= 0x7fd ? exponent - 0x700 : exponent > 2 ? exponent - 0x380 : exponent;
    uint32_t high = single ? exponent << 23 : exponent << 20;
    high |= random_word(&a->random) & (single ? 0x7ff000 : 0xff000);
    load_int32(a, TEMP, (int32_t)((high & 0x7ffff000) | (one_in(a, 2) ? 0x80000000 : 0)));
    if (one_in(a, 4))
        op_i(a, INSN_ADDI, TEMP, TEMP, (int64_t)below(a, 3) - 1);
    if (!single)
        op_i(a, INSN_SLLI, TEMP, TEMP, 32);
    if (!single && one_in(a, 4))
        op_i(a, INSN_ADDI, TEMP, TEMP, (int64_t)below(a, 3) - 1);
    op_r(a, single ? INSN_FMV_W_X : INSN_FMV_D_X, some_f(p), TEMP, 0);
}

static void item_integer_value(Program *p)
{
    static const InsnId from[] = {INSN_FCVT_S_W, INSN_FCVT_D_W, INSN_FCVT_S_L, INSN_FCVT_D_LU};
    Asm *a = &p->asm_;
    Insn i = {.id = (uint16_t)from[below(a, G_N_ELEMENTS(from))], .rd = (uint8_t)some_f(p), .rs1 = (uint8_t)some_rs(p),
              .rm = (uint8_t)below(a, 5)};
    put32(a, insn_encode(&i, 0));
}

static void item_fcsr(Program *p)
{
    static const InsnId access[] = {INSN_CSRRS, INSN_CSRRC, INSN_CSRRW};
    Asm *a = &p->asm_;
    switch (below(a, 4)) {
    case 0:
        csr(a, INSN_CSRRWI, 0, FRM, below(a, one_in(a, 8) ? 8 : 5)); // sometimes no mode: what rounds by it traps
        break;
    case 1:
        csr(a, INSN_CSRRW, some_rd(p), FFLAGS, one_in(a, 2) ? 0 : some_rs(p));
        break;
    case 2:
        csr(a, access[below(a, 3)], some_rd(p), FFLAGS, some_rs(p));
        break;
    default:
        csr(a, INSN_CSRRS, some_rd(p), FCSR, 0);
        break;
    }
}

void item_float(Program *p)
{
    unsigned kind = below(&p->asm_, 32);
    if (kind < 22)
        item_operation(p);
    else if (kind < 28)
        item_value(p);
    else if (kind < 30)
        item_integer_value(p);
    else
        item_fcsr(p);
}

unsigned item_float_off(Program *p)
{
    Asm *a = &p->asm_;
    unsigned n = 1 + below(a, 4);
    load_int32(a, TEMP2, 0x6000);
    csr(a, INSN_CSRRC, 0, MSTATUS, TEMP2);
    for (unsigned i = 0; i < n; i++)
        item_float(p);
    load_int32(a, TEMP2, one_in(a, 2) ? 0x2000 : 0x6000);
    csr(a, INSN_CSRRS, 0, MSTATUS, TEMP2);
    return 4 + 20 * n;
}
