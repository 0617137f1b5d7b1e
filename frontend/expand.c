// SPDX-License-Identifier: GPL-3.0-or-later
// RV64C: 16-bit instructions to their 32-bit equivalents (unprivileged spec, chapter C).
//
// One function per quadrant (bits 1:0); in it a switch on funct3 (bits 15:13). Immediates are scattered
// differently in nearly every format: field(c, lo, len, to) is one run of bits of the manual's figure.
#include "frontend/decode.h"
#include "util/bits.h"

enum { // opcodes, bits 6:0
    LOAD = 0x03,
    LOAD_FP = 0x07,
    OP_IMM = 0x13,
    OP_IMM_32 = 0x1b,
    STORE = 0x23,
    STORE_FP = 0x27,
    OP = 0x33,
    LUI = 0x37,
    OP_32 = 0x3b,
    BRANCH = 0x63,
    JALR = 0x67,
    JAL = 0x6f,
};

enum { RA = 1, SP = 2 };

#define EBREAK 0x00100073u
#define FUNCT7_ALT 0x20u // sub, sra, subw

static uint32_t r_type(unsigned funct7, unsigned rs2, unsigned rs1, unsigned funct3, unsigned rd,
                       unsigned opcode)
{
    return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}

static uint32_t i_type(int64_t imm, unsigned rs1, unsigned funct3, unsigned rd, unsigned opcode)
{
    return (uint32_t)imm << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}

static uint32_t s_type(unsigned imm, unsigned rs2, unsigned rs1, unsigned funct3, unsigned opcode)
{
    return r_type(imm >> 5 & 0x7f, rs2, rs1, funct3, imm & 31, opcode);
}

static uint32_t b_type(int64_t imm, unsigned rs1, unsigned funct3)
{
    uint32_t v = (uint32_t)imm;

    return (v >> 12 & 1) << 31 | (v >> 5 & 0x3f) << 25 | rs1 << 15 | funct3 << 12 | (v >> 1 & 15) << 8 |
           (v >> 11 & 1) << 7 | BRANCH;
}

static uint32_t j_type(int64_t imm, unsigned rd)
{
    uint32_t v = (uint32_t)imm;

    return (v >> 20 & 1) << 31 | (v >> 1 & 0x3ff) << 21 | (v >> 11 & 1) << 20 | (v >> 12 & 0xff) << 12 |
           rd << 7 | JAL;
}

// Bits [lo, lo+len) of c moved to bit number to.
static unsigned field(uint16_t c, unsigned lo, unsigned len, unsigned to)
{
    return (unsigned)bits_get(c, lo, len) << to;
}

static unsigned reg_full(uint16_t c, unsigned lo)
{
    return field(c, lo, 5, 0);
}

// The three-bit register fields name x8..x15.
static unsigned reg_short(uint16_t c, unsigned lo)
{
    return 8 + field(c, lo, 3, 0);
}

static int64_t imm6(uint16_t c)
{
    return bits_sext(field(c, 12, 1, 5) | field(c, 2, 5, 0), 6);
}

static unsigned shamt6(uint16_t c)
{
    return field(c, 12, 1, 5) | field(c, 2, 5, 0);
}

static uint32_t addi4spn(uint16_t c)
{
    unsigned imm = field(c, 11, 2, 4) | field(c, 7, 4, 6) | field(c, 6, 1, 2) | field(c, 5, 1, 3);

    return imm == 0 ? 0 : i_type(imm, SP, 0, reg_short(c, 2), OP_IMM);
}

static uint32_t quadrant0(uint16_t c)
{
    unsigned rs1 = reg_short(c, 7);
    unsigned r2 = reg_short(c, 2); // rd of loads, rs2 of stores
    unsigned word = field(c, 10, 3, 3) | field(c, 6, 1, 2) | field(c, 5, 1, 6);
    unsigned dword = field(c, 10, 3, 3) | field(c, 5, 2, 6);

    switch (c >> 13) {
    case 0:
        return addi4spn(c);
    case 1: // c.fld
        return i_type(dword, rs1, 3, r2, LOAD_FP);
    case 2: // c.lw
        return i_type(word, rs1, 2, r2, LOAD);
    case 3: // c.ld
        return i_type(dword, rs1, 3, r2, LOAD);
    case 5: // c.fsd
        return s_type(dword, r2, rs1, 3, STORE_FP);
    case 6: // c.sw
        return s_type(word, r2, rs1, 2, STORE);
    case 7: // c.sd
        return s_type(dword, r2, rs1, 3, STORE);
    default: // reserved
        return 0;
    }
}

static uint32_t addi16sp(uint16_t c)
{
    int64_t imm = bits_sext(field(c, 12, 1, 9) | field(c, 6, 1, 4) | field(c, 5, 1, 6) | field(c, 3, 2, 7) |
                            field(c, 2, 1, 5), 10);

    return imm == 0 ? 0 : i_type(imm, SP, 0, SP, OP_IMM);
}

static uint32_t lui(uint16_t c)
{
    uint32_t imm = (uint32_t)imm6(c) << 12;

    return imm == 0 ? 0 : imm | reg_full(c, 7) << 7 | LUI;
}

