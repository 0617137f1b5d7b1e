// SPDX-License-Identifier: GPL-3.0-or-later
// The instruction table is well formed; decode() finds its rows and operands, and nothing else.
#include "tests/test.h"
#include "tests/frontend/encode.h"
#include "util/bits.h"
#include <ctype.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const ids[INSNS] = {
    [INSN_ILLEGAL] = "ILLEGAL",
#define INSN(id, name, bits, format, ext) [INSN_##id] = #id,
#include "frontend/insns.def"
#undef INSN
};

static unsigned count(const char *bits, char letter)
{
    unsigned n = 0;

    for (; *bits; bits++)
        n += *bits == letter;
    return n;
}

static void ids_are_upper_case_names(void **state)
{
    (void)state;
    for (unsigned id = INSN_ILLEGAL; id < INSNS; id++) {
        char text[32] = "";

        for (unsigned i = 0; insn_info[id].name[i]; i++) {
            int c = toupper((unsigned char)insn_info[id].name[i]);
            text[i] = c == '.' ? '_' : (char)c;
        }
        assert_string_equal(text, ids[id]);
    }
}

// Which letters the bit strings of a format have, and how often besides i.
static const char *format_letters(InsnFormat format)
{
    switch (format) {
    case FMT_R:
        return "dst";
    case FMT_R2:
    case FMT_I:
    case FMT_LOAD:
    case FMT_SHAMT:
    case FMT_SHAMTW:
    case FMT_CSR:
    case FMT_CSRI:
        return "ds";
    case FMT_S:
    case FMT_B:
    case FMT_SFENCE:
        return "st";
    case FMT_U:
    case FMT_J:
        return "d";
    case FMT_AMO:
        return "dstar";
    case FMT_LR:
        return "dsar";
    case FMT_CBO:
        return "s";
    case FMT_R4:
        return "dstum";
    case FMT_FRM:
        return "dstm";
    case FMT_FRM2:
    case FMT_F2XRM:
    case FMT_X2FRM:
        return "dsm";
    case FMT_FR:
    case FMT_FCMP:
        return "dst";
    case FMT_FLOAD:
    case FMT_F2X:
    case FMT_X2F:
        return "ds";
    case FMT_FS:
        return "st";
    default:
        return "";
    }
}

static void rows_fit_their_formats(void **state)
{
    (void)state;
    for (unsigned id = INSN_ILLEGAL + 1; id < INSNS; id++) {
        const InsnInfo *row = &insn_info[id];
        const char *letters = format_letters(row->format);
        unsigned imm = 0;

        while (format_imm_bits(row->format)[imm] >= 0)
            imm++;
        assert_int_equal(strlen(row->bits), 32);
        assert_int_equal(strspn(row->bits, "01dstuarmi-"), 32);
        assert_string_equal(row->bits + 30, "11");
        for (const char *p = "dstu"; *p; p++)
            assert_int_equal(count(row->bits, *p), strchr(letters, *p) ? 5 : 0);
        for (const char *p = "ar"; *p; p++)
            assert_int_equal(count(row->bits, *p), strchr(letters, *p) ? 1 : 0);
        assert_int_equal(count(row->bits, 'm'), strchr(letters, 'm') ? 3 : 0);
        assert_int_equal(count(row->bits, 'i'), imm);
        assert_true(row->ext < EXTS);
        for (unsigned i = 0; i < 32; i++) {
            assert_int_equal(row->mask >> (31 - i) & 1, row->bits[i] == '0' || row->bits[i] == '1');
            assert_int_equal(row->match >> (31 - i) & 1, row->bits[i] == '1');
        }
    }
    assert_string_equal(insn_info[INSN_ILLEGAL].name, "illegal");
}

