// SPDX-License-Identifier: GPL-3.0-or-later
// Dead code. Loads stay even if their values are unused: they can fault, and devices see them.
#include "ir/opt.h"
#include <string.h>

bool ir_opt_dce(IrBlock *b)
{
    uint8_t *used = g_newa0(uint8_t, b->n_ops);
    bool changed = false;

    for (unsigned index = b->n_ops; index-- > 0;) {
        IrInst *i = &b->ops[index];
        unsigned n = ir_n_values(i->op);
        if (!used[index] && (i->op == IR_OP_GET || ir_op_info[i->op].flags & IRF_PURE)) {
            i->op = IR_OP_DEAD;
            changed = true;
            continue;
        }
        if (n > 0)
            used[i->a] = 1;
        if (n > 1)
            used[i->b] = 1;
        if (n > 2)
            used[i->c] = 1;
    }
    if (changed)
        ir_opt_compact(b);
    return changed;
}
