// SPDX-License-Identifier: GPL-3.0-or-later
// The passes: what they make of the cases in tests/passes/*.ir, and that they do not change what code does.
//
// A case is
//     ## name: pass pass ...
//     ops of block b0 (at +0x0, followed by a block b1 at +0x10)
//     =>
//     its ops after those passes
// where the pass `all` means ir_optimize.
#include "tests/test.h"
#include "tests/ir/gen.h"
#include "tests/ir/sandbox.h"
#include <string.h>

static char *print(const IrCode *code)
{
    GString *s = g_string_new(NULL);

    ir_print(s, code);
    return g_string_free(s, false);
}

static const IrPass *find_pass(const char *name)
{
    for (const IrPass *p = ir_passes; p->name; p++)
        if (strcmp(p->name, name) == 0)
            return p;
    fail_msg("no pass '%s'", name);
    return NULL;
}

// --- cases ---------------------------------------------------------------------------------------

static IrCode *parse_ops(const char *name, const char *ops)
{
    g_autoptr(GError) error = NULL;
    unsigned insns = 0;

    for (const char *s = ops; (s = strstr(s, "insn ")); s++)
        insns++;
    g_autofree char *text = g_strdup_printf("code 0x1000\nblock b0 +0x0 insns=%u {\n%s}\n"
                                            "block b1 +0x10 insns=0 {\njump +0x0\n}\n", insns, ops);
    IrCode *code = ir_parse(text, &error);
    if (!code || !ir_verify(code, 4, &error))
        fail_msg("%s: %s", name, error->message);
    return code;
}

static void check_case(char *text)
{
    char *name = text, *passes = strchr(text, ':'), *before = strchr(text, '\n');
    char *after = strstr(text, "\n=>\n");

    assert_true(passes && before && after && passes < before);
    *passes++ = 0;
    *before++ = 0;
    after[1] = 0;
    after += 4;
    g_autoptr(IrCode) code = parse_ops(name, before), want = parse_ops(name, after);
    g_auto(GStrv) words = g_strsplit_set(g_strstrip(passes), " ", -1);
    for (char **w = words; *w; w++) {
        if (strcmp(*w, "all") == 0)
            ir_optimize(code, true, 4);
        else
            find_pass(*w)->run(code->blocks[0]);
    }
    g_autofree char *got_text = print(code), *want_text = print(want);
    if (strcmp(got_text, want_text))
        fail_msg("%s: got\n%sinstead of\n%s", name, got_text, want_text);
    assert_true(ir_verify(code, 4, NULL));
}

static void check_file(const char *file)
{
    g_autofree char *path = g_build_filename(TESTS_DIR, "passes", file, NULL), *text = NULL;
    unsigned n = 0;

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) cases = g_strsplit(text, "## ", -1);
    for (char **c = cases + 1; *c; c++, n++)
        check_case(*c);
    assert_true(n > 0);
}

static void test_state_cases(void **state)
{
    (void)state;
    check_file("state.ir");
}

static void test_fold_cases(void **state)
{
    (void)state;
    check_file("fold.ir");
}

static void test_dce_cases(void **state)
{
    (void)state;
    check_file("dce.ir");
}

// --- the same meaning ----------------------------------------------------------------------------

static const GenConfig config = {
    .base = 0x10000, .max_blocks = 4, .max_insns = 5, .max_ops = 4, .n_regs = 6, .n_helpers = SANDBOX_HELPERS,
    .leave = true, .memory = true, .atomics = true, .fp = true, .mem_base = SANDBOX_BASE, .mem_size = SANDBOX_SIZE,
    .wild = 24,
};

static void assert_same_runs(const IrCode *a, const IrCode *b, unsigned seed)
{
    const char *where;

    for (unsigned block = 0; block < a->n_blocks; block++) {
        Sandbox sa, sb;
        sandbox_init(&sa, seed, 40);
        sandbox_init(&sb, seed, 40);
        for (unsigned i = 0; i < a->n_blocks; i++) // so that jmpind meets blocks
            sa.env.r[i] = sb.env.r[i] = a->base + (uint64_t)a->blocks[i]->pc;
        ir_eval(a, block, &sa.env, &sa.mem);
        ir_eval(b, block, &sb.env, &sb.mem);
        if (!sandbox_equal(&sa, &sb, &where)) {
            g_autofree char *ta = print(a), *tb = print(b);
            fail_msg("seed %u, from b%u: %s differ(s) between\n%sand\n%s", seed, block, where, ta, tb);
        }
    }
}

static IrCode *copy_code(const IrCode *code)
{
    IrCode *c = ir_code_new(code->base);

    for (unsigned i = 0; i < code->n_blocks; i++)
        ir_code_add(c, ir_block_copy(code->blocks[i]));
    return c;
}

static unsigned count_ops(const IrCode *code)
{
    unsigned n = 0;

    for (unsigned i = 0; i < code->n_blocks; i++)
        n += code->blocks[i]->n_ops;
    return n;
}

static void test_same_meaning(void **state)
{
    unsigned before = 0, after = 0;
    (void)state;

    for (unsigned seed = 0; seed < 12000; seed++) {
        GenRng rng = {seed};
        g_autoptr(IrCode) code = gen_code(&rng, &config), optimised = copy_code(code);
        ir_optimize(optimised, true, SANDBOX_HELPERS);
        assert_same_runs(code, optimised, seed);
        before += count_ops(code);
        after += count_ops(optimised);
    }
    assert_true(before > 300000);
    assert_true(after < before * 3 / 4); // they do something
}

