// SPDX-License-Identifier: GPL-3.0-or-later
// Floating point: calls of the engine's functions in env->fp, and the check in front of them.
#include "backend/emit.h"

// Leaves before the instruction if env->fp_off has a bit of the mask: the interpreter asks the frontend.
void emit_fpcheck(Emit *e, unsigned i)
{
    uint64_t mask = (uint64_t)e->block->ops[i].imm >> 32;
    gcc_jit_rvalue *off = gcc_jit_lvalue_as_rvalue(emit_env_u64(e, offsetof(IrEnv, fp_off)));
    gcc_jit_rvalue *denied = gcc_jit_context_new_comparison(
        e->ctx, NULL, GCC_JIT_COMPARISON_NE, emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_AND, off, emit_u64(e, mask)),
        emit_u64(e, 0));
    gcc_jit_block *stop = gcc_jit_function_new_block(e->fn, NULL), *go_on = gcc_jit_function_new_block(e->fn, NULL);
    gcc_jit_block_end_with_conditional(e->bb, NULL, emit_likely(e, denied, false), stop, go_on);
    gcc_jit_block_add_assignment(stop, NULL, e->site, emit_u64(e, emit_site_before(e)));
    gcc_jit_block_end_with_jump(stop, NULL, e->leave);
    e->bb = go_on;
}

// Flags are raised in program order: the call is made here, whoever uses its value.
void emit_fp(Emit *e, unsigned i)
{
    const IrInst *op = &e->block->ops[i];
    unsigned n = ir_n_values(op->op);
    gcc_jit_rvalue *none = emit_u64(e, 0);
    gcc_jit_rvalue *args[5] = {gcc_jit_param_as_rvalue(e->env), emit_use(e, op->a),
                               n > 1 ? emit_use(e, op->b) : none, n > 2 ? emit_use(e, op->c) : none,
                               emit_u64(e, (uint64_t)op->imm)};
    gcc_jit_rvalue *table = gcc_jit_context_new_cast(
        e->ctx, NULL, gcc_jit_lvalue_as_rvalue(emit_env_ptr(e, offsetof(IrEnv, fp))), e->char_ptr_ptr);
    gcc_jit_rvalue *index = gcc_jit_context_new_rvalue_from_int(e->ctx, e->i32, op->op - IR_OP_FADD32);
    gcc_jit_rvalue *fn = gcc_jit_lvalue_as_rvalue(gcc_jit_context_new_array_access(e->ctx, NULL, table, index));
    gcc_jit_lvalue *result = emit_local(e, e->u64);
    gcc_jit_block_add_assignment(
        e->bb, NULL, result,
        gcc_jit_context_new_call_through_ptr(e->ctx, NULL, gcc_jit_context_new_cast(e->ctx, NULL, fn, e->fp_ptr), 5,
                                             args));
    emit_define(e, i, gcc_jit_lvalue_as_rvalue(result), 0, true);
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

// canonical ^ ((v ^ canonical) & -(v >= lowest boxed value))
static gcc_jit_rvalue *unboxed(Emit *e, IrVal value)
{
    if (is_boxed(e, value))
        return emit_use(e, value);
    gcc_jit_rvalue *v = emit_use_leaf(e, value), *nan = emit_u64(e, UINT64_C(0xffffffff7fc00000));
    gcc_jit_rvalue *whole = gcc_jit_context_new_comparison(e->ctx, NULL, GCC_JIT_COMPARISON_GE, v,
                                                           emit_u64(e, UINT64_C(0xffffffff00000000)));
    gcc_jit_rvalue *mask =
        gcc_jit_context_new_unary_op(e->ctx, NULL, GCC_JIT_UNARY_OP_MINUS, e->u64, emit_cast(e, whole, e->u64));
    gcc_jit_rvalue *changed = emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_AND,
                                          emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_XOR, v, nan), mask);
    return emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_XOR, changed, nan);
}

static gcc_jit_rvalue *emit_sign(Emit *e, const IrInst *op)
{
    bool single = op->op == IR_OP_FSGNJ32 || op->op == IR_OP_FSGNJN32 || op->op == IR_OP_FSGNJX32;
    uint64_t bit = UINT64_C(1) << (single ? 31 : 63);
    gcc_jit_rvalue *a = single ? unboxed(e, op->a) : emit_use(e, op->a);
    gcc_jit_rvalue *b = single ? unboxed(e, op->b) : emit_use(e, op->b);
    if (op->op == IR_OP_FSGNJN32 || op->op == IR_OP_FSGNJN64)
        b = gcc_jit_context_new_unary_op(e->ctx, NULL, GCC_JIT_UNARY_OP_BITWISE_NEGATE, e->u64, b);
    b = emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_AND, b, emit_u64(e, bit));
    if (op->op == IR_OP_FSGNJX32 || op->op == IR_OP_FSGNJX64)
        return emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_XOR, a, b);
    a = emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_AND, a, emit_u64(e, ~bit));
    return emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_OR, a, b);
}

gcc_jit_rvalue *emit_fp_bits(Emit *e, const IrInst *op)
{
    if (op->op == IR_OP_UNBOX32)
        return unboxed(e, op->a);
    if (op->op == IR_OP_BOX32)
        return emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_OR, emit_use(e, op->a),
                           emit_u64(e, UINT64_C(0xffffffff00000000)));
    return emit_sign(e, op);
}
