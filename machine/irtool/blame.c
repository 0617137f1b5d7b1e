// SPDX-License-Identifier: GPL-3.0-or-later
// Who gets a small case wrong: a pass, the emitter, the choice of stencils; and which op.
#include "machine/irtool/case_verify.h"
#include "machine/irtool/reduce.h"

#include <string.h>

#define ALL_PASSES ((1u << IR_PASSES) - 1)

void blame_clear(Blame *b)
{
    g_free(b->part);
    g_free(b->op);
    g_free(b->how);
    *b = (Blame){0};
}

// --- the part -------------------------------------------------------------------------------------

static bool fails_without(Reduce *r, const IrCase *c, unsigned skip)
{
    unsigned before = r->options.skip_passes;
    IrCase *copy = ir_case_copy(c);
    r->options.skip_passes = skip;
    bool fails = reduce_fails(r, copy);
    r->options.skip_passes = before;
    ir_case_free(copy);
    return fails;
}

// The shortest beginning of the list of passes behind which it fails: 1 + the last one's number; 0: none is needed.
static unsigned first_prefix(Reduce *r, const IrCase *c)
{
    unsigned skip = ALL_PASSES;
    for (unsigned n = 0; n <= IR_PASSES; n++) {
        if (fails_without(r, c, skip))
            return n;
        skip &= ~(1u << n);
    }
    return IR_PASSES;
}

// Passes each of which, left out alone, makes it right.
static char *needed(Reduce *r, const IrCase *c)
{
    GString *s = g_string_new(NULL);
    for (unsigned i = 0; i < IR_PASSES; i++)
        if (!fails_without(r, c, 1u << i))
            g_string_append_printf(s, "%s%s", s->len ? ", " : "", ir_pass_names[i]);
    return g_string_free(s, FALSE);
}

static void blame_region(Reduce *r, const IrCase *c, Blame *b)
{
    unsigned pass, prefix = first_prefix(r, c);
    g_autofree char *what = case_verify_state(c, 0, &pass, NULL), *alone = needed(r, c);
    g_autofree char *more = *alone ? g_strdup_printf("; it is right without %s", alone) : g_strdup("");
    if (what) {
        b->part = g_strdup_printf("pass %s", ir_pass_names[pass - 1]);
        b->how = g_strdup_printf("what the evaluator makes of the IR differs from there on%s", more);
    } else if (!prefix) {
        b->part = g_strdup("emitter");
        b->how = g_strdup("it is wrong without any pass too");
    } else {
        b->part = g_strdup("emitter");
        b->how = g_strdup_printf("every pass keeps the meaning, but the code is wrong only for what %s leaves%s",
                                 ir_pass_names[prefix - 1], more);
    }
}

static void blame_baseline(Reduce *r, const IrCase *c, Blame *b)
{
    CaseEngine tier = r->tier;
    IrCase *copy = ir_case_copy(c);
    r->tier = CASE_INTERP;
    bool both = reduce_fails(r, copy);
    r->tier = tier;
    ir_case_free(copy);
    b->part = g_strdup(both ? "interpreter ops" : "stencil");
    b->how = g_strdup(both ? "the interpreter, from whose ops baseline code is made, is wrong too"
                           : "the interpreter, which has the same ops, is right");
}

// --- the op ---------------------------------------------------------------------------------------

unsigned blame_free_register(const IrCode *code)
{
    uint64_t used = 1;
    for (unsigned n = 0; n < code->n_blocks; n++)
        for (unsigned i = 0; i < code->blocks[n]->n_ops; i++) {
            const IrInst *o = &code->blocks[n]->ops[i];
            if (o->op == IR_OP_GET || o->op == IR_OP_PUT)
                used |= UINT64_C(1) << o->reg;
        }
    for (unsigned reg = 31; reg > 0; reg--)
        if (!(used >> reg & 1))
            return reg;
    return 0;
}

// The case that ends behind op i of block n, when that is first done, with its value in a register.
static IrCase *cut_behind(const IrCase *from, unsigned n, unsigned i, unsigned reg)
{
    IrCase *c = ir_case_copy(from);
    IrBlock *b = c->code->blocks[n];
    b->n_ops = i + 1;
    b->n_insns = 0;
    for (unsigned k = 0; k <= i; k++)
        b->n_insns += b->ops[k].op == IR_OP_INSN;
    b->n_guess = 0;
    b->edge[0] = b->edge[1] = (IrEdge){-1, b->pc + 2};
    ir_put(b, reg, (IrVal)i);
    ir_emit(b, IR_OP_JUMP, 0, IR_NOVAL, IR_NOVAL, 0);
    return c;
}

bool blame_value(const IrCase *from, unsigned n, unsigned i, unsigned reg, uint64_t *v)
{
    g_autoptr(IrCase) c = cut_behind(from, n, i, reg);
    CaseOptions o = {0};
    g_autoptr(CaseRun) run = ir_case_finish(c, NULL) ? case_run(NULL, c, CASE_EVAL, &o, NULL) : NULL;
    if (!run)
        return false;
    *v = run->m->env.r[reg];
    return true;
}

