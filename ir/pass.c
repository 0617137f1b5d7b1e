// SPDX-License-Identifier: GPL-3.0-or-later
// The passes in their order.
#include "ir/opt.h"
#include "ir/plant.h"

const IrPass ir_passes[] = {
    {"state", ir_opt_state},
    {"fold", ir_opt_fold},
    {"dce", ir_opt_dce},
    {NULL, NULL},
};

void ir_opt_compact(IrBlock *b)
{
    IrVal *map = g_newa(IrVal, b->n_ops);
    unsigned to = 0;

    for (unsigned from = 0; from < b->n_ops; from++) {
        IrInst i = b->ops[from];
        if (i.op == IR_OP_DEAD)
            continue;
        unsigned n = ir_n_values(i.op);
        if (n > 0)
            i.a = map[i.a];
        if (n > 1)
            i.b = map[i.b];
        if (n > 2)
            i.c = map[i.c];
        map[from] = (IrVal)to;
        b->ops[to++] = i;
    }
    b->n_ops = to;
}

static void verify_after(const char *name, const IrCode *code, unsigned n_helpers)
{
    g_autoptr(GError) error = NULL;
    if (ir_verify(code, n_helpers, &error))
        return;
    g_autoptr(GString) dump = g_string_new(NULL);
    ir_print(dump, code);
    g_error("after pass %s: %s\n%s", name, error->message, dump->str);
}

// place: of faults planted in the pass, which has them once.
static bool run(const IrPass *pass, IrCode *code, const IrPipeline *p, PlantPlace place)
{
    bool changed = false;

    for (unsigned i = 0; i < code->n_blocks; i++)
        changed |= pass->run(code->blocks[i]);
    plant_code(place, code);
    if (p->verify)
        verify_after(pass->name, code, p->n_helpers);
    if (p->after)
        p->after(p->opaque, pass->name, code, changed);
    return changed;
}

// Folding can make a put redundant, as of x + 0, and a shorter chain of puts and gets brings more constants
// together; a third round has hardly anything left to find.
static void blockwise(IrCode *code, const IrPipeline *p)
{
    const IrPass *state = &ir_passes[0], *fold = &ir_passes[1], *dce = &ir_passes[2];
    bool has_state = !(p->skip & IR_PASS_STATE);

    if (has_state)
        run(state, code, p, PLANT_STATE);
    if (!(p->skip & IR_PASS_FOLD) && run(fold, code, p, PLANT_FOLD) && has_state &&
        run(state, code, p, PLANT_NOWHERE))
        run(fold, code, p, PLANT_NOWHERE);
    if (!(p->skip & IR_PASS_DCE))
        run(dce, code, p, PLANT_DCE);
}

void ir_optimize(IrCode *code, bool verify, unsigned n_helpers)
{
    blockwise(code, &(IrPipeline){.verify = verify, .n_helpers = n_helpers});
}

// The op counts tell whether one of these did something: what they make is shorter or longer.
static uint64_t size_of(const IrCode *code)
{
    uint64_t n = code->n_blocks;
    for (unsigned i = 0; i < code->n_blocks; i++)
        n += (uint64_t)code->blocks[i]->n_ops << 20;
    return n;
}

static void tell(const IrPipeline *p, const char *name, const IrCode *code, uint64_t before)
{
    if (p->after)
        p->after(p->opaque, name, code, size_of(code) != before);
}

void ir_pipeline(IrCode *code, const IrPipeline *p)
{
    uint64_t before = size_of(code);
    if (!(p->skip & IR_PASS_UNPEEL)) {
        ir_unpeel(code);
        plant_code(PLANT_UNPEEL, code);
        if (p->verify)
            verify_after("unpeel", code, p->n_helpers);
        tell(p, "unpeel", code, before);
    }
    blockwise(code, p);
    before = size_of(code);
    if (!(p->skip & IR_PASS_WIDEN)) {
        ir_widen(code, p->aligned);
        plant_code(PLANT_WIDEN, code);
        tell(p, "widen", code, before);
    }
}

const char *const ir_pass_names[IR_PASSES] = {"unpeel", "state", "fold", "dce", "widen"};