typedef struct {
    const IrCode *code;
    unsigned seed, n_passes, n_changed;
} Watched;

// What a dump shows of each pass can be read again, and means what the code meant before it.
static void check_pass(void *opaque, const char *name, const IrCode *code, bool changed)
{
    Watched *w = opaque;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = print(code);
    g_autoptr(IrCode) back = ir_parse(text, &error);
    if (!back)
        fail_msg("after %s: %s\n%s", name, error->message, text);
    g_autofree char *again = print(back);
    assert_string_equal(text, again);
    assert_same_runs(w->code, back, w->seed);
    w->n_passes++;
    w->n_changed += changed;
}

static void test_each_pass(void **state)
{
    Watched w = {0};
    (void)state;

    for (w.seed = 0; w.seed < 1500; w.seed++) {
        GenRng rng = {w.seed};
        g_autoptr(IrCode) code = gen_code(&rng, &config), copy = copy_code(code);
        w.code = code;
        ir_pipeline(copy, &(IrPipeline){.skip = IR_PASS_WIDEN, .verify = true,
                                        .n_helpers = SANDBOX_HELPERS, .after = check_pass, .opaque = &w});
    }
    assert_true(w.n_passes >= 3 * 1500);
    assert_true(w.n_changed > 1500);
}

// Blocks beyond the stack arrays of the folder, and beyond what it takes on at all.
static void test_large_blocks(void **state)
{
    GenConfig large = config;
    (void)state;

    large.max_blocks = 2;
    for (unsigned seed = 0; seed < 60; seed++) {
        GenRng rng = {seed};
        large.wild = seed % 2 ? 0 : 1000;
        large.max_insns = seed % 20 == 0 ? 4000 : 200;
        g_autoptr(IrCode) code = gen_code(&rng, &large), optimised = copy_code(code);
        ir_optimize(optimised, true, SANDBOX_HELPERS);
        assert_same_runs(code, optimised, seed);
    }
}

// Each pure op on its own, over constants and over values of each class.
static void test_fold_by_op(void **state)
{
    static const IrOpcode wrap[] = {IR_OPS, IR_OP_SEXT8, IR_OP_SEXT32, IR_OP_ZEXT16, IR_OP_ZEXT32, IR_OP_SLTU,
                                    IR_OP_AND, IR_OP_SLL, IR_OP_SRL, IR_OP_ADD32, IR_OP_BSWAP, IR_OP_ADD};
    GenRng rng = {77};
    (void)state;

    for (unsigned n = 0; n < 40000; n++) {
        IrOpcode op;
        do
            op = (IrOpcode)gen_below(&rng, IR_OPS);
        while (!(ir_op_info[op].flags & IRF_PURE) || ir_n_values(op) == 0);
        g_autoptr(IrCode) code = ir_code_new(0);
        IrBlock *b = ir_block_new(0);
        ir_code_add(code, b);
        IrVal c = ir_const(b, (int64_t)gen_edge(&rng)), x = ir_get(b, 1);
        IrOpcode w = wrap[gen_below(&rng, G_N_ELEMENTS(wrap))];
        if (w != IR_OPS)
            x = ir_n_values(w) == 1 ? ir_unop(b, w, x) : ir_binop(b, w, x, c);
        IrVal d = gen_below(&rng, 4) ? ir_const(b, (int64_t)gen_edge(&rng)) : gen_below(&rng, 2) ? c : x;
        IrVal r = ir_n_values(op) == 1     ? ir_unop(b, op, x)
                  : gen_below(&rng, 4) == 0 ? ir_binop(b, op, d, x)
                                            : ir_binop(b, op, x, d);
        ir_put(b, 2, r);
        b->edge[0] = (IrEdge){-1, 4};
        ir_emit(b, IR_OP_JUMP, 0, IR_NOVAL, IR_NOVAL, 0);
        g_autoptr(IrCode) optimised = copy_code(code);
        ir_optimize(optimised, true, 0);
        assert_same_runs(code, optimised, n);
    }
}

// The passes find nothing more in what they made, and dce leaves no unused op behind.
static void test_little_is_left(void **state)
{
    unsigned n_changed = 0;
    (void)state;

    for (unsigned seed = 0; seed < 1000; seed++) {
        GenRng rng = {seed};
        g_autoptr(IrCode) code = gen_code(&rng, &config);
        ir_optimize(code, true, SANDBOX_HELPERS);
        unsigned n = count_ops(code);
        ir_optimize(code, true, SANDBOX_HELPERS);
        n_changed += count_ops(code) != n;
        for (unsigned b = 0; b < code->n_blocks; b++)
            assert_false(find_pass("dce")->run(code->blocks[b]));
    }
    assert_in_range(n_changed, 0, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_cases),
        cmocka_unit_test(test_fold_cases),
        cmocka_unit_test(test_dce_cases),
        cmocka_unit_test(test_same_meaning),
        cmocka_unit_test(test_each_pass),
        cmocka_unit_test(test_large_blocks),
        cmocka_unit_test(test_fold_by_op),
        cmocka_unit_test(test_little_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
