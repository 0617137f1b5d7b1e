// SPDX-License-Identifier: GPL-3.0-or-later
// IR text: printing and parsing are inverse, and no text crashes the parser.
#include "tests/test.h"
#include "tests/ir/gen.h"
#include <string.h>

static const GenConfig everything = {
    .base = 0xffffffff80000000, .max_blocks = 4, .max_insns = 4, .max_ops = 4, .n_regs = 64, .n_helpers = 12,
    .leave = true, .memory = true, .atomics = true, .fp = true, .mem_base = 0x1000, .mem_size = 0x1000, .wild = 4,
};

static char *print(const IrCode *code)
{
    GString *s = g_string_new(NULL);

    ir_print(s, code);
    return g_string_free(s, false);
}

// Equal in everything the text shows.
static void assert_same_block(const IrBlock *a, const IrBlock *b)
{
    assert_int_equal(a->pc, b->pc);
    assert_int_equal(a->n_insns, b->n_insns);
    assert_int_equal(a->is_entry, b->is_entry);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->n_ops, b->n_ops);
    for (unsigned i = 0; i < a->n_ops; i++) {
        assert_int_equal(a->ops[i].op, b->ops[i].op);
        assert_int_equal(a->ops[i].reg, b->ops[i].reg);
        assert_int_equal(a->ops[i].a, b->ops[i].a);
        assert_int_equal(a->ops[i].b, b->ops[i].b);
        assert_int_equal(a->ops[i].imm, b->ops[i].imm);
    }
    for (unsigned e = 0; e < 2; e++) {
        assert_int_equal(a->edge[e].block, b->edge[e].block);
        assert_int_equal(a->edge[e].pc, b->edge[e].pc);
    }
    assert_int_equal(a->n_guess, b->n_guess);
    for (unsigned g = 0; g < a->n_guess; g++) {
        assert_int_equal(a->guess[g].block, b->guess[g].block);
        assert_int_equal(a->guess[g].pc, b->guess[g].pc);
    }
}

static void test_example(void **state)
{
    static const char text[] = "code 0x80000000\n"
                               "block b0 +0x0 entry insns=2 count=123 leaves=7 {\n"
                               "  insn +0x0 len=4 bits=0x150513\n"
                               "  v1 = get r10\n"
                               "  v2 = const 0x1\n"
                               "  v3 = add v1, v2\n"
                               "  put r10, v3\n"
                               "  insn +0x4 len=4 bits=0xfeb51ee3\n"
                               "  v6 = get r10\n"
                               "  v7 = get r11\n"
                               "  br.ne v6, v7, b1, +0x40\n"
                               "}\n"
                               "block b1 -0x10 insns=1 {\n"
                               "  insn -0x10 len=2 bits=0x1\n"
                               "  v1 = pc +0x40\n"
                               "  v2 = ld32s v1, -0x8\n"
                               "  st8 v1, v2, 0x7fffffffffffffff\n"
                               "  v4 = amo64 maxu v1, v2\n"
                               "  fence\n"
                               "  v6 = const -0x8000000000000000\n"
                               "  jmpind v6 [+0x0:b0, -0x10:b1]\n"
                               "}\n"
                               "block b2 +0x20 insns=0 {\n"
                               "  v0 = const 0x0\n"
                               "  sys 3 v0, v0\n"
                               "}\n"
                               "block b3 +0x24 insns=0 {\n"
                               "  jump b1\n"
                               "}\n"
                               "block b4 +0x28 insns=0 {\n"
                               "  jump -0x80\n"
                               "}\n";
    g_autoptr(GError) error = NULL;
    g_autoptr(IrCode) code = ir_parse(text, &error);
    (void)state;

    assert_non_null(code);
    assert_int_equal(code->base, 0x80000000);
    assert_int_equal(code->blocks[0]->edge[0].block, 1);
    assert_int_equal(code->blocks[0]->edge[0].pc, -0x10);
    assert_int_equal(code->blocks[0]->edge[1].pc, 0x40);
    assert_int_equal(ir_insn_bits(&code->blocks[0]->ops[5]), 0xfeb51ee3);
    assert_int_equal(code->blocks[1]->ops[6].imm, INT64_MIN);
    g_autofree char *again = print(code);
    assert_string_equal(again, text);
}

