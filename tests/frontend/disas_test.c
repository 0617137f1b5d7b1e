// SPDX-License-Identifier: GPL-3.0-or-later
// disas() against GNU libopcodes: the same text where we decode, and nothing decoded by libopcodes alone.
#include "tests/test.h"
#include "frontend/disas.h"
#include "tests/frontend/encode.h"
#include "tests/frontend/libopcodes.h"
#include <glib.h>
#include <stdio.h>
#include <string.h>

#define PC UINT64_C(0x80000000)
#define FENCE_TSO 0x8330000fu

static LibOpcodes *reference; // libopcodes has one set of options at a time, so each test makes its own

// libopcodes knows fence and fence.i only with their reserved fields zero; hardware ignores those
// (unprivileged spec 2.7), and so do we.
static uint32_t without_reserved_fields(uint32_t word)
{
    Insn insn = decode(word);

    if (word == FENCE_TSO || (insn.id != INSN_FENCE && insn.id != INSN_FENCE_I))
        return word;
    return word & (insn.id == INSN_FENCE ? 0x0ff0707f : 0x0000707f);
}

// What libopcodes decodes and no extension of ours has: instructions of withdrawn drafts and of debug mode,
// which it counts as base instructions, and reserved encodings.
static bool outside_our_extensions(const char *text)
{
    static const char *const names[] = { "uret", "hret", "dret", "sfence.vm", "hinval.vvma", "hinval.gvma" };

    if (strcmp(text, "c.addi16sp\tsp,0") == 0)
        return true;
    if (g_str_has_suffix(text, ",unknown")) // a reserved rounding mode
        return true;
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        size_t n = strlen(names[i]);

        if (strncmp(text, names[i], n) == 0 && (text[n] == '\t' || text[n] == '\0'))
            return true;
    }
    return false;
}

// Conversions that are always exact: libopcodes 2.40 knows them with rounding mode 0 only.
static bool unknown_mode(uint32_t word)
{
    Insn insn = decode(word);

    return (insn.id == INSN_FCVT_D_S || insn.id == INSN_FCVT_D_W || insn.id == INSN_FCVT_D_WU) && insn.rm;
}

static void check_word(uint32_t word)
{
    char text[64];
    unsigned our_len = disas(text, sizeof text, PC, word), len;

    if ((word & 0x1f) == 0x1f) { // longer than 32 bits: libopcodes would print that as one
        assert_int_equal(decode(word).id, INSN_ILLEGAL);
        return;
    }

    if (unknown_mode(word))
        return;
    const char *want = libopcodes_text(reference, PC, without_reserved_fields(word), &len);

    if (our_len == len && strcmp(text, want) == 0)
        return;
    if (decode(word).id == INSN_ILLEGAL && outside_our_extensions(want))
        return;
    fail_msg("%08x: \"%s\", libopcodes \"%s\"", word, text, want);
}

static void random_words_agree(void **state)
{
    uint64_t seed = 3;

    (void)state;
    for (unsigned i = 0; i < 1000000; i++)
        check_word(random_word(&seed) | 3);
}

static void random_operands_agree(void **state)
{
    uint64_t seed = 4;

    (void)state;
    for (unsigned id = INSN_ILLEGAL + 1; id < INSNS; id++)
        for (unsigned i = 0; i < 2000; i++)
            check_word(random_operands(&insn_info[id], &seed));
}

// One or two fixed bits of a row wrong: another instruction or none.
static void near_misses_agree(void **state)
{
    uint64_t seed = 5;

    (void)state;
    for (unsigned id = INSN_ILLEGAL + 1; id < INSNS; id++)
        for (unsigned i = 2; i < 32; i++)
            for (unsigned j = 2; j < 32; j++)
                check_word(random_operands(&insn_info[id], &seed) ^ (1u << i | 1u << j));
}

static void every_system_word_agrees(void **state)
{
    (void)state;
    for (uint32_t funct12 = 0; funct12 < 4096; funct12++) {
        check_word(funct12 << 20 | insn_info[INSN_ECALL].match);
        check_word(funct12 << 20 | insn_info[INSN_ECALL].match | 1 << 15);
        check_word(funct12 << 20 | insn_info[INSN_ECALL].match | 1 << 7);
    }
}

static void every_csr_agrees(void **state)
{
    (void)state;
    for (uint32_t csr = 0; csr < 4096; csr++) {
        check_word(csr << 20 | insn_info[INSN_CSRRW].match);
        check_word(csr << 20 | insn_info[INSN_CSRRSI].match | 31 << 15);
    }
}

static void every_compressed_word_agrees(void **state)
{
    (void)state;
    for (uint32_t word = 0; word < 0x10000; word++)
        if (insn_is_compressed((uint16_t)word))
            check_word(word);
}

