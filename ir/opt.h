// SPDX-License-Identifier: GPL-3.0-or-later
// What the passes share. Private to ir/; users see ir_passes and ir_optimize of ir/ir.h.
#pragma once
#include "ir/ir.h"

// Opcode of an op that a pass has dropped, until ir_opt_compact.
#define IR_OP_DEAD IR_OPS

// Removes dead ops from b and renames the values of the others, which must not use one of a dead op.
void ir_opt_compact(IrBlock *b);

// Redundant gets and puts: a get of a register whose value is known is that value; a put is dropped if the
// register holds the value anyway, or if it is overwritten before anything can observe it. True if b changed.
bool ir_opt_state(IrBlock *b);

// Constant folding and the identities of opt_fold.def. True if b changed.
bool ir_opt_fold(IrBlock *b);

// Drops pure ops and gets whose values nobody uses. True if b changed.
bool ir_opt_dce(IrBlock *b);
