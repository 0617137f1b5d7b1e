// SPDX-License-Identifier: GPL-3.0-or-later
// Values: an IR value used once becomes part of the expression that uses it, so that one guest instruction is about
// one GIMPLE statement (GCC's time goes by statements); a value used more often becomes a local.
#include "backend/emit.h"

#include <inttypes.h>

gcc_jit_rvalue *emit_u64(Emit *e, uint64_t v)
{
    return gcc_jit_context_new_rvalue_from_long(e->ctx, e->u64, (long)v);
}

gcc_jit_lvalue *emit_local(Emit *e, gcc_jit_type *type)
{
    char name[16];
    g_snprintf(name, sizeof name, "v%u", e->n_locals++);
    return gcc_jit_function_new_local(e->fn, NULL, type, name);
}

gcc_jit_rvalue *emit_binary(Emit *e, enum gcc_jit_binary_op op, gcc_jit_rvalue *a, gcc_jit_rvalue *b)
{
    return gcc_jit_context_new_binary_op(e->ctx, emit_at, op, gcc_jit_rvalue_get_type(a), a, b);
}

gcc_jit_rvalue *emit_cast(Emit *e, gcc_jit_rvalue *v, gcc_jit_type *type)
{
    return gcc_jit_rvalue_get_type(v) == type ? v : gcc_jit_context_new_cast(e->ctx, emit_at, v, type);
}

gcc_jit_rvalue *emit_likely(Emit *e, gcc_jit_rvalue *cond, bool likely)
{
    gcc_jit_type *l = gcc_jit_context_get_type(e->ctx, GCC_JIT_TYPE_LONG);
    gcc_jit_rvalue *args[2] = {gcc_jit_context_new_cast(e->ctx, emit_at, cond, l),
                               gcc_jit_context_new_rvalue_from_long(e->ctx, l, likely)};
    gcc_jit_rvalue *call = gcc_jit_context_new_call(e->ctx, emit_at, e->expect, 2, args);
    return gcc_jit_context_new_comparison(e->ctx, emit_at, GCC_JIT_COMPARISON_NE, call,
                                          gcc_jit_context_zero(e->ctx, l));
}

gcc_jit_rvalue *emit_probably(Emit *e, gcc_jit_rvalue *cond, double p)
{
    gcc_jit_type *l = gcc_jit_context_get_type(e->ctx, GCC_JIT_TYPE_LONG);
    gcc_jit_function *f = gcc_jit_context_get_builtin_function(e->ctx, "__builtin_expect_with_probability");
    gcc_jit_rvalue *args[3] = {gcc_jit_context_new_cast(e->ctx, emit_at, cond, l),
                               gcc_jit_context_one(e->ctx, l),
                               gcc_jit_context_new_rvalue_from_double(
                                   e->ctx, gcc_jit_context_get_type(e->ctx, GCC_JIT_TYPE_DOUBLE), p)};
    gcc_jit_rvalue *call = gcc_jit_context_new_call(e->ctx, emit_at, f, 3, args);
    return gcc_jit_context_new_comparison(e->ctx, emit_at, GCC_JIT_COMPARISON_NE, call,
                                          gcc_jit_context_zero(e->ctx, l));
}

gcc_jit_rvalue *emit_bits(Emit *e, gcc_jit_rvalue *v)
{
    return gcc_jit_rvalue_get_type(v) == e->f64 ? gcc_jit_context_new_bitcast(e->ctx, emit_at, v, e->u64) : v;
}

static gcc_jit_rvalue *to_local(Emit *e, gcc_jit_rvalue *v)
{
    gcc_jit_lvalue *l = emit_local(e, gcc_jit_rvalue_get_type(v));
    gcc_jit_block_add_assignment(e->bb, emit_at, l, v);
    return gcc_jit_lvalue_as_rvalue(l);
}

