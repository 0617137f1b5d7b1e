// SPDX-License-Identifier: GPL-3.0-or-later
// Floating-point ops as host instructions. While compiled code runs, the host's MXCSR has the guest's rounding mode and
// collects its flags (backend/fp_mode.h), so an op is its instruction and a test for what the host does otherwise: a
// NaN result becomes the canonical NaN; conversions out of range, minima of NaNs, and static rounding modes other than
// the present one go to env->fp_soft.
//
// Each op is a volatile asm statement: its flags count even if nobody wants its value. Values, singles too, are doubles
// for GCC, so that it keeps them in SSE registers. A scalar instruction leaves the rest of its destination as it is,
// so a single whose destination was NaN-boxed comes out NaN-boxed.
#include "backend/emit.h"
#include "backend/fp_host.h"

typedef struct { // one op
    Emit *e;
    const IrInst *op;
    bool single;              // by the op's name
    bool is_float;            // the result is no integer
    gcc_jit_rvalue *v[3];     // operands, unboxed; f64 unless they are integers
    gcc_jit_lvalue *result;   // f64, or u64 if it is an integer
    gcc_jit_block *done;      // behind the op
    gcc_jit_block *slow;      // env->fp_soft does it; NULL: not needed yet
} Fp;

static gcc_jit_rvalue *rvalue(gcc_jit_lvalue *l)
{
    return gcc_jit_lvalue_as_rvalue(l);
}

static gcc_jit_rvalue *compare(Emit *e, enum gcc_jit_comparison how, gcc_jit_rvalue *a, gcc_jit_rvalue *b)
{
    return gcc_jit_context_new_comparison(e->ctx, NULL, how, a, b);
}

static void go_slow_if(Fp *f, gcc_jit_rvalue *condition)
{
    gcc_jit_block *next = gcc_jit_function_new_block(f->e->fn, NULL);
    if (!f->slow)
        f->slow = gcc_jit_function_new_block(f->e->fn, NULL);
    gcc_jit_block_end_with_conditional(f->e->bb, NULL, emit_likely(f->e, condition, false), f->slow, next);
    f->e->bb = next;
}

static gcc_jit_rvalue *other_mode(Emit *e, unsigned rm)
{
    char text[48];
    EmitAsm a = {.keep = true};
    gcc_jit_lvalue *other = emit_local(e, e->u8);
    emit_asm_output(&a, "=@ccne", other);
    g_snprintf(text, sizeof text, "cmpq $%d, %zu(%%%%rbp)", rm == IR_RM_RMM ? -1 : (int)rm, offsetof(IrEnv, frm));
    emit_asm(e->bb, &a, text);
    return emit_flag(e, other);
}

// The host rounds in the guest's dynamic mode only.
static void check_mode(Fp *f)
{
    unsigned rm = f->op->imm & IR_FP_RM;
    if (rm != IR_RM_DYN)
        go_slow_if(f, other_mode(f->e, rm));
}

static void soft(Fp *f, gcc_jit_block *bb)
{
    Emit *e = f->e;
    gcc_jit_rvalue *args[4] = {emit_bits(e, f->v[0]), emit_bits(e, f->v[1]), emit_bits(e, f->v[2]),
                               emit_u64(e, (uint64_t)f->op->op << FP_SOFT_OP | (uint64_t)f->op->imm)};
    if (!f->is_float) {
        emit_call(bb, offsetof(IrEnv, fp_soft), 4, args, f->result);
        return;
    }
    gcc_jit_lvalue *bits = emit_local(e, e->u64);
    EmitAsm a = {.keep = true};
    emit_call(bb, offsetof(IrEnv, fp_soft), 4, args, bits);
    emit_asm_output(&a, "=x", f->result);
    emit_asm_input(&a, "r", rvalue(bits));
    emit_asm(bb, &a, "movq %1, %0");
}

static bool is_arithmetic(unsigned op)
{
    return (op >= IR_OP_FADD32 && op <= IR_OP_FMADD64) || (op >= IR_OP_FEQ32 && op <= IR_OP_F32TO64);
}

