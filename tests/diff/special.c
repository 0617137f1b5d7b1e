// SPDX-License-Identifier: GPL-3.0-or-later
// Idioms: atomics, CSRs, faults, code that changes itself, changes of privilege.
#include "tests/diff/items.h"

enum { // CSRs
    MSTATUS = 0x300, MSCRATCH = 0x340, MEPC = 0x341, MCAUSE = 0x342, MTVAL = 0x343, PMPCFG0 = 0x3a0, PMPADDR0 = 0x3b0,
    MINSTRET = 0xb02, MHARTID = 0xf14,
};
#define TRAP_COST 50

static void align_temp(Program *p, unsigned size)
{
    if (p->portable || !one_in(&p->asm_, 16)) // QEMU 7.2 reports misaligned AMOs as loads (memory/spec.md 2.9)
        op_i(&p->asm_, INSN_ANDI, TEMP, TEMP, -(int64_t)size);
}

static unsigned size_of(InsnId id)
{
    return insn_info[id].bits[19] == '1' ? 8 : 4; // funct3 is 2 or 3
}

static unsigned amo(Program *p)
{
    Asm *a = &p->asm_;
    static InsnId rows[INSNS];
    static unsigned n;
    if (!n)
        for (unsigned id = 1; id < INSNS; id++)
            if (insn_info[id].format == FMT_AMO && id != INSN_SC_W && id != INSN_SC_D)
                rows[n++] = id;
    window_address(p);
    InsnId id = rows[below(a, n)];
    align_temp(p, size_of(id));
    op_r(a, id, some_rd(p), TEMP, some_rs(p));
    return 4;
}

// Between the two may be what keeps or breaks the reservation; sizes and addresses may differ.
static unsigned reserve(Program *p)
{
    Asm *a = &p->asm_;
    bool wide = one_in(a, 2);
    window_address(p);
    align_temp(p, 8);
    op_r(a, wide ? INSN_LR_D : INSN_LR_W, some_rd(p), TEMP, 0);
    for (unsigned n = below(a, 3); n; n--)
        op_r(a, INSN_ADD, some_rd(p), some_rs(p), some_rs(p));
    if (one_in(a, 4))
        op_store(a, INSN_SW, some_rs(p), TEMP, 0);
    if (one_in(a, 8))
        op_i(a, INSN_ADDI, TEMP, TEMP, 8);
    if (one_in(a, 16))
        op(a, INSN_EBREAK, 0, 0, 0, 0);
    if (!p->portable && one_in(a, 4)) // QEMU 7.2 reports failure of a 4-byte SC that it did after an 8-byte LR
        wide = !wide;
    op_r(a, wide ? INSN_SC_D : INSN_SC_W, some_rd(p), TEMP, some_rs(p));
    if (one_in(a, 4))
        op_r(a, wide ? INSN_SC_D : INSN_SC_W, some_rd(p), TEMP, some_rs(p));
    return 8;
}

static unsigned use_csr(Program *p)
{
    static const InsnId kinds[] = {INSN_CSRRW, INSN_CSRRS, INSN_CSRRC, INSN_CSRRWI, INSN_CSRRSI, INSN_CSRRCI};
    static const uint16_t storage[] = {MSCRATCH, MTVAL, MCAUSE};
    Asm *a = &p->asm_;
    InsnId kind = kinds[below(a, G_N_ELEMENTS(kinds))];
    switch (below(a, 5)) {
    case 0: // mepc[0] is always 0; QEMU 7.2 lets it be written
        op_i(a, INSN_ANDI, TEMP, some_rs(p), -2);
        csr(a, kinds[below(a, 3)], some_rd(p), MEPC, TEMP);
        return 2;
    case 1: // MIE and MPIE; nothing is enabled in mie
        load_int32(a, TEMP, 0x88);
        op_r(a, INSN_AND, TEMP, TEMP, some_rs(p));
        csr(a, one_in(a, 2) ? INSN_CSRRS : INSN_CSRRC, 0, MSTATUS, TEMP);
        return 4;
    case 2:
        csr(a, INSN_CSRRS, some_rd(p), MHARTID, 0);
        return 1;
    default:
        csr(a, kind, some_rd(p), storage[below(a, G_N_ELEMENTS(storage))], some_rs(p));
        return 1;
    }
}