// Makes a float have another form too.
static void have_form(Emit *e, IrVal v, uint8_t form)
{
    EmitValue *val = &e->values[v];
    uint8_t *now = &e->form_of[v];
    gcc_jit_rvalue *rv = emit_converted(e, e->bb, val->rv, *now, form);
    *val = (EmitValue){.rv = rv, .uses = val->uses, .leaf = true};
    if (form == EMIT_BITS && !(*now & EMIT_DOUBLE))
        *now |= EMIT_LOW;
    *now |= form;
}

static void have_bits(Emit *e, IrVal v)
{
    if (!(e->form_of[v] & EMIT_BITS))
        have_form(e, v, EMIT_BITS);
}

void emit_have_low(Emit *e, IrVal v)
{
    if (e->form_of[v] == EMIT_SINGLE)
        have_form(e, v, EMIT_LOW);
    else if (e->form_of[v] == EMIT_DOUBLE)
        have_form(e, v, EMIT_BITS);
}

static gcc_jit_rvalue *use_raw(Emit *e, IrVal v)
{
    e->values[v].uses--;
    return emit_bits(e, e->values[v].rv);
}

gcc_jit_rvalue *emit_use(Emit *e, IrVal v)
{
    have_bits(e, v);
    return use_raw(e, v);
}

gcc_jit_rvalue *emit_use_low(Emit *e, IrVal v)
{
    emit_have_low(e, v);
    return use_raw(e, v);
}

static void make_leaf(Emit *e, IrVal v)
{
    EmitValue *val = &e->values[v];
    if (!val->leaf)
        *val = (EmitValue){.rv = to_local(e, val->rv), .uses = val->uses, .leaf = true};
}

gcc_jit_rvalue *emit_use_leaf(Emit *e, IrVal v)
{
    make_leaf(e, v);
    return emit_use(e, v);
}

gcc_jit_rvalue *emit_use_fp(Emit *e, IrVal v)
{
    have_bits(e, v);
    return emit_raw_fp(e, v);
}

// By an asm statement: of a constant, GCC would make one in memory, which needs a relocation.
gcc_jit_rvalue *emit_raw_fp(Emit *e, IrVal v)
{
    make_leaf(e, v);
    gcc_jit_rvalue *bits = use_raw(e, v);
    if (gcc_jit_rvalue_get_type(e->values[v].rv) == e->f64)
        return e->values[v].rv;
    EmitAsm a = {.keep = false};
    gcc_jit_lvalue *result = emit_local(e, e->f64);
    emit_asm_output(&a, "=x", result);
    bool zero = e->block->ops[v].op == IR_OP_CONST && !e->block->ops[v].imm;
    if (!zero)
        emit_asm_input(&a, "r", bits);
    emit_asm(e->bb, &a, zero ? "pxor %0, %0" : "movq %1, %0");
    return gcc_jit_lvalue_as_rvalue(result);
}

void emit_define(Emit *e, unsigned i, gcc_jit_rvalue *rv, uint64_t regs, bool fresh)
{
    EmitValue *v = &e->values[i];
    if (!v->uses)
        return;
    bool leaf = fresh;
    if (v->uses > 1 && !fresh) {
        rv = to_local(e, rv);
        regs = 0;
        leaf = true;
    }
    *v = (EmitValue){.rv = rv, .regs = regs, .uses = v->uses, .leaf = leaf, .product = v->product, .beside = v->beside};
}

static gcc_jit_rvalue *compare(Emit *e, enum gcc_jit_comparison op, gcc_jit_type *type, gcc_jit_rvalue *a,
                               gcc_jit_rvalue *b)
{
    return gcc_jit_context_new_comparison(e->ctx, emit_at, op, emit_cast(e, a, type), emit_cast(e, b, type));
}

gcc_jit_rvalue *emit_condition(Emit *e, const IrInst *br)
{
    static const enum gcc_jit_comparison ops[] = {GCC_JIT_COMPARISON_EQ, GCC_JIT_COMPARISON_NE, GCC_JIT_COMPARISON_LT,
                                                  GCC_JIT_COMPARISON_GE, GCC_JIT_COMPARISON_LT, GCC_JIT_COMPARISON_GE};
    gcc_jit_rvalue *a = emit_use(e, br->a), *b = emit_use(e, br->b);
    bool is_signed = br->op == IR_OP_BR_LT || br->op == IR_OP_BR_GE;
    return compare(e, ops[br->op - IR_OP_BR_EQ], is_signed ? e->i64 : e->u64, a, b);
}

