// SPDX-License-Identifier: GPL-3.0-or-later
// ir_widen and ir_unpeel: random loops that copy and fill do the same as before, and with fewer accesses.
//
// Where the widened code faults, no iteration of the wide access has happened: the original goes on from there, as the
// interpreter does behind compiled code, and must come to the same end.
#include "tests/test.h"
#include "tests/ir/gen.h"
#include "tests/ir/sandbox.h"
#include <string.h>

enum { R_FROM = 1, R_TO, R_COUNT, R_DATA, R_STEP, R_END, R_BASE, R_OTHER };

typedef struct {
    unsigned size;
    bool fills, is_signed, indexed, by_reg, to_end, exits_if_equal;
    int direction;
    int64_t imm_from, imm_to;
} Shape;

static IrVal stepped(IrBlock *b, const Shape *s, IrVal v)
{
    IrVal by = s->by_reg ? ir_get(b, R_STEP) : ir_const(b, s->direction * (int64_t)s->size);
    return ir_binop(b, IR_OP_ADD, v, by);
}

static void add_accesses(IrBlock *b, const Shape *s)
{
    static const IrOpcode loads[] = {IR_OP_LD8U, IR_OP_LD16U, IR_OP_LD32U};
    static const IrOpcode stores[] = {IR_OP_ST8, IR_OP_ST16, IR_OP_ST32};
    unsigned k = s->size / 2;
    IrVal data = IR_NOVAL, from, to;
    if (!s->fills) {
        from = ir_get(b, R_FROM);
        if (s->indexed)
            from = ir_binop(b, IR_OP_ADD, from, ir_get(b, R_BASE));
        data = ir_emit(b, loads[k] + s->is_signed, 0, from, IR_NOVAL, s->imm_from);
        ir_put(b, R_DATA, data);
        ir_insn(b, 4, 4, 0x13);
    }
    to = ir_get(b, R_TO);
    if (s->indexed)
        to = ir_binop(b, IR_OP_ADD, ir_get(b, R_BASE), to);
    ir_emit(b, stores[k], 0, to, s->fills ? ir_get(b, R_DATA) : data, s->imm_to);
}

static void add_steps(IrBlock *b, const Shape *s)
{
    unsigned moving = s->indexed ? R_BASE : R_TO;
    if (s->indexed) {
        ir_put(b, R_BASE, stepped(b, s, ir_get(b, R_BASE)));
    } else {
        if (!s->fills)
            ir_put(b, R_FROM, stepped(b, s, ir_get(b, R_FROM)));
        ir_put(b, R_TO, stepped(b, s, ir_get(b, R_TO)));
    }
    ir_insn(b, 8, 4, 0x13);
    IrVal count = ir_binop(b, IR_OP_ADD, ir_get(b, R_COUNT), ir_const(b, -1));
    ir_put(b, R_COUNT, count);
    ir_put(b, R_OTHER, ir_binop(b, IR_OP_XOR, count, ir_const(b, 0x55)));
    IrVal x = s->to_end ? ir_get(b, moving) : count, y = s->to_end ? ir_get(b, R_END) : ir_const(b, 0);
    bool swap = s->imm_to & 1;
    ir_binop(b, s->exits_if_equal ? IR_OP_BR_EQ : IR_OP_BR_NE, swap ? y : x, swap ? x : y);
    b->edge[s->exits_if_equal] = (IrEdge){0, 0};
    b->edge[!s->exits_if_equal] = (IrEdge){-1, 12};
}

static IrCode *make_loop(const Shape *s)
{
    IrCode *code = ir_code_new(0x10000);
    IrBlock *b = ir_block_new(0);
    b->is_entry = true;
    b->count = 1000;
    ir_insn(b, 0, 4, 0x13);
    add_accesses(b, s);
    add_steps(b, s);
    ir_code_add(code, b);
    g_autoptr(GError) error = NULL;
    if (!ir_verify(code, 0, &error))
        fail_msg("%s", error->message);
    ir_optimize(code, true, 0);
    return code;
}

static Shape random_shape(GenRng *rng)
{
    Shape s = {.size = 1u << gen_below(rng, 3),
               .fills = !gen_below(rng, 3),
               .is_signed = gen_below(rng, 2),
               .indexed = !gen_below(rng, 3),
               .to_end = gen_below(rng, 2),
               .exits_if_equal = gen_below(rng, 2),
               .direction = gen_below(rng, 2) ? 1 : -1,
               .imm_from = (int64_t)gen_below(rng, 16) - 8,
               .imm_to = (int64_t)gen_below(rng, 16) - 8};
    s.by_reg = s.size == 1 && gen_below(rng, 2);
    return s;
}

static void start(Sandbox *s, const Shape *shape, uint64_t seed)
{
    GenRng rng = {seed};
    int64_t step = shape->direction * (int64_t)shape->size;
    uint64_t *r = s->env.r, at = 64 + gen_below(&rng, SANDBOX_SIZE - 128);
    unsigned n = gen_below(&rng, 90), far = gen_below(&rng, 2) ? 12 : 200;
    sandbox_init(s, seed, 100000);
    if (shape->by_reg)
        step = gen_below(&rng, 8) ? step : (int64_t)gen_below(&rng, 7) - 3;
    uint64_t from = SANDBOX_BASE + at, to = from + gen_below(&rng, 2 * far + 1) - far;
    r[R_STEP] = (uint64_t)step;
    r[R_BASE] = shape->indexed ? gen_below(&rng, 64) : 0;
    r[R_FROM] = from - r[R_BASE];
    r[R_TO] = to - r[R_BASE];
    r[R_COUNT] = n;
    r[R_END] = (shape->indexed ? r[R_BASE] : r[R_TO]) + (uint64_t)step * n;
    r[R_END] += gen_below(&rng, 8) ? 0 : gen_below(&rng, 3);
}

