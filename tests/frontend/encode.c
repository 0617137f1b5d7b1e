// SPDX-License-Identifier: GPL-3.0-or-later
// Test-only encoder, written from the manual's instruction format figures (unprivileged spec 2.2, 2.3).
#include "tests/frontend/encode.h"
#include <glib.h>

static const signed char i_bits[] = { 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, -1 };
static const signed char b_bits[] = { 12, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 11, -1 };
static const signed char u_bits[] = {
    31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, -1,
};
static const signed char j_bits[] = {
    20, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 11, 19, 18, 17, 16, 15, 14, 13, 12, -1,
};
static const signed char none[] = { -1 };

const signed char *format_imm_bits(InsnFormat format)
{
    switch (format) {
    case FMT_I:
    case FMT_LOAD:
    case FMT_FLOAD:
    case FMT_S:
    case FMT_FS:
    case FMT_CSR:
    case FMT_CSRI:
    case FMT_FENCE:
        return i_bits;
    case FMT_SHAMT:
        return i_bits + 6;
    case FMT_SHAMTW:
        return i_bits + 7;
    case FMT_B:
        return b_bits;
    case FMT_U:
        return u_bits;
    case FMT_J:
        return j_bits;
    default:
        return none;
    }
}

uint32_t insn_encode(const Insn *insn, uint32_t noise)
{
    const InsnInfo *row = &insn_info[insn->id];
    const signed char *imm = format_imm_bits(row->format);
    unsigned d = 5, s = 5, t = 5, u = 5, m = 3; // bits still to place
    uint32_t word = 0;

    for (const char *p = row->bits; *p; p++) {
        unsigned bit;

        switch (*p) {
        case 'd':
            bit = insn->rd >> --d;
            break;
        case 's':
            bit = insn->rs1 >> --s;
            break;
        case 't':
            bit = insn->rs2 >> --t;
            break;
        case 'u':
            bit = insn->rs3 >> --u;
            break;
        case 'm':
            bit = insn->rm >> --m;
            break;
        case 'i':
            bit = (unsigned)(insn->imm >> *imm++);
            break;
        case 'a':
            bit = insn->aq;
            break;
        case 'r':
            bit = insn->rl;
            break;
        case '-':
            bit = noise >> (31 - (p - row->bits));
            break;
        default:
            bit = *p == '1';
            break;
        }
        word = word << 1 | (bit & 1);
    }
    g_assert(*imm == -1);
    return word;
}