// a op b computed in `type`, sign- or zero-extended to 64 bits as the type is.
static gcc_jit_rvalue *in_type(Emit *e, enum gcc_jit_binary_op op, gcc_jit_type *type, gcc_jit_rvalue *a,
                               gcc_jit_rvalue *b)
{
    return emit_cast(e, emit_binary(e, op, emit_cast(e, a, type), emit_cast(e, b, type)), e->u64);
}

// The unsigned 32-bit result v, sign-extended.
static gcc_jit_rvalue *sext32(Emit *e, gcc_jit_rvalue *v)
{
    return emit_cast(e, emit_cast(e, v, e->i32), e->u64);
}

static gcc_jit_rvalue *shift_count(Emit *e, const IrInst *op, uint64_t mask)
{
    const IrInst *count = &e->block->ops[op->b];
    gcc_jit_rvalue *b = emit_use(e, op->b);
    if (count->op == IR_OP_CONST)
        return emit_u64(e, (uint64_t)count->imm & mask);
    return emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_AND, b, emit_u64(e, mask));
}

static gcc_jit_rvalue *emit_shift(Emit *e, const IrInst *op)
{
    gcc_jit_rvalue *a = emit_use(e, op->a);
    switch (op->op) {
    case IR_OP_SLL:
        return emit_binary(e, GCC_JIT_BINARY_OP_LSHIFT, a, shift_count(e, op, 63));
    case IR_OP_SRL:
        return emit_binary(e, GCC_JIT_BINARY_OP_RSHIFT, a, shift_count(e, op, 63));
    case IR_OP_SRA:
        return in_type(e, GCC_JIT_BINARY_OP_RSHIFT, e->i64, a, shift_count(e, op, 63));
    case IR_OP_SLL32:
        return sext32(e, emit_binary(e, GCC_JIT_BINARY_OP_LSHIFT, emit_cast(e, a, e->u32),
                                     emit_cast(e, shift_count(e, op, 31), e->u32)));
    case IR_OP_SRL32:
        return sext32(e, emit_binary(e, GCC_JIT_BINARY_OP_RSHIFT, emit_cast(e, a, e->u32),
                                     emit_cast(e, shift_count(e, op, 31), e->u32)));
    default:
        return in_type(e, GCC_JIT_BINARY_OP_RSHIFT, e->i32, a, shift_count(e, op, 31));
    }
}

static gcc_jit_rvalue *emit_rotate(Emit *e, const IrInst *op)
{
    bool word = op->op == IR_OP_ROL32 || op->op == IR_OP_ROR32, left = op->op == IR_OP_ROL || op->op == IR_OP_ROL32;
    gcc_jit_type *type = word ? e->u32 : e->u64;
    uint64_t mask = word ? 31 : 63;
    gcc_jit_rvalue *a = emit_cast(e, emit_use_leaf(e, op->a), type);
    gcc_jit_rvalue *n = emit_cast(e, emit_use_leaf(e, op->b), type);
    gcc_jit_rvalue *m = gcc_jit_context_new_rvalue_from_long(e->ctx, type, (long)mask);
    gcc_jit_rvalue *fwd = emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_AND, n, m);
    gcc_jit_rvalue *minus = gcc_jit_context_new_unary_op(e->ctx, emit_at, GCC_JIT_UNARY_OP_MINUS, type, n);
    gcc_jit_rvalue *back = emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_AND, minus, m);
    gcc_jit_rvalue *r = emit_binary(
        e, GCC_JIT_BINARY_OP_BITWISE_OR,
        emit_binary(e, left ? GCC_JIT_BINARY_OP_LSHIFT : GCC_JIT_BINARY_OP_RSHIFT, a, fwd),
        emit_binary(e, left ? GCC_JIT_BINARY_OP_RSHIFT : GCC_JIT_BINARY_OP_LSHIFT, a, back));
    return word ? sext32(e, r) : r;
}

