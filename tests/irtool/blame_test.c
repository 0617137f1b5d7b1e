// SPDX-License-Identifier: GPL-3.0-or-later
// Which op gets the blame where only one form of an op is wrong: that for operands at a certain place.
#include "tests/test.h"
#include "machine/irtool/reduce.h"

#include <string.h>

typedef struct {
    IrOpcode op, from;  // op is wrong if the operand comes from such an op,
    unsigned reg;       // a get of this register, if it is one;
    unsigned operand;   // 0 to 2;
    bool put;           // and if r11 gets something
} Fault;
static Fault fault;

bool reduce_out_of_time(const Reduce *r)
{
    return r->deadline < 0;
}

static bool hits(const IrBlock *b)
{
    bool op = false, put = !fault.put;
    for (unsigned i = 0; i < b->n_ops; i++) {
        const IrInst *o = &b->ops[i];
        put |= o->op == IR_OP_PUT && o->reg == 11;
        if (o->op != fault.op)
            continue;
        const IrInst *from = &b->ops[fault.operand == 0 ? o->a : fault.operand == 1 ? o->b : o->c];
        op |= from->op == fault.from && (from->op != IR_OP_GET || from->reg == fault.reg);
    }
    return op && put;
}

// In place of compiling: what the fault above would make of it.
bool reduce_fails(Reduce *r, IrCase *c)
{
    return ir_case_finish(c, NULL) && r->tier != CASE_INTERP && hits(c->code->blocks[0]);
}

static void blames(Fault f, const char *ops, const char *want)
{
    g_autofree char *text = g_strdup_printf("code 0x80000000\nblock b0 +0x0 entry insns=1 {\n  insn +0x0 len=4 "
                                            "bits=0x13\n%s  jump +0x4\n}\n", ops);
    GError *error = NULL;
    IrCase *c = ir_case_parse(text, &error);
    if (!c)
        fail_msg("%s", error->message);
    fault = f;
    Reduce r = {.tier = CASE_BASELINE, .deadline = INT64_MAX};
    assert_true(reduce_fails(&r, c));
    Blame b = blame_find(&r, c);
    assert_string_equal(b.part, "stencil");
    assert_non_null(b.op);
    assert_string_equal(b.op, want);
    blame_clear(&b);
    r.deadline = -1;
    b = blame_find(&r, c);
    assert_null(b.op);
    blame_clear(&b);
    ir_case_free(c);
}

#define ADD "  v1 = get r10\n  v2 = get r12\n  v3 = add v1, v2\n  put r11, v3\n"
#define FMA "  fpcheck 0x71ab576d3\n  v2 = get r34\n  v3 = const 0x3ff\n  v4 = fmadd64 v2, v2, v3, 0\n  put r11, v4\n"

static void forms(void **state)
{
    (void)state;
    blames((Fault){IR_OP_ADD, IR_OP_GET, 10, 0, false}, ADD, "v3 = add v1, v2");
    blames((Fault){IR_OP_ADD, IR_OP_GET, 12, 1, false}, ADD, "v3 = add v1, v2");
    blames((Fault){IR_OP_ADD, IR_OP_GET, 10, 0, true}, ADD, "v3 = add v1, v2");
    blames((Fault){IR_OP_PUT, IR_OP_GET, 10, 0, true}, "  v1 = get r10\n  put r11, v1\n", "put r11, v1");
    blames((Fault){IR_OP_SUB, IR_OP_XOR, 0, 0, false}, // what has just been computed is at a place of its own
           "  v1 = get r10\n  v2 = xor v1, v1\n  v3 = sub v2, v1\n  put r11, v3\n", "v3 = sub v2, v1");
}

static void third_operands(void **state)
{
    (void)state;
    blames((Fault){IR_OP_FMADD64, IR_OP_CONST, 0, 2, false}, FMA, "v4 = fmadd64 v2, v2, v3, 0x0");
    blames((Fault){IR_OP_FMADD64, IR_OP_CONST, 0, 2, true}, FMA, "v4 = fmadd64 v2, v2, v3, 0x0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(third_operands)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