// The numbers of instructions that the manuals list per extension (bit manipulation: Zba 8, Zbb 24, Zbs 8
// on RV64).
static void every_extension_is_complete(void **state)
{
    static const unsigned expected[EXTS] = {
        [EXT_I] = 52, [EXT_M] = 13, [EXT_A] = 22, [EXT_F] = 30, [EXT_D] = 32, [EXT_ZICSR] = 6, [EXT_ZIFENCEI] = 1,
        [EXT_ZBA] = 8, [EXT_ZBB] = 24, [EXT_ZBS] = 8, [EXT_PRIV] = 4,
        [EXT_SVINVAL] = 3, [EXT_ZICBOM] = 3, [EXT_ZICBOZ] = 1, [EXT_ZAWRS] = 2,
    };
    unsigned found[EXTS] = { 0 };

    (void)state;
    for (unsigned id = INSN_ILLEGAL + 1; id < INSNS; id++)
        found[insn_info[id].ext]++;
    for (unsigned ext = 0; ext < EXTS; ext++)
        assert_int_equal(found[ext], expected[ext]);
}

static void no_two_rows_overlap(void **state)
{
    (void)state;
    for (unsigned a = INSN_ILLEGAL + 1; a < INSNS; a++)
        for (unsigned b = a + 1; b < INSNS; b++) {
            const InsnInfo *x = &insn_info[a], *y = &insn_info[b];

            if (((x->match ^ y->match) & x->mask & y->mask) == 0)
                fail_msg("%s and %s overlap", x->name, y->name);
        }
}

// A random immediate among those that the format can hold, edges often.
static int64_t random_imm(InsnFormat format, uint64_t *seed)
{
    const signed char *bits = format_imm_bits(format);
    bool is_signed = format == FMT_I || format == FMT_LOAD || format == FMT_FLOAD ||
                     format == FMT_S || format == FMT_FS || format == FMT_B ||
                     format == FMT_U || format == FMT_J;
    uint64_t possible = 0;
    uint64_t r = random_next(seed);
    uint64_t value = r % 8 == 0 ? 0 : r % 8 == 1 ? ~UINT64_C(0) : random_next(seed);
    unsigned width = 0;

    for (; *bits >= 0; bits++) {
        possible |= UINT64_C(1) << *bits;
        width = MAX(width, (unsigned)*bits + 1);
    }
    value &= possible;
    return is_signed && width != 0 ? bits_sext(value, width) : (int64_t)value;
}

static Insn random_insn(unsigned id, uint64_t *seed)
{
    const InsnInfo *row = &insn_info[id];
    Insn insn = { .id = (uint16_t)id, .len = 4 };

    if (strchr(row->bits, 'd'))
        insn.rd = random_next(seed) >> 59;
    if (strchr(row->bits, 's'))
        insn.rs1 = random_next(seed) >> 59;
    if (strchr(row->bits, 't'))
        insn.rs2 = random_next(seed) >> 59;
    if (strchr(row->bits, 'u'))
        insn.rs3 = random_next(seed) >> 59;
    if (strchr(row->bits, 'm'))
        insn.rm = (uint8_t)"\0\1\2\3\4\7"[(random_next(seed) >> 32) % 6];
    if (strchr(row->bits, 'a'))
        insn.aq = random_next(seed) >> 63;
    if (strchr(row->bits, 'r'))
        insn.rl = random_next(seed) >> 63;
    insn.imm = random_imm(row->format, seed);
    return insn;
}

static void check_same(const Insn *got, const Insn *want)
{
    if (got->id != want->id || got->rd != want->rd || got->rs1 != want->rs1 || got->rs2 != want->rs2 ||
        got->rs3 != want->rs3 || got->rm != want->rm ||
        got->len != want->len || got->aq != want->aq || got->rl != want->rl || got->imm != want->imm ||
        got->raw != want->raw)
        fail_msg("%08x: got %s rd=%u rs1=%u rs2=%u imm=%" PRId64 ", want %s rd=%u rs1=%u rs2=%u imm=%" PRId64,
                 want->raw, insn_info[got->id].name, got->rd, got->rs1, got->rs2, got->imm,
                 insn_info[want->id].name, want->rd, want->rs1, want->rs2, want->imm);
}