// a * b in 128 bits, in a type where no product overflows, and signed for mulh, so that GCC finds its widening
// multiplication.
static gcc_jit_rvalue *wide_product(Emit *e, unsigned opcode, gcc_jit_rvalue *a, gcc_jit_rvalue *b)
{
    bool sa = opcode != IR_OP_MULHU, sb = opcode == IR_OP_MULH;
    gcc_jit_type *wide = sa ? e->i128 : e->u128;
    a = emit_cast(e, sa ? emit_cast(e, a, e->i64) : a, wide);
    b = emit_cast(e, sb ? emit_cast(e, b, e->i64) : b, wide);
    return emit_binary(e, GCC_JIT_BINARY_OP_MULT, a, b);
}

// The 128-bit product behind a mulh op, in a local, when a mul of the same operands wants its low half: one host
// multiplication gives both. high is the mulh op's index in the block.
static gcc_jit_rvalue *shared_product(Emit *e, unsigned high, gcc_jit_rvalue *a, gcc_jit_rvalue *b)
{
    EmitValue *v = &e->values[high];
    if (!v->product) {
        gcc_jit_rvalue *p = wide_product(e, e->block->ops[high].op, a, b);
        v->product = emit_local(e, gcc_jit_rvalue_get_type(p));
        gcc_jit_block_add_assignment(e->bb, emit_at, v->product, p);
    }
    return gcc_jit_lvalue_as_rvalue(v->product);
}

// Index of the op of the block that computes the other half of op's product, or n_ops.
static unsigned other_half(const Emit *e, const IrInst *op)
{
    unsigned i = 0;
    for (; i < e->block->n_ops; i++) {
        const IrInst *o = &e->block->ops[i];
        bool fits = op->op == IR_OP_MUL ? o->op >= IR_OP_MULH && o->op <= IR_OP_MULHSU : o->op == IR_OP_MUL;
        if (fits && o->a == op->a && o->b == op->b)
            break;
    }
    return i;
}

static gcc_jit_rvalue *emit_mulh(Emit *e, unsigned i)
{
    const IrInst *op = &e->block->ops[i];
    gcc_jit_type *wide = op->op == IR_OP_MULHU ? e->u128 : e->i128;
    gcc_jit_rvalue *a = emit_use(e, op->a), *b = emit_use(e, op->b);
    gcc_jit_rvalue *n = gcc_jit_context_new_rvalue_from_int(e->ctx, wide, 64);
    gcc_jit_rvalue *p =
        other_half(e, op) < e->block->n_ops ? shared_product(e, i, a, b) : wide_product(e, op->op, a, b);
    return emit_cast(e, emit_binary(e, GCC_JIT_BINARY_OP_RSHIFT, p, n), e->u64);
}

static gcc_jit_rvalue *emit_mul(Emit *e, const IrInst *op)
{
    gcc_jit_rvalue *a = emit_use(e, op->a), *b = emit_use(e, op->b);
    unsigned high = other_half(e, op);
    if (high < e->block->n_ops)
        return emit_cast(e, shared_product(e, high, a, b), e->u64);
    return emit_binary(e, GCC_JIT_BINARY_OP_MULT, a, b);
}

// The op that divides the same operands for the remainder where op i does for the quotient, or the other way round;
// IR_NOVAL: the block has none.
static IrVal other_result(const Emit *e, unsigned i)
{
    const IrInst *op = &e->block->ops[i];
    unsigned distance = IR_OP_REM - IR_OP_DIV;
    bool is_rem = op->op == IR_OP_REM || op->op == IR_OP_REMU || op->op == IR_OP_REM32 || op->op == IR_OP_REMU32;
    unsigned other = is_rem ? op->op - distance : op->op + distance;
    for (unsigned k = 0; k < e->block->n_ops; k++) {
        const IrInst *o = &e->block->ops[k];
        if (o->op == other && o->a == op->a && o->b == op->b)
            return (IrVal)k;
    }
    return IR_NOVAL;
}

typedef struct { // the results of a division; NULL: not wanted
    gcc_jit_lvalue *quotient, *remainder;
} Division;

