// SPDX-License-Identifier: GPL-3.0-or-later
// Floating point without rounding: NaN boxes, signs. emit_fp_host.c has the
// rest.
//
// What is done here stays in the host's SSE registers, where the operands come from and the results go.
#include "backend/emit.h"

void emit_asm_input(EmitAsm *a, const char *constraint, gcc_jit_rvalue *v)
{
    a->in[a->n_in].constraint = constraint;
    a->in[a->n_in++].value = v;
}

void emit_asm_output(EmitAsm *a, const char *constraint, gcc_jit_lvalue *v)
{
    a->out[a->n_out].constraint = constraint;
    a->out[a->n_out++].place = v;
}

void emit_asm(gcc_jit_block *bb, const EmitAsm *a, const char *text)
{
    gcc_jit_extended_asm *x = gcc_jit_block_add_extended_asm(bb, emit_at, text);
    gcc_jit_extended_asm_set_volatile_flag(x, a->keep);
    for (unsigned i = 0; i < a->n_out; i++)
        gcc_jit_extended_asm_add_output_operand(x, NULL, a->out[i].constraint, a->out[i].place);
    for (unsigned i = 0; i < a->n_in; i++)
        gcc_jit_extended_asm_add_input_operand(x, NULL, a->in[i].constraint, a->in[i].value);
    gcc_jit_extended_asm_add_clobber(x, "cc");
    if (a->memory)
        gcc_jit_extended_asm_add_clobber(x, "memory");
    if (a->call) {
        gcc_jit_extended_asm_add_clobber(x, "rdi");
        gcc_jit_extended_asm_add_clobber(x, "r8");
    }
}

void emit_call(gcc_jit_block *bb, size_t offset, unsigned n, gcc_jit_rvalue *const *args,
               gcc_jit_lvalue *result)
{
    static const char *const places[] = {"S", "d", "c"};
    EmitAsm a = {.keep = true, .call = true, .memory = true};
    g_autoptr(GString) text = g_string_new("movq %%rbp, %%rdi\n\t");
    emit_asm_output(&a, "=a", result);
    for (unsigned i = 0; i < MIN(n, 3); i++)
        emit_asm_input(&a, places[i], args[i]);
    if (n > 3) { // r8 has no letter
        emit_asm_input(&a, "er", args[3]);
        g_string_append(text, "movq %4, %%r8\n\t");
    }
    g_string_append_printf(text, "movq %zu(%%%%rbp), %%%%rax\n\tcall *%zu(%%%%rbp)", offset, offsetof(IrEnv, jit_call));
    emit_asm(bb, &a, text->str);
}

// A value made by text of v, which %0 is before and the result after; %4 is the other one, %1 and %2 are free. %0 is
// written last, as it may be the same register as %4.
static gcc_jit_rvalue *bit_asm(Emit *e, const char *text, gcc_jit_rvalue *v, gcc_jit_rvalue *other)
{
    gcc_jit_lvalue *result = emit_local(e, e->f64);
    EmitAsm a = {.keep = false};
    emit_asm_output(&a, "=x", result);
    emit_asm_output(&a, "=&x", emit_local(e, e->f64));
    emit_asm_output(&a, "=&x", emit_local(e, e->f64));
    emit_asm_input(&a, "0", v);
    if (other)
        emit_asm_input(&a, "x", other);
    emit_asm(e->bb, &a, text);
    return gcc_jit_lvalue_as_rvalue(result);
}

// The low word of value v as a single.
static gcc_jit_rvalue *boxed(Emit *e, IrVal v)
{
    if (gcc_jit_rvalue_get_type(e->values[v].rv) == e->f64) // loaded as what it is
        return emit_raw_fp(e, v);
    gcc_jit_lvalue *result = emit_local(e, e->f64);
    EmitAsm a = {.keep = false};
    gcc_jit_rvalue *word = emit_use(e, v);
    emit_asm_output(&a, "=x", result);
    emit_asm_input(&a, "r", word);
    emit_asm(e->bb, &a, "movd %k1, %0");
    return gcc_jit_lvalue_as_rvalue(result);
}

gcc_jit_rvalue *emit_flag(Emit *e, gcc_jit_lvalue *flag)
{
    return gcc_jit_context_new_comparison(e->ctx, emit_at, GCC_JIT_COMPARISON_NE, gcc_jit_lvalue_as_rvalue(flag),
                                          gcc_jit_context_zero(e->ctx, e->u8));
}

