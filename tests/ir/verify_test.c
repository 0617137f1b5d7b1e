// SPDX-License-Identifier: GPL-3.0-or-later
// Each rule of ir.h broken once.
#include "tests/test.h"
#include "tests/ir/gen.h"

static void assert_refused(const IrCode *code, const char *message)
{
    g_autoptr(GError) error = NULL;

    assert_false(ir_verify(code, 4, &error));
    assert_string_equal(error->message, message);
}

// Rules that text can break: block b0 with the given insns= and body, and b1 at +0x10.
static void test_texts(void **state)
{
    static const struct {
        unsigned insns;
        const char *body;
        const char *message; // NULL: accepted
    } cases[] = {
        {0, "v0 = const 0x1\nput r0, v0\njump b0\n", NULL},
        {1, "insn +0x0 len=4 bits=0x13\nv1 = get r63\njmpind v1 [+0x10:b1, +0x0:b0]\n", NULL},
        {0, "v0 = get r1\nsys 3 v0, v0\n", NULL},
        {0, "", "block b0: no ops"},
        {0, "v0 = const 0x1\n", "block b0: v0 = const 0x1: the last op is not a terminator"},
        {0, "jump b0\njump b1\n", "block b0: jump b1: a terminator before the end"},
        {0, "v0 = const 0x1\nv1 = add v9, v0\njump b0\n",
         "block b0: v1 = add v9, v0: operand v9 is not defined"},
        {0, "v0 = const 0x1\nv1 = add v0, v1\njump b0\n",
         "block b0: v1 = add v0, v1: operand v1 is not defined"},
        {0, "v0 = const 0x1\nput r1, v0\nv2 = sext8 v1\njump b0\n",
         "block b0: v2 = sext8 v1: operand v1 has no value"},
        {0, "v0 = const 0x1\nbr.eq v0, v7, b0, b1\n",
         "block b0: br.eq v0, v7, b0, b1: operand v7 is not defined"},
        {0, "v0 = const 0x1\nsys 4 v0, v0\n", "block b0: sys 4 v0, v0: there is no helper 4"},
        {1, "jump b0\n", "block b0: insns=1, but 0 insn ops"},
        {0, "insn +0x0 len=4 bits=0x13\njump b0\n", "block b0: insns=0, but 1 insn ops"},
        {1, "v0 = const 0x1\ninsn +0x0 len=4 bits=0x13\njump b0\n", "block b0: the first op is not insn"},
        {0, "v0 = const 0x1\njmpind v0 [+0x10:b2]\n",
         "block b0: jmpind v0 [+0x10:b2]: there is no block b2"},
        {0, "v0 = const 0x1\njmpind v0 [+0x12:b1]\n",
         "block b0: jmpind v0 [+0x12:b1]: edge offset differs from that of block b1"},
        {0, "v0 = const 0x1\njmpind v0 [+0x12]\n", "block b0: jmpind v0 [+0x12]: a guess outside the code"},
        {1, "insn +0x0 len=4 bits=0x13\nfpcheck 0x700000013\nv2 = const 0x1\nv3 = fmadd64 v2, v2, v2, 0x1f\njump b0\n",
         NULL},
        {1, "insn +0x0 len=4 bits=0x13\nfpcheck 0x300000013\nv2 = const 0x1\nv3 = fadd64 v2, v2, 0x7\njump b0\n",
         "block b0: v3 = fadd64 v2, v2, 0x7: not behind an fpcheck that covers it"},
        {1, "insn +0x0 len=4 bits=0x13\nfpcheck 0x200000013\nv2 = const 0x1\nv3 = fclass64 v2\njump b0\n",
         "block b0: v3 = fclass64 v2: not behind an fpcheck that covers it"},
        {0, "v0 = const 0x1\nv1 = fmin32 v0, v0\njump b0\n",
         "block b0: v1 = fmin32 v0, v0: not behind an fpcheck that covers it"},
        {0, "fpcheck 0x300000000\nv1 = const 0x1\nv2 = fadd32 v1, v1, 0x5\njump b0\n",
         "block b0: v2 = fadd32 v1, v1, 0x5: there is no rounding mode 5"},
        {0, "fpcheck 0x300000000\nv1 = const 0x1\nv2 = fadd32 v1, v1, 0x8\njump b0\n",
         "block b0: v2 = fadd32 v1, v1, 0x8: unknown bits in imm"},
        {0, "fpcheck 0x300000000\nv1 = const 0x1\nv2 = fmadd32 v1, v1, v3, 0x0\njump b0\n",
         "block b0: v2 = fmadd32 v1, v1, v3, 0x0: operand v3 is not defined"},
        {0, "fpcheck 0x800000000\njump b0\n", "block b0: fpcheck 0x800000000: unknown bits in the mask"},
    };
    (void)state;

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = g_strdup_printf("code 0x0\nblock b0 +0x0 insns=%u {\n%s}\n"
                                                "block b1 +0x10 insns=0 {\njump b1\n}\n",
                                                cases[i].insns, cases[i].body);
        g_autoptr(IrCode) code = ir_parse(text, &error);
        assert_non_null(code);
        if (cases[i].message)
            assert_refused(code, cases[i].message);
        else
            assert_true(ir_verify(code, 4, NULL));
    }
}