static void test_loose_text(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(IrCode) code = ir_parse("; a comment\n\n\tcode 16;base\r\nblock b0 +16 insns=0 { ; head\n"
                                      "v0=const 255\n   ; nothing\n  br.eq v0,v0 , b0,- 0x8}\n}",
                                      &error);
    (void)state;

    assert_null(code); // the brace needs its own line
    assert_string_equal(error->message, "line 7: text after the end: '}'");
    g_clear_error(&error);
    code = ir_parse("; a comment\n\n\tcode 16;base\r\nblock b0 +16 insns=0 { ; head\n"
                    "v0=const 255\n   ; nothing\n  br.eq v0,v0 , b0,- 0x8\n}",
                    &error);
    assert_non_null(code);
    g_autofree char *text = print(code);
    assert_string_equal(text, "code 0x10\nblock b0 +0x10 insns=0 {\n  v0 = const 0xff\n"
                              "  br.eq v0, v0, b0, -0x8\n}\n");
}

static void test_bad_texts(void **state)
{
    static const struct {
        const char *body; // from line 3 on
        const char *message;
    } cases[] = {
        {"  foo v1\n}", "line 3: unknown op 'foo'"},
        {"\n\n v0 = const 0x1\n v0 = const 1\n}", "line 6: v0 is the op at position 1"},
        {" const 0x1\n}", "line 3: const defines a value, which must be named"},
        {" v0 = put r1, v0\n}", "line 3: put defines no value"},
        {" v0 = get r64\n}", "line 3: 'r64' is out of range"},
        {" v0 = get x1\n}", "line 3: expected a register"},
        {" v0 = get r01\n}", "line 3: expected a register"},
        {" v0 = sext8 v99999\n}", "line 3: 'v99999' is out of range"},
        {" v0 = add v1\n}", "line 3: expected ','"},
        {" v0 = add v1, v2, v3\n}", "line 3: text after the end: ','"},
        {" v0 = const 0x8000000000000000\n}", "line 3: number '0x8000000000000000' is too large"},
        {" v0 = const -0x8000000000000001\n}", "line 3: number '0x8000000000000001' is too large"},
        {" v0 = const 0x123456789abcdef01\n}", "line 3: number '0x123456789abcdef01' is too large"},
        {" v0 = const 12a\n}", "line 3: bad number '12a'"},
        {" v0 = const 0x\n}", "line 3: bad number '0x'"},
        {" v0 = const\n}", "line 3: expected a number"},
        {" v0 = pc 0x4\n}", "line 3: expected '+'"},
        {" insn +0x0 len=256 bits=0x1\n}", "line 3: number '256' is too large"},
        {" insn +0x0 len=4 bits=0x100000000\n}", "line 3: number '0x100000000' is too large"},
        {" insn +0x0 bits=0x1\n}", "line 3: expected 'len='"},
        {" v0 = amo64 nand v1, v2\n}", "line 3: unknown kind of AMO 'nand'"},
        {" sys -1 v1, v2\n}", "line 3: expected a number"},
        {" jump\n}", "line 3: expected a block or an offset"},
        {" jump b\n}", "line 3: expected a block"},
        {"\n jump b7\n}\n", "line 4: there is no block b7"},
        {" jump b2147483648\n}", "line 3: expected a block"},
        {" jmpind v0 [+0x1:b0\n}", "line 3: expected ']'"},
        {" jmpind v0 []\n}", "line 3: expected '+'"},
        {" = get r1\n}", "line 3: expected an op"},
        {" jump b0", "line 3: the text ends inside block b0"},
        {" jump b0\n}\nblock b2 +0x0 insns=0 {\n}", "line 5: expected block b1"},
        {" jump b0\n}\nblok b1", "line 5: expected 'block'"},
        {" jump b0\n}\nblock b1 +0x0 count=1 {", "line 5: expected 'insns='"},
        {" jump b0\n}\nblock b1 +0x0 insns=4294967296 {", "line 5: number '4294967296' is too large"},
        {" jump b0\n}\nblock b1 +0x0 insns=0 count {", "line 5: expected 'count='"},
        {" jump b0\n}\nblock b1 +0x0 insns=0 leaves {", "line 5: expected 'leaves='"},
        {" jump b0\n}\nblock b1 +0x0 insns=0", "line 5: expected '{'"},
    };
    (void)state;

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = g_strconcat("code 0x0\nblock b0 +0x0 insns=0 {\n", cases[i].body, NULL);
        assert_null(ir_parse(text, &error));
        assert_string_equal(error->message, cases[i].message);
    }
    g_autoptr(GError) error = NULL;
    assert_null(ir_parse("", &error));
    assert_string_equal(error->message, "line 1: expected 'code' and the base address");
}

