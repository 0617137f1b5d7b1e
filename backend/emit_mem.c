// SPDX-License-Identifier: GPL-3.0-or-later
// Guest memory accesses: the TLB lookup inline, the miss out of line.
//
// A hit is one compare of the address, with its alignment bits, against the entry's comparator. A miss asks the
// engine for the page's addend; if that cannot be had (device, fault, page with code), the region leaves
// before the instruction and the interpreter does it.
#include "backend/emit.h"

#include "softmmu/tlb.h"

gcc_jit_lvalue *emit_env_u64(Emit *e, size_t offset)
{
    return gcc_jit_context_new_array_access(e->ctx, NULL, gcc_jit_param_as_rvalue(e->env),
                                            gcc_jit_context_new_rvalue_from_int(e->ctx, e->i32, (int)(offset / 8)));
}

gcc_jit_lvalue *emit_env_reg(Emit *e, unsigned r)
{
    if (r < EMIT_F0)
        return emit_env_u64(e, offsetof(IrEnv, r) + 8 * r);
    gcc_jit_rvalue *env = gcc_jit_context_new_cast(e->ctx, NULL, gcc_jit_param_as_rvalue(e->env),
                                                   gcc_jit_type_get_pointer(e->f64));
    size_t index = offsetof(IrEnv, r) / 8 + r;
    return gcc_jit_context_new_array_access(e->ctx, NULL, env,
                                            gcc_jit_context_new_rvalue_from_int(e->ctx, e->i32, (int)index));
}

gcc_jit_lvalue *emit_env_ptr(Emit *e, size_t offset)
{
    gcc_jit_rvalue *env = gcc_jit_context_new_cast(e->ctx, NULL, gcc_jit_param_as_rvalue(e->env), e->char_ptr_ptr);
    return gcc_jit_context_new_array_access(e->ctx, NULL, env,
                                            gcc_jit_context_new_rvalue_from_int(e->ctx, e->i32, (int)(offset / 8)));
}

static gcc_jit_rvalue *rvalue(gcc_jit_lvalue *l)
{
    return gcc_jit_lvalue_as_rvalue(l);
}

static gcc_jit_rvalue *entry_word(Emit *e, unsigned word, bool pointer)
{
    gcc_jit_rvalue *base = rvalue(e->tlb_entry);
    if (pointer)
        base = gcc_jit_context_new_cast(e->ctx, NULL, base, e->char_ptr_ptr);
    return rvalue(gcc_jit_context_new_array_access(e->ctx, NULL, base,
                                                   gcc_jit_context_new_rvalue_from_int(e->ctx, e->i32, (int)word)));
}

// Calls the engine for a page's addend; goes to `join` with it, or leaves before the instruction.
static void emit_slow(Emit *e, gcc_jit_block *bb, unsigned size, MemAccess access, gcc_jit_lvalue *addend,
                      gcc_jit_block *join)
{
    gcc_jit_block_add_assignment(bb, NULL, e->site, emit_u64(e, emit_site_before(e)));
    gcc_jit_rvalue *args[3] = {gcc_jit_param_as_rvalue(e->env), rvalue(e->addr),
                               emit_u64(e, size | (access == ACCESS_WRITE ? JIT_RAM_WRITE : 0))};
    emit_call(e, bb, offsetof(IrEnv, ram_slow), 3, args, addend);
    gcc_jit_rvalue *failed = gcc_jit_context_new_comparison(e->ctx, NULL, GCC_JIT_COMPARISON_EQ, rvalue(addend),
                                                            gcc_jit_context_null(e->ctx, e->char_ptr));
    gcc_jit_block_end_with_conditional(bb, NULL, failed, e->leave, join);
}