// Rules that only code in memory can break.
static void test_fields(void **state)
{
    static const struct {
        unsigned index; // in ops below
        IrInst op;
        const char *message;
    } cases[] = {
        {0, {UINT8_MAX, 0, IR_NOVAL, IR_NOVAL, IR_NOVAL, 0}, "block b0: op#255: unknown op"},
        {0, {IR_OP_GET, 64, IR_NOVAL, IR_NOVAL, IR_NOVAL, 0}, "block b0: v0 = get r64: there is no register r64"},
        {0, {IR_OP_GET, 0, IR_NOVAL, IR_NOVAL, IR_NOVAL, 1}, "block b0: v0 = get r0: unused field imm is set"},
        {0, {IR_OP_CONST, 1, IR_NOVAL, IR_NOVAL, IR_NOVAL, 1}, "block b0: v0 = const 0x1: unused field reg is set"},
        {0, {IR_OP_CONST, 0, 0, IR_NOVAL, IR_NOVAL, 1}, "block b0: v0 = const 0x1: unused operand a is set"},
        {1, {IR_OP_SEXT8, 0, 0, 0, IR_NOVAL, 0}, "block b0: v1 = sext8 v0: unused operand b is set"},
        {1, {IR_OP_ADD, 0, 0, IR_NOVAL, IR_NOVAL, 0}, "block b0: v1 = add v0, v?: an operand is missing"},
        {1, {IR_OP_AMO32, 0, 0, 0, IR_NOVAL, IR_AMOS}, "block b0: v1 = amo32 ? v0, v0: unknown kind of AMO"},
        {1, {IR_OP_AMO64, 0, 0, 0, IR_NOVAL, -1}, "block b0: v1 = amo64 ? v0, v0: unknown kind of AMO"},
        {2, {IR_OP_SYS, 0, 0, 0, IR_NOVAL, -1}, "block b0: sys -1 v0, v0: there is no helper -1"},
        {1, {IR_OP_SEXT8, 0, 0, IR_NOVAL, 0, 0}, "block b0: v1 = sext8 v0: unused operand c is set"},
    };
    (void)state;

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(IrCode) code = ir_code_new(0);
        IrBlock *b = ir_block_new(0);
        ir_code_add(code, b);
        ir_const(b, 1);
        ir_const(b, 2);
        ir_emit(b, IR_OP_JUMP, 0, IR_NOVAL, IR_NOVAL, 0);
        assert_true(ir_verify(code, 4, NULL));
        b->ops[cases[i].index] = cases[i].op;
        assert_refused(code, cases[i].message);
    }
}

static void test_edges(void **state)
{
    g_autoptr(IrCode) code = ir_code_new(0);
    IrBlock *b = ir_block_new(0);
    (void)state;

    ir_code_add(code, b);
    ir_emit(b, IR_OP_JUMP, 0, IR_NOVAL, IR_NOVAL, 0);
    b->edge[0] = (IrEdge){0, 0};
    assert_true(ir_verify(code, 0, NULL));
    b->edge[0] = (IrEdge){0, 2};
    assert_refused(code, "block b0: jump b0: edge offset differs from that of block b0");
    b->edge[0] = (IrEdge){1, 0};
    assert_refused(code, "block b0: jump b1: there is no block b1");
    b->edge[0] = (IrEdge){-2, 0};
    assert_refused(code, "block b0: jump +0x0: there is no block b-2");
    b->edge[0] = (IrEdge){-1, 6};
    assert_true(ir_verify(code, 0, NULL));
    ir_block_guess(b, 0, 0);
    assert_refused(code, "block b0: jump +0x6: guesses without jmpind");
}

static void test_generated_code(void **state)
{
    static const GenConfig config = {
        .max_blocks = 5, .max_insns = 5, .max_ops = 5, .n_regs = 8, .n_helpers = 3, .leave = true,
        .memory = true, .atomics = true, .fp = true, .mem_size = 64, .wild = 2,
    };
    (void)state;

    for (unsigned seed = 0; seed < 2000; seed++) {
        GenRng rng = {seed};
        g_autoptr(GError) error = NULL;
        g_autoptr(IrCode) code = gen_code(&rng, &config);
        if (!ir_verify(code, 3, &error))
            fail_msg("seed %u: %s", seed, error->message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_generated_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
