// SPDX-License-Identifier: GPL-3.0-or-later
// What each pure op, AMO and branch computes: the definition all engines and the folder are held to.
//
// Arithmetic is done on unsigned types, because overflow of signed ones is undefined in C. Right shifts of
// negative numbers and conversions to signed types are used as GCC and clang define them.
#include "ir/ir.h"

typedef __int128 i128;
typedef unsigned __int128 u128;

#define NAN_BOX UINT64_C(0xffffffff00000000)

static uint64_t sext32(uint64_t v)
{
    return (uint64_t)(int64_t)(int32_t)v;
}

// Division as in the unprivileged manual, chapter "M", table of semantics for division by zero and overflow.
static int64_t div_signed(int64_t a, int64_t b)
{
    if (b == 0)
        return -1;
    return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}

static int64_t rem_signed(int64_t a, int64_t b)
{
    if (b == 0)
        return a;
    return b == -1 ? 0 : a % b;
}

static uint64_t rol64(uint64_t a, unsigned n)
{
    return a << (n & 63) | a >> (-n & 63);
}

static uint32_t rol32(uint32_t a, unsigned n)
{
    return a << (n & 31) | a >> (-n & 31);
}

static uint64_t orcb(uint64_t a)
{
    uint64_t r = 0;

    for (unsigned i = 0; i < 64; i += 8)
        r |= a >> i & 0xff ? UINT64_C(0xff) << i : 0;
    return r;
}

// A single whose box is broken is the canonical NaN (unprivileged spec, "NaN Boxing of Narrower Values").
static uint64_t unbox(uint64_t a)
{
    return a >= NAN_BOX ? a : NAN_BOX | 0x7fc00000;
}

static uint64_t eval_sign(IrOpcode op, uint64_t a, uint64_t b)
{
    const uint64_t sign32 = UINT64_C(1) << 31, sign64 = UINT64_C(1) << 63;

    switch (op) {
    case IR_OP_FSGNJ32: return (unbox(a) & ~sign32) | (unbox(b) & sign32);
    case IR_OP_FSGNJN32: return (unbox(a) & ~sign32) | (~unbox(b) & sign32);
    case IR_OP_FSGNJX32: return unbox(a) ^ (unbox(b) & sign32);
    case IR_OP_FSGNJ64: return (a & ~sign64) | (b & sign64);
    case IR_OP_FSGNJN64: return (a & ~sign64) | (~b & sign64);
    case IR_OP_FSGNJX64: return a ^ (b & sign64);
    default: g_assert_not_reached();
    }
}

static uint64_t eval_mul_div(IrOpcode op, uint64_t a, uint64_t b)
{
    int32_t wa = (int32_t)a, wb = (int32_t)b;
    uint32_t ua = (uint32_t)a, ub = (uint32_t)b;

    switch (op) {
    case IR_OP_MUL: return a * b;
    case IR_OP_MULH: return (uint64_t)(((i128)(int64_t)a * (int64_t)b) >> 64);
    case IR_OP_MULHU: return (uint64_t)(((u128)a * b) >> 64);
    case IR_OP_MULHSU: return (uint64_t)(((i128)(int64_t)a * (i128)b) >> 64);
    case IR_OP_DIV: return (uint64_t)div_signed((int64_t)a, (int64_t)b);
    case IR_OP_DIVU: return b ? a / b : ~UINT64_C(0);
    case IR_OP_REM: return (uint64_t)rem_signed((int64_t)a, (int64_t)b);
    case IR_OP_REMU: return b ? a % b : a;
    case IR_OP_MUL32: return sext32(a * b);
    // The 64-bit quotient of two words overflows only a word (-2^31 / -1), where the low word is the result.
    case IR_OP_DIV32: return sext32((uint64_t)div_signed(wa, wb));
    case IR_OP_DIVU32: return ub ? sext32(ua / ub) : ~UINT64_C(0);
    case IR_OP_REM32: return (uint64_t)rem_signed(wa, wb);
    case IR_OP_REMU32: return sext32(ub ? ua % ub : ua);
    default: g_assert_not_reached();
    }
}