// The case with op i of block n done in another way, if there is one; else NULL.
static IrCase *otherwise(const IrCase *from, unsigned n, unsigned i, unsigned way)
{
    const IrInst *old = &from->code->blocks[n]->ops[i];
    unsigned reg = blame_free_register(from->code);
    bool value = ir_op_info[old->op].has_value;
    uint64_t v;
    if (old->op == IR_OP_INSN || (value && (way || !reg || !blame_value(from, n, i, reg, &v))))
        return NULL;
    if (!value && way >= (ir_is_br(old->op) ? 2u : 1u))
        return NULL;
    IrCase *c = ir_case_copy(from);
    IrBlock *b = c->code->blocks[n];
    IrInst *o = &b->ops[i];
    if (value) {
        c->r[reg] = v;
        *o = (IrInst){.op = IR_OP_GET, .reg = (uint8_t)reg, .a = IR_NOVAL, .b = IR_NOVAL, .c = IR_NOVAL};
    } else if (ir_op_info[o->op].flags & IRF_TERM) {
        b->edge[0] = b->edge[way];
        b->edge[1] = (IrEdge){-1, 0};
        *o = (IrInst){.op = IR_OP_JUMP, .a = IR_NOVAL, .b = IR_NOVAL, .c = IR_NOVAL};
    } else { // nothing, at the same place
        *o = (IrInst){.op = IR_OP_CONST, .a = IR_NOVAL, .b = IR_NOVAL, .c = IR_NOVAL};
    }
    return c;
}

static bool is_right_otherwise(Reduce *r, const IrCase *from, unsigned n, unsigned i)
{
    bool some = false;
    for (unsigned way = 0; way < 2; way++) {
        IrCase *c = otherwise(from, n, i, way);
        if (!c)
            continue;
        some = true;
        bool fails = reduce_fails(r, c);
        ir_case_free(c);
        if (fails)
            return false;
    }
    return some;
}

// Is the value wrong by itself, whatever uses it?
static bool value_is_wrong(Reduce *r, const IrCase *from, unsigned n, unsigned i)
{
    IrCase *c = cut_behind(from, n, i, blame_free_register(from->code));
    bool fails = reduce_fails(r, c);
    ir_case_free(c);
    return fails;
}

static unsigned first_use(const IrBlock *b, unsigned v)
{
    for (unsigned i = v + 1; i < b->n_ops; i++) {
        const IrInst *o = &b->ops[i];
        unsigned n = ir_n_values(o->op);
        if ((n > 0 && o->a == v) || (n > 1 && o->b == v) || (n > 2 && o->c == v))
            return i;
    }
    return v;
}

// What is read or constant is seldom wrong by itself: whatever uses it is done in another form for other operands.
static bool is_operand(const IrInst *o)
{
    return o->op == IR_OP_CONST || o->op == IR_OP_GET;
}

// The first op that, done in another way, makes it right: what comes behind only uses it. keep: another way with the
// same result; else what is only there for its effect is left out.
//
// But what is in front may make it right too, as the wrong op is then done in another form. So an op whose value is
// wrong by itself goes before others; if there is none (it is right the first time, or what is wrong has no value), it
// is the first one, or what uses that.
static char *blame_some_op(Reduce *r, const IrCase *c, bool keep)
{
    const IrBlock *block = NULL;
    unsigned op = 0;
    bool sure = false;
    for (unsigned n = 0; n < c->code->n_blocks && !sure; n++) {
        const IrBlock *b = c->code->blocks[n];
        for (unsigned i = 0; i < b->n_ops && !sure && !reduce_out_of_time(r); i++) {
            const IrInst *o = &b->ops[i];
            bool value = ir_op_info[o->op].has_value;
            if (o->op == IR_OP_JUMP || (value || ir_is_br(o->op)) != keep || (block && !value) ||
                !is_right_otherwise(r, c, n, i))
                continue;
            sure = !value || value_is_wrong(r, c, n, i);
            if (sure || !block)
                op = sure || !is_operand(o) ? i : first_use(b, i);
            block = sure || !block ? b : block;
        }
    }
    if (!block)
        return NULL;
    GString *s = g_string_new(NULL);
    ir_print_op(s, block, op);
    return g_string_free(s, FALSE);
}

static char *blame_op(Reduce *r, const IrCase *c)
{
    char *op = blame_some_op(r, c, true);
    return op ? op : blame_some_op(r, c, false);
}

Blame blame_find(Reduce *r, const IrCase *c)
{
    Blame b = {0};
    if (r->tier == CASE_REGION)
        blame_region(r, c, &b);
    else
        blame_baseline(r, c, &b);
    b.op = blame_op(r, c);
    return b;
}