static void encode_and_decode_are_inverse(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (unsigned id = INSN_ILLEGAL + 1; id < INSNS; id++)
        for (unsigned i = 0; i < 2000; i++) {
            Insn want = random_insn(id, &seed);

            want.raw = insn_encode(&want, random_word(&seed));
            Insn got = decode(want.raw);
            check_same(&got, &want);
        }
}

// The buckets find exactly what a search of the whole table finds.
static void buckets_agree_with_the_table(void **state)
{
    uint64_t seed = 2;

    (void)state;
    for (unsigned i = 0; i < 1000000; i++) {
        uint32_t word = random_word(&seed) | 3;
        unsigned id = INSN_ILLEGAL + 1;

        if (i % 2) // half of them in the opcodes that have rows
            word = (word & ~0x7fu) | (insn_info[1 + random_word(&seed) % (INSNS - 1)].match & 0x7f);
        while (id < INSNS && (word & insn_info[id].mask) != insn_info[id].match)
            id++;
        if (id < INSNS && strchr(insn_info[id].bits, 'm') && (word >> 12 & 7) % 7 > 4)
            id = INSNS; // reserved rounding mode
        Insn insn = decode(word);
        assert_int_equal(insn.id, id == INSNS ? INSN_ILLEGAL : id);
        assert_int_equal(insn.raw, word);
        assert_int_equal(insn.len, 4);
    }
}

static void compressed_decode_as_their_expansion(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x10000; c++) {
        if (!insn_is_compressed((uint16_t)c))
            continue;

        uint32_t expanded = expand_compressed((uint16_t)c);
        Insn want = expanded ? decode(expanded) : (Insn){ .id = INSN_ILLEGAL };
        Insn got = decode(0xabcd0000 | c);

        want.len = 2;
        want.raw = c;
        check_same(&got, &want);
    }
}