static void set_results(gcc_jit_block *bb, const Division *d, gcc_jit_rvalue *quotient, gcc_jit_rvalue *remainder)
{
    if (d->quotient)
        gcc_jit_block_add_assignment(bb, emit_at, d->quotient, quotient);
    if (d->remainder)
        gcc_jit_block_add_assignment(bb, emit_at, d->remainder, remainder);
}

// The two special divisors (0 and, if signed, -1) go around the host's instruction, which would trap. GCC makes one of
// quotient and remainder.
static void divide(Emit *e, const Division *d, gcc_jit_type *type, gcc_jit_type *utype, gcc_jit_rvalue *a,
                   gcc_jit_rvalue *b)
{
    gcc_jit_rvalue *minus_one = gcc_jit_context_new_rvalue_from_int(e->ctx, type, -1);
    gcc_jit_rvalue *zero = gcc_jit_context_zero(e->ctx, type);
    gcc_jit_block *special = gcc_jit_function_new_block(e->fn, NULL), *normal = gcc_jit_function_new_block(e->fn, NULL),
                  *done = gcc_jit_function_new_block(e->fn, NULL);
    gcc_jit_rvalue *is_zero = gcc_jit_context_new_comparison(e->ctx, emit_at, GCC_JIT_COMPARISON_EQ, b, zero);
    gcc_jit_block_end_with_conditional(e->bb, emit_at, emit_likely(e, is_zero, false), special, normal);
    set_results(special, d, minus_one, a);
    gcc_jit_block_end_with_jump(special, emit_at, done);
    if (type != utype) {
        gcc_jit_block *negate = gcc_jit_function_new_block(e->fn, NULL);
        gcc_jit_block *host = gcc_jit_function_new_block(e->fn, NULL);
        gcc_jit_rvalue *is_minus_one =
            gcc_jit_context_new_comparison(e->ctx, emit_at, GCC_JIT_COMPARISON_EQ, b, minus_one);
        gcc_jit_block_end_with_conditional(normal, emit_at, emit_likely(e, is_minus_one, false), negate, host);
        gcc_jit_rvalue *word = gcc_jit_context_new_cast(e->ctx, emit_at, a, utype), *minus = // wraps
            gcc_jit_context_new_unary_op(e->ctx, emit_at, GCC_JIT_UNARY_OP_MINUS, utype, word);
        set_results(negate, d, gcc_jit_context_new_cast(e->ctx, emit_at, minus, type), zero);
        gcc_jit_block_end_with_jump(negate, emit_at, done);
        normal = host;
    }
    set_results(normal, d, emit_binary(e, GCC_JIT_BINARY_OP_DIVIDE, a, b),
                emit_binary(e, GCC_JIT_BINARY_OP_MODULO, a, b));
    gcc_jit_block_end_with_jump(normal, emit_at, done);
    e->bb = done;
}

// Value i is a result of a division; counts its operands' uses.
static void emit_divide(Emit *e, unsigned i)
{
    const IrInst *op = &e->block->ops[i];
    IrVal other = other_result(e, i);
    bool word = op->op >= IR_OP_MUL32;
    unsigned which = (unsigned)op->op - (word ? IR_OP_DIV32 : IR_OP_DIV); // div divu rem remu
    gcc_jit_type *utype = word ? e->u32 : e->u64;
    gcc_jit_type *type = which == 0 || which == 2 ? (word ? e->i32 : e->i64) : utype;
    gcc_jit_rvalue *a = emit_use(e, op->a), *b = emit_use(e, op->b);
    gcc_jit_lvalue *result = other < i ? e->values[other].beside : NULL;
    if (!result) {
        result = emit_local(e, type);
        gcc_jit_lvalue *beside = other != IR_NOVAL ? emit_local(e, type) : NULL;
        Division d = which >= 2 ? (Division){beside, result} : (Division){result, beside};
        a = to_local(e, emit_cast(e, a, type));
        b = to_local(e, emit_cast(e, b, type));
        divide(e, &d, type, utype, a, b);
        e->values[i].beside = beside;
    }
    gcc_jit_rvalue *r = gcc_jit_lvalue_as_rvalue(result);
    r = word ? sext32(e, r) : emit_cast(e, r, e->u64);
    emit_define(e, i, to_local(e, r), 0, true);
}