// Do only ops use value i for which one quiet NaN is like another?
static bool any_nan_will_do(const Emit *e, unsigned i)
{
    for (unsigned k = i + 1; k < e->block->n_ops; k++) {
        const IrInst *op = &e->block->ops[k];
        if (op->op != IR_OP_INSN && (op->a == i || op->b == i || op->c == i) && !is_arithmetic(op->op))
            return false;
    }
    return true;
}

// An instruction that sets the host's parity flag if its result is a NaN; inputs are in `a` already, behind the result
// and the flag. soft_nan: that is for env->fp_soft, which knows when it is an invalid operation.
static void with_nan_check(Fp *f, EmitAsm *a, unsigned i, const char *text, bool soft_nan)
{
    Emit *e = f->e;
    bool single = f->op->op == IR_OP_F64TO32 || (f->single && f->op->op != IR_OP_F32TO64);
    char checked[160];
    if (!soft_nan && any_nan_will_do(e, i)) {
        emit_asm(e->bb, a, text);
        return;
    }
    g_snprintf(checked, sizeof checked, "%s\n\tucomis%c %%0, %%0", text, single ? 's' : 'd');
    emit_asm(e->bb, a, checked);
    gcc_jit_rvalue *nan = emit_flag(e, a->out[1].place);
    if (soft_nan) {
        go_slow_if(f, nan);
        return;
    }
    gcc_jit_block *bad = gcc_jit_function_new_block(e->fn, NULL);
    gcc_jit_block_end_with_conditional(e->bb, NULL, emit_likely(e, nan, false), bad, f->done);
    emit_nan(e, bad, f->result, single);
    gcc_jit_block_end_with_jump(bad, NULL, f->done);
    e->bb = NULL;
}

static EmitAsm start(Fp *f, const char *result)
{
    EmitAsm a = {.keep = true};
    emit_asm_output(&a, result, f->result);
    emit_asm_output(&a, "=@ccp", emit_local(f->e, f->e->u8));
    return a;
}

static void arithmetic(Fp *f, unsigned i)
{
    static const char *const names[] = {"add", "sub", "mul", "div"};
    char text[80];
    check_mode(f);
    EmitAsm a = start(f, "=x");
    emit_asm_input(&a, "0", f->v[0]);
    emit_asm_input(&a, "x", f->v[1]);
    g_snprintf(text, sizeof text, "%ss%c %%3, %%0", names[(f->op->op - IR_OP_FADD32) / 2], f->single ? 's' : 'd');
    with_nan_check(f, &a, i, text, false);
}

static void square_root(Fp *f, unsigned i)
{
    check_mode(f);
    EmitAsm a = start(f, "=x");
    emit_asm_input(&a, "0", f->v[0]);
    with_nan_check(f, &a, i, f->single ? "sqrtss %0, %0" : "sqrtsd %0, %0", false);
}

static void fused(Fp *f, unsigned i)
{
    char text[80];
    bool negate_product = f->op->imm & IR_FP_NEG_PRODUCT, negate_addend = f->op->imm & IR_FP_NEG_ADDEND;
    if (!__builtin_cpu_supports("fma")) {
        soft(f, f->e->bb);
        return;
    }
    check_mode(f);
    EmitAsm a = start(f, "=x");
    emit_asm_input(&a, "0", f->v[2]);
    emit_asm_input(&a, "x", f->v[0]);
    emit_asm_input(&a, "x", f->v[1]);
    g_snprintf(text, sizeof text, "vf%sm%s231s%c %%4, %%3, %%0", negate_product ? "n" : "",
               negate_addend ? "sub" : "add", f->single ? 's' : 'd');
    with_nan_check(f, &a, i, text, true);
}

static void to_other_format(Fp *f, unsigned i)
{
    bool widen = f->op->op == IR_OP_F32TO64;
    if (!widen)
        check_mode(f);
    EmitAsm a = start(f, "=&x");
    emit_asm_input(&a, "x", f->v[0]);
    with_nan_check(f, &a, i, widen ? "pxor %0, %0\n\tcvtss2sd %2, %0" : "pcmpeqd %0, %0\n\tcvtsd2ss %2, %0", false);
}

