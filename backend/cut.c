// SPDX-License-Identifier: GPL-3.0-or-later
// Cutting pieces of compiled code out of an engine.
#include "backend/cut.h"

#include "backend/engine_private.h"

// The block once more; what it was made from is not kept.
static IrCode *lift_block_again(Engine *e, const Block *b)
{
    MemFault fault;
    IrBlock *ir = ir_block_new(0);
    if (!e->guest.lift(e->guest.opaque, b->pc, b->pc, b->n_insns, ir, &fault)) {
        ir_block_free(ir);
        return NULL;
    }
    IrCode *code = ir_code_new(b->pc);
    ir->is_entry = true;
    ir_code_add(code, ir);
    return code;
}

bool engine_cut(Engine *e, uint64_t pc, CutPiece *out)
{
    const Block *b = engine_peek(e, pc);
    const JitUnit *u = b ? b->unit : NULL;
    if (!u || u->dead)
        return false;
    *out = (CutPiece){.region = !u->block, .paged = b->mode & CODE_PAGED, .opt = e->config.opt};
    out->movable = out->region && tier_movable(b);
    out->code = u->block ? lift_block_again(e, b) : ir_code_copy(u->ir);
    return out->code;
}

void engine_set_chaining(Engine *e, bool on)
{
    e->chain = on;
    if (!on)
        engine_unlink(e);
}
