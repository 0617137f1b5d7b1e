// SPDX-License-Identifier: GPL-3.0-or-later
// Ways into and out of a region: entries, edges, chain slots, the three common exit blocks.
//
// Every cycle of blocks has an edge to a block of the same or a smaller number. On such edges, and at the entries,
// `left` is tested, so compiled code cannot run on for ever.
#include "backend/emit.h"

static unsigned add_site(Emit *e, JitSite s)
{
    g_array_append_val(e->sites, s);
    return e->sites->len - 1;
}

unsigned emit_site_before(Emit *e)
{
    const IrBlock *b = e->block;
    JitSite s = {.adjust = (int32_t)(b->n_insns - e->insn), .why = JIT_BEFORE};
    unsigned n = 0, i = 0;
    while (b->ops[i].op != IR_OP_INSN || n++ != e->insn)
        i++;
    s.pc = b->ops[i].imm;
    for (; e->stats && i < b->n_ops; i++)
        emit_count_access(b->ops[i].op, &s.loads, &s.stores);
    return add_site(e, s);
}

// One slot for each guest address that static exits go to; slots are the first sites.
void emit_number_slots(Emit *e)
{
    for (unsigned b = 0; b < e->code->n_blocks; b++) {
        const IrBlock *blk = e->code->blocks[b];
        unsigned last = blk->ops[blk->n_ops - 1].op, edges = last == IR_OP_JUMP ? 1 : ir_is_br(last) ? 2 : 0;
        for (unsigned k = 0; k < edges; k++) {
            if (blk->edge[k].block >= 0)
                continue;
            unsigned s = 0;
            while (s < e->sites->len && g_array_index(e->sites, JitSite, s).pc != blk->edge[k].pc)
                s++;
            if (s == e->sites->len)
                add_site(e, (JitSite){.pc = blk->edge[k].pc});
        }
    }
    e->n_slots = e->sites->len;
}

static gcc_jit_block *exit_block(Emit *e, int64_t pc)
{
    unsigned s = 0;
    while (g_array_index(e->sites, JitSite, s).pc != pc)
        s++;
    if (!e->leave_to[s]) {
        if (!e->chain)
            e->chain = gcc_jit_function_new_block(e->fn, "chain");
        gcc_jit_block *bb = e->leave_to[s] = gcc_jit_function_new_block(e->fn, NULL);
        gcc_jit_block_add_assignment(bb, NULL, e->slot, emit_u64(e, s));
        gcc_jit_block_end_with_jump(bb, NULL, e->chain);
    }
    return e->leave_to[s];
}

// Tests `left` before block n.
static gcc_jit_block *check_block(Emit *e, unsigned n)
{
    if (!e->check[n]) {
        gcc_jit_block *bb = e->check[n] = gcc_jit_function_new_block(e->fn, NULL);
        gcc_jit_block *stop = gcc_jit_function_new_block(e->fn, NULL);
        gcc_jit_rvalue *over =
            gcc_jit_context_new_comparison(e->ctx, NULL, GCC_JIT_COMPARISON_LE, gcc_jit_lvalue_as_rvalue(e->left),
                                           gcc_jit_context_zero(e->ctx, e->i64));
        gcc_jit_block_end_with_conditional(bb, NULL, emit_likely(e, over, false), stop, e->start[n]);
        gcc_jit_block_add_assignment(stop, NULL, e->site,
                                     emit_u64(e, add_site(e, (JitSite){.pc = e->code->blocks[n]->pc})));
        gcc_jit_block_end_with_jump(stop, NULL, e->leave);
    }
    return e->check[n];
}

gcc_jit_block *emit_edge(Emit *e, const IrEdge *edge, unsigned from)
{
    if (edge->block < 0)
        return exit_block(e, edge->pc);
    return (unsigned)edge->block > from ? e->start[edge->block] : check_block(e, (unsigned)edge->block);
}

// Compares the target with the known ones, most likely first; else through the jump cache.
void emit_jmpind(Emit *e, const IrInst *op, unsigned from)
{
    const IrBlock *b = e->block;
    gcc_jit_block_add_assignment(e->bb, NULL, e->target, emit_use(e, op->a));
    gcc_jit_rvalue *target = gcc_jit_lvalue_as_rvalue(e->target);
    for (unsigned k = 0; k < b->n_guess; k++) {
        gcc_jit_rvalue *pc = emit_u64(e, e->code->base + (uint64_t)b->guess[k].pc);
        gcc_jit_rvalue *same = gcc_jit_context_new_comparison(e->ctx, NULL, GCC_JIT_COMPARISON_EQ, target, pc);
        gcc_jit_block *next = gcc_jit_function_new_block(e->fn, NULL);
        gcc_jit_block_end_with_conditional(e->bb, NULL, same, emit_edge(e, &b->guess[k], from), next);
        e->bb = next;
    }
    if (!e->indirect)
        e->indirect = gcc_jit_function_new_block(e->fn, "indirect");
    gcc_jit_block_end_with_jump(e->bb, NULL, e->indirect);
}

