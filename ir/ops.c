// SPDX-License-Identifier: GPL-3.0-or-later
// The tables behind ops.def.
#include "ir/ir.h"

const IrOpInfo ir_op_info[IR_OPS] = {
#define OP(name, text, result, args, flags, synopsis) [IR_OP_##name] = {text, args, flags, result, synopsis},
#include "ir/ops.def"
#undef OP
};

const char *const ir_amo_names[IR_AMOS] = {
    [IR_AMO_SWAP] = "swap", [IR_AMO_ADD] = "add", [IR_AMO_XOR] = "xor",
    [IR_AMO_AND] = "and",   [IR_AMO_OR] = "or",   [IR_AMO_MIN] = "min",
    [IR_AMO_MAX] = "max",   [IR_AMO_MINU] = "minu", [IR_AMO_MAXU] = "maxu",
};

unsigned ir_op_size(IrOpcode op)
{
    switch (op) {
    case IR_OP_LD8U:
    case IR_OP_LD8S:
    case IR_OP_ST8:
        return 1;
    case IR_OP_LD16U:
    case IR_OP_LD16S:
    case IR_OP_ST16:
        return 2;
    case IR_OP_LD32U:
    case IR_OP_LD32S:
    case IR_OP_ST32:
    case IR_OP_LR32:
    case IR_OP_SC32:
    case IR_OP_AMO32:
        return 4;
    case IR_OP_LD64:
    case IR_OP_ST64:
    case IR_OP_LR64:
    case IR_OP_SC64:
    case IR_OP_AMO64:
        return 8;
    default:
        return 0;
    }
}
