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
    return gcc_jit_context_new_array_access(e->ctx, NULL, e->env,
                                            gcc_jit_context_new_rvalue_from_int(e->ctx, e->i32, (int)(offset / 8)));
}

gcc_jit_lvalue *emit_env_reg(Emit *e, unsigned r)
{
    if (r < EMIT_F0)
        return emit_env_u64(e, offsetof(IrEnv, r) + 8 * r);
    gcc_jit_rvalue *env = gcc_jit_context_new_cast(e->ctx, NULL, e->env,
                                                   gcc_jit_type_get_pointer(e->f64));
    size_t index = offsetof(IrEnv, r) / 8 + r;
    return gcc_jit_context_new_array_access(e->ctx, NULL, env,
                                            gcc_jit_context_new_rvalue_from_int(e->ctx, e->i32, (int)index));
}

gcc_jit_lvalue *emit_env_ptr(Emit *e, size_t offset)
{
    gcc_jit_rvalue *env = gcc_jit_context_new_cast(e->ctx, NULL, e->env, e->char_ptr_ptr);
    return gcc_jit_context_new_array_access(e->ctx, NULL, env,
                                            gcc_jit_context_new_rvalue_from_int(e->ctx, e->i32, (int)(offset / 8)));
}

static gcc_jit_rvalue *rvalue(gcc_jit_lvalue *l)
{
    return gcc_jit_lvalue_as_rvalue(l);
}

typedef struct { // an access: one asm statement
    EmitAsm a;
    GString *text;
    unsigned addr, temp, addend, tag; // operand numbers
    int32_t offset;                   // to add to the address
    unsigned size;
    MemAccess access;
    const EmitCache *cache; // or NULL
} Access;

// The inputs and outputs that every access has, behind one output if it loads.
static void start_access(Emit *e, Access *m, unsigned i)
{
    const IrInst *op = &e->block->ops[i];
    int n = e->cache_of[e->block_index][i];
    gcc_jit_rvalue *addr = emit_use(e, op->a);
    m->cache = n < 0 ? NULL : &e->caches[n];
    m->offset = (int32_t)op->imm;
    if (m->offset != op->imm) {
        addr = emit_binary(e, GCC_JIT_BINARY_OP_PLUS, addr, emit_u64(e, (uint64_t)op->imm));
        m->offset = 0;
    }
    m->temp = m->a.n_out;
    emit_asm_output(&m->a, "=&r", emit_local(e, e->u64));
    m->addend = m->a.n_out;
    emit_asm_output(&m->a, m->cache ? "+&r" : "=&r", m->cache ? m->cache->addend : emit_local(e, e->char_ptr));
    if (m->cache) {
        m->tag = m->a.n_out;
        emit_asm_output(&m->a, "+&rm", m->cache->tag);
    }
    m->addr = m->a.n_out + m->a.n_in;
    emit_asm_input(&m->a, "r", addr);
    m->text = g_string_new(NULL);
}

