// SPDX-License-Identifier: GPL-3.0-or-later
// Redundant register reads and writes.
//
// The exact-state rule (ir.h) says who can observe the registers: an op that can fault, and the end of the
// block. So a put may go if another put of the same register follows with neither in between. What it wrote
// is still found by gets, because they are replaced by the value itself: values are defined once, so one that
// was read before a put stays what it was.
#include "ir/opt.h"
#include <string.h>

typedef struct {
    IrInst *ops;
    IrVal *map;              // value -> value that replaces it
    IrVal cur[IR_NREGS];     // value in each register, IR_NOVAL if unknown
    IrVal pending[IR_NREGS]; // its last put, if nothing has observed it: see is_pending
    uint64_t is_pending;
    bool changed;
} State;

_Static_assert(IR_NREGS <= 64, "is_pending has a bit per register");

static void drop(State *s, unsigned index)
{
    s->ops[index].op = IR_OP_DEAD;
    s->changed = true;
}

static void on_get(State *s, unsigned index)
{
    unsigned reg = s->ops[index].reg;

    if (s->cur[reg] == IR_NOVAL) {
        s->cur[reg] = (IrVal)index;
        return;
    }
    s->map[index] = s->cur[reg];
    drop(s, index);
}

static void on_put(State *s, unsigned index)
{
    unsigned reg = s->ops[index].reg;

    if (s->cur[reg] == s->ops[index].a) {
        drop(s, index);
        return;
    }
    if (s->is_pending >> reg & 1)
        drop(s, s->pending[reg]);
    s->cur[reg] = s->ops[index].a;
    s->pending[reg] = (IrVal)index;
    s->is_pending |= UINT64_C(1) << reg;
}

bool ir_opt_state(IrBlock *b)
{
    State s = {.ops = b->ops, .map = g_newa(IrVal, b->n_ops)};

    memset(s.cur, 0xff, sizeof s.cur);
    for (unsigned index = 0; index < b->n_ops; index++) {
        IrInst *i = &b->ops[index];
        unsigned n = ir_n_values(i->op);
        s.map[index] = (IrVal)index;
        if (n > 0)
            i->a = s.map[i->a];
        if (n > 1)
            i->b = s.map[i->b];
        if (n > 2)
            i->c = s.map[i->c];
        if (i->op == IR_OP_GET)
            on_get(&s, index);
        else if (i->op == IR_OP_PUT)
            on_put(&s, index);
        else if (ir_op_info[i->op].flags & IRF_FAULT)
            s.is_pending = 0;
    }
    if (s.changed)
        ir_opt_compact(b);
    return s.changed;
}