static void assert_same(const Sandbox *want, const Sandbox *got, const IrCode *code)
{
    if (!memcmp(want->env.r, got->env.r, sizeof want->env.r) && !memcmp(want->ram, got->ram, sizeof want->ram) &&
        want->env.pc == got->env.pc && want->env.left == got->env.left && want->n_faults == got->n_faults &&
        want->at_pc == got->at_pc && want->at_left == got->at_left && want->fault.addr == got->fault.addr)
        return;
    g_autoptr(GString) text = g_string_new(NULL);
    ir_print(text, code);
    fail_msg("left %d, wanted %d, in\n%s", (int)got->env.left, (int)want->env.left, text->str);
}

static void check_loop(GenRng *rng, bool aligned, unsigned *widened, uint64_t *accesses)
{
    Shape shape = random_shape(rng);
    g_autoptr(IrCode) code = make_loop(&shape), wide = make_loop(&shape);
    ir_widen(wide, aligned);
    *widened += wide->n_blocks > 1;
    for (unsigned n = 0; n < 20; n++) {
        uint64_t seed = gen_random(rng);
        Sandbox want, got;
        start(&want, &shape, seed);
        start(&got, &shape, seed);
        ir_eval(code, 0, &want.env, &want.mem);
        ir_eval(wide, 0, &got.env, &got.mem);
        if (got.n_faults) {
            got.env.pc = got.at_pc;
            if (got.env.pc == code->base) {
                got.n_faults = 0;
                ir_eval(code, 0, &got.env, &got.mem);
            } else {
                got.env.pc = SANDBOX_TRAP;
            }
        }
        assert_same(&want, &got, wide);
        accesses[0] += want.n_accesses;
        accesses[1] += got.n_accesses;
    }
}

static void test_loops(void **state)
{
    GenRng rng = {70};
    unsigned widened = 0;
    uint64_t accesses[2] = {0};
    (void)state;
    for (unsigned i = 0; i < 4000; i++)
        check_loop(&rng, false, &widened, accesses);
    assert_true(widened == 4000);
    assert_true(accesses[1] < accesses[0] / 2);
}

static void test_aligned(void **state)
{
    GenRng rng = {71};
    unsigned widened = 0;
    uint64_t accesses[2] = {0};
    (void)state;
    for (unsigned i = 0; i < 2000; i++)
        check_loop(&rng, true, &widened, accesses);
    assert_true(widened == 2000);
    assert_true(accesses[1] < accesses[0] - accesses[0] / 100);
}

// --- what is not widened, and blocks in front of a loop ---

static IrCode *parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    IrCode *code = ir_parse(text, &error);
    if (!code || !ir_verify(code, 0, &error))
        fail_msg("%s", error->message);
    return code;
}

static void test_others(void **state)
{
    // Addresses that do not follow each other; another access; an end that depends on data.
    static const char *const loops[] = {
        "v1 = get r1\nv2 = ld8u v1, 0x0\nv3 = get r2\nst8 v3, v2, 0x0\nv5 = const 0x2\nv6 = add v1, v5\nput r1, v6\n"
        "v8 = add v3, v5\nput r2, v8\nv10 = get r3\nbr.ne v6, v10, b0, +0x10\n",
        "v1 = get r1\nv2 = const 0x7\nst8 v1, v2, 0x0\nst8 v1, v2, 0x8\nv5 = const 0x1\nv6 = add v1, v5\nput r1, v6\n"
        "v8 = get r3\nbr.ne v6, v8, b0, +0x10\n",
        "v1 = get r1\nv2 = ld8u v1, 0x0\nv3 = get r2\nst8 v3, v2, 0x0\nv5 = const 0x1\nv6 = add v1, v5\nput r1, v6\n"
        "v8 = add v3, v5\nput r2, v8\nv10 = const 0x0\nbr.ne v2, v10, b0, +0x10\n",
    };
    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(loops); i++) {
        g_autofree char *text = g_strdup_printf("code 0x1000\nblock b0 +0x0 entry insns=1 {\n"
                                                "insn +0x0 len=4 bits=0x13\n%s}\n", loops[i]);
        g_autoptr(IrCode) code = parse(text);
        ir_widen(code, false);
        assert_int_equal(code->n_blocks, 1);
    }
}

static void test_unpeel(void **state)
{
    (void)state;
    g_autoptr(IrCode) code = parse("code 0x1000\nblock b0 +0x0 entry insns=2 {\n"
                                   "insn +0x0 len=4 bits=0x13\nv1 = const 0x1\nput r1, v1\n"
                                   "insn +0x4 len=4 bits=0x13\nv4 = get r1\nv5 = get r2\nbr.ne v4, v5, b1, +0x8\n}\n"
                                   "block b1 +0x4 insns=1 {\n"
                                   "insn +0x4 len=4 bits=0x13\nv1 = get r1\nv2 = get r2\nbr.ne v1, v2, b1, +0x8\n}\n");
    ir_unpeel(code);
    assert_true(ir_verify(code, 0, NULL));
    assert_int_equal(code->blocks[0]->n_insns, 1);
    assert_int_equal(code->blocks[0]->edge[0].block, 1);
    assert_int_equal(code->blocks[0]->ops[code->blocks[0]->n_ops - 1].op, IR_OP_JUMP);
    assert_int_equal(code->blocks[1]->n_insns, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loops),
        cmocka_unit_test(test_aligned),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_unpeel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