static void add(Access *m, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void add(Access *m, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_string_append_vprintf(m->text, format, ap);
    va_end(ap);
}

static void address_to(Access *m, unsigned to)
{
    if (m->offset)
        add(m, "leaq %d(%%%u), %%%u\n\t", m->offset, m->addr, to);
    else
        add(m, "movq %%%u, %%%u\n\t", m->addr, to);
}

static void comparator_to_temp(Access *m)
{
    address_to(m, m->temp);
    add(m, "andq $%" G_GINT64_FORMAT ", %%%u\n\t", (gint64)(PAGE_MASK | (m->size - 1)), m->temp);
}

// The entry's address into the addend's register.
static void entry_to_addend(Access *m)
{
    address_to(m, m->addend);
    add(m, "shrq $%u, %%%u\n\tandq %zu(%%%%rbp), %%%u\n\taddq %zu(%%%%rbp), %%%u\n\t", PAGE_BITS - 5, m->addend,
        offsetof(IrEnv, tlb_mask), m->addend, offsetof(IrEnv, tlb_table), m->addend);
}

// Out of line: the TLB if that is behind a page cache, then the engine; back to .Lb with the addend.
static void miss(Emit *e, Access *m)
{
    add(m, "\n\t.subsection 1\n.Ls%%=:\n\t");
    if (m->cache) {
        // The comparator of the kind that is asked for less leniently: a page for both must allow both.
        MemAccess other = m->access == ACCESS_READ && m->cache->stores   ? ACCESS_WRITE
                          : m->access == ACCESS_WRITE && m->cache->loads ? ACCESS_READ
                                                                         : m->access;
        entry_to_addend(m);
        add(m, "cmpq %%%u, %u(%%%u)\n\tjne .Lm%%=\n\t", m->temp, 8 * m->access, m->addend);
        add(m, "movq %u(%%%u), %%%u\n\tmovq %%%u, %%%u\n\t", 8 * other, m->addend, m->temp, m->temp, m->tag);
        add(m, "movq %zu(%%%u), %%%u\n\tjmp .Lb%%=\n.Lm%%=:\n\t", offsetof(TlbEntry, addend), m->addend, m->addend);
    }
    add(m, "pushq $%u\n\t", m->size | (m->access == ACCESS_WRITE ? JIT_RAM_WRITE : 0));
    address_to(m, m->temp);
    add(m, "pushq %%%u\n\t", m->temp);
    emit_stop(e, &m->a, m->text, emit_site_before(e));
    add(m, "\n\tpopq %%%u\n\tpopq %%%u\n\t", m->temp, m->addend);
    if (m->cache)
        add(m, "movq $-1, %%%u\n\t", m->tag);
    add(m, "jmp .Lb%%=\n\t.subsection 0");
}

// The access itself is `text`, in which %M stands for the host's memory.
static void finish_access(Emit *e, Access *m, const char *text)
{
    GString *all = m->text;
    const char *memory = strstr(text, "%M");
    if (m->cache) {
        comparator_to_temp(m);
        add(m, "cmpq %%%u, %%%u\n\tjne .Ls%%=\n", m->tag, m->temp);
    } else {
        entry_to_addend(m);
        comparator_to_temp(m);
        add(m, "cmpq %%%u, %u(%%%u)\n\tjne .Ls%%=\n\tmovq %zu(%%%u), %%%u\n", m->temp, 8 * m->access, m->addend,
            offsetof(TlbEntry, addend), m->addend, m->addend);
    }
    add(m, ".Lb%%=:\n\t%.*s", (int)(memory - text), text);
    if (m->offset)
        add(m, "%d", m->offset);
    add(m, "(%%%u,%%%u)%s", m->addend, m->addr, memory + 2);
    miss(e, m);
    emit_asm(e->bb, &m->a, all->str);
    g_string_free(all, TRUE);
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
    static const char *const texts[] = {"movzbl %M, %k0", "movsbq %M, %0", "movzwl %M, %k0", "movswq %M, %0",
                                        "movl %M, %k0",   "movslq %M, %0", "movq %M, %0"};
    const IrInst *op = &e->block->ops[i];
    gcc_jit_type *type = load_type(e, i);
    bool is_float = type == e->f64 || type == e->f32;
    Access m = {.size = ir_op_size(op->op), .access = ACCESS_READ};
    gcc_jit_lvalue *result = emit_local(e, is_float ? type : e->u64);
    emit_asm_output(&m.a, is_float ? "=x" : "=r", result);
    start_access(e, &m, i);
    finish_access(e, &m, type == e->f64 ? "movsd %M, %0" : type == e->f32 ? "movss %M, %0" : texts[op->op - IR_OP_LD8U]);
    emit_define(e, i, rvalue(result), 0, true);
}

void emit_store(Emit *e, unsigned i)
{
    const IrInst *op = &e->block->ops[i];
    static const char *const texts[] = {"movb %%b%u, %%M", "movw %%w%u, %%M", "movl %%k%u, %%M", "movq %%%u, %%M"};
    gcc_jit_type *types[] = {e->u8, e->u16, e->u32, e->u64};
    gcc_jit_type *type = types[op->op - IR_OP_ST8];
    bool is_float = gcc_jit_rvalue_get_type(e->values[op->b].rv) == e->f64 && op->op >= IR_OP_ST32;
    Access m = {.size = ir_op_size(op->op), .access = ACCESS_WRITE};
    start_access(e, &m, i);
    gcc_jit_rvalue *v = is_float ? emit_use_fp(e, op->b) : emit_cast(e, emit_use(e, op->b), type);
    unsigned number = m.a.n_out + m.a.n_in;
    emit_asm_input(&m.a, is_float ? "x" : "re", v);
    g_autofree char *text = is_float ? g_strdup_printf("movs%c %%%u, %%M", op->op == IR_OP_ST32 ? 's' : 'd', number)
                                     : g_strdup_printf(texts[op->op - IR_OP_ST8], number);
    finish_access(e, &m, text);
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
    g_snprintf(test, sizeof test, "cmpq $0, %zu(%%%%rbp)\n\tjne .Ls%%=", offsetof(IrEnv, exit_site));
    emit_stop_if(e, e->bb, test, NULL, emit_site_before(e));
    emit_define(e, i, rvalue(result), 0, true);
}
