// SPDX-License-Identifier: GPL-3.0-or-later
// The passes in their order.
#include "ir/opt.h"

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

static bool run(const IrPass *pass, IrCode *code, bool verify, unsigned n_helpers)
{
    bool changed = false;

    for (unsigned i = 0; i < code->n_blocks; i++)
        changed |= pass->run(code->blocks[i]);
    if (verify) {
        g_autoptr(GError) error = NULL;
        if (!ir_verify(code, n_helpers, &error)) {
            g_autoptr(GString) dump = g_string_new(NULL);
            ir_print(dump, code);
            g_error("after pass %s: %s\n%s", pass->name, error->message, dump->str);
        }
    }
    return changed;
}

// Folding can make a put redundant, as of x + 0, and a shorter chain of puts and gets brings more constants
// together; a third round has hardly anything left to find.
void ir_optimize(IrCode *code, bool verify, unsigned n_helpers)
{
    const IrPass *state = &ir_passes[0], *fold = &ir_passes[1];

    for (const IrPass *pass = ir_passes; pass->name; pass++) {
        bool changed = run(pass, code, verify, n_helpers);
        if (pass == fold && changed && run(state, code, verify, n_helpers))
            run(fold, code, verify, n_helpers);
    }
}