// The TLB lookup from block bb on, for the address in e->addr, whose comparator is `page`.
static void emit_tlb(Emit *e, gcc_jit_block *bb, gcc_jit_rvalue *page, unsigned size, MemAccess access,
                     const EmitCache *cache, gcc_jit_block *join)
{
    gcc_jit_lvalue *addend = cache ? cache->addend : e->addend;
    gcc_jit_rvalue *offset = emit_binary(
        e, GCC_JIT_BINARY_OP_BITWISE_AND,
        emit_binary(e, GCC_JIT_BINARY_OP_RSHIFT, rvalue(e->addr), emit_u64(e, PAGE_BITS - 5)), rvalue(e->tlb_mask));
    gcc_jit_rvalue *entry = gcc_jit_lvalue_get_address(
        gcc_jit_context_new_array_access(e->ctx, NULL, rvalue(e->tlb_table), offset), NULL);
    gcc_jit_block_add_assignment(bb, NULL, e->tlb_entry, gcc_jit_context_new_cast(e->ctx, NULL, entry, e->u64_ptr));
    gcc_jit_rvalue *hit =
        gcc_jit_context_new_comparison(e->ctx, NULL, GCC_JIT_COMPARISON_EQ, page, entry_word(e, access, false));
    gcc_jit_block *fast = gcc_jit_function_new_block(e->fn, NULL), *slow = gcc_jit_function_new_block(e->fn, NULL);
    gcc_jit_block_end_with_conditional(bb, NULL, emit_likely(e, hit, true), fast, slow);
    gcc_jit_block_add_assignment(fast, NULL, addend, entry_word(e, offsetof(TlbEntry, addend) / 8, true));
    if (cache) {
        // The comparator of the kind that is asked for less leniently: a page for both must allow both.
        MemAccess other = access == ACCESS_READ && cache->stores ? ACCESS_WRITE : access == ACCESS_WRITE && cache->loads
                                                                                     ? ACCESS_READ
                                                                                     : access;
        gcc_jit_block_add_assignment(fast, NULL, cache->tag, entry_word(e, other, false));
        gcc_jit_block_add_assignment(slow, NULL, cache->tag, emit_u64(e, UINT64_MAX));
    }
    gcc_jit_block_end_with_jump(fast, NULL, join);
    emit_slow(e, slow, size, access, addend, join);
}

// The host location of a guest access of `type`; e->bb goes on behind the lookup.
static gcc_jit_lvalue *lookup(Emit *e, unsigned i, gcc_jit_type *type, unsigned size, MemAccess access)
{
    const IrInst *op = &e->block->ops[i];
    int n = e->cache_of[e->block_index][i];
    const EmitCache *cache = n < 0 ? NULL : &e->caches[n];
    gcc_jit_rvalue *addr = emit_use(e, op->a);
    if (op->imm)
        addr = emit_binary(e, GCC_JIT_BINARY_OP_PLUS, addr, emit_u64(e, (uint64_t)op->imm));
    gcc_jit_block_add_assignment(e->bb, NULL, e->addr, addr);
    gcc_jit_rvalue *page =
        emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_AND, rvalue(e->addr), emit_u64(e, PAGE_MASK | (size - 1)));
    gcc_jit_block *join = gcc_jit_function_new_block(e->fn, NULL), *tlb = e->bb;
    if (cache) {
        tlb = gcc_jit_function_new_block(e->fn, NULL);
        gcc_jit_rvalue *hit =
            gcc_jit_context_new_comparison(e->ctx, NULL, GCC_JIT_COMPARISON_EQ, page, rvalue(cache->tag));
        gcc_jit_block_end_with_conditional(e->bb, NULL, emit_likely(e, hit, true), join, tlb);
    }
    emit_tlb(e, tlb, page, size, access, cache, join);
    e->bb = join;
    gcc_jit_rvalue *addend = rvalue(cache ? cache->addend : e->addend);
    gcc_jit_rvalue *host =
        gcc_jit_lvalue_get_address(gcc_jit_context_new_array_access(e->ctx, NULL, addend, rvalue(e->addr)), NULL);
    if (e->shared)
        type = gcc_jit_type_get_volatile(type);
    return gcc_jit_rvalue_dereference(gcc_jit_context_new_cast(e->ctx, NULL, host, gcc_jit_type_get_pointer(type)),
                                      NULL);
}