void emit_entry(Emit *e, gcc_jit_block *first)
{
    gcc_jit_rvalue *left = gcc_jit_lvalue_as_rvalue(emit_env_u64(e, offsetof(IrEnv, left)));
    gcc_jit_block_add_assignment(first, NULL, e->left, emit_cast(e, left, e->i64));
    gcc_jit_block_add_assignment(first, NULL, e->tlb_table,
                                 gcc_jit_lvalue_as_rvalue(emit_env_ptr(e, offsetof(IrEnv, tlb_table))));
    gcc_jit_block_add_assignment(first, NULL, e->tlb_mask,
                                 gcc_jit_lvalue_as_rvalue(emit_env_u64(e, offsetof(IrEnv, tlb_mask))));
    for (unsigned r = 0; r < IR_NREGS; r++)
        if (e->reg[r])
            gcc_jit_block_add_assignment(first, NULL, e->reg[r],
                                         gcc_jit_lvalue_as_rvalue(emit_env_u64(e, offsetof(IrEnv, r) + 8 * r)));
    emit_clear_caches(e, first);
    gcc_jit_block *bb = first, *to = NULL;
    for (unsigned n = 0; n < e->code->n_blocks; n++) {
        if (!e->code->blocks[n]->is_entry)
            continue;
        if (to) { // the one before is not the last
            gcc_jit_block *next = gcc_jit_function_new_block(e->fn, NULL);
            gcc_jit_rvalue *mine = gcc_jit_context_new_comparison(e->ctx, NULL, GCC_JIT_COMPARISON_EQ,
                                                                  gcc_jit_param_as_rvalue(e->entry),
                                                                  emit_u64(e, e->entries->len - 1));
            gcc_jit_block_end_with_conditional(bb, NULL, mine, to, next);
            bb = next;
        }
        to = check_block(e, n);
        g_array_append_val(e->entries, e->code->blocks[n]->pc);
    }
    gcc_jit_block_end_with_jump(bb, NULL, to);
}

static void write_back(Emit *e, gcc_jit_block *bb)
{
    for (unsigned r = 0; r < IR_NREGS; r++)
        if (e->put_regs >> r & 1)
            gcc_jit_block_add_assignment(bb, NULL, emit_env_u64(e, offsetof(IrEnv, r) + 8 * r),
                                         gcc_jit_lvalue_as_rvalue(e->reg[r]));
    gcc_jit_block_add_assignment(bb, NULL, emit_env_u64(e, offsetof(IrEnv, left)),
                                 emit_cast(e, gcc_jit_lvalue_as_rvalue(e->left), e->u64));
}

static void return_to_engine(Emit *e, gcc_jit_block *bb, gcc_jit_rvalue *site)
{
    gcc_jit_block_add_assignment(bb, NULL, emit_env_u64(e, offsetof(IrEnv, exit_site)), site);
    gcc_jit_block_end_with_return(bb, NULL, gcc_jit_param_as_rvalue(e->slots));
}

// Tail call to code(env, slots, entry), read from three neighbouring words at p[0..2].
static void tail_call(Emit *e, gcc_jit_block *bb, gcc_jit_rvalue *words)
{
    gcc_jit_rvalue *w[3];
    for (int k = 0; k < 3; k++) {
        gcc_jit_rvalue *index = gcc_jit_context_new_rvalue_from_int(e->ctx, e->i32, k);
        w[k] = gcc_jit_lvalue_as_rvalue(gcc_jit_context_new_array_access(e->ctx, NULL, words, index));
    }
    gcc_jit_rvalue *as_u64 = gcc_jit_context_new_cast(e->ctx, NULL, words, e->u64_ptr);
    w[2] = gcc_jit_lvalue_as_rvalue(gcc_jit_context_new_array_access(
        e->ctx, NULL, as_u64, gcc_jit_context_new_rvalue_from_int(e->ctx, e->i32, 2)));
    gcc_jit_rvalue *args[3] = {gcc_jit_param_as_rvalue(e->env), w[1], w[2]};
    gcc_jit_rvalue *call = gcc_jit_context_new_call_through_ptr(
        e->ctx, NULL, gcc_jit_context_new_cast(e->ctx, NULL, w[0], e->code_ptr), 3, args);
    gcc_jit_rvalue_set_bool_require_tail_call(call, 1);
    gcc_jit_block_end_with_return(bb, NULL, call);
}