gcc_jit_rvalue *emit_converted(Emit *e, gcc_jit_block *bb, gcc_jit_rvalue *v, uint8_t from, uint8_t to)
{
    bool is_double = from & EMIT_DOUBLE, box = !is_double && to == EMIT_BITS;
    gcc_jit_lvalue *result = emit_local(e, e->f64);
    EmitAsm a = {.keep = false};
    char text[256];
    emit_asm_output(&a, "=x", result);
    if (box)
        emit_asm_output(&a, "=&x", emit_local(e, e->f64));
    emit_asm_input(&a, "0", v);
    g_snprintf(text, sizeof text, "%s%s", is_double ? EMIT_FIX_DOUBLE : from & EMIT_LOW ? "" : EMIT_FIX_SINGLE,
               box ? "pcmpeqd %1, %1\n\tpunpckldq %1, %0" : "");
    emit_asm(bb, &a, text);
    return gcc_jit_lvalue_as_rvalue(result);
}

gcc_jit_rvalue *emit_use_double(Emit *e, IrVal v)
{
    return e->form_of[v] & (EMIT_BITS | EMIT_DOUBLE) ? emit_raw_fp(e, v) : emit_use_fp(e, v);
}

// The value is asked for again and again in a block, and is the same each time.
gcc_jit_rvalue *emit_use_single(Emit *e, IrVal v)
{
    if (e->form_of[v] & (EMIT_LOW | EMIT_SINGLE))
        return emit_raw_fp(e, v);
    gcc_jit_rvalue *bits = emit_use_fp(e, v);
    if (e->values[v].single)
        return gcc_jit_lvalue_as_rvalue(e->values[v].single);
    gcc_jit_lvalue *single = e->values[v].single = emit_local(e, e->f64);
    EmitAsm a = {.keep = false}; // an expression of GCC's would lead it to keep v in an integer register
    emit_asm_output(&a, "=x", single);
    emit_asm_output(&a, "=&r", emit_local(e, e->u64));
    emit_asm_input(&a, "0", bits);
    emit_asm(e->bb, &a, "movq %0, %1\n\tshrq $32, %1\n\tcmpl $-1, %k1\n\tjne .Ln%=\n.Lb%=:\n\t"
                        ".subsection 1\n" EMIT_NAN_SINGLE ".subsection 0");
    return gcc_jit_lvalue_as_rvalue(single);
}

// any_nan: one is as good as another.
static gcc_jit_rvalue *sign_operand(Emit *e, IrVal v, bool single, bool any_nan)
{
    if (any_nan)
        return single ? emit_use_single(e, v) : emit_use_double(e, v);
    if (!single)
        return emit_use_fp(e, v);
    if (!(e->form_of[v] & EMIT_BITS)) // else the box must be looked at
        emit_have_low(e, v);
    return emit_use_single(e, v);
}

static gcc_jit_rvalue *absolute(Emit *e, gcc_jit_rvalue *v, bool single)
{
    gcc_jit_lvalue *result = emit_local(e, e->f64);
    EmitAsm a = {.keep = false};
    emit_asm_output(&a, "=x", result);
    emit_asm_input(&a, "0", v);
    emit_asm(e->bb, &a, single ? "pslld $1, %0\n\tpsrld $1, %0" : "psllq $1, %0\n\tpsrlq $1, %0");
    return gcc_jit_lvalue_as_rvalue(result);
}

static gcc_jit_rvalue *emit_sign(Emit *e, const IrInst *op)
{
    static const char *const texts[3][2] = { // sgnj, sgnjn, sgnjx; of two values, of one
        {"movdqa %0, %2\n\tpxor %4, %2\n\tpand %1, %2\n\tpxor %2, %0", NULL},
        {"movdqa %0, %2\n\tpxor %4, %2\n\tpandn %1, %2\n\tpxor %2, %0", "pxor %1, %0"},
        {"pand %4, %1\n\tpxor %1, %0", NULL},
    };
    unsigned kind = (op->op - IR_OP_FSGNJ32) / 2;
    bool single = (op->op - IR_OP_FSGNJ32) % 2 == 0, same = op->a == op->b;
    gcc_jit_rvalue *a = sign_operand(e, op->a, single, same && kind != 1), *b = NULL;
    if (same)
        e->values[op->b].uses--;
    else
        b = sign_operand(e, op->b, single, false);
    if (kind == 0 && same)
        return a;
    if (kind == 2 && same)
        return absolute(e, a, single);
    char text[160]; // %1 := the sign bit alone
    g_snprintf(text, sizeof text, "pcmpeqd %%1, %%1\n\tpsllq $63, %%1\n\t%s%s", single ? "psrlq $32, %1\n\t" : "",
               texts[kind][same]);
    return bit_asm(e, text, a, b);
}

gcc_jit_rvalue *emit_fp_bits(Emit *e, const IrInst *op)
{
    if (op->op == IR_OP_UNBOX32)
        return emit_use_single(e, op->a);
    if (op->op == IR_OP_BOX32)
        return boxed(e, op->a);
    return emit_sign(e, op);
}
