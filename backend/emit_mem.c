// SPDX-License-Identifier: GPL-3.0-or-later
// Guest memory accesses: the TLB lookup inline, the miss out of line.
//
// A hit is one compare of the address, with its alignment bits, against the entry's comparator. A miss asks the
// engine for the page's addend; if that cannot be had (device, fault, page with code), the region leaves
// before the instruction and the interpreter does it.
#include "backend/emit.h"

#include "softmmu/tlb.h"

void emit_env(Emit *e, gcc_jit_block *bb)
{
    gcc_jit_lvalue *env = emit_local(e, e->u64_ptr);
    EmitAsm a = {.keep = true};
    emit_asm_output(&a, "=r", env);
    emit_asm(bb, &a, "movq %%rbp, %0");
    e->env = gcc_jit_lvalue_as_rvalue(env);
}

gcc_jit_lvalue *emit_env_u64(Emit *e, size_t offset)
{
    return gcc_jit_context_new_array_access(e->ctx, emit_at, e->env,
                                            gcc_jit_context_new_rvalue_from_int(e->ctx, e->i32, (int)(offset / 8)));
}

gcc_jit_lvalue *emit_env_reg(Emit *e, unsigned r)
{
    if (r < EMIT_F0)
        return emit_env_u64(e, offsetof(IrEnv, r) + 8 * r);
    gcc_jit_rvalue *env = gcc_jit_context_new_cast(e->ctx, emit_at, e->env,
                                                   gcc_jit_type_get_pointer(e->f64));
    size_t index = offsetof(IrEnv, r) / 8 + r;
    return gcc_jit_context_new_array_access(e->ctx, emit_at, env,
                                            gcc_jit_context_new_rvalue_from_int(e->ctx, e->i32, (int)index));
}

gcc_jit_lvalue *emit_env_ptr(Emit *e, size_t offset)
{
    gcc_jit_rvalue *env = gcc_jit_context_new_cast(e->ctx, emit_at, e->env, e->char_ptr_ptr);
    return gcc_jit_context_new_array_access(e->ctx, emit_at, env,
                                            gcc_jit_context_new_rvalue_from_int(e->ctx, e->i32, (int)(offset / 8)));
}

static gcc_jit_rvalue *rvalue(gcc_jit_lvalue *l)
{
    return gcc_jit_lvalue_as_rvalue(l);
}

typedef struct { // an access
    EmitAsm a;
    GString *text;
    unsigned addr, temp, addend, tag, run; // operand numbers
    gcc_jit_rvalue *base;             // the address is base + offset
    int32_t offset;
    unsigned size;
    MemAccess access;
    const EmitCache *cache; // or NULL
} Access;

