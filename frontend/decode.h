// SPDX-License-Identifier: GPL-3.0-or-later
// From instruction bits to Insn, by the rows of insns.def.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef enum {
    INSN_ILLEGAL, // matches no row
#define INSN(id, name, bits, format, ext) INSN_##id,
#include "frontend/insns.def"
#undef INSN
    INSNS
} InsnId;

typedef enum { // operand formats: the Insn fields that an instruction of this format has; the others are 0
    FMT_NONE,   // no operands
    FMT_R,      // rd, rs1, rs2
    FMT_R2,     // rd, rs1
    FMT_I,      // rd, rs1, imm
    FMT_LOAD,   // rd, imm(rs1)
    FMT_S,      // rs2, imm(rs1)
    FMT_B,      // rs1, rs2, pc + imm
    FMT_U,      // rd, imm (already shifted left by 12)
    FMT_J,      // rd, pc + imm
    FMT_SHAMT,  // rd, rs1, imm 0..63
    FMT_SHAMTW, // rd, rs1, imm 0..31
    FMT_CSR,    // rd, csr number 0..4095 in imm, rs1
    FMT_CSRI,   // rd, csr number 0..4095 in imm, 5-bit immediate in rs1
    FMT_AMO,    // rd, rs2, (rs1); aq, rl
    FMT_LR,     // rd, (rs1); aq, rl
    FMT_FENCE,  // fm in bits 11:8, pred in 7:4, succ in 3:0 of imm
    FMT_SFENCE, // rs1, rs2
    FMT_CBO,    // (rs1)
    // Floating point; f: of that field names an f register.
    FMT_FLOAD,  // f:rd, imm(rs1)
    FMT_FS,     // f:rs2, imm(rs1)
    FMT_R4,     // f:rd, f:rs1, f:rs2, f:rs3, rm
    FMT_FRM,    // f:rd, f:rs1, f:rs2, rm
    FMT_FRM2,   // f:rd, f:rs1, rm
    FMT_FR,     // f:rd, f:rs1, f:rs2
    FMT_FCMP,   // rd, f:rs1, f:rs2
    FMT_F2X,    // rd, f:rs1
    FMT_F2XRM,  // rd, f:rs1, rm
    FMT_X2F,    // f:rd, rs1
    FMT_X2FRM,  // f:rd, rs1, rm
    FMTS
} InsnFormat;

typedef enum {
    EXT_I,
    EXT_M,
    EXT_A,
    EXT_F,
    EXT_D,
    EXT_ZICSR,
    EXT_ZIFENCEI,
    EXT_ZBA,
    EXT_ZBB,
    EXT_ZBS,
    EXT_PRIV, // privileged architecture
    EXT_SVINVAL,
    EXT_ZICBOM,
    EXT_ZICBOZ,
    EXT_ZAWRS,
    EXTS
} InsnExt;

typedef struct {
    uint16_t id; // InsnId
    uint8_t rd, rs1, rs2, rs3;
    uint8_t rm;   // rounding mode: 0..4 or 7
    uint8_t len;  // 2 or 4
    bool aq, rl;
    int64_t imm;  // sign-extended; whole: branch offsets in bytes, U immediates with their 12 zeros
    uint32_t raw; // the bits as fetched: 16 or 32
} Insn;

typedef struct {
    const char *name; // the manual's, e.g. "amoadd.w"
    const char *bits; // 32 characters, most significant first: 0, 1 or a field letter (see insns.def)
    uint32_t mask, match;
    InsnFormat format;
    InsnExt ext;
} InsnInfo;

extern const InsnInfo *const insn_info; // INSNS rows, by InsnId; mask and match are ready after decode_init

// Builds the decode buckets; call it before decode(), while the process has one thread. Idempotent.
void decode_init(void);

// True if the first parcel says the instruction is 16 bits long.
static inline bool insn_is_compressed(uint16_t parcel)
{
    return (parcel & 3) != 3;
}

// Decodes one instruction; for a compressed one only the low 16 bits count. Never fails: what matches no
// row, or has a reserved rounding mode, has id INSN_ILLEGAL, with len and raw set and no operands. Encodings
// longer than 32 bits count as illegal ones of 4 bytes.
Insn decode(uint32_t bits);

// expand.c: the 32-bit encoding of a 16-bit instruction of RV64C (unprivileged spec, chapter C), or 0 if
// reserved or illegal. HINTs expand to instructions without effect.
uint32_t expand_compressed(uint16_t bits);