// b ^ ((a ^ b) & -(a < b)): GCC makes a conditional move of it.
static gcc_jit_rvalue *emit_minmax(Emit *e, const IrInst *op)
{
    bool is_signed = op->op == IR_OP_MIN || op->op == IR_OP_MAX, max = op->op == IR_OP_MAX || op->op == IR_OP_MAXU;
    gcc_jit_rvalue *a = emit_use_leaf(e, op->a), *b = emit_use_leaf(e, op->b);
    gcc_jit_rvalue *take_a = compare(e, max ? GCC_JIT_COMPARISON_GT : GCC_JIT_COMPARISON_LT,
                                     is_signed ? e->i64 : e->u64, a, b);
    gcc_jit_rvalue *mask = gcc_jit_context_new_unary_op(e->ctx, emit_at, GCC_JIT_UNARY_OP_MINUS, e->u64,
                                                        emit_cast(e, take_a, e->u64));
    gcc_jit_rvalue *diff = emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_XOR, a, b);
    return emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_XOR, b, emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_AND, diff, mask));
}

static gcc_jit_rvalue *call_builtin(Emit *e, const char *name, gcc_jit_type *arg_type, gcc_jit_rvalue *a)
{
    gcc_jit_function *f = gcc_jit_context_get_builtin_function(e->ctx, name);
    gcc_jit_rvalue *arg = gcc_jit_context_new_cast(e->ctx, emit_at, a, arg_type);
    return gcc_jit_context_new_cast(e->ctx, emit_at, gcc_jit_context_new_call(e->ctx, emit_at, f, 1, &arg), e->u64);
}

// Counts of zeros: a | 1 << 64 is out of reach, so zero is counted on a value that cannot be zero and corrected.
static gcc_jit_rvalue *emit_count_zeros(Emit *e, const IrInst *op)
{
    bool word = op->op == IR_OP_CLZ32 || op->op == IR_OP_CTZ32, leading = op->op == IR_OP_CLZ || op->op == IR_OP_CLZ32;
    gcc_jit_type *ull = gcc_jit_context_get_type(e->ctx, GCC_JIT_TYPE_UNSIGNED_LONG_LONG);
    gcc_jit_rvalue *a = emit_use(e, op->a);
    if (word && leading) // (a << 32 | 1 << 31) has clz 0..32
        return call_builtin(e, "__builtin_clzll", ull,
                            emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_OR,
                                        emit_binary(e, GCC_JIT_BINARY_OP_LSHIFT, a, emit_u64(e, 32)),
                                        emit_u64(e, UINT64_C(1) << 31)));
    if (word)
        return call_builtin(e, "__builtin_ctzll", ull,
                            emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_OR, a, emit_u64(e, UINT64_C(1) << 32)));
    gcc_jit_rvalue *v = to_local(e, a);
    gcc_jit_rvalue *is_zero = compare(e, GCC_JIT_COMPARISON_EQ, e->u64, v, emit_u64(e, 0));
    gcc_jit_rvalue *zero = to_local(e, emit_cast(e, is_zero, e->u64));
    gcc_jit_rvalue *n = call_builtin(e, leading ? "__builtin_clzll" : "__builtin_ctzll", ull,
                                     emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_OR, v,
                                                 leading ? zero : emit_binary(e, GCC_JIT_BINARY_OP_LSHIFT, zero,
                                                                              emit_u64(e, 63))));
    return emit_binary(e, GCC_JIT_BINARY_OP_PLUS, n, zero); // 63 + 1
}

static gcc_jit_rvalue *step(Emit *e, gcc_jit_rvalue *v, unsigned shift, uint64_t mask)
{
    gcc_jit_rvalue *m = emit_u64(e, mask);
    gcc_jit_rvalue *hi = emit_binary(e, GCC_JIT_BINARY_OP_RSHIFT, v, emit_u64(e, shift));
    return to_local(e, emit_binary(e, GCC_JIT_BINARY_OP_PLUS, emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_AND, v, m),
                                   emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_AND, hi, m)));
}

