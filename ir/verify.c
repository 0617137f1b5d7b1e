// SPDX-License-Identifier: GPL-3.0-or-later
// The rules of ir.h, checked.
//
// One error is enough, so a check returns the text of what is wrong (newly allocated) or NULL, and ir_verify
// puts the block and the op in front of it.
#include "ir/ir.h"
#include <gio/gio.h>
#include <string.h>

static char *check_operand(const IrBlock *b, unsigned index, IrVal v)
{
    if (v == IR_NOVAL)
        return g_strdup("an operand is missing");
    if (v >= index)
        return g_strdup_printf("operand v%u is not defined", v);
    if (!ir_op_info[b->ops[v].op].has_value)
        return g_strdup_printf("operand v%u has no value", v);
    return NULL;
}

static char *check_values(const IrBlock *b, unsigned index)
{
    const IrInst *i = &b->ops[index];
    unsigned n = ir_n_values(i->op);
    char *wrong = NULL;

    if (i->op == IR_OP_INSN)
        return i->c == IR_NOVAL ? NULL : g_strdup("unused operand c is set"); // a and b hold the instruction
    if (n > 0)
        wrong = check_operand(b, index, i->a);
    else if (i->a != IR_NOVAL)
        wrong = g_strdup("unused operand a is set");
    if (wrong)
        return wrong;
    if (n > 1)
        wrong = check_operand(b, index, i->b);
    else if (i->b != IR_NOVAL)
        wrong = g_strdup("unused operand b is set");
    if (wrong)
        return wrong;
    if (n > 2)
        return check_operand(b, index, i->c);
    return i->c == IR_NOVAL ? NULL : g_strdup("unused operand c is set");
}

// The rounding mode, and what else the op's imm may say.
static char *check_fp_imm(const IrInst *i)
{
    uint64_t more = i->op == IR_OP_FMADD32 || i->op == IR_OP_FMADD64 ? IR_FP_NEG_PRODUCT | IR_FP_NEG_ADDEND
                    : i->op >= IR_OP_FTOI32                          ? IR_FP_UNSIGNED | IR_FP_LONG
                                                                     : 0;
    unsigned rm = i->imm & IR_FP_RM;

    if ((uint64_t)i->imm & ~(more | IR_FP_RM))
        return g_strdup("unknown bits in imm");
    return rm < IR_RM_MODES || rm == IR_RM_DYN ? NULL : g_strdup_printf("there is no rounding mode %u", rm);
}

// The masks of the fpchecks before op `index` of its block, together.
static unsigned checked_before(const IrBlock *b, unsigned index)
{
    unsigned mask = 0;

    while (index-- > 0)
        if (b->ops[index].op == IR_OP_FPCHECK)
            mask |= (unsigned)((uint64_t)b->ops[index].imm >> 32);
    return mask;
}

// Only fpcheck makes sure that env->frm is a rounding mode and that changes are noted.
static char *check_fp(const IrBlock *b, unsigned index)
{
    const IrInst *i = &b->ops[index];
    bool dynamic = strchr(ir_op_info[i->op].args, 'i') && (i->imm & IR_FP_RM) == IR_RM_DYN;
    bool raises = i->op < IR_OP_FCLASS32;
    unsigned need = IR_FP_OFF | (raises ? IR_FP_CLEAN : 0) | (dynamic ? IR_FP_BAD_RM : 0);

    if ((checked_before(b, index) & need) != need)
        return g_strdup("not behind an fpcheck that covers it");
    return NULL;
}

static char *check_fields(const IrInst *i, unsigned n_helpers)
{
    const char *args = ir_op_info[i->op].args;
    bool has_reg = args[0] == 'r', has_imm = false;

    for (const char *s = args; *s; s++)
        has_imm |= *s == 'i';
    if (has_reg && i->reg >= IR_NREGS)
        return g_strdup_printf("there is no register r%u", i->reg);
    if (!has_reg && i->reg && i->op != IR_OP_INSN)
        return g_strdup("unused field reg is set");
    if (!has_imm && i->imm)
        return g_strdup("unused field imm is set");
    if ((i->op == IR_OP_AMO32 || i->op == IR_OP_AMO64) && (i->imm < 0 || i->imm >= IR_AMOS))
        return g_strdup("unknown kind of AMO");
    if (ir_is_fp(i->op) && has_imm)
        return check_fp_imm(i);
    if (i->op == IR_OP_FPCHECK && (i->imm < 0 || i->imm >> 32 > (IR_FP_OFF | IR_FP_CLEAN | IR_FP_BAD_RM)))
        return g_strdup("unknown bits in the mask");
    if (i->op == IR_OP_SYS && (i->imm < 0 || i->imm >= n_helpers))
        return g_strdup_printf("there is no helper %" G_GINT64_FORMAT, i->imm);
    return NULL;
}