// The difference of two readings; QEMU counts otherwise, so the numbers stay out of everything else.
static unsigned count_insns(Program *p)
{
    Asm *a = &p->asm_;
    csr(a, INSN_CSRRS, TEMP3, MINSTRET, 0);
    for (unsigned n = below(a, 4); n; n--)
        op_r(a, INSN_ADD, some_rd(p), some_rd(p), some_rd(p));
    csr(a, INSN_CSRRS, TEMP, MINSTRET, 0);
    op_r(a, INSN_SUB, TEMP3, TEMP, TEMP3);
    op_i(a, INSN_LD, TEMP, PRIVATE_REG, slot_offset(SLOT_COUNTERS));
    op_r(a, INSN_SH1ADD, TEMP, TEMP, TEMP3);
    op_store(a, INSN_SD, TEMP, PRIVATE_REG, slot_offset(SLOT_COUNTERS));
    op_i(a, INSN_ADDI, TEMP, 0, 0);
    op_i(a, INSN_ADDI, TEMP3, 0, 0);
    return 12;
}

// Loads and stores that trap: at unassigned addresses, and over the end of RAM.
static unsigned bad_access(Program *p)
{
    Asm *a = &p->asm_;
    bool end_of_ram = false;
    switch (below(a, 3)) {
    case 0:
        load_int32(a, TEMP, 0x40000000 + (int32_t)below(a, 0x10000000));
        break;
    case 1:
        op_i(a, INSN_BSETI, TEMP, some_rs(p), 62);
        break;
    default: // -m 128M
        end_of_ram = true;
        load_int32(a, TEMP, (int32_t)(0x88000000u - 1 - below(a, 7)));
        op_r(a, INSN_ADD_UW, TEMP, TEMP, 0);
        break;
    }
    if (p->portable && !end_of_ram) // QEMU 7.2 accesses aligned parts, which shows in mtval
        op_i(a, INSN_ANDI, TEMP, TEMP, -8);
    switch (below(a, p->portable ? 4 : 5)) {
    case 0:
        op_i(a, INSN_LD, some_rd(p), TEMP, 0);
        break;
    case 1:
        op_i(a, INSN_LHU, some_rd(p), TEMP, 0);
        break;
    case 2:
        op_store(a, INSN_SD, some_rs(p), TEMP, 0);
        break;
    case 3:
        op_store(a, INSN_SW, some_rs(p), TEMP, 0);
        break;
    default:
        op_r(a, one_in(a, 2) ? INSN_AMOADD_D : INSN_LR_W, some_rd(p), TEMP, one_in(a, 2) ? 0 : some_rs(p));
        break;
    }
    return 3 + TRAP_COST;
}

static unsigned bad_insn(Program *p)
{
    Asm *a = &p->asm_;
    switch (below(a, 6)) {
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
    case 4:
        csr(a, INSN_CSRRW, some_rd(p), 0xc00, some_rs(p)); // cycle is read-only
        break;
    default: // MPP is M in M-mode after this; from U-mode it ends the excursion
        op(a, INSN_ECALL, 0, 0, 0, 0);
        break;
    }
    return 1 + TRAP_COST;
}

static unsigned bad_jump(Program *p)
{
    Asm *a = &p->asm_;
    load_int32(a, TEMP, 0x40000000 + (int32_t)below(a, 0x10000000));
    op_i(a, INSN_JALR, RA, TEMP, (int64_t)below(a, 64));
    return 3 + TRAP_COST;
}

// mtimecmp is a device register without side effects as long as mie is 0.
static unsigned device(Program *p)
{
    Asm *a = &p->asm_;
    bool wide = one_in(a, 2);
    load_int32(a, TEMP, 0x02004000);
    op_store(a, wide ? INSN_SD : INSN_SW, some_rs(p), TEMP, 0);
    op_i(a, wide ? INSN_LD : INSN_LWU, some_rd(p), TEMP, 0);
    return 4;
}

// A word of data in the midst of the code.
static unsigned island(Program *p)
{
    Asm *a = &p->asm_;
    Hole over = hole(a, INSN_JAL, 0, 0, one_in(a, 2));
    uint64_t data = a->pc;
    put32(a, random_word(&a->random));
    put32(a, random_word(&a->random));
    land(a, &over);
    load_address(a, TEMP, data);
    op_i(a, INSN_LD, some_rd(p), TEMP, 0);
    op_store(a, one_in(a, 2) ? INSN_SD : INSN_SH, some_rs(p), TEMP, 0);
    return 5;
}