// The type to load value i as: that of a float if it goes to where they are kept.
static gcc_jit_type *load_type(const Emit *e, unsigned i)
{
    gcc_jit_type *types[] = {e->u8, e->i8, e->u16, e->i16, e->u32, e->i32, e->u64};
    const IrBlock *b = e->block;
    unsigned op = b->ops[i].op;
    for (unsigned k = i + 1; k < b->n_ops; k++) {
        const IrInst *use = &b->ops[k];
        if (use->op == IR_OP_INSN || (use->a != i && use->b != i && use->c != i))
            continue;
        bool computes = ir_is_fp(use->op) && use->op != IR_OP_ITOF32 && use->op != IR_OP_ITOF64;
        if (op == IR_OP_LD64 && (computes || (use->op == IR_OP_PUT && use->reg >= EMIT_F0)))
            return e->f64;
        if (op == IR_OP_LD32U && use->op == IR_OP_BOX32 && e->values[i].uses == 1)
            return e->f32;
    }
    return types[op - IR_OP_LD8U];
}

void emit_load(Emit *e, unsigned i)
{
    const IrInst *op = &e->block->ops[i];
    gcc_jit_type *type = load_type(e, i);
    bool is_float = type == e->f64 || type == e->f32;
    gcc_jit_lvalue *at = lookup(e, i, type, ir_op_size(op->op), ACCESS_READ);
    gcc_jit_lvalue *result = emit_local(e, is_float ? type : e->u64);
    gcc_jit_block_add_assignment(e->bb, NULL, result, is_float ? rvalue(at) : emit_cast(e, rvalue(at), e->u64));
    emit_define(e, i, rvalue(result), 0, true);
}

void emit_store(Emit *e, unsigned i)
{
    const IrInst *op = &e->block->ops[i];
    gcc_jit_type *types[] = {e->u8, e->u16, e->u32, e->u64};
    gcc_jit_type *type = types[op->op - IR_OP_ST8];
    bool is_float = gcc_jit_rvalue_get_type(e->values[op->b].rv) == e->f64 && op->op >= IR_OP_ST32;
    if (is_float)
        type = op->op == IR_OP_ST32 ? e->f32 : e->f64;
    gcc_jit_lvalue *at = lookup(e, i, type, ir_op_size(op->op), ACCESS_WRITE);
    gcc_jit_rvalue *v = is_float ? emit_use_fp(e, op->b) : emit_cast(e, emit_use(e, op->b), type);
    if (type == e->f32)
        v = emit_low_half(e, v);
    gcc_jit_block_add_assignment(e->bb, NULL, at, v);
}

void emit_atomic(Emit *e, unsigned i)
{
    const IrInst *op = &e->block->ops[i];
    uint64_t kind = (uint64_t)op->imm;
    if (op->op == IR_OP_LR32 || op->op == IR_OP_LR64)
        kind = JIT_ATOMIC_LR;
    else if (op->op == IR_OP_SC32 || op->op == IR_OP_SC64)
        kind = JIT_ATOMIC_SC;
    kind |= JIT_ATOMIC_SIZE(ir_op_size(op->op));
    gcc_jit_rvalue *args[4] = {gcc_jit_param_as_rvalue(e->env), emit_use(e, op->a),
                               op->b == IR_NOVAL ? emit_u64(e, 0) : emit_use(e, op->b), emit_u64(e, kind)};
    gcc_jit_lvalue *result = emit_local(e, e->u64);
    emit_call(e, e->bb, offsetof(IrEnv, atomic_slow), 4, args, result);
    gcc_jit_block_add_assignment(e->bb, NULL, e->site, emit_u64(e, emit_site_before(e)));
    gcc_jit_block *done = gcc_jit_function_new_block(e->fn, NULL);
    gcc_jit_rvalue *failed =
        gcc_jit_context_new_comparison(e->ctx, NULL, GCC_JIT_COMPARISON_NE,
                                       rvalue(emit_env_u64(e, offsetof(IrEnv, exit_site))), emit_u64(e, 0));
    gcc_jit_block_end_with_conditional(e->bb, NULL, emit_likely(e, failed, false), e->leave, done);
    e->bb = done;
    emit_define(e, i, rvalue(result), 0, true);
}
