// SPDX-License-Identifier: GPL-3.0-or-later
// Decoding: rows of insns.def in buckets by opcode and funct3, operands by format.
//
// A bucket is chosen by bits 6:2 and 14:12 (bits 1:0 are 11 in every 32-bit instruction). Formats without
// funct3 (U, J) and rows that ignore it simply stand in all eight buckets of their opcode. The longest
// buckets have about a dozen rows, those of OP-FP some forty, so a linear search over (mask, match) pairs that
// lie side by side is all it takes.
#include "frontend/decode.h"
#include "util/bits.h"
#include <glib.h>

#define BUCKETS 256
#define BUCKET_BITS 0x707cu // the bits that choose the bucket

typedef struct {
    uint32_t mask, match;
    uint16_t id;
    uint16_t format;
} Candidate;

static InsnInfo rows[INSNS] = {
    [INSN_ILLEGAL] = { .name = "illegal", .bits = "--------------------------------", .format = FMT_NONE },
#define INSN(id_, name_, bits_, format_, ext_) \
    [INSN_##id_] = { .name = name_, .bits = bits_, .format = format_, .ext = ext_ },
#include "frontend/insns.def"
#undef INSN
};

const InsnInfo *const insn_info = rows;

static Candidate candidates[INSNS * 8];
static uint16_t bucket_start[BUCKETS + 1]; // bucket i is candidates[bucket_start[i] .. bucket_start[i + 1])

static unsigned bucket_of(uint32_t bits)
{
    return (bits >> 2 & 31) << 3 | (bits >> 12 & 7);
}

static uint32_t bucket_bits(unsigned bucket)
{
    return (bucket >> 3) << 2 | (bucket & 7) << 12;
}

static void set_mask_and_match(InsnInfo *row)
{
    for (unsigned i = 0; i < 32; i++) {
        uint32_t bit = 1u << (31 - i);

        if (row->bits[i] == '0' || row->bits[i] == '1')
            row->mask |= bit;
        if (row->bits[i] == '1')
            row->match |= bit;
    }
}

void decode_init(void)
{
    static bool done;
    unsigned n = 0;

    if (done)
        return;
    done = true;
    for (unsigned id = INSN_ILLEGAL + 1; id < INSNS; id++)
        set_mask_and_match(&rows[id]);
    for (unsigned b = 0; b < BUCKETS; b++) {
        bucket_start[b] = n;
        for (unsigned id = INSN_ILLEGAL + 1; id < INSNS; id++) {
            const InsnInfo *row = &rows[id];

            if (((row->match ^ bucket_bits(b)) & row->mask & BUCKET_BITS) != 0)
                continue;
            g_assert(n < G_N_ELEMENTS(candidates));
            candidates[n++] = (Candidate){ row->mask, row->match, (uint16_t)id, (uint16_t)row->format };
        }
    }
    bucket_start[BUCKETS] = n;
}

static int64_t imm_i(uint32_t w)
{
    return (int32_t)w >> 20;
}

static int64_t imm_s(uint32_t w)
{
    return bits_sext(bits_get(w, 25, 7) << 5 | bits_get(w, 7, 5), 12);
}

static int64_t imm_b(uint32_t w)
{
    return bits_sext(bits_get(w, 31, 1) << 12 | bits_get(w, 7, 1) << 11 | bits_get(w, 25, 6) << 5 |
                     bits_get(w, 8, 4) << 1, 13);
}

static int64_t imm_u(uint32_t w)
{
    return (int32_t)(w & 0xfffff000);
}

static int64_t imm_j(uint32_t w)
{
    return bits_sext(bits_get(w, 31, 1) << 20 | bits_get(w, 12, 8) << 12 | bits_get(w, 20, 1) << 11 |
                     bits_get(w, 21, 10) << 1, 21);
}

static int64_t immediate(InsnFormat format, uint32_t w)
{
    switch (format) {
    case FMT_I:
    case FMT_LOAD:
    case FMT_FLOAD:
        return imm_i(w);
    case FMT_S:
    case FMT_FS:
        return imm_s(w);
    case FMT_B:
        return imm_b(w);
    case FMT_U:
        return imm_u(w);
    case FMT_J:
        return imm_j(w);
    case FMT_SHAMT:
        return (int64_t)bits_get(w, 20, 6);
    case FMT_SHAMTW:
        return (int64_t)bits_get(w, 20, 5);
    case FMT_CSR:
    case FMT_CSRI:
    case FMT_FENCE:
        return (int64_t)bits_get(w, 20, 12);
    default:
        return 0;
    }
}

enum { HAS_RD = 1, HAS_RS1 = 2, HAS_RS2 = 4, HAS_AQRL = 8, HAS_RS3 = 16, HAS_RM = 32 };

static const uint8_t format_fields[FMTS] = {
    [FMT_R] = HAS_RD | HAS_RS1 | HAS_RS2,
    [FMT_R2] = HAS_RD | HAS_RS1,
    [FMT_I] = HAS_RD | HAS_RS1,
    [FMT_LOAD] = HAS_RD | HAS_RS1,
    [FMT_S] = HAS_RS1 | HAS_RS2,
    [FMT_B] = HAS_RS1 | HAS_RS2,
    [FMT_U] = HAS_RD,
    [FMT_J] = HAS_RD,
    [FMT_SHAMT] = HAS_RD | HAS_RS1,
    [FMT_SHAMTW] = HAS_RD | HAS_RS1,
    [FMT_CSR] = HAS_RD | HAS_RS1,
    [FMT_CSRI] = HAS_RD | HAS_RS1,
    [FMT_AMO] = HAS_RD | HAS_RS1 | HAS_RS2 | HAS_AQRL,
    [FMT_LR] = HAS_RD | HAS_RS1 | HAS_AQRL,
    [FMT_SFENCE] = HAS_RS1 | HAS_RS2,
    [FMT_CBO] = HAS_RS1,
    [FMT_FLOAD] = HAS_RD | HAS_RS1,
    [FMT_FS] = HAS_RS1 | HAS_RS2,
    [FMT_R4] = HAS_RD | HAS_RS1 | HAS_RS2 | HAS_RS3 | HAS_RM,
    [FMT_FRM] = HAS_RD | HAS_RS1 | HAS_RS2 | HAS_RM,
    [FMT_FRM2] = HAS_RD | HAS_RS1 | HAS_RM,
    [FMT_FR] = HAS_RD | HAS_RS1 | HAS_RS2,
    [FMT_FCMP] = HAS_RD | HAS_RS1 | HAS_RS2,
    [FMT_F2X] = HAS_RD | HAS_RS1,
    [FMT_F2XRM] = HAS_RD | HAS_RS1 | HAS_RM,
    [FMT_X2F] = HAS_RD | HAS_RS1,
    [FMT_X2FRM] = HAS_RD | HAS_RS1 | HAS_RM,
};

static void set_operands(Insn *insn, InsnFormat format, uint32_t w)
{
    unsigned fields = format_fields[format];

    if (fields & HAS_RD)
        insn->rd = w >> 7 & 31;
    if (fields & HAS_RS1)
        insn->rs1 = w >> 15 & 31;
    if (fields & HAS_RS2)
        insn->rs2 = w >> 20 & 31;
    if (fields & HAS_RS3)
        insn->rs3 = w >> 27 & 31;
    if (fields & HAS_RM)
        insn->rm = w >> 12 & 7;
    if (fields & HAS_AQRL) {
        insn->aq = w >> 26 & 1;
        insn->rl = w >> 25 & 1;
    }
    insn->imm = immediate(format, w);
}

// 5 and 6 (unprivileged spec, table "Rounding mode encoding").
static bool reserved_rounding_mode(InsnFormat format, uint32_t w)
{
    unsigned rm = w >> 12 & 7;

    return (format_fields[format] & HAS_RM) && (rm == 5 || rm == 6);
}

Insn decode(uint32_t bits)
{
    Insn insn = { .id = INSN_ILLEGAL, .len = 4, .raw = bits };
    uint32_t w = bits;

    if (insn_is_compressed((uint16_t)bits)) {
        insn.len = 2;
        insn.raw = bits & 0xffff;
        w = expand_compressed((uint16_t)bits);
    }
    if ((w & 3) != 3) // 0: a reserved compressed encoding
        return insn;

    unsigned bucket = bucket_of(w);
    const Candidate *end = &candidates[bucket_start[bucket + 1]];

    for (const Candidate *c = &candidates[bucket_start[bucket]]; c < end; c++) {
        if ((w & c->mask) == c->match) {
            if (reserved_rounding_mode((InsnFormat)c->format, w))
                break;
            insn.id = c->id;
            set_operands(&insn, (InsnFormat)c->format, w);
            break;
        }
    }
    return insn;
}