// Bits counted in pairs, nibbles, bytes: GCC's popcount would be a call into libgcc on plain x86-64.
static gcc_jit_rvalue *emit_cpop(Emit *e, const IrInst *op)
{
    gcc_jit_rvalue *v = emit_use(e, op->a);
    if (op->op == IR_OP_CPOP32)
        v = emit_cast(e, emit_cast(e, v, e->u32), e->u64);
    v = to_local(e, v);
    v = step(e, v, 1, UINT64_C(0x5555555555555555));
    v = step(e, v, 2, UINT64_C(0x3333333333333333));
    v = step(e, v, 4, UINT64_C(0x0f0f0f0f0f0f0f0f));
    v = emit_binary(e, GCC_JIT_BINARY_OP_MULT, v, emit_u64(e, UINT64_C(0x0101010101010101)));
    return emit_binary(e, GCC_JIT_BINARY_OP_RSHIFT, v, emit_u64(e, 56));
}

static gcc_jit_rvalue *emit_orcb(Emit *e, const IrInst *op)
{
    gcc_jit_rvalue *low = emit_u64(e, UINT64_C(0x7f7f7f7f7f7f7f7f));
    gcc_jit_rvalue *v = emit_use_leaf(e, op->a);
    gcc_jit_rvalue *sum = emit_binary(e, GCC_JIT_BINARY_OP_PLUS,
                                      emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_AND, v, low), low);
    gcc_jit_rvalue *high = emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_AND,
                                       emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_OR, sum, v),
                                       emit_u64(e, UINT64_C(0x8080808080808080)));
    return emit_binary(e, GCC_JIT_BINARY_OP_MULT, emit_binary(e, GCC_JIT_BINARY_OP_RSHIFT, high, emit_u64(e, 7)),
                       emit_u64(e, 0xff));
}

static gcc_jit_rvalue *emit_arith(Emit *e, const IrInst *op)
{
    gcc_jit_rvalue *a = op->op == IR_OP_SEXT32 ? emit_use_low(e, op->a) : emit_use(e, op->a);
    gcc_jit_rvalue *b = op->b == IR_NOVAL ? NULL : emit_use(e, op->b);
    switch (op->op) {
    case IR_OP_ADD:
        return emit_binary(e, GCC_JIT_BINARY_OP_PLUS, a, b);
    case IR_OP_SUB:
        return emit_binary(e, GCC_JIT_BINARY_OP_MINUS, a, b);
    case IR_OP_AND:
        return emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_AND, a, b);
    case IR_OP_OR:
        return emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_OR, a, b);
    case IR_OP_XOR:
        return emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_XOR, a, b);
    case IR_OP_SLT:
        return emit_cast(e, compare(e, GCC_JIT_COMPARISON_LT, e->i64, a, b), e->u64);
    case IR_OP_SLTU:
        return emit_cast(e, compare(e, GCC_JIT_COMPARISON_LT, e->u64, a, b), e->u64);
    case IR_OP_ADD32:
        return sext32(e, in_type(e, GCC_JIT_BINARY_OP_PLUS, e->u32, a, b));
    case IR_OP_SUB32:
        return sext32(e, in_type(e, GCC_JIT_BINARY_OP_MINUS, e->u32, a, b));
    case IR_OP_MUL32:
        return sext32(e, in_type(e, GCC_JIT_BINARY_OP_MULT, e->u32, a, b));
    case IR_OP_SEXT8:
        return emit_cast(e, emit_cast(e, a, e->i8), e->u64);
    case IR_OP_SEXT16:
        return emit_cast(e, emit_cast(e, a, e->i16), e->u64);
    case IR_OP_SEXT32:
        return sext32(e, a);
    case IR_OP_ZEXT16:
        return emit_cast(e, emit_cast(e, a, e->u16), e->u64);
    case IR_OP_ZEXT32:
        return emit_cast(e, emit_cast(e, a, e->u32), e->u64);
    case IR_OP_BSWAP:
        return call_builtin(e, "__builtin_bswap64", e->u64, a);
    default:
        g_assert_not_reached();
    }
}

