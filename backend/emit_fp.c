// SPDX-License-Identifier: GPL-3.0-or-later
// Floating point without rounding: the check in front of floating-point ops, NaN boxes, signs. emit_fp_host.c has the
// rest.
//
// What is done here stays in the host's SSE registers, where the operands come from and the results go.
#include "backend/emit.h"

// Leaves before the instruction if env->fp_leave has a bit of the mask: the interpreter asks the frontend.
void emit_fpcheck(Emit *e, unsigned i)
{
    char test[80];
    g_snprintf(test, sizeof test, "testb $%u, %zu(%%%%rbp)", (unsigned)(e->block->ops[i].imm >> 32),
               offsetof(IrEnv, fp_leave));
    emit_leave_if(e, test, emit_site_before(e));
}

// Whether value v of the block is a NaN-boxed single for certain.
static bool is_boxed(const Emit *e, IrVal v)
{
    unsigned op = e->block->ops[v].op;
    bool result32 = ir_is_fp(op) && (op - IR_OP_FADD32) % 2 == 0;
    bool integer = (op >= IR_OP_FEQ32 && op <= IR_OP_FLE64) || op == IR_OP_FTOI32 || op == IR_OP_FCLASS32;
    return (result32 && !integer) || op == IR_OP_BOX32 || op == IR_OP_UNBOX32 || op == IR_OP_FSGNJ32 ||
           op == IR_OP_FSGNJN32 || op == IR_OP_FSGNJX32;
}


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
    gcc_jit_extended_asm *x = gcc_jit_block_add_extended_asm(bb, NULL, text);
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

gcc_jit_rvalue *emit_low_half(Emit *e, gcc_jit_rvalue *v)
{
    gcc_jit_lvalue *low = emit_local(e, e->f32);
    EmitAsm a = {.keep = false};
    emit_asm_output(&a, "=x", low);
    emit_asm_input(&a, "x", v);
    emit_asm(e->bb, &a, "movaps %1, %0");
    return gcc_jit_lvalue_as_rvalue(low);
}

// The low word of value v, which may be an f32, as a NaN-boxed single.
static gcc_jit_rvalue *boxed(Emit *e, IrVal v)
{
    gcc_jit_lvalue *result = emit_local(e, e->f64);
    EmitAsm a = {.keep = false};
    bool loaded = gcc_jit_rvalue_get_type(e->values[v].rv) == e->f32;
    gcc_jit_rvalue *low = emit_use(e, v);
    emit_asm_output(&a, "=&x", result);
    emit_asm_output(&a, "=&x", emit_local(e, e->f64));
    emit_asm_input(&a, loaded ? "x" : "r", low);
    emit_asm(e->bb, &a, loaded ? "movaps %2, %0\n\tpcmpeqd %1, %1\n\tpunpckldq %1, %0"
                               : "movq %2, %0\n\tpcmpeqd %1, %1\n\tpunpckldq %1, %0");
    return gcc_jit_lvalue_as_rvalue(result);
}

gcc_jit_rvalue *emit_flag(Emit *e, gcc_jit_lvalue *flag)
{
    return gcc_jit_context_new_comparison(e->ctx, NULL, GCC_JIT_COMPARISON_NE, gcc_jit_lvalue_as_rvalue(flag),
                                          gcc_jit_context_zero(e->ctx, e->u8));
}

// The value is asked for again and again in a block, and is the same each time.
gcc_jit_rvalue *emit_unboxed(Emit *e, IrVal value)
{
    gcc_jit_rvalue *v = emit_use_fp(e, value);
    if (is_boxed(e, value))
        return v;
    if (e->values[value].single)
        return gcc_jit_lvalue_as_rvalue(e->values[value].single);
    gcc_jit_lvalue *single = e->values[value].single = emit_local(e, e->f64);
    gcc_jit_block *nan = gcc_jit_function_new_block(e->fn, NULL), *go_on = gcc_jit_function_new_block(e->fn, NULL);
    gcc_jit_lvalue *broken = emit_local(e, e->u8);
    EmitAsm a = {.keep = false}; // an expression of GCC's would lead it to keep v in an integer register
    emit_asm_output(&a, "=@ccne", broken);
    emit_asm_output(&a, "=&r", emit_local(e, e->u64));
    emit_asm_input(&a, "x", v);
    emit_asm(e->bb, &a, "movq %2, %1\n\tshrq $32, %1\n\tcmpl $-1, %k1");
    gcc_jit_block_add_assignment(e->bb, NULL, single, v);
    gcc_jit_block_end_with_conditional(e->bb, NULL, emit_likely(e, emit_flag(e, broken), false), nan, go_on);
    emit_nan(e, nan, single, true);
    gcc_jit_block_end_with_jump(nan, NULL, go_on);
    e->bb = go_on;
    return gcc_jit_lvalue_as_rvalue(single);
}

// The asm statement keeps GCC from making a conditional move of it, for which every later op would have to wait.
void emit_nan(Emit *e, gcc_jit_block *bb, gcc_jit_lvalue *result, bool single)
{
    EmitAsm a = {.keep = true};
    emit_asm_output(&a, "=x", result);
    emit_asm_input(&a, "r", emit_u64(e, single ? UINT64_C(0xffffffff7fc00000) : UINT64_C(0x7ff8000000000000)));
    emit_asm(bb, &a, "movq %1, %0");
}

static gcc_jit_rvalue *emit_sign(Emit *e, const IrInst *op)
{
    static const char *const texts[3][2] = { // sgnj, sgnjn, sgnjx; of two values, of one
        {"movdqa %0, %2\n\tpxor %4, %2\n\tpand %1, %2\n\tpxor %2, %0", NULL},
        {"movdqa %0, %2\n\tpxor %4, %2\n\tpandn %1, %2\n\tpxor %2, %0", "pxor %1, %0"},
        {"pand %4, %1\n\tpxor %1, %0", "pandn %0, %1\n\tmovdqa %1, %0"},
    };
    unsigned kind = (op->op - IR_OP_FSGNJ32) / 2;
    bool single = (op->op - IR_OP_FSGNJ32) % 2 == 0, same = op->a == op->b;
    gcc_jit_rvalue *a = single ? emit_unboxed(e, op->a) : emit_use_fp(e, op->a);
    gcc_jit_rvalue *b = single ? emit_unboxed(e, op->b) : emit_use_fp(e, op->b);
    if (kind == 0 && same)
        return a;
    char text[160]; // %1 := the sign bit alone
    g_snprintf(text, sizeof text, "pcmpeqd %%1, %%1\n\tpsllq $63, %%1\n\t%s%s", single ? "psrlq $32, %1\n\t" : "",
               texts[kind][same]);
    return bit_asm(e, text, a, same ? NULL : b);
}

gcc_jit_rvalue *emit_fp_bits(Emit *e, const IrInst *op)
{
    if (op->op == IR_OP_UNBOX32)
        return emit_unboxed(e, op->a);
    if (op->op == IR_OP_BOX32)
        return boxed(e, op->a);
    return emit_sign(e, op);
}
