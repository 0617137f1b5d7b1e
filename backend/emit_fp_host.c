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
    return gcc_jit_context_new_comparison(e->ctx, emit_at, how, a, b);
}

static void go_slow_if(Fp *f, gcc_jit_rvalue *condition)
{
    gcc_jit_block *next = gcc_jit_function_new_block(f->e->fn, NULL);
    if (!f->slow)
        f->slow = gcc_jit_function_new_block(f->e->fn, NULL);
    gcc_jit_block_end_with_conditional(f->e->bb, emit_at, emit_likely(f->e, condition, false), f->slow, next);
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

// Operand k for env->fp_soft, boxed.
static gcc_jit_rvalue *soft_operand(Fp *f, unsigned k)
{
    Emit *e = f->e;
    gcc_jit_rvalue *bits = emit_bits(e, f->v[k]);
    if (!emit_reads_single(f->op->op) || k >= ir_n_values(f->op->op))
        return bits;
    return emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_OR, bits, emit_u64(e, UINT64_C(0xffffffff00000000)));
}

static void soft(Fp *f, gcc_jit_block *bb)
{
    Emit *e = f->e;
    gcc_jit_rvalue *args[4] = {soft_operand(f, 0), soft_operand(f, 1), soft_operand(f, 2),
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

// An instruction whose result may be a NaN, which must be the canonical one if somebody can tell.
static void with_nan_check(Fp *f, EmitAsm *a, unsigned i, const char *text, bool single)
{
    char checked[300];
    g_snprintf(checked, sizeof checked, "%s%s%s", text, f->e->wants_bits[f->e->block_index][i] ? "\n\t" : "",
               !f->e->wants_bits[f->e->block_index][i] ? ""
               : single                                ? EMIT_FIX_SINGLE
                                                       : EMIT_FIX_DOUBLE);
    emit_asm(f->e->bb, a, checked);
}

// AVX forms take their operands from where they are. They mix with others freely as long as the upper halves of the
// registers are zero, which every function may expect.
static void arithmetic(Fp *f, unsigned i)
{
    static const char *const names[] = {"add", "sub", "mul", "div"};
    const char *name = names[(f->op->op - IR_OP_FADD32) / 2];
    char text[80], format = f->single ? 's' : 'd';
    bool avx = __builtin_cpu_supports("avx");
    check_mode(f);
    EmitAsm a = {.keep = true};
    emit_asm_output(&a, "=x", f->result);
    emit_asm_input(&a, avx ? "x" : "0", f->v[0]);
    emit_asm_input(&a, "x", f->v[1]);
    g_snprintf(text, sizeof text, avx ? "v%ss%c %%2, %%1, %%0" : "%ss%c %%2, %%0", name, format);
    with_nan_check(f, &a, i, text, f->single);
}

static void square_root(Fp *f, unsigned i)
{
    char text[40], format = f->single ? 's' : 'd';
    bool avx = __builtin_cpu_supports("avx");
    check_mode(f);
    EmitAsm a = {.keep = true};
    emit_asm_output(&a, "=x", f->result);
    emit_asm_input(&a, avx ? "x" : "0", f->v[0]);
    g_snprintf(text, sizeof text, avx ? "vsqrts%c %%1, %%1, %%0" : "sqrts%c %%0, %%0", format);
    with_nan_check(f, &a, i, text, f->single);
}

// If the result is a NaN: infinity times zero is an invalid operation even if a quiet NaN is added, of which the host
// knows nothing. A multiplication finds out; if its result is no NaN, the flags it raised do not count.
static void fused(Fp *f)
{
    char text[400], format = f->single ? 's' : 'd';
    bool negate_product = f->op->imm & IR_FP_NEG_PRODUCT, negate_addend = f->op->imm & IR_FP_NEG_ADDEND;
    if (!__builtin_cpu_supports("fma")) {
        soft(f, f->e->bb);
        return;
    }
    check_mode(f);
    EmitAsm a = {.keep = true};
    emit_asm_output(&a, "=&x", f->result);
    emit_asm_input(&a, "0", f->v[2]);
    emit_asm_input(&a, "x", f->v[0]);
    emit_asm_input(&a, "x", f->v[1]);
    g_snprintf(text, sizeof text,
               "vf%sm%s231s%c %%3, %%2, %%0\n\tucomis%c %%0, %%0\n\tjp .Lm%%=\n.Lb%%=:\n\t.subsection 1\n.Lm%%=:\n\t"
               "leaq -8(%%%%rsp), %%%%rsp\n\tstmxcsr (%%%%rsp)\n\tmovaps %%2, %%0\n\tmuls%c %%3, %%0\n\t"
               "ucomis%c %%0, %%0\n\tjp .Lk%%=\n\tldmxcsr (%%%%rsp)\n.Lk%%=:\n\tleaq 8(%%%%rsp), %%%%rsp\n",
               negate_product ? "n" : "", negate_addend ? "sub" : "add", format, format, format, format);
    g_autofree char *all = g_strconcat(text, f->single ? EMIT_NAN_SINGLE : EMIT_NAN_DOUBLE, ".subsection 0", NULL);
    emit_asm(f->e->bb, &a, all);
}

static void to_other_format(Fp *f, unsigned i)
{
    bool widen = f->op->op == IR_OP_F32TO64;
    if (!widen)
        check_mode(f);
    EmitAsm a = {.keep = true};
    emit_asm_output(&a, "=&x", f->result);
    emit_asm_input(&a, "x", f->v[0]);
    with_nan_check(f, &a, i, widen ? "pxor %0, %0\n\tcvtss2sd %1, %0" : "pxor %0, %0\n\tcvtsd2ss %1, %0", !widen);
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
    gcc_jit_block_add_assignment(e->bb, emit_at, f->result, emit_cast(e, r, e->u64));
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
        uint64_t limit = f->single ? (is_long ? UINT64_C(0x5f000000) : UINT64_C(0x4f800000))
                                   : (is_long ? UINT64_C(0x43e0000000000000) : UINT64_C(0x41efffffffe00001));
        gcc_jit_type *type = f->single ? e->u32 : e->u64;
        go_slow_if(f, compare(e, GCC_JIT_COMPARISON_GE, emit_cast(e, emit_bits(e, f->v[0]), type),
                              emit_cast(e, emit_u64(e, limit), type)));
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
    gcc_jit_block_add_assignment(e->bb, emit_at, f->result, emit_cast(e, r, e->u64));
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
    g_snprintf(text, sizeof text, "pxor %%0, %%0\n\tcvtsi2s%cq %%1, %%0", f->single ? 's' : 'd');
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
        fused(f);
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
    const IrVal args[3] = {op->a, op->b, op->c};
    for (unsigned k = 0; k < 3; k++)
        f.v[k] = k >= ir_n_values(op->op) ? emit_u64(e, 0)
                 : integers                    ? emit_use_leaf(e, args[k])
                 : emit_reads_single(op->op)   ? emit_use_single(e, args[k])
                                               : emit_use_double(e, args[k]);
    f.is_float = op->op <= IR_OP_FMAX64 || op->op == IR_OP_F64TO32 || op->op == IR_OP_F32TO64 || integers;
    f.result = emit_local(e, f.is_float ? e->f64 : e->u64);
    f.done = gcc_jit_function_new_block(e->fn, NULL);
    dispatch(&f, i);
    if (e->bb)
        gcc_jit_block_end_with_jump(e->bb, emit_at, f.done);
    if (f.slow) {
        soft(&f, f.slow);
        gcc_jit_block_end_with_jump(f.slow, emit_at, f.done);
    }
    e->bb = f.done;
    emit_define(e, i, rvalue(f.result), 0, true);
}