// With the NaNs gone: two minima in both orders agree but for -0 and +0, of which a bit operation finds the right one.
static void choose(Fp *f)
{
    Emit *e = f->e;
    bool max = f->op->op == IR_OP_FMAX32 || f->op->op == IR_OP_FMAX64;
    char format = f->single ? 's' : 'd', text[160];
    gcc_jit_lvalue *nan = emit_local(e, e->u8);
    EmitAsm order = {.keep = true}, a = {.keep = true};
    emit_asm_output(&order, "=@ccp", nan);
    emit_asm_input(&order, "x", f->v[0]);
    emit_asm_input(&order, "x", f->v[1]);
    emit_asm(e->bb, &order, f->single ? "ucomiss %2, %1" : "ucomisd %2, %1");
    go_slow_if(f, emit_flag(e, nan));
    emit_asm_output(&a, "=x", f->result);
    emit_asm_output(&a, "=&x", emit_local(e, e->f64));
    emit_asm_input(&a, "0", f->v[0]);
    emit_asm_input(&a, "x", f->v[1]);
    const char *name = max ? "max" : "min";
    g_snprintf(text, sizeof text, "movdqa %%3, %%1\n\t%ss%c %%0, %%1\n\t%ss%c %%3, %%0\n\t%s %%1, %%0", name, format,
               name, format, max ? "pand" : "por");
    emit_asm(e->bb, &a, text);
}

static void compare_values(Fp *f)
{
    Emit *e = f->e;
    unsigned op = f->op->op;
    bool equal = op == IR_OP_FEQ32 || op == IR_OP_FEQ64, less = op == IR_OP_FLT32 || op == IR_OP_FLT64;
    gcc_jit_lvalue *yes = emit_local(e, e->u8), *ordered = emit_local(e, e->u8);
    EmitAsm a = {.keep = true};
    char text[40];
    emit_asm_output(&a, equal ? "=@cce" : less ? "=@cca" : "=@ccae", yes);
    emit_asm_output(&a, "=@ccnp", ordered);
    emit_asm_input(&a, "x", f->v[0]);
    emit_asm_input(&a, "x", f->v[1]);
    g_snprintf(text, sizeof text, "%scomis%c %%2, %%3", equal ? "u" : "", f->single ? 's' : 'd');
    emit_asm(e->bb, &a, text);
    gcc_jit_rvalue *r = rvalue(yes);
    if (equal)
        r = emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_AND, r, rvalue(ordered));
    gcc_jit_block_add_assignment(e->bb, NULL, f->result, emit_cast(e, r, e->u64));
}

// The host says with its smallest integer that the result is out of range. It knows signed types only: an unsigned
// result is got from the wider one or the same, where that cannot go wrong and the value is not negative.
static void to_integer(Fp *f)
{
    Emit *e = f->e;
    unsigned imm = (unsigned)f->op->imm;
    bool is_long = imm & IR_FP_LONG, is_unsigned = imm & IR_FP_UNSIGNED, wide = is_long || is_unsigned;
    char text[40];
    if ((imm & IR_FP_RM) != IR_RM_RTZ)
        check_mode(f);
    if (is_unsigned) { // as integers, the bits of such numbers are ordered like the numbers
        uint64_t limit = f->single ? (is_long ? UINT64_C(0xffffffff5f000000) : UINT64_C(0xffffffff4f800000))
                                   : (is_long ? UINT64_C(0x43e0000000000000) : UINT64_C(0x41efffffffe00001));
        gcc_jit_rvalue *bits = emit_bits(e, f->v[0]), *base = emit_u64(e, f->single ? UINT64_C(0xffffffff00000000) : 0);
        go_slow_if(f, compare(e, GCC_JIT_COMPARISON_GE, emit_binary(e, GCC_JIT_BINARY_OP_MINUS, bits, base),
                              emit_binary(e, GCC_JIT_BINARY_OP_MINUS, emit_u64(e, limit), base)));
    }
    gcc_jit_type *type = wide ? e->i64 : e->i32;
    gcc_jit_lvalue *integer = emit_local(e, type);
    EmitAsm a = {.keep = true};
    emit_asm_output(&a, "=r", integer);
    emit_asm_input(&a, "x", f->v[0]);
    g_snprintf(text, sizeof text, "cvt%ss%c2si%c %%1, %%0", (imm & IR_FP_RM) == IR_RM_RTZ ? "t" : "",
               f->single ? 's' : 'd', wide ? 'q' : 'l');
    emit_asm(e->bb, &a, text);
    if (!is_unsigned)
        go_slow_if(f, compare(e, GCC_JIT_COMPARISON_EQ, rvalue(integer),
                              gcc_jit_context_new_rvalue_from_long(e->ctx, type, is_long ? INT64_MIN : INT32_MIN)));
    gcc_jit_rvalue *r = emit_cast(e, rvalue(integer), is_long ? e->i64 : e->i32);
    gcc_jit_block_add_assignment(e->bb, NULL, f->result, emit_cast(e, r, e->u64));
}