static void add(Access *m, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void add(Access *m, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_string_append_vprintf(m->text, format, ap);
    va_end(ap);
}

static void start_access(Emit *e, Access *m, unsigned i)
{
    const IrInst *op = &e->block->ops[i];
    int n = e->cache_of[e->block_index][i];
    m->cache = n < 0 ? NULL : &e->caches[n];
    m->size = ir_op_size(op->op);
    m->access = ir_is_store(op->op) ? ACCESS_WRITE : ACCESS_READ;
    m->base = m->cache || e->linear ? emit_use_leaf(e, op->a) : emit_use(e, op->a);
    m->offset = (int32_t)op->imm;
    if (m->offset != op->imm) {
        gcc_jit_lvalue *sum = emit_local(e, e->u64);
        gcc_jit_block_add_assignment(
            e->bb, emit_at, sum, emit_binary(e, GCC_JIT_BINARY_OP_PLUS, m->base, emit_u64(e, (uint64_t)op->imm)));
        m->base = rvalue(sum);
        m->offset = 0;
    }
    m->text = g_string_new(NULL);
}

// The operands of the lookup, behind those that the access has already.
static void lookup_operands(Emit *e, Access *m)
{
    m->temp = m->a.n_out;
    emit_asm_output(&m->a, "=&r", emit_local(e, e->u64));
    m->addend = m->a.n_out;
    emit_asm_output(&m->a, "=&r", m->cache ? m->cache->addend : emit_local(e, e->char_ptr));
    if (m->cache) {
        m->tag = m->a.n_out;
        emit_asm_output(&m->a, "=&rm", m->cache->tag);
    }
    m->addr = m->a.n_out + m->a.n_in;
    emit_asm_input(&m->a, "r", m->base);
}

static void address_to(Access *m, unsigned to)
{
    if (m->offset)
        add(m, "leaq %d(%%%u), %%%u\n\t", m->offset, m->addr, to);
    else
        add(m, "movq %%%u, %%%u\n\t", m->addr, to);
}

// Makes of the address in register `at` where its entry in the TLB is.
static void entry_of(Access *m, unsigned at)
{
    add(m, "shrq $%u, %%%u\n\tandq %zu(%%%%rbp), %%%u\n\taddq %zu(%%%%rbp), %%%u\n\t", PAGE_BITS - 5, at,
        offsetof(IrEnv, tlb_mask), at, offsetof(IrEnv, tlb_table), at);
}

// The lookup in the TLB up to the label .Lb, where the addend is in its register; what misses is out of line.
static void lookup(Access *m)
{
    address_to(m, m->addend);
    entry_of(m, m->addend);
    address_to(m, m->temp);
    add(m, "andq $%" G_GINT64_FORMAT ", %%%u\n\t", (gint64)(PAGE_MASK | (m->size - 1)), m->temp);
    add(m, "cmpq %%%u, %u(%%%u)\n\tjne .Ls%%=\n\t", m->temp, 8 * m->access, m->addend);
    if (m->cache) {
        // The comparator of the kind that is asked for less leniently: a page for both must allow both.
        MemAccess other = m->access == ACCESS_READ && m->cache->stores   ? ACCESS_WRITE
                          : m->access == ACCESS_WRITE && m->cache->loads ? ACCESS_READ
                                                                         : m->access;
        add(m, "movq %u(%%%u), %%%u\n\tmovq %%%u, %%%u\n\t", 8 * other, m->addend, m->temp, m->temp, m->tag);
    }
    add(m, "movq %zu(%%%u), %%%u\n.Lb%%=:\n\t", offsetof(TlbEntry, addend), m->addend, m->addend);
}

// Behind the rest of the statement: asks the engine, and goes back to .Lb with the addend.
static void miss(Emit *e, Access *m)
{
    add(m, "\n\t.subsection 1\n.Ls%%=:\n\tpushq $%u\n\t", m->size | (m->access == ACCESS_WRITE ? JIT_RAM_WRITE : 0));
    address_to(m, m->temp);
    add(m, "pushq %%%u\n\t", m->temp);
    emit_stop(e, &m->a, m->text, emit_site_before(e));
    add(m, "\n\tpopq %%%u\n\tpopq %%%u\n\t", m->temp, m->addend);
    if (m->cache)
        add(m, "movq $-1, %%%u\n\t", m->tag);
    add(m, "jmp .Lb%%=\n\t.subsection 0");
}

static gcc_jit_rvalue *plus(Emit *e, gcc_jit_rvalue *base, int64_t offset)
{
    return offset ? emit_binary(e, GCC_JIT_BINARY_OP_PLUS, base, emit_u64(e, (uint64_t)offset)) : base;
}

static gcc_jit_lvalue *host_at(Emit *e, gcc_jit_lvalue *addend, gcc_jit_rvalue *addr, gcc_jit_type *type)
{
    gcc_jit_rvalue *host =
        gcc_jit_lvalue_get_address(gcc_jit_context_new_array_access(e->ctx, emit_at, rvalue(addend), addr), NULL);
    if (e->shared)
        type = gcc_jit_type_get_volatile(type);
    return gcc_jit_rvalue_dereference(gcc_jit_context_new_cast(e->ctx, emit_at, host, gcc_jit_type_get_pointer(type)),
                                      NULL);
}

// Goes to cold unless (addr & mask) is the tag.
static void check_tag(Emit *e, Access *m, gcc_jit_rvalue *addr, uint64_t mask, gcc_jit_block *cold)
{
    gcc_jit_block *join = gcc_jit_function_new_block(e->fn, NULL);
    gcc_jit_rvalue *hit =
        gcc_jit_context_new_comparison(e->ctx, emit_at, GCC_JIT_COMPARISON_EQ,
                                       emit_binary(e, GCC_JIT_BINARY_OP_BITWISE_AND, addr, emit_u64(e, mask)),
                                       rvalue(m->cache->tag));
    gcc_jit_block_end_with_conditional(e->bb, emit_at, emit_likely(e, hit, true), join, cold);
    e->bb = join;
}

// Jumps to `to` unless the page in temp has an entry at register `entry` for all that the group does.
static void check_kinds(Access *m, const EmitGroup *g, unsigned entry, const char *to)
{
    if (g->loads)
        add(m, "cmpq %%%u, %u(%%%u)\n\tjne %s%%=\n\t", m->temp, 8 * ACCESS_READ, entry, to);
    if (g->stores)
        add(m, "cmpq %%%u, %u(%%%u)\n\tjne %s%%=\n\t", m->temp, 8 * ACCESS_WRITE, entry, to);
}

static void entry_of_temp(Access *m, unsigned entry)
{
    add(m, "movq %%%u, %%%u\n\t", m->temp, entry);
    entry_of(m, entry);
}

// With runs, leaves unless the addend is theirs.
static void check_addend(Access *m, bool runs)
{
    if (runs)
        add(m, "cmpq %%%u, %%%u\n\tjne .Lx%%=\n.Lf%%=:\n\t", m->run, m->addend);
}

// The cold way of a group: finds its page, or two with the same addend, or leaves. The engine is asked once for the
// first page; what it answers counts only if there is an entry now.
static void group_text(Emit *e, Access *m, const EmitGroup *g, unsigned other)
{
    int start = (int)g->start, last = (int)g->end - 1;
    bool pure = !g->loads || !g->stores;
    add(m, "leaq %d(%%%u), %%%u\n\tandq $-4096, %%%u\n\t", start, m->addr, m->temp, m->temp);
    entry_of_temp(m, m->addend);
    check_kinds(m, g, m->addend, ".Ls");
    add(m, ".Lb%%=:\n\t");
    if (m->cache)
        add(m, "movq %u(%%%u), %%%u\n\tmovq %%%u, %%%u\n\t", 8 * (m->cache->stores ? ACCESS_WRITE : ACCESS_READ),
            m->addend, other, other, m->tag);
    add(m, "movq %zu(%%%u), %%%u\n\t", offsetof(TlbEntry, addend), m->addend, m->addend);
    add(m, "leaq %d(%%%u), %%%u\n\tandq $-4096, %%%u\n\tcmpq %%%u, %%%u\n\tjne .Ld%%=\n.Le%%=:\n\t", last, m->addr,
        other, other, other, m->temp);
    check_addend(m, e->linear);
    add(m, ".subsection 1\n.Ld%%=:\n\tmovq %%%u, %%%u\n\t", other, m->temp);
    entry_of_temp(m, other);
    check_kinds(m, g, other, ".Lx");
    add(m, "cmpq %%%u, %zu(%%%u)\n\tje .Le%%=\n.Lx%%=:\n\tpushq $0\n\tpushq $0\n\tjmp .Lc%%=\n", m->addend,
        offsetof(TlbEntry, addend), other);
    add(m, ".Ls%%=:\n\tpushq $%u\n\tpushq %%%u\n\t", pure ? 1 | (g->stores ? JIT_RAM_WRITE : 0) : 0, m->temp);
    emit_stop(e, &m->a, m->text, emit_site_before(e));
    add(m, "\n\tpopq %%%u\n\tpopq %%%u\n\t", m->temp, m->addend);
    entry_of_temp(m, m->addend);
    check_kinds(m, g, m->addend, ".Lx");
    add(m, "jmp .Lb%%=\n\t.subsection 0");
}

// The alignment with which one check of the base, rounded down to it, covers the group; 0 if there is none.
static int64_t covering_block(const EmitGroup *g)
{
    int64_t most = g->root.from_reg && g->root.number == 2 ? 16 : 8; // what the stack pointer has, and data
    for (int64_t k = 1; k <= most; k *= 2)
        if ((g->start & -k) == ((g->end - 1) & -k))
            return k;
    return 0;
}

static void lead(Emit *e, Access *m, EmitGroup *g)
{
    gcc_jit_block *cold = gcc_jit_function_new_block(e->fn, NULL);
    int64_t k = covering_block(g);
    if (k) {
        check_tag(e, m, plus(e, m->base, g->start & -k), PAGE_MASK | (uint64_t)(k - 1), cold);
    } else {
        check_tag(e, m, plus(e, m->base, g->start), PAGE_MASK, cold);
        check_tag(e, m, plus(e, m->base, g->end - 1), PAGE_MASK, cold);
    }
    unsigned other = m->a.n_out;
    emit_asm_output(&m->a, "=&r", emit_local(e, e->u64));
    lookup_operands(e, m);
    group_text(e, m, g, other);
    emit_asm(cold, &m->a, m->text->str);
    gcc_jit_block_end_with_jump(cold, emit_at, e->bb);
    g->addend = emit_local(e, e->char_ptr);
    gcc_jit_block_add_assignment(e->bb, emit_at, g->addend, rvalue(m->cache->addend));
}

void emit_load_runs(Emit *e, gcc_jit_block *bb)
{
    if (e->linear)
        gcc_jit_block_add_assignment(bb, emit_at, e->run_addend,
                                     rvalue(emit_env_ptr(e, offsetof(IrEnv, runs) + offsetof(TlbRuns, addend))));
}

// Offset in env of the run of the group's kind: the one where it is looked for first, or the other.
static size_t run_of(const EmitGroup *g, bool other)
{
    unsigned k = (g->second != other ? 2 : 0) + (g->stores ? ACCESS_WRITE : ACCESS_READ);
    return offsetof(IrEnv, runs) + offsetof(TlbRuns, run) + k * sizeof(((TlbRuns *)NULL)->run[0]);
}

// Compares the address in register `in`, which changes, with the run at `run`: below if it is inside.
static void compare_run(GString *text, size_t run, unsigned in)
{
    g_string_append_printf(text, "subq %zu(%%%%rbp), %%%u\n\tcmpq %zu(%%%%rbp), %%%u\n\t", run, in,
                           run + sizeof(uint64_t), in);
}

// Makes sure that the group is where the runs' addend says: that it lies in its run; if not in that, in the other one
// or on a page in the TLB that has the same addend. Else the region is left.
static void lead_run(Emit *e, Access *m, EmitGroup *g)
{
    gcc_jit_block *cold = gcc_jit_function_new_block(e->fn, NULL), *join = gcc_jit_function_new_block(e->fn, NULL);
    gcc_jit_lvalue *inside = emit_local(e, e->u8);
    g_autoptr(GString) test = g_string_new(NULL);
    EmitAsm a = {0};
    emit_asm_output(&a, "=r", emit_local(e, e->u64));
    emit_asm_output(&a, "=@ccb", inside);
    emit_asm_input(&a, g->start ? "r" : "0", m->base);
    if (g->start)
        g_string_printf(test, "leaq %d(%%2), %%0\n\t", (int)g->start);
    compare_run(test, run_of(g, false), 0);
    emit_asm(e->bb, &a, test->str);
    gcc_jit_block_end_with_conditional(e->bb, emit_at, emit_likely(e, emit_flag(e, inside), true), join, cold);
    e->bb = join;

    unsigned other = m->a.n_out;
    if (g->n > 1)
        emit_asm_output(&m->a, "=&r", emit_local(e, e->u64));
    lookup_operands(e, m);
    m->run = m->a.n_out + m->a.n_in;
    emit_asm_input(&m->a, "rm", rvalue(e->run_addend));
    add(m, "leaq %d(%%%u), %%%u\n\t", (int)g->start, m->addr, m->temp);
    compare_run(m->text, run_of(g, true), m->temp);
    add(m, "jb .Lf%%=\n\t");
    if (g->n > 1) {
        group_text(e, m, g, other);
    } else {
        lookup(m);
        check_addend(m, true);
        add(m, ".subsection 1\n.Lx%%=:\n\tpushq $0\n\tpushq $0\n\tjmp .Lc%%=\n\t.subsection 0");
        miss(e, m);
    }
    emit_asm(cold, &m->a, m->text->str);
    gcc_jit_block_end_with_jump(cold, emit_at, join);
}

static gcc_jit_lvalue *in_run(Emit *e, Access *m, unsigned i, gcc_jit_type *type)
{
    EmitGroup *g = emit_group(e, i);
    if (g && g->leader == i) // else the loop has checked it
        lead_run(e, m, g);
    g_string_free(m->text, TRUE);
    return host_at(e, e->run_addend, plus(e, m->base, m->offset), type);
}

// The host location of an access of `type`, by a page cache: GCC sees the hit; an asm statement on the cold way does
// the rest, so that the cache may stay where it is.
static gcc_jit_lvalue *cached(Emit *e, Access *m, unsigned i, gcc_jit_type *type)
{
    EmitGroup *g = emit_group(e, i);
    gcc_jit_rvalue *addr = plus(e, m->base, m->offset);
    if (g) {
        if (g->leader == i)
            lead(e, m, g);
        g_string_free(m->text, TRUE);
        return host_at(e, g->addend, addr, type);
    }
    gcc_jit_block *cold = gcc_jit_function_new_block(e->fn, NULL);
    check_tag(e, m, addr, PAGE_MASK | (m->size - 1), cold);
    lookup_operands(e, m);
    lookup(m);
    miss(e, m);
    emit_asm(cold, &m->a, m->text->str);
    gcc_jit_block_end_with_jump(cold, emit_at, e->bb);
    g_string_free(m->text, TRUE);
    return host_at(e, m->cache->addend, addr, type);
}

// Whether GCC is to see the access, hidden in no asm statement.
static bool inlined(const Emit *e, const Access *m, unsigned i)
{
    return m->cache || emit_is_safe(e, i) || (e->linear && emit_group(e, i));
}

static gcc_jit_lvalue *inline_access(Emit *e, Access *m, unsigned i, gcc_jit_type *type)
{
    return e->linear ? in_run(e, m, i, type) : cached(e, m, i, type);
}

// The whole access as one asm statement; that itself is `text`, in which %M stands for the host's memory.
static void uncached(Emit *e, Access *m, const char *text)
{
    const char *memory = strstr(text, "%M");
    lookup(m);
    add(m, "%.*s", (int)(memory - text), text);
    if (m->offset)
        add(m, "%d", m->offset);
    add(m, "(%%%u,%%%u)%s", m->addend, m->addr, memory + 2);
    miss(e, m);
    emit_asm(e->bb, &m->a, m->text->str);
    g_string_free(m->text, TRUE);
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

// Singles are doubles for GCC, of which the low word counts.
static void load_single(Emit *e, gcc_jit_lvalue *result, gcc_jit_rvalue *at)
{
    EmitAsm a = {.keep = e->shared};
    emit_asm_output(&a, "=x", result);
    emit_asm_input(&a, "m", at);
    emit_asm(e->bb, &a, "movss %1, %0");
}

static void store_single(Emit *e, gcc_jit_lvalue *at, gcc_jit_rvalue *v)
{
    EmitAsm a = {.keep = true};
    emit_asm_output(&a, "=m", at);
    emit_asm_input(&a, "x", v);
    emit_asm(e->bb, &a, "movss %1, %0");
}

void emit_load(Emit *e, unsigned i)
{
    static const char *const texts[] = {"movzbl %M, %k0", "movsbq %M, %0", "movzwl %M, %k0", "movswq %M, %0",
                                        "movl %M, %k0",   "movslq %M, %0", "movq %M, %0"};
    unsigned op = e->block->ops[i].op;
    gcc_jit_type *type = load_type(e, i);
    bool is_float = type == e->f64 || type == e->f32;
    Access m = {.size = 0};
    gcc_jit_lvalue *result = emit_local(e, is_float ? e->f64 : e->u64);
    start_access(e, &m, i);
    if (inlined(e, &m, i)) {
        gcc_jit_rvalue *v = rvalue(inline_access(e, &m, i, type));
        if (type == e->f32)
            load_single(e, result, v);
        else
            gcc_jit_block_add_assignment(e->bb, emit_at, result, is_float ? v : emit_cast(e, v, e->u64));
    } else {
        emit_asm_output(&m.a, is_float ? "=x" : "=r", result);
        lookup_operands(e, &m);
        uncached(e, &m, type == e->f64 ? "movsd %M, %0" : type == e->f32 ? "movss %M, %0" : texts[op - IR_OP_LD8U]);
    }
    emit_define(e, i, rvalue(result), 0, true);
}

static gcc_jit_rvalue *stored_float(Emit *e, const IrInst *store)
{
    if (store->op != IR_OP_ST32)
        return emit_use_fp(e, store->b);
    emit_have_low(e, store->b);
    return emit_raw_fp(e, store->b);
}

void emit_store(Emit *e, unsigned i)
{
    const IrInst *op = &e->block->ops[i];
    static const char *const texts[] = {"movb %%b%u, %%M", "movw %%w%u, %%M", "movl %%k%u, %%M", "movq %%%u, %%M"};
    gcc_jit_type *types[] = {e->u8, e->u16, e->u32, e->u64};
    gcc_jit_type *type = types[op->op - IR_OP_ST8];
    bool is_float = gcc_jit_rvalue_get_type(e->values[op->b].rv) == e->f64 && op->op >= IR_OP_ST32;
    Access m = {.size = 0};
    start_access(e, &m, i);
    if (inlined(e, &m, i)) {
        gcc_jit_lvalue *at = inline_access(e, &m, i, !is_float ? type : op->op == IR_OP_ST32 ? e->f32 : e->f64);
        if (is_float && op->op == IR_OP_ST32)
            store_single(e, at, stored_float(e, op));
        else
            gcc_jit_block_add_assignment(e->bb, emit_at, at,
                                         is_float ? stored_float(e, op) : emit_cast(e, emit_use(e, op->b), type));
        return;
    }
    lookup_operands(e, &m);
    unsigned number = m.a.n_out + m.a.n_in;
    emit_asm_input(&m.a, is_float ? "x" : "re",
                   is_float ? stored_float(e, op) : emit_cast(e, emit_use(e, op->b), type));
    g_autofree char *text = is_float ? g_strdup_printf("movs%c %%%u, %%M", op->op == IR_OP_ST32 ? 's' : 'd', number)
                                     : g_strdup_printf(texts[op->op - IR_OP_ST8], number);
    uncached(e, &m, text);
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
    gcc_jit_rvalue *args[3] = {emit_use(e, op->a), op->b == IR_NOVAL ? emit_u64(e, 0) : emit_use(e, op->b),
                               emit_u64(e, kind)};
    gcc_jit_lvalue *result = emit_local(e, e->u64);
    emit_call(e->bb, offsetof(IrEnv, atomic_slow), 3, args, result);
    char test[80];
    g_snprintf(test, sizeof test, "cmpq $0, %zu(%%%%rbp)", offsetof(IrEnv, exit_site));
    emit_leave_if(e, test, emit_site_before(e));
    emit_define(e, i, rvalue(result), 0, true);
}