static gcc_jit_rvalue *words_at(Emit *e, gcc_jit_rvalue *base, gcc_jit_rvalue *offset)
{
    gcc_jit_rvalue *p = gcc_jit_lvalue_get_address(gcc_jit_context_new_array_access(e->ctx, NULL, base, offset), NULL);
    return gcc_jit_context_new_cast(e->ctx, NULL, p, e->char_ptr_ptr);
}

static void emit_chain(Emit *e)
{
    gcc_jit_rvalue *slot = gcc_jit_lvalue_as_rvalue(e->slot);
    write_back(e, e->chain);
    if (e->nochain) {
        return_to_engine(e, e->chain, slot);
        return;
    }
    gcc_jit_rvalue *offset = emit_binary(e, GCC_JIT_BINARY_OP_MULT, slot, emit_u64(e, sizeof(JitSlot)));
    tail_call(e, e->chain, words_at(e, gcc_jit_param_as_rvalue(e->slots), offset));
}

// To the code in the jump cache's row at offset, if that is for the target; else to miss.
static void jump_by_row(Emit *e, gcc_jit_block *bb, gcc_jit_rvalue *offset, gcc_jit_block *miss)
{
    gcc_jit_lvalue *row = emit_local(e, e->char_ptr_ptr);
    gcc_jit_block_add_assignment(
        bb, NULL, row, words_at(e, gcc_jit_lvalue_as_rvalue(emit_env_ptr(e, offsetof(IrEnv, jumps))), offset));
    gcc_jit_rvalue *words = gcc_jit_lvalue_as_rvalue(row);
    gcc_jit_rvalue *pc = gcc_jit_lvalue_as_rvalue(gcc_jit_rvalue_dereference(
        gcc_jit_context_new_cast(e->ctx, NULL, words, e->u64_ptr), NULL));
    gcc_jit_block *hit = gcc_jit_function_new_block(e->fn, NULL);
    gcc_jit_rvalue *same = gcc_jit_context_new_comparison(e->ctx, NULL, GCC_JIT_COMPARISON_EQ, pc,
                                                          gcc_jit_lvalue_as_rvalue(e->target));
    gcc_jit_block_end_with_conditional(bb, NULL, emit_likely(e, same, true), hit, miss);
    gcc_jit_rvalue *one = gcc_jit_context_one(e->ctx, e->i32);
    tail_call(e, hit, gcc_jit_lvalue_get_address(gcc_jit_context_new_array_access(e->ctx, NULL, words, one), NULL));
}

static void emit_indirect(Emit *e)
{
    gcc_jit_block *bb = e->indirect;
    gcc_jit_rvalue *target = gcc_jit_lvalue_as_rvalue(e->target);
    write_back(e, bb);
    gcc_jit_block_add_assignment(bb, NULL, emit_env_u64(e, offsetof(IrEnv, pc)), target);
    if (e->nochain) {
        return_to_engine(e, bb, emit_u64(e, JIT_SITE_PC));
        return;
    }
    // jit_jump_row * 32 without shifts back and forth
    gcc_jit_rvalue *low = emit_binary(e, GCC_JIT_BINARY_OP_LSHIFT, target, emit_u64(e, 4));
    gcc_jit_rvalue *high = emit_binary(e, GCC_JIT_BINARY_OP_RSHIFT, target, emit_u64(e, JIT_JUMP_SHIFT - 4));
    gcc_jit_rvalue *offset =
        emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_AND,
                    emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_XOR, low, high),
                    emit_u64(e, ((UINT64_C(1) << JIT_JUMP_BITS) - 1) * sizeof(JumpEntry)));
    gcc_jit_rvalue *other = emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_XOR, offset, emit_u64(e, sizeof(JumpEntry)));
    gcc_jit_block *second = gcc_jit_function_new_block(e->fn, NULL), *miss = gcc_jit_function_new_block(e->fn, NULL);
    jump_by_row(e, bb, offset, second);
    jump_by_row(e, second, other, miss);
    return_to_engine(e, miss, emit_u64(e, JIT_SITE_PC));
}

void emit_exits(Emit *e)
{
    write_back(e, e->leave);
    return_to_engine(e, e->leave, gcc_jit_lvalue_as_rvalue(e->site));
    if (e->chain)
        emit_chain(e);
    if (e->indirect)
        emit_indirect(e);
}