// Quadrant 1, funct3 100: register-register and shift operations on x8..x15.
static uint32_t arithmetic(uint16_t c)
{
    static const uint8_t op_funct3[4] = { 0, 4, 6, 7 }; // sub, xor, or, and
    unsigned rd = reg_short(c, 7);
    unsigned rs2 = reg_short(c, 2);
    unsigned select = field(c, 5, 2, 0);

    switch (field(c, 10, 2, 0)) {
    case 0: // c.srli
        return i_type(shamt6(c), rd, 5, rd, OP_IMM);
    case 1: // c.srai
        return i_type(FUNCT7_ALT << 5 | shamt6(c), rd, 5, rd, OP_IMM);
    case 2: // c.andi
        return i_type(imm6(c), rd, 7, rd, OP_IMM);
    default:
        break;
    }
    if (field(c, 12, 1, 0) == 0)
        return r_type(select == 0 ? FUNCT7_ALT : 0, rs2, rd, op_funct3[select], rd, OP);
    if (select > 1) // reserved
        return 0;
    return r_type(select == 0 ? FUNCT7_ALT : 0, rs2, rd, 0, rd, OP_32); // c.subw, c.addw
}

static int64_t jump_offset(uint16_t c)
{
    return bits_sext(field(c, 12, 1, 11) | field(c, 11, 1, 4) | field(c, 9, 2, 8) | field(c, 8, 1, 10) |
                     field(c, 7, 1, 6) | field(c, 6, 1, 7) | field(c, 3, 3, 1) | field(c, 2, 1, 5), 12);
}

static int64_t branch_offset(uint16_t c)
{
    return bits_sext(field(c, 12, 1, 8) | field(c, 10, 2, 3) | field(c, 5, 2, 6) | field(c, 3, 2, 1) |
                     field(c, 2, 1, 5), 9);
}

static uint32_t quadrant1(uint16_t c)
{
    unsigned rd = reg_full(c, 7);

    switch (c >> 13) {
    case 0: // c.addi, c.nop
        return i_type(imm6(c), rd, 0, rd, OP_IMM);
    case 1: // c.addiw
        return rd == 0 ? 0 : i_type(imm6(c), rd, 0, rd, OP_IMM_32);
    case 2: // c.li
        return i_type(imm6(c), 0, 0, rd, OP_IMM);
    case 3:
        return rd == SP ? addi16sp(c) : lui(c);
    case 4:
        return arithmetic(c);
    case 5: // c.j
        return j_type(jump_offset(c), 0);
    case 6: // c.beqz
        return b_type(branch_offset(c), reg_short(c, 7), 0);
    default: // c.bnez
        return b_type(branch_offset(c), reg_short(c, 7), 1);
    }
}

// Quadrant 2, funct3 100: c.jr, c.mv, c.ebreak, c.jalr, c.add.
static uint32_t jump_or_move(uint16_t c)
{
    unsigned r1 = reg_full(c, 7);
    unsigned rs2 = reg_full(c, 2);
    unsigned link = field(c, 12, 1, 0);

    if (rs2 != 0)
        return r_type(0, rs2, link ? r1 : 0, 0, r1, OP); // c.add, c.mv
    if (r1 != 0)
        return i_type(0, r1, 0, link ? RA : 0, JALR);
    return link ? EBREAK : 0;
}

static uint32_t quadrant2(uint16_t c)
{
    unsigned r = reg_full(c, 7);
    unsigned rs2 = reg_full(c, 2);
    unsigned load_word = field(c, 12, 1, 5) | field(c, 4, 3, 2) | field(c, 2, 2, 6);
    unsigned load_dword = field(c, 12, 1, 5) | field(c, 5, 2, 3) | field(c, 2, 3, 6);
    unsigned store_word = field(c, 9, 4, 2) | field(c, 7, 2, 6);
    unsigned store_dword = field(c, 10, 3, 3) | field(c, 7, 3, 6);

    switch (c >> 13) {
    case 0: // c.slli
        return i_type(shamt6(c), r, 1, r, OP_IMM);
    case 1: // c.fldsp
        return i_type(load_dword, SP, 3, r, LOAD_FP);
    case 2: // c.lwsp
        return r == 0 ? 0 : i_type(load_word, SP, 2, r, LOAD);
    case 3: // c.ldsp
        return r == 0 ? 0 : i_type(load_dword, SP, 3, r, LOAD);
    case 4:
        return jump_or_move(c);
    case 5: // c.fsdsp
        return s_type(store_dword, rs2, SP, 3, STORE_FP);
    case 6: // c.swsp
        return s_type(store_word, rs2, SP, 2, STORE);
    default: // c.sdsp
        return s_type(store_dword, rs2, SP, 3, STORE);
    }
}

uint32_t expand_compressed(uint16_t bits)
{
    switch (bits & 3) {
    case 0:
        return quadrant0(bits);
    case 1:
        return quadrant1(bits);
    case 2:
        return quadrant2(bits);
    default: // not a compressed instruction
        return 0;
    }
}
