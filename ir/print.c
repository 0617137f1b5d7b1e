// SPDX-License-Identifier: GPL-3.0-or-later
// IR as text; parse.c reads it back. Prints invalid ops too, since dumps show what the verifier refused.
#include "ir/ir.h"

// The shortest C notation that parse.c reads back: sign and hexadecimal magnitude.
static void print_imm(GString *out, int64_t v, const char *plus)
{
    g_string_append_printf(out, "%s0x%" G_GINT64_MODIFIER "x", v < 0 ? "-" : plus,
                           v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

static void print_value(GString *out, IrVal v)
{
    if (v == IR_NOVAL)
        g_string_append(out, "v?");
    else
        g_string_append_printf(out, "v%u", v);
}

static void print_edge(GString *out, const IrEdge *e)
{
    if (e->block >= 0)
        g_string_append_printf(out, "b%d", e->block);
    else
        print_imm(out, e->pc, "+");
}

static void print_guesses(GString *out, const IrBlock *b)
{
    if (b->n_guess == 0)
        return;
    g_string_append(out, " [");
    for (unsigned i = 0; i < b->n_guess; i++) {
        if (i)
            g_string_append(out, ", ");
        print_imm(out, b->guess[i].pc, "+");
        if (b->guess[i].block >= 0)
            g_string_append_printf(out, ":b%d", b->guess[i].block);
    }
    g_string_append_c(out, ']');
}

static void print_args(GString *out, const IrInst *i)
{
    const char *sep = " ";
    const IrVal values[] = {i->a, i->b, i->c}, *v = values;

    for (const char *s = ir_op_info[i->op].args; *s; s++) {
        if (*s == 'i' && (i->op == IR_OP_AMO32 || i->op == IR_OP_AMO64 || i->op == IR_OP_SYS))
            break; // printed in front
        g_string_append(out, sep);
        sep = ", ";
        if (*s == 'v') {
            print_value(out, *v++);
        } else if (*s == 'r') {
            g_string_append_printf(out, "r%u", i->reg);
        } else {
            print_imm(out, i->imm, i->op == IR_OP_PC ? "+" : "");
        }
    }
}

void ir_print_op(GString *out, const IrBlock *b, unsigned index)
{
    const IrInst *i = &b->ops[index];

    if (i->op >= IR_OPS) {
        g_string_append_printf(out, "op#%u", i->op);
        return;
    }
    if (ir_op_info[i->op].has_value)
        g_string_append_printf(out, "v%u = ", index);
    g_string_append(out, ir_op_info[i->op].name);
    if (i->op == IR_OP_INSN) {
        g_string_append_c(out, ' ');
        print_imm(out, i->imm, "+");
        g_string_append_printf(out, " len=%u bits=0x%x", i->reg, ir_insn_bits(i));
        return;
    }
    if (i->op == IR_OP_SYS)
        g_string_append_printf(out, " %" G_GINT64_FORMAT, i->imm);
    else if ((i->op == IR_OP_AMO32 || i->op == IR_OP_AMO64) && i->imm >= 0 && i->imm < IR_AMOS)
        g_string_append_printf(out, " %s", ir_amo_names[i->imm]);
    else if (i->op == IR_OP_AMO32 || i->op == IR_OP_AMO64)
        g_string_append(out, " ?");
    print_args(out, i);
    if (i->op == IR_OP_JUMP || ir_is_br(i->op)) {
        g_string_append(out, i->op == IR_OP_JUMP ? " " : ", ");
        print_edge(out, &b->edge[0]);
    }
    if (ir_is_br(i->op)) {
        g_string_append(out, ", ");
        print_edge(out, &b->edge[1]);
    }
    if (i->op == IR_OP_JMPIND)
        print_guesses(out, b);
}

void ir_print_block(GString *out, const IrBlock *b, int index)
{
    g_string_append_printf(out, "block b%d ", index);
    print_imm(out, b->pc, "+");
    if (b->is_entry)
        g_string_append(out, " entry");
    g_string_append_printf(out, " insns=%u", b->n_insns);
    if (b->count)
        g_string_append_printf(out, " count=%" G_GUINT64_FORMAT, b->count);
    if (b->leaves)
        g_string_append_printf(out, " leaves=%" G_GUINT64_FORMAT, b->leaves);
    g_string_append(out, " {\n");
    for (unsigned i = 0; i < b->n_ops; i++) {
        g_string_append(out, "  ");
        ir_print_op(out, b, i);
        g_string_append_c(out, '\n');
    }
    g_string_append(out, "}\n");
}

void ir_print(GString *out, const IrCode *code)
{
    g_string_append_printf(out, "code 0x%" G_GINT64_MODIFIER "x\n", code->base);
    for (unsigned i = 0; i < code->n_blocks; i++)
        ir_print_block(out, code->blocks[i], (int)i);
}