static char *check_edge(const IrCode *code, const IrEdge *e)
{
    if (e->block < -1 || e->block >= (int64_t)code->n_blocks)
        return g_strdup_printf("there is no block b%d", e->block);
    if (e->block >= 0 && e->pc != code->blocks[e->block]->pc)
        return g_strdup_printf("edge offset differs from that of block b%d", e->block);
    return NULL;
}

static char *check_edges(const IrCode *code, const IrBlock *b)
{
    const IrInst *i = &b->ops[b->n_ops - 1];
    unsigned n = i->op == IR_OP_JUMP ? 1 : ir_is_br(i->op) ? 2 : 0;
    char *wrong = NULL;

    for (unsigned e = 0; e < n && !wrong; e++)
        wrong = check_edge(code, &b->edge[e]);
    if (wrong)
        return wrong;
    if (b->n_guess && i->op != IR_OP_JMPIND)
        return g_strdup("guesses without jmpind");
    for (unsigned g = 0; g < b->n_guess && !wrong; g++) {
        if (b->guess[g].block < 0)
            return g_strdup("a guess outside the code");
        wrong = check_edge(code, &b->guess[g]);
    }
    return wrong;
}

static char *check_op(const IrCode *code, const IrBlock *b, unsigned index, unsigned n_helpers)
{
    const IrInst *i = &b->ops[index];
    bool last = index == b->n_ops - 1;
    char *wrong = NULL;

    if (i->op >= IR_OPS)
        return g_strdup("unknown op");
    if (last && !(ir_op_info[i->op].flags & IRF_TERM))
        return g_strdup("the last op is not a terminator");
    if (!last && ir_op_info[i->op].flags & IRF_TERM)
        return g_strdup("a terminator before the end");
    wrong = check_values(b, index);
    if (!wrong)
        wrong = check_fields(i, n_helpers);
    if (!wrong && ir_is_fp(i->op))
        wrong = check_fp(b, index);
    if (!wrong && last)
        wrong = check_edges(code, b);
    return wrong;
}

static char *check_block(const IrBlock *b)
{
    unsigned n = 0;

    if (b->n_ops == 0)
        return g_strdup("no ops");
    if (b->n_ops > IR_MAX_OPS)
        return g_strdup("too many ops");
    for (unsigned i = 0; i < b->n_ops; i++)
        n += b->ops[i].op == IR_OP_INSN;
    if (n != b->n_insns)
        return g_strdup_printf("insns=%u, but %u insn ops", b->n_insns, n);
    if (n && b->ops[0].op != IR_OP_INSN)
        return g_strdup("the first op is not insn");
    return NULL;
}

static bool verify_block(const IrCode *code, unsigned index, unsigned n_helpers, GError **error)
{
    const IrBlock *b = code->blocks[index];

    for (unsigned i = 0; i < b->n_ops; i++) {
        g_autofree char *wrong = check_op(code, b, i, n_helpers);
        if (wrong) {
            g_autoptr(GString) op = g_string_new(NULL);
            ir_print_op(op, b, i);
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "block b%u: %s: %s", index,
                        op->str, wrong);
            return false;
        }
    }
    g_autofree char *wrong = check_block(b);
    if (wrong)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "block b%u: %s", index, wrong);
    return !wrong;
}

bool ir_verify(const IrCode *code, unsigned n_helpers, GError **error)
{
    for (unsigned i = 0; i < code->n_blocks; i++)
        if (!verify_block(code, i, n_helpers, error))
            return false;
    return true;
}