static void from_integer(Fp *f)
{
    Emit *e = f->e;
    unsigned imm = (unsigned)f->op->imm;
    bool is_long = imm & IR_FP_LONG, is_unsigned = imm & IR_FP_UNSIGNED;
    char text[64];
    if (is_long || f->single)
        check_mode(f);
    gcc_jit_rvalue *v = emit_cast(e, f->v[0], is_long || !is_unsigned ? e->i64 : e->u32);
    if (!is_long && !is_unsigned)
        v = emit_cast(e, v, e->i32);
    v = emit_cast(e, v, e->i64);
    if (is_long && is_unsigned)
        go_slow_if(f, compare(e, GCC_JIT_COMPARISON_LT, v, gcc_jit_context_zero(e->ctx, e->i64)));
    EmitAsm a = {.keep = true};
    emit_asm_output(&a, "=x", f->result);
    emit_asm_input(&a, "r", v);
    g_snprintf(text, sizeof text, "%s %%0, %%0\n\tcvtsi2s%cq %%1, %%0", f->single ? "pcmpeqd" : "pxor",
               f->single ? 's' : 'd');
    emit_asm(e->bb, &a, text);
}

static void dispatch(Fp *f, unsigned i)
{
    unsigned op = f->op->op;
    if (op <= IR_OP_FDIV64)
        arithmetic(f, i);
    else if (op <= IR_OP_FSQRT64)
        square_root(f, i);
    else if (op <= IR_OP_FMADD64)
        fused(f, i);
    else if (op <= IR_OP_FMAX64)
        choose(f);
    else if (op <= IR_OP_FLE64)
        compare_values(f);
    else if (op <= IR_OP_F32TO64)
        to_other_format(f, i);
    else if (op <= IR_OP_FTOI64)
        to_integer(f);
    else if (op <= IR_OP_ITOF64)
        from_integer(f);
    else // fclass
        soft(f, f->e->bb);
}

void emit_fp(Emit *e, unsigned i)
{
    const IrInst *op = &e->block->ops[i];
    Fp f = {.e = e, .op = op, .single = (op->op - IR_OP_FADD32) % 2 == 0};
    bool integers = op->op == IR_OP_ITOF32 || op->op == IR_OP_ITOF64;
    bool singles = op->op == IR_OP_F32TO64 || (f.single && op->op != IR_OP_F64TO32 && !integers);
    const IrVal args[3] = {op->a, op->b, op->c};
    for (unsigned k = 0; k < 3; k++)
        f.v[k] = k >= ir_n_values(op->op) ? emit_u64(e, 0)
                 : singles                ? emit_unboxed(e, args[k])
                                          : integers               ? emit_use_leaf(e, args[k])
                                          : emit_use_fp(e, args[k]);
    f.is_float = op->op <= IR_OP_FMAX64 || op->op == IR_OP_F64TO32 || op->op == IR_OP_F32TO64 || integers;
    f.result = emit_local(e, f.is_float ? e->f64 : e->u64);
    f.done = gcc_jit_function_new_block(e->fn, NULL);
    dispatch(&f, i);
    if (e->bb)
        gcc_jit_block_end_with_jump(e->bb, NULL, f.done);
    if (f.slow) {
        soft(&f, f.slow);
        gcc_jit_block_end_with_jump(f.slow, NULL, f.done);
    }
    e->bb = f.done;
    emit_define(e, i, rvalue(f.result), 0, true);
}
