// SPDX-License-Identifier: GPL-3.0-or-later
// Instructions of four bytes for tests that write guest code themselves: the formats of the unprivileged spec, section
// 2.2, and those that tests name. Offsets are in bytes, from the instruction itself.
#pragma once
#include <stdint.h>

enum { ZERO, RA, SP, GP, TP, T0, T1, T2, S0, S1, A0, A1, A2, A3, A4, A5 };

static inline uint32_t r_type(uint32_t op, unsigned f3, unsigned f7, unsigned rd, unsigned rs1, unsigned rs2)
{
    return f7 << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | rd << 7 | op;
}

static inline uint32_t i_type(uint32_t op, unsigned f3, unsigned rd, unsigned rs1, uint32_t imm)
{
    return (imm & 0xfff) << 20 | rs1 << 15 | f3 << 12 | rd << 7 | op;
}

static inline uint32_t s_type(uint32_t op, unsigned f3, unsigned rs1, unsigned rs2, uint32_t imm)
{
    return (imm >> 5 & 0x7f) << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | (imm & 0x1f) << 7 | op;
}

static inline uint32_t b_type(unsigned f3, unsigned rs1, unsigned rs2, int32_t offset)
{
    uint32_t o = (uint32_t)offset;
    return (o >> 12 & 1) << 31 | (o >> 5 & 0x3f) << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | (o >> 1 & 0xf) << 8 |
           (o >> 11 & 1) << 7 | 0x63;
}

static inline uint32_t jal(unsigned rd, int32_t offset)
{
    uint32_t o = (uint32_t)offset;
    return (o >> 20 & 1) << 31 | (o >> 1 & 0x3ff) << 21 | (o >> 11 & 1) << 20 | (o >> 12 & 0xff) << 12 | rd << 7 | 0x6f;
}

static inline uint32_t jalr(unsigned rd, uint32_t imm, unsigned rs1)
{
    return i_type(0x67, 0, rd, rs1, imm);
}

static inline uint32_t bne(unsigned rs1, unsigned rs2, int32_t offset)
{
    return b_type(1, rs1, rs2, offset);
}

static inline uint32_t addi(unsigned rd, unsigned rs1, uint32_t imm)
{
    return i_type(0x13, 0, rd, rs1, imm);
}

static inline uint32_t lw(unsigned rd, uint32_t imm, unsigned rs1)
{
    return i_type(0x03, 2, rd, rs1, imm);
}

static inline uint32_t ld(unsigned rd, uint32_t imm, unsigned rs1)
{
    return i_type(0x03, 3, rd, rs1, imm);
}

static inline uint32_t sw(unsigned rs2, uint32_t imm, unsigned rs1)
{
    return s_type(0x23, 2, rs1, rs2, imm);
}