// Writes an instruction in front of itself and runs it: addi rd, rs, imm with bits of imm from a register.
static unsigned change_code(Program *p)
{
    Asm *a = &p->asm_;
    Insn i = {.id = INSN_ADDI, .rd = (uint8_t)some_rd(p), .rs1 = (uint8_t)some_rs(p), .imm = below(a, 2048)};
    op_i(a, INSN_ANDI, TEMP, some_rs(p), one_in(a, 2) ? 1 : 0x7ff);
    op_i(a, INSN_SLLI, TEMP, TEMP, 20);
    load_int32(a, TEMP3, (int32_t)insn_encode(&i, 0));
    op_r(a, INSN_XOR, TEMP, TEMP, TEMP3);
    load_address(a, TEMP3, a->pc + 8 + 4 + 4);
    op_store(a, INSN_SW, TEMP, TEMP3, 0);
    op(a, INSN_FENCE_I, 0, 0, 0, 0);
    put32(a, insn_encode(&i, 0));
    return 10;
}

void enter_user(Program *p)
{
    Asm *a = &p->asm_;
    unsigned size = p->portable ? 12 + below(a, 3) : 3 + below(a, 12); // log2
    uint64_t base = (WINDOW + below(a, WINDOW_MASK + 1)) & ~((UINT64_C(1) << size) - 1);
    static const uint8_t permissions[] = {0, 1, 3, 4, 5};
    load_address(a, TEMP, base);
    op_i(a, INSN_SRLI, TEMP, TEMP, 2);
    load_int32(a, TEMP2, (1 << (size - 3)) - 1);
    op_r(a, INSN_ADD, TEMP, TEMP, TEMP2);
    csr(a, INSN_CSRRW, 0, PMPADDR0, TEMP);
    load_int32(a, TEMP, 0x1f18 + permissions[below(a, G_N_ELEMENTS(permissions))]);
    csr(a, INSN_CSRRW, 0, PMPCFG0, TEMP);
    load_int32(a, TEMP, 0x1800);
    csr(a, INSN_CSRRC, 0, MSTATUS, TEMP);
    load_address(a, TEMP, a->pc + 8 + 4 + 4);
    csr(a, INSN_CSRRW, 0, MEPC, TEMP);
    op(a, INSN_MRET, 0, 0, 0, 0);
}

// Accesses as U-mode while in M-mode.
static unsigned as_user(Program *p)
{
    Asm *a = &p->asm_;
    load_int32(a, TEMP2, 0x1800);
    csr(a, INSN_CSRRC, 0, MSTATUS, TEMP2);
    load_int32(a, TEMP2, 0x20000);
    csr(a, INSN_CSRRS, 0, MSTATUS, TEMP2);
    bool user = p->user;
    p->user = true;
    window_address(p);
    p->user = user;
    op_i(a, INSN_LD, some_rd(p), TEMP, 0);
    op_store(a, INSN_SW, some_rs(p), TEMP, 16);
    load_int32(a, TEMP2, 0x20000);
    csr(a, INSN_CSRRC, 0, MSTATUS, TEMP2);
    return 20;
}

static unsigned fence(Program *p)
{
    Asm *a = &p->asm_;
    op_i(a, INSN_FENCE, 0, 0, below(a, 256));
    return 1;
}

unsigned item_special(Program *p)
{
    static const struct {
        unsigned weight;
        unsigned (*emit)(Program *p);
    } kinds[] = {
        {8, amo},       {6, reserve}, {5, use_csr}, {2, count_insns}, {2, bad_access}, {2, bad_insn},
        {1, bad_jump},  {2, device},  {2, island},  {1, change_code}, {1, as_user},    {2, fence},
        {2, item_float_off},
    };
    unsigned total = 0, i = 0;
    for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++)
        total += kinds[k].weight;
    for (unsigned n = below(&p->asm_, total); n >= kinds[i].weight; i++)
        n -= kinds[i].weight;
    // Where the window may be closed, an AMO's cause is wrong under QEMU 7.2, and an SC without a reservation may fail
    // before it faults, as under QEMU, or fault.
    if (p->portable && p->user && (kinds[i].emit == amo || kinds[i].emit == reserve))
        return 0;
    if (!p->floats && kinds[i].emit == item_float_off)
        return 0;
    return kinds[i].emit(p);
}
