// SPDX-License-Identifier: GPL-3.0-or-later
// The emitter's frame: types, locals, blocks in order, one op after another.
#include "backend/emit.h"

gcc_jit_location *emit_at;

static void set_line(Emit *e, unsigned line)
{
    emit_at = e->lines ? gcc_jit_context_new_location(e->ctx, "guest", (int)line, 0) : NULL;
}

// What follows belongs to the guest instruction at that pc offset.
static void emit_insn(Emit *e, int64_t pc)
{
    e->insn++;
    if (e->lines) {
        set_line(e, EMIT_FIRST_LINE + e->lines->len);
        g_array_append_val(e->lines, pc);
    }
    if (e->comments) {
        char text[32];
        g_snprintf(text, sizeof text, "0x%" G_GINT64_MODIFIER "x", e->code->base + (uint64_t)pc);
        gcc_jit_block_add_comment(e->bb, emit_at, text);
    }
}

static void make_types(Emit *e)
{
    gcc_jit_context *c = e->ctx;
    e->u8 = gcc_jit_context_get_int_type(c, 1, 0);
    e->u16 = gcc_jit_context_get_int_type(c, 2, 0);
    e->u32 = gcc_jit_context_get_int_type(c, 4, 0);
    e->u64 = gcc_jit_context_get_int_type(c, 8, 0);
    e->i8 = gcc_jit_context_get_int_type(c, 1, 1);
    e->i16 = gcc_jit_context_get_int_type(c, 2, 1);
    e->i32 = gcc_jit_context_get_int_type(c, 4, 1);
    e->i64 = gcc_jit_context_get_int_type(c, 8, 1);
    e->i128 = gcc_jit_context_get_int_type(c, 16, 1);
    e->u128 = gcc_jit_context_get_int_type(c, 16, 0);
    e->f32 = gcc_jit_context_get_type(c, GCC_JIT_TYPE_FLOAT);
    e->f64 = gcc_jit_context_get_type(c, GCC_JIT_TYPE_DOUBLE);
    e->char_ptr = gcc_jit_type_get_pointer(gcc_jit_context_get_type(c, GCC_JIT_TYPE_CHAR));
    e->char_ptr_ptr = gcc_jit_type_get_pointer(e->char_ptr);
    e->u64_ptr = gcc_jit_type_get_pointer(e->u64);
    e->expect = gcc_jit_context_get_builtin_function(c, "__builtin_expect");
}

static void make_function(Emit *e)
{
    gcc_jit_context *c = e->ctx;
    e->env_param = gcc_jit_context_new_param(c, NULL, e->u64_ptr, "env");
    e->slots = gcc_jit_context_new_param(c, NULL, e->char_ptr, "slots");
    e->entry = gcc_jit_context_new_param(c, NULL, e->u64, "entry");
    gcc_jit_param *params[3] = {e->env_param, e->slots, e->entry};
    g_autofree char *region = g_strconcat("region", e->number, NULL);
    e->fn = gcc_jit_context_new_function(c, NULL, GCC_JIT_FUNCTION_EXPORTED, e->char_ptr, region, 3, params, 0);
    e->left = gcc_jit_function_new_local(e->fn, NULL, e->i64, "left");
    for (unsigned r = 0; r < IR_NREGS; r++) {
        char name[8];
        g_snprintf(name, sizeof name, "r%u", r);
        if (e->used_regs >> r & 1)
            e->reg[r] = gcc_jit_function_new_local(e->fn, NULL, r < EMIT_F0 ? e->u64 : e->f64, name);
    }
}

static void scan_registers(Emit *e)
{
    for (unsigned b = 0; b < e->code->n_blocks; b++) {
        const IrBlock *blk = e->code->blocks[b];
        for (unsigned i = 0; i < blk->n_ops; i++) {
            const IrInst *op = &blk->ops[i];
            if (op->op == IR_OP_GET || op->op == IR_OP_PUT)
                e->used_regs |= UINT64_C(1) << op->reg;
        }
    }
}

static void count_uses(Emit *e)
{
    const IrBlock *b = e->block;
    for (unsigned i = 0; i < b->n_ops; i++) {
        const IrInst *op = &b->ops[i];
        e->values[i] = (EmitValue){0};
        if (op->op == IR_OP_INSN)
            continue;
        if (op->a != IR_NOVAL)
            e->values[op->a].uses++;
        if (op->b != IR_NOVAL)
            e->values[op->b].uses++;
        if (op->c != IR_NOVAL)
            e->values[op->c].uses++;
    }
}

// Values that still read register r must be evaluated before it changes.
static void settle_readers(Emit *e, unsigned r, unsigned upto)
{
    for (unsigned i = 0; i < upto; i++) {
        EmitValue *v = &e->values[i];
        if (!v->uses || !(v->regs >> r & 1))
            continue;
        gcc_jit_lvalue *keep = emit_local(e, gcc_jit_rvalue_get_type(v->rv));
        gcc_jit_block_add_assignment(e->bb, emit_at, keep, v->rv);
        *v = (EmitValue){.rv = gcc_jit_lvalue_as_rvalue(keep), .uses = v->uses, .leaf = true};
    }
}