static void test_random_round_trips(void **state)
{
    (void)state;

    for (unsigned seed = 0; seed < 3000; seed++) {
        GenRng rng = {seed};
        g_autoptr(GError) error = NULL;
        g_autoptr(IrCode) code = gen_code(&rng, &everything);
        g_autofree char *text = print(code);
        g_autoptr(IrCode) back = ir_parse(text, &error);
        assert_non_null(back);
        assert_int_equal(code->base, back->base);
        assert_int_equal(code->n_blocks, back->n_blocks);
        for (unsigned b = 0; b < code->n_blocks; b++)
            assert_same_block(code->blocks[b], back->blocks[b]);
        g_autofree char *text2 = print(back);
        assert_string_equal(text, text2);
    }
}

// Deletes, repeats or overwrites a piece of the text.
static void mutate(GenRng *rng, GString *s)
{
    static const char *const pieces[] = {"v", "b1", "+", "-0x8", "[", "]", "{", "}", "\n", "=", ";", "65535",
                                         "0x", "code ", "block ", "jump ", "\xff", "br.eq ", ",", "insn "};
    gssize at = gen_below(rng, (unsigned)s->len + 1);
    gssize n = gen_below(rng, 8);

    switch (gen_below(rng, 3)) {
    case 0: g_string_erase(s, at, MIN(n, (gssize)s->len - at)); break;
    case 1: g_string_insert(s, at, pieces[gen_below(rng, G_N_ELEMENTS(pieces))]); break;
    default:
        if (at < (gssize)s->len)
            s->str[at] = (char)(1 + gen_below(rng, 127));
        break;
    }
}

// Whatever comes out of damaged text can be verified (or refused) and printed.
static void test_damaged_texts(void **state)
{
    unsigned n_parsed = 0;
    (void)state;

    for (unsigned seed = 0; seed < 6000; seed++) {
        GenRng rng = {seed};
        g_autoptr(IrCode) code = gen_code(&rng, &everything);
        g_autofree char *text = print(code);
        g_autoptr(GString) s = g_string_new(text);
        for (unsigned n = 1 + gen_below(&rng, 2); n; n--)
            mutate(&rng, s);
        g_autoptr(GError) error = NULL, refused = NULL;
        g_autoptr(IrCode) damaged = ir_parse(s->str, &error);
        assert_true(!damaged == !!error);
        if (!damaged)
            continue;
        n_parsed++;
        assert_true(ir_verify(damaged, 12, &refused) == !refused);
        g_autofree char *printed = print(damaged);
        assert_non_null(printed);
    }
    assert_in_range(n_parsed, 200, 5800);
}

// Every op of the table appears in the texts above, so that a new row cannot be forgotten.
static void test_all_ops_are_generated(void **state)
{
    unsigned seen[IR_OPS] = {0};
    (void)state;

    for (unsigned seed = 0; seed < 3000; seed++) {
        GenRng rng = {seed};
        g_autoptr(IrCode) code = gen_code(&rng, &everything);
        for (unsigned b = 0; b < code->n_blocks; b++)
            for (unsigned i = 0; i < code->blocks[b]->n_ops; i++)
                seen[code->blocks[b]->ops[i].op]++;
    }
    for (unsigned op = 0; op < IR_OPS; op++)
        if (!seen[op])
            fail_msg("%s is never generated", ir_op_info[op].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_loose_text),
        cmocka_unit_test(test_bad_texts),
        cmocka_unit_test(test_random_round_trips),
        cmocka_unit_test(test_damaged_texts),
        cmocka_unit_test(test_all_ops_are_generated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