// Words from GNU as, so that encoder and decoder cannot be wrong in the same way.
static void known_words(void **state)
{
    static const struct {
        uint32_t word;
        const char *text; // id rd rs1 rs2 imm aq rl len
    } cases[] = {
        { 0x800000b7, "LUI 1 0 0 -2147483648 0 0 4" },   // lui ra,0x80000
        { 0x12345f97, "AUIPC 31 0 0 305418240 0 0 4" },  // auipc t6,0x12345
        { 0x801ff0ef, "JAL 1 0 0 -2048 0 0 4" },         // jal ra,.-2048
        { 0x800580e7, "JALR 1 11 0 -2048 0 0 4" },       // jalr ra,-2048(a1)
        { 0xfeb51ee3, "BNE 0 10 11 -4 0 0 4" },          // bne a0,a1,.-4
        { 0x7ec5f7e3, "BGEU 0 11 12 4078 0 0 4" },       // bgeu a1,a2,.+4078
        { 0xff843503, "LD 10 8 0 -8 0 0 4" },            // ld a0,-8(s0)
        { 0xfea43c23, "SD 0 8 10 -8 0 0 4" },            // sd a0,-8(s0)
        { 0x7ff56513, "ORI 10 10 0 2047 0 0 4" },        // ori a0,a0,2047
        { 0x43f55513, "SRAI 10 10 0 63 0 0 4" },         // srai a0,a0,63
        { 0x41f5551b, "SRAIW 10 10 0 31 0 0 4" },        // sraiw a0,a0,31
        { 0x0ff0000f, "FENCE 0 0 0 255 0 0 4" },         // fence
        { 0x8330000f, "FENCE 0 0 0 2099 0 0 4" },        // fence.tso
        { 0x0100000f, "FENCE 0 0 0 16 0 0 4" },          // pause
        { 0x0000100f, "FENCE_I 0 0 0 0 0 0 4" },         // fence.i
        { 0xf1402573, "CSRRS 10 0 0 3860 0 0 4" },       // csrr a0,mhartid
        { 0x300fd5f3, "CSRRWI 11 31 0 768 0 0 4" },      // csrrwi a1,mstatus,31
        { 0x1005a52f, "LR_W 10 11 0 0 0 0 4" },          // lr.w a0,(a1)
        { 0x1ec5b52f, "SC_D 10 11 12 0 1 1 4" },         // sc.d.aqrl a0,a2,(a1)
        { 0xe4c5b52f, "AMOMAXU_D 10 11 12 0 1 0 4" },    // amomaxu.d.aq a0,a2,(a1)
        { 0x0bf5151b, "SLLI_UW 10 10 0 63 0 0 4" },      // slli.uw a0,a0,63
        { 0x080545bb, "ZEXT_H 11 10 0 0 0 0 4" },        // zext.h a1,a0
        { 0x6b855593, "REV8 11 10 0 0 0 0 4" },          // rev8 a1,a0
        { 0x12b50073, "SFENCE_VMA 0 10 11 0 0 0 4" },    // sfence.vma a0,a1
        { 0x30200073, "MRET 0 0 0 0 0 0 4" },            // mret
        { 0x10500073, "WFI 0 0 0 0 0 0 4" },             // wfi
        { 0x00000073, "ECALL 0 0 0 0 0 0 4" },           // ecall
        { 0x00009002, "EBREAK 0 0 0 0 0 0 2" },          // c.ebreak
        { 0x00000000, "ILLEGAL 0 0 0 0 0 0 2" },         // c.unimp
        { 0xffffffff, "ILLEGAL 0 0 0 0 0 0 4" },
        { 0x0000001f, "ILLEGAL 0 0 0 0 0 0 4" },         // longer than 32 bits
        { 0x0200151b, "ILLEGAL 0 0 0 0 0 0 4" },         // slliw with shamt[5] set
        { 0x1015a52f, "ILLEGAL 0 0 0 0 0 0 4" },         // lr.w with rs2 = ra
        { 0x30200273, "ILLEGAL 0 0 0 0 0 0 4" },         // mret with rd = tp
        { 0x00004073, "ILLEGAL 0 0 0 0 0 0 4" },         // SYSTEM, funct3 100
        { 0x00a53507, "FLD 10 10 0 10 0 0 4" },          // fld fa0,10(a0)
        { 0x00b57553, "FADD_S 10 10 11 0 0 0 4" },       // fadd.s fa0,fa0,fa1
        { 0x00b55553, "ILLEGAL 0 0 0 0 0 0 4" },         // fadd.s, rounding mode 5
        { 0x00b56553, "ILLEGAL 0 0 0 0 0 0 4" },         // fadd.s, rounding mode 6
        { 0x6ac5f543, "FMADD_D 10 11 12 0 0 0 4" },      // fmadd.d fa0,fa1,fa2,fa3
        { 0xc2351553, "FCVT_LU_D 10 10 0 0 0 0 4" },     // fcvt.lu.d a0,fa0,rtz
        { 0x06c5f543, "ILLEGAL 0 0 0 0 0 0 4" },         // fmadd.q
    };

    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        Insn insn = decode(cases[i].word);
        char text[128];

        snprintf(text, sizeof text, "%s %u %u %u %" PRId64 " %d %d %u", ids[insn.id], insn.rd, insn.rs1,
                 insn.rs2, insn.imm, insn.aq, insn.rl, insn.len);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(insn.raw, cases[i].word);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_upper_case_names),
        cmocka_unit_test(rows_fit_their_formats),
        cmocka_unit_test(every_extension_is_complete),
        cmocka_unit_test(no_two_rows_overlap),
        cmocka_unit_test(encode_and_decode_are_inverse),
        cmocka_unit_test(buckets_agree_with_the_table),
        cmocka_unit_test(compressed_decode_as_their_expansion),
        cmocka_unit_test(known_words),
    };

    decode_init();
    decode_init(); // harmless
    return cmocka_run_group_tests(tests, NULL, NULL);
}