static void put_through(Emit *e, unsigned r, gcc_jit_rvalue *v)
{
    char text[48];
    EmitAsm a = {.keep = true, .memory = true};
    emit_asm_input(&a, r < EMIT_F0 ? "re" : "x", v);
    g_snprintf(text, sizeof text, "movq %%0, %zu(%%%%rbp)", offsetof(IrEnv, r) + 8 * r);
    emit_asm(e->bb, &a, text);
}

static void emit_get(Emit *e, unsigned i)
{
    unsigned r = e->block->ops[i].reg;
    EmitValue *v = &e->values[i];
    v->leaf = true;
    if (!(e->in_env >> r & 1)) {
        v->rv = gcc_jit_lvalue_as_rvalue(e->reg[r]);
        v->regs = UINT64_C(1) << r;
    } else if (v->uses) {
        char text[48];
        EmitAsm a = {.keep = true};
        gcc_jit_lvalue *local = emit_local(e, e->u64);
        emit_asm_output(&a, "=r", local);
        g_snprintf(text, sizeof text, "movq %zu(%%%%rbp), %%0", offsetof(IrEnv, r) + 8 * r);
        emit_asm(e->bb, &a, text);
        v->rv = gcc_jit_lvalue_as_rvalue(local);
    }
}

static bool is_word(unsigned op)
{
    return op == IR_OP_ADD32 || op == IR_OP_SUB32 || op == IR_OP_SLL32 || op == IR_OP_SRL32 || op == IR_OP_SRA32 ||
           op == IR_OP_MUL32 || op == IR_OP_ROL32 || op == IR_OP_ROR32 || op == IR_OP_SEXT32 || op == IR_OP_LD32S;
}

static void emit_put(Emit *e, unsigned i)
{
    const IrInst *op = &e->block->ops[i];
    bool eager = e->eager >> op->reg & 1;
    gcc_jit_rvalue *v = op->reg < EMIT_F0 ? emit_use(e, op->a) : eager ? emit_use_fp(e, op->a) : emit_raw_fp(e, op->a);
    uint64_t bit = UINT64_C(1) << op->reg;
    if (e->in_env & bit) {
        put_through(e, op->reg, v);
        return;
    }
    settle_readers(e, op->reg, i);
    gcc_jit_block_add_assignment(e->bb, emit_at, e->reg[op->reg], v);
    e->narrow = is_word(e->block->ops[op->a].op) && op->reg < EMIT_F0 ? e->narrow | bit : e->narrow & ~bit;
    if (op->reg >= EMIT_F0)
        e->form[op->reg - EMIT_F0] = e->form_of[op->a];
    if (eager)
        put_through(e, op->reg, gcc_jit_lvalue_as_rvalue(e->reg[op->reg]));
    else
        e->dirty |= bit;
}

// How likely edge 0 is, from how often the interpreter entered the two targets. GCC places code and registers by it.
static double edge_probability(Emit *e, const IrBlock *b)
{
    double n[2];
    for (int k = 0; k < 2; k++)
        n[k] = b->edge[k].block < 0 ? 0.5 : (double)e->code->blocks[b->edge[k].block]->count + 1;
    return CLAMP(n[0] / (n[0] + n[1]), 0.002, 0.998);
}

static void emit_terminator(Emit *e, const IrInst *op, unsigned from)
{
    const IrBlock *b = e->block;
    if (op->op == IR_OP_JUMP) {
        gcc_jit_block_end_with_jump(e->bb, emit_at, emit_edge(e, &b->edge[0], from));
    } else if (emit_loop_at(e, from)) {
        emit_choice(e, emit_loop_at(e, from));
    } else if (ir_is_br(op->op)) {
        gcc_jit_rvalue *cond = emit_condition(e, op);
        gcc_jit_block *taken = emit_edge(e, &b->edge[0], from), *not_taken = emit_edge(e, &b->edge[1], from);
        if (taken == not_taken) { // libgccjit wants two different blocks here
            gcc_jit_block_end_with_jump(e->bb, emit_at, taken);
        } else {
            cond = emit_probably(e, cond, edge_probability(e, b));
            gcc_jit_block_end_with_conditional(e->bb, emit_at, cond, taken, not_taken);
        }
    } else if (op->op == IR_OP_JMPIND) {
        emit_jmpind(e, op, from);
    } else { // sys: the interpreter does it
        emit_leave(e, e->bb, emit_site_before(e));
    }
    e->bb = NULL;
}