static gcc_jit_rvalue *emit_pure_value(Emit *e, unsigned i)
{
    const IrInst *op = &e->block->ops[i];
    switch (op->op) {
    case IR_OP_SLL:
    case IR_OP_SRL:
    case IR_OP_SRA:
    case IR_OP_SLL32:
    case IR_OP_SRL32:
    case IR_OP_SRA32:
        return emit_shift(e, op);
    case IR_OP_ROL:
    case IR_OP_ROR:
    case IR_OP_ROL32:
    case IR_OP_ROR32:
        return emit_rotate(e, op);
    case IR_OP_MUL:
        return emit_mul(e, op);
    case IR_OP_MULH:
    case IR_OP_MULHU:
    case IR_OP_MULHSU:
        return emit_mulh(e, i);
    case IR_OP_MIN:
    case IR_OP_MAX:
    case IR_OP_MINU:
    case IR_OP_MAXU:
        return emit_minmax(e, op);
    case IR_OP_CLZ:
    case IR_OP_CTZ:
    case IR_OP_CLZ32:
    case IR_OP_CTZ32:
        return emit_count_zeros(e, op);
    case IR_OP_CPOP:
    case IR_OP_CPOP32:
        return emit_cpop(e, op);
    case IR_OP_ORCB:
        return emit_orcb(e, op);
    case IR_OP_FSGNJ32:
    case IR_OP_FSGNJ64:
    case IR_OP_FSGNJN32:
    case IR_OP_FSGNJN64:
    case IR_OP_FSGNJX32:
    case IR_OP_FSGNJX64:
    case IR_OP_BOX32:
    case IR_OP_UNBOX32:
        return emit_fp_bits(e, op);
    default:
        return emit_arith(e, op);
    }
}

// Of a movable region by an instruction that says where its constant is (moves.h).
gcc_jit_rvalue *emit_guest_pc(Emit *e, int64_t offset)
{
    uint64_t pc = e->code->base + (uint64_t)offset;
    if (!e->movable)
        return emit_u64(e, pc);
    gcc_jit_lvalue *out = emit_local(e, e->u64);
    EmitAsm a = {0};
    emit_asm_output(&a, "=r", out);
    g_autofree char *text = g_strdup_printf("movabsq $0x%" PRIx64 ", %%0\n.Lp%%=:\n\t"
                                            ".pushsection .addend.pc%s, \"\", @progbits\n\t"
                                            ".long .Lp%%=-8-region%s\n\t.popsection", pc, e->number, e->number);
    emit_asm(e->bb, &a, text);
    return gcc_jit_lvalue_as_rvalue(out);
}

void emit_pure(Emit *e, unsigned i)
{
    const IrInst *op = &e->block->ops[i];
    EmitValue *v = &e->values[i];
    if (op->op == IR_OP_PC && !v->uses)
        return;
    if (op->op == IR_OP_CONST || op->op == IR_OP_PC) {
        gcc_jit_rvalue *k = op->op == IR_OP_PC ? emit_guest_pc(e, op->imm) : emit_u64(e, (uint64_t)op->imm);
        *v = (EmitValue){.rv = k, .uses = v->uses, .leaf = true};
        return;
    }
    if (!v->uses) { // nobody wants it: its operands are one use nearer to unused
        e->values[op->a].uses--;
        if (op->b != IR_NOVAL)
            e->values[op->b].uses--;
        return;
    }
    if ((op->op >= IR_OP_DIV && op->op <= IR_OP_REMU) || (op->op >= IR_OP_DIV32 && op->op <= IR_OP_REMU32)) {
        emit_divide(e, i);
        return;
    }
    uint64_t regs = e->values[op->a].regs | (op->b == IR_NOVAL ? 0 : e->values[op->b].regs);
    emit_define(e, i, emit_pure_value(e, i), regs, false);
}