static uint64_t eval_unary(IrOpcode op, uint64_t a)
{
    uint32_t w = (uint32_t)a;

    switch (op) {
    case IR_OP_SEXT8: return (uint64_t)(int64_t)(int8_t)a;
    case IR_OP_SEXT16: return (uint64_t)(int64_t)(int16_t)a;
    case IR_OP_SEXT32: return sext32(a);
    case IR_OP_ZEXT16: return (uint16_t)a;
    case IR_OP_ZEXT32: return w;
    case IR_OP_CLZ: return a ? (uint64_t)__builtin_clzll(a) : 64;
    case IR_OP_CTZ: return a ? (uint64_t)__builtin_ctzll(a) : 64;
    case IR_OP_CPOP: return (uint64_t)__builtin_popcountll(a);
    case IR_OP_CLZ32: return w ? (uint64_t)__builtin_clz(w) : 32;
    case IR_OP_CTZ32: return w ? (uint64_t)__builtin_ctz(w) : 32;
    case IR_OP_CPOP32: return (uint64_t)__builtin_popcount(w);
    case IR_OP_BSWAP: return __builtin_bswap64(a);
    case IR_OP_ORCB: return orcb(a);
    case IR_OP_BOX32: return a | NAN_BOX;
    case IR_OP_UNBOX32: return unbox(a);
    default: g_assert_not_reached();
    }
}

uint64_t ir_eval_pure(IrOpcode op, uint64_t a, uint64_t b, int64_t imm)
{
    int64_t sa = (int64_t)a, sb = (int64_t)b;

    switch (op) {
    case IR_OP_CONST: return (uint64_t)imm;
    case IR_OP_PC: return a + (uint64_t)imm;
    case IR_OP_ADD: return a + b;
    case IR_OP_SUB: return a - b;
    case IR_OP_AND: return a & b;
    case IR_OP_OR: return a | b;
    case IR_OP_XOR: return a ^ b;
    case IR_OP_SLL: return a << (b & 63);
    case IR_OP_SRL: return a >> (b & 63);
    case IR_OP_SRA: return (uint64_t)(sa >> (b & 63));
    case IR_OP_SLT: return sa < sb;
    case IR_OP_SLTU: return a < b;
    case IR_OP_ADD32: return sext32(a + b);
    case IR_OP_SUB32: return sext32(a - b);
    case IR_OP_SLL32: return sext32(a << (b & 31));
    case IR_OP_SRL32: return sext32((uint32_t)a >> (b & 31));
    case IR_OP_SRA32: return (uint64_t)(int64_t)((int32_t)a >> (b & 31));
    case IR_OP_MIN: return sa < sb ? a : b;
    case IR_OP_MAX: return sa < sb ? b : a;
    case IR_OP_MINU: return a < b ? a : b;
    case IR_OP_MAXU: return a < b ? b : a;
    case IR_OP_ROL: return rol64(a, (unsigned)b);
    case IR_OP_ROR: return rol64(a, -(unsigned)b);
    case IR_OP_ROL32: return sext32(rol32((uint32_t)a, (unsigned)b));
    case IR_OP_ROR32: return sext32(rol32((uint32_t)a, -(unsigned)b));
    default: break;
    }
    if (ir_n_values(op) == 1)
        return eval_unary(op, a);
    return op >= IR_OP_FSGNJ32 && op <= IR_OP_FSGNJX64 ? eval_sign(op, a, b) : eval_mul_div(op, a, b);
}

uint64_t ir_eval_amo(IrAmo kind, unsigned size, uint64_t old, uint64_t b)
{
    if (size == 4) // comparisons see words: sign extension of both sides keeps signed and unsigned order
        b = sext32(b);
    switch (kind) {
    case IR_AMO_SWAP: return b;
    case IR_AMO_ADD: return size == 4 ? sext32(old + b) : old + b;
    case IR_AMO_XOR: return old ^ b;
    case IR_AMO_AND: return old & b;
    case IR_AMO_OR: return old | b;
    case IR_AMO_MIN: return (int64_t)old < (int64_t)b ? old : b;
    case IR_AMO_MAX: return (int64_t)old < (int64_t)b ? b : old;
    case IR_AMO_MINU: return old < b ? old : b;
    case IR_AMO_MAXU: return old < b ? b : old;
    default: g_assert_not_reached();
    }
}

bool ir_eval_br(IrOpcode op, uint64_t a, uint64_t b)
{
    switch (op) {
    case IR_OP_BR_EQ: return a == b;
    case IR_OP_BR_NE: return a != b;
    case IR_OP_BR_LT: return (int64_t)a < (int64_t)b;
    case IR_OP_BR_GE: return (int64_t)a >= (int64_t)b;
    case IR_OP_BR_LTU: return a < b;
    case IR_OP_BR_GEU: return a >= b;
    default: g_assert_not_reached();
    }
}