static void emit_op(Emit *e, unsigned i, unsigned from)
{
    const IrInst *op = &e->block->ops[i];
    uint8_t flags = ir_op_info[op->op].flags;
    if (op->op == IR_OP_INSN) {
        emit_insn(e, op->imm);
    } else if (op->op == IR_OP_GET) {
        emit_get(e, i);
    } else if (op->op == IR_OP_PUT) {
        emit_put(e, i);
    } else if (op->op == IR_OP_FENCE) {
        gcc_jit_function *sync = gcc_jit_context_get_builtin_function(e->ctx, "__sync_synchronize");
        gcc_jit_block_add_eval(e->bb, emit_at, gcc_jit_context_new_call(e->ctx, emit_at, sync, 0, NULL));
    } else if (flags & IRF_TERM) {
        emit_terminator(e, op, from);
    } else if (flags & IRF_PURE) {
        emit_pure(e, i);
    } else if (flags & IRF_FP) {
        emit_fp(e, i);
    } else if (op->op == IR_OP_FPCHECK) {
        emit_fpcheck(e, i);
    } else if (ir_is_load(op->op)) {
        emit_load(e, i);
    } else if (ir_is_store(op->op)) {
        emit_store(e, i);
    } else {
        emit_atomic(e, i);
    }
}

void emit_count_access(unsigned op, uint16_t *loads, uint16_t *stores)
{
    *loads += ir_is_load(op) || op == IR_OP_LR32 || op == IR_OP_LR64;
    *stores += ir_is_store(op) || (op > IR_OP_LR64 && op <= IR_OP_AMO64);
}

static void count_accesses(Emit *e)
{
    uint16_t loads = 0, stores = 0;
    for (unsigned i = 0; i < e->block->n_ops; i++)
        emit_count_access(e->block->ops[i].op, &loads, &stores);
    if (loads || stores)
        emit_env(e, e->bb);
    if (loads)
        gcc_jit_block_add_assignment_op(e->bb, emit_at, emit_env_u64(e, offsetof(IrEnv, n_load)),
                                        GCC_JIT_BINARY_OP_PLUS, emit_u64(e, loads));
    if (stores)
        gcc_jit_block_add_assignment_op(e->bb, emit_at, emit_env_u64(e, offsetof(IrEnv, n_store)),
                                        GCC_JIT_BINARY_OP_PLUS, emit_u64(e, stores));
}

static void emit_block(Emit *e, unsigned n)
{
    e->block = e->code->blocks[n];
    e->block_index = n;
    e->bb = e->start[n];
    set_line(e, EMIT_NO_LINE);
    e->dirty = e->dirty_in[n];
    e->narrow = 0;
    e->checked = e->checked_in[n];
    e->insn = UINT32_MAX; // the first insn op makes it 0
    e->values = g_new(EmitValue, e->block->n_ops);
    count_uses(e);
    emit_block_forms(e);
    emit_find_groups(e);
    if (e->stats)
        count_accesses(e);
    for (unsigned i = 0; i < e->block->n_ops; i++)
        emit_op(e, i, n);
    g_free(e->values);
}

// libgccjit refuses blocks that nothing leads to, and a folded branch can leave some behind.
static void reach(Emit *e, unsigned n)
{
    if (e->start[n])
        return;
    const IrBlock *b = e->code->blocks[n];
    unsigned last = b->ops[b->n_ops - 1].op, edges = last == IR_OP_JUMP ? 1 : ir_is_br(last) ? 2 : 0;
    e->start[n] = gcc_jit_function_new_block(e->fn, NULL);
    for (unsigned k = 0; k < edges; k++)
        if (b->edge[k].block >= 0)
            reach(e, (unsigned)b->edge[k].block);
    for (unsigned k = 0; k < b->n_guess; k++)
        reach(e, (unsigned)b->guess[k].block);
}

void emit_region(Emit *e)
{
    set_line(e, EMIT_NO_LINE);
    emit_split_loops(e);
    unsigned n = e->code->n_blocks;
    make_types(e);
    scan_registers(e);
    make_function(e);
    emit_number_slots(e);
    emit_assign_caches(e);
    e->run_addend = emit_local(e, e->char_ptr);
    for (unsigned k = 0; k < e->loops->len; k++)
        g_array_index(e->loops, EmitLoop, k).wait = emit_local(e, e->i32);
    emit_flow(e);
    emit_find_counts(e);
    emit_find_checks(e);
    emit_find_forms(e);
    gcc_jit_block *first = gcc_jit_function_new_block(e->fn, "entry");
    e->start = g_new0(gcc_jit_block *, n);
    e->check = g_new0(gcc_jit_block *, n);
    e->groups = g_array_new(FALSE, FALSE, sizeof(EmitGroup));
    for (unsigned i = 0; i < n; i++)
        if (e->code->blocks[i]->is_entry)
            reach(e, i);
    for (unsigned i = 0; i < n; i++)
        if (e->start[i])
            emit_block(e, i);
    set_line(e, EMIT_NO_LINE);
    emit_entry(e, first);
    emit_free_loops(e);
    emit_free_caches(e);
    emit_free_flow(e);
    emit_free_counts(e);
    emit_free_checks(e);
    emit_free_forms(e);
    g_free(e->start);
    g_free(e->check);
    g_array_free(e->groups, TRUE);
    g_free(e->group_of);
}