// With aliases libopcodes prints a compressed instruction as what it stands for, so the text of the
// expansion must be the same. HINTs keep their c. name there, or come out as one of two other texts.
static void compressed_words_mean_their_expansion(void **state)
{
    unsigned hints = 0;

    (void)state;
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        char text[64], rd[8], rs[8], alternative[64] = "";
        unsigned len;

        if (decode(bits).id == INSN_ILLEGAL || !insn_is_compressed((uint16_t)bits))
            continue;
        g_strlcpy(text, libopcodes_text(reference, PC, bits, &len), sizeof text);
        assert_int_equal(len, 2);
        const char *expansion = libopcodes_text(reference, PC, expand_compressed((uint16_t)bits), &len);
        assert_int_equal(len, 4);
        if (strncmp(text, "c.", 2) == 0) {
            hints++;
            continue;
        }
        if (sscanf(text, "mv\t%7[^,],%7s", rd, rs) == 2) // libopcodes calls addi, not add, mv
            snprintf(alternative, sizeof alternative, "add\t%s,zero,%s", rd, rs);
        else if (sscanf(text, "add\t%7[^,],%7[^,],0", rd, rs) == 2) // c.addi with immediate 0
            snprintf(alternative, sizeof alternative, "mv\t%s,%s", rd, rs);
        if (strcmp(text, expansion) != 0 && strcmp(alternative, expansion) != 0)
            fail_msg("%04x: \"%s\", but its expansion is \"%s\"", bits, text, expansion);
    }
    // c.nop, c.li and c.lui (rd = zero): 63, 64 and 63 immediates; c.mv and c.add (rd = zero): 31 each;
    // c.slli (rd = zero): 63; shifts by 0: c.slli 32, c.srli and c.srai 8.
    assert_int_equal(hints, 63 + 64 + 63 + 31 + 31 + 63 + 32 + 8 + 8);
}

static void special_texts(void **state)
{
    static const struct {
        uint32_t bits;
        unsigned len;
        const char *text;
    } cases[] = {
        { 0x00000000, 2, "c.unimp" },
        { 0x12340000, 2, "c.unimp" },
        { 0xc0001073, 4, "unimp" },
        { 0x8330000f, 4, "fence.tso" },
        { 0x8330008f, 4, "fence\trw,rw" }, // not fence.tso: rd is not zero
        { 0x0100000f, 4, "fence\tw,unknown" }, // pause
        { 0x00008002, 2, ".2byte\t0x8002" },
        { 0x00a53507, 4, "fld\tfa0,10(a0)" },
        { 0x00a54507, 4, ".4byte\t0xa54507" },
        { 0x00b57553, 4, "fadd.s\tfa0,fa0,fa1" },
        { 0x6ac5c543, 4, "fmadd.d\tfa0,fa1,fa2,fa3,rmm" },
        { 0xffffffff, 4, ".4byte\t0xffffffff" },
        { 0x801ff0ef, 4, "jal\tra,0x7ffff800" },
        { 0x0001bffd, 2, "c.j\t0x7ffffffe" },
        { 0x3a002573, 4, "csrrs\ta0,pmpcfg0,zero" },
        { 0xb8301573, 4, "csrrw\ta0,mhpmcounter3h,zero" },
        { 0x7c0fd573, 4, "csrrwi\ta0,0x7c0,31" },
        { 0xe6c5b52f, 4, "amomaxu.d.aqrl\ta0,a2,(a1)" },
        { 0x1205a52f, 4, "lr.w.rl\ta0,(a1)" },
    };

    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        char text[64];

        assert_int_equal(disas(text, sizeof text, PC, cases[i].bits), cases[i].len);
        assert_string_equal(text, cases[i].text);
    }
}

static void targets_wrap_around(void **state)
{
    char text[64];

    (void)state;
    disas(text, sizeof text, 0, 0x801ff0ef);
    assert_string_equal(text, "jal\tra,0xfffffffffffff800");
}

static void small_buffers_are_terminated(void **state)
{
    static const char whole[] = "amomaxu.d.aqrl\ta0,a2,(a1)";

    (void)state;
    for (size_t size = 1; size <= sizeof whole; size++) {
        char *text = g_malloc(size); // exactly, for the address sanitizer

        assert_int_equal(disas(text, size, PC, 0xe6c5b52f), 4);
        assert_int_equal(strlen(text), size - 1);
        assert_memory_equal(text, whole, size - 1);
        g_free(text);
    }
}

static int with_no_aliases(void **state)
{
    (void)state;
    reference = libopcodes_new("no-aliases");
    return 0;
}

static int with_aliases(void **state)
{
    (void)state;
    reference = libopcodes_new("priv-spec=1.12"); // any option makes it forget no-aliases
    return 0;
}

static int free_reference(void **state)
{
    (void)state;
    libopcodes_free(reference);
    return 0;
}

#define AGAINST_LIBOPCODES(test, setup) cmocka_unit_test_setup_teardown(test, setup, free_reference)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AGAINST_LIBOPCODES(compressed_words_mean_their_expansion, with_aliases),
        AGAINST_LIBOPCODES(random_words_agree, with_no_aliases),
        AGAINST_LIBOPCODES(random_operands_agree, with_no_aliases),
        AGAINST_LIBOPCODES(near_misses_agree, with_no_aliases),
        AGAINST_LIBOPCODES(every_system_word_agrees, with_no_aliases),
        AGAINST_LIBOPCODES(every_csr_agrees, with_no_aliases),
        AGAINST_LIBOPCODES(every_compressed_word_agrees, with_no_aliases),
        cmocka_unit_test(special_texts),
        cmocka_unit_test(targets_wrap_around),
        cmocka_unit_test(small_buffers_are_terminated),
    };

    decode_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
