// SPDX-License-Identifier: GPL-3.0-or-later
// In which forms floating-point values are: how much of their bits counts.
//
// Boxing a single and making a NaN the canonical one cost more than the operation, and hardly anybody looks. So both
// are put off until somebody does: a store, a move to an integer register, a sign operation, a way out. Side tables say
// what is to be done there. A value can have several forms at once; where ways meet, it keeps those that all of them
// have, and if there are none, edges convert. Entries make sure that registers have the forms of their block, or leave.
#include "backend/emit.h"

#define ALL_FORMS (EMIT_BITS | EMIT_DOUBLE | EMIT_LOW | EMIT_SINGLE)

typedef uint8_t Forms[EMIT_N_FP]; // by register

typedef enum { USE_NONE, USE_SINGLE, USE_OTHER } Use; // what a register is first used as

typedef struct {
    Emit *e;
    bool **wants_bits; // by block and op
    Forms *entry;      // by block: what the entry makes sure of
    Forms *fixed;      // by block: nonzero where edges convert
    uint8_t *values;   // of one block
} Flow;

bool emit_reads_single(unsigned op)
{
    bool single = ir_is_fp(op) && (op - IR_OP_FADD32) % 2 == 0;
    return op == IR_OP_F32TO64 || op == IR_OP_UNBOX32 || op == IR_OP_FSGNJ32 || op == IR_OP_FSGNJN32 ||
           op == IR_OP_FSGNJX32 || (single && op != IR_OP_F64TO32 && op != IR_OP_ITOF32);
}

static bool uses(const IrInst *op, unsigned i)
{
    return op->op != IR_OP_INSN && (op->a == i || op->b == i || op->c == i);
}

// Does an op of the block tell the canonical NaN from others in value i?
static bool wants_bits(const Emit *e, const IrBlock *b, unsigned i)
{
    for (unsigned k = i + 1; k < b->n_ops; k++) {
        const IrInst *op = &b->ops[k];
        bool put = op->op == IR_OP_PUT && op->reg >= EMIT_F0 && !(e->eager >> op->reg & 1);
        bool computes = ir_is_fp(op->op) && op->op != IR_OP_ITOF32 && op->op != IR_OP_ITOF64;
        bool absolute = (op->op == IR_OP_FSGNJX32 || op->op == IR_OP_FSGNJX64) && op->a == op->b; // keeps the form
        if (uses(op, i) && !put && !computes && !absolute)
            return true;
    }
    return false;
}

static bool is_nan32(uint32_t v)
{
    return v << 1 > UINT32_C(0xff000000);
}

static uint8_t const_form(uint64_t v)
{
    if (v >> 32 == UINT32_MAX)
        return is_nan32((uint32_t)v) ? EMIT_BITS | EMIT_LOW : EMIT_BITS | EMIT_LOW | EMIT_SINGLE;
    return v << 1 > UINT64_C(0xffe0000000000000) ? EMIT_BITS : EMIT_BITS | EMIT_DOUBLE;
}

static uint8_t box_form(const IrInst *a)
{
    return a->op == IR_OP_CONST && !is_nan32((uint32_t)a->imm) ? EMIT_LOW | EMIT_SINGLE : EMIT_LOW;
}

// fabs keeps the forms; what may make a NaN negative does not.
static uint8_t sign_form(const IrInst *op, const uint8_t *values)
{
    bool single = emit_reads_single(op->op);
    uint8_t exact = single ? EMIT_LOW : EMIT_BITS, a = values[op->a] & (single ? EMIT_LOW | EMIT_SINGLE
                                                                                : EMIT_BITS | EMIT_DOUBLE);
    bool negates = op->op == IR_OP_FSGNJN32 || op->op == IR_OP_FSGNJN64;
    return op->a != op->b || negates || !a ? exact : a;
}

// Forms of value i, by those of the values before it.
static uint8_t value_form(const IrBlock *b, unsigned i, const uint8_t *values, bool bits)
{
    const IrInst *op = &b->ops[i];
    uint8_t low;
    switch (op->op) {
    case IR_OP_CONST:
        return const_form((uint64_t)op->imm);
    case IR_OP_BOX32:
        return box_form(&b->ops[op->a]);
    case IR_OP_UNBOX32:
        low = values[op->a] & (EMIT_LOW | EMIT_SINGLE);
        return low ? low : EMIT_LOW;
    case IR_OP_FSGNJ32:
    case IR_OP_FSGNJ64:
    case IR_OP_FSGNJN32:
    case IR_OP_FSGNJN64:
    case IR_OP_FSGNJX32:
    case IR_OP_FSGNJX64:
        return sign_form(op, values);
    case IR_OP_FMADD32:
    case IR_OP_FMIN32:
    case IR_OP_FMAX32:
    case IR_OP_ITOF32:
        return EMIT_LOW | EMIT_SINGLE;
    case IR_OP_FMADD64:
    case IR_OP_FMIN64:
    case IR_OP_FMAX64:
    case IR_OP_ITOF64:
        return EMIT_BITS | EMIT_DOUBLE;
    default:
        break;
    }
    if (op->op == IR_OP_F64TO32 || (op->op >= IR_OP_FADD32 && op->op <= IR_OP_FSQRT64 && emit_reads_single(op->op)))
        return bits ? EMIT_LOW | EMIT_SINGLE : EMIT_SINGLE;
    if (op->op == IR_OP_F32TO64 || (op->op >= IR_OP_FADD32 && op->op <= IR_OP_FSQRT64))
        return bits ? EMIT_BITS | EMIT_DOUBLE : EMIT_DOUBLE;
    return EMIT_BITS;
}

// Runs over block n: fills values, and makes of the registers' forms at its start those at its end.
static void run_block(const Emit *e, const bool *wants, unsigned n, uint8_t *values, uint8_t *regs)
{
    const IrBlock *b = e->code->blocks[n];
    for (unsigned i = 0; i < b->n_ops; i++) {
        const IrInst *op = &b->ops[i];
        values[i] = EMIT_BITS;
        if (op->op == IR_OP_INSN)
            continue;
        if (op->op == IR_OP_PUT && op->reg >= EMIT_F0)
            regs[op->reg - EMIT_F0] = values[op->a] | (e->eager >> op->reg & 1 ? EMIT_BITS : 0);
        else if (op->op == IR_OP_GET)
            values[i] = op->reg >= EMIT_F0 ? regs[op->reg - EMIT_F0] : EMIT_BITS;
        else if (op->op != IR_OP_PUT)
            values[i] = value_form(b, i, values, wants[i]);
    }
}

// Meets the forms at the start of block `to` with those on an edge to it. False: it was found that edges must convert.
static bool meet(Flow *f, unsigned to, const uint8_t *out, bool *changed)
{
    const uint8_t low = EMIT_LOW | EMIT_SINGLE;
    for (unsigned r = 0; r < EMIT_N_FP; r++) {
        uint8_t *in = &f->e->form_in[to][r], *fixed = &f->fixed[to][r], both = *in & out[r];
        if (*fixed == EMIT_BITS || both == *in)
            continue;
        if (*fixed ? (out[r] & low) != 0 : both != 0) {
            *changed |= !*fixed;
            *in = *fixed ? *in : both;
            continue;
        }
        *fixed = !*fixed && (*in & low) && (out[r] & low) ? EMIT_LOW : EMIT_BITS;
        return false;
    }
    return true;
}

static bool propagate(Flow *f)
{
    const IrCode *code = f->e->code;
    for (unsigned n = 0; n < code->n_blocks; n++)
        for (unsigned r = 0; r < EMIT_N_FP; r++)
            f->e->form_in[n][r] = f->fixed[n][r] ? f->fixed[n][r] : f->entry[n][r];
    for (bool again = true; again;) {
        again = false;
        for (unsigned n = 0; n < code->n_blocks; n++) {
            const IrBlock *b = code->blocks[n];
            g_autofree int32_t *to = g_new(int32_t, b->n_guess + 2);
            Forms out;
            memcpy(out, f->e->form_in[n], sizeof out);
            run_block(f->e, f->wants_bits[n], n, f->values, out);
            for (unsigned k = emit_successors(b, to); k-- > 0;)
                if (!meet(f, (unsigned)to[k], out, &again))
                    return false;
        }
    }
    return true;
}

static Use value_use(const IrBlock *b, unsigned i)
{
    Use use = USE_NONE;
    for (unsigned k = i + 1; k < b->n_ops; k++) {
        const IrInst *op = &b->ops[k];
        if (!uses(op, i))
            continue;
        if (!emit_reads_single(op->op) && op->op != IR_OP_ST32)
            return USE_OTHER;
        use = USE_SINGLE;
    }
    return use;
}

static Use first_use(const Emit *e, Use *const *use_in, unsigned n, unsigned r)
{
    const IrBlock *b = e->code->blocks[n];
    g_autofree int32_t *to = g_new(int32_t, b->n_guess + 2);
    Use use = USE_NONE;
    for (unsigned i = 0; i < b->n_ops; i++) {
        const IrInst *op = &b->ops[i];
        if (op->op == IR_OP_GET && op->reg == r)
            return value_use(b, i);
        if (op->op == IR_OP_PUT && op->reg == r)
            return USE_NONE;
    }
    for (unsigned k = emit_successors(b, to); k-- > 0;)
        use = MAX(use, use_in[to[k]][r - EMIT_F0]);
    return use;
}

static void find_uses(const Emit *e, Use *const *use_in)
{
    for (bool again = true; again;) {
        again = false;
        for (unsigned n = e->code->n_blocks; n-- > 0;)
            for (unsigned r = EMIT_F0; r < IR_NREGS; r++) {
                Use use = e->used_regs >> r & 1 ? first_use(e, use_in, n, r) : USE_NONE;
                again |= use != use_in[n][r - EMIT_F0];
                use_in[n][r - EMIT_F0] = use;
            }
    }
}

static bool has_loop(const IrCode *code)
{
    for (unsigned n = 0; n < code->n_blocks; n++) {
        const IrBlock *b = code->blocks[n];
        g_autofree int32_t *to = g_new(int32_t, b->n_guess + 2);
        for (unsigned k = emit_successors(b, to); k-- > 0;)
            if ((unsigned)to[k] <= n)
                return true;
    }
    return false;
}

// What no put determines has the form in which env has it. But singles that loops use are better unboxed once, before.
static void settle_entries(Flow *f)
{
    const Emit *e = f->e;
    unsigned n_blocks = e->code->n_blocks;
    g_autofree Use *all = g_new0(Use, n_blocks * EMIT_N_FP);
    g_autofree Use **use_in = g_new(Use *, n_blocks);
    bool loop = has_loop(e->code);
    for (unsigned n = 0; n < n_blocks; n++)
        use_in[n] = all + n * EMIT_N_FP;
    if (loop)
        find_uses(e, use_in);
    for (unsigned n = 0; n < n_blocks; n++)
        for (unsigned r = 0; r < EMIT_N_FP; r++)
            if (e->code->blocks[n]->is_entry && e->form_in[n][r] == ALL_FORMS)
                f->entry[n][r] = EMIT_BITS | (use_in[n][r] == USE_SINGLE ? EMIT_LOW : 0);
}

void emit_find_forms(Emit *e)
{
    unsigned n_blocks = e->code->n_blocks, most = 1;
    e->form_in = g_new(Forms, n_blocks);
    e->wants_bits = g_new(bool *, n_blocks);
    for (unsigned n = 0; n < n_blocks; n++) {
        const IrBlock *b = e->code->blocks[n];
        e->wants_bits[n] = g_new0(bool, b->n_ops);
        most = MAX(most, b->n_ops);
        for (unsigned i = 0; i < b->n_ops; i++)
            if (ir_is_fp(b->ops[i].op))
                e->wants_bits[n][i] = wants_bits(e, b, i);
    }
    Flow f = {.e = e, .wants_bits = e->wants_bits, .entry = g_new(Forms, n_blocks), .fixed = g_new0(Forms, n_blocks),
              .values = g_new(uint8_t, most)};
    memset(f.entry, ALL_FORMS, n_blocks * sizeof *f.entry);
    if (!(e->used_regs >> EMIT_F0))
        memset(f.entry, EMIT_BITS, n_blocks * sizeof *f.entry);
    while (!propagate(&f))
        ;
    settle_entries(&f);
    while (!propagate(&f))
        ;
    g_free(f.entry);
    g_free(f.fixed);
    g_free(f.values);
}

void emit_block_forms(Emit *e)
{
    Forms regs;
    memcpy(e->form, e->form_in[e->block_index], sizeof e->form);
    memcpy(regs, e->form, sizeof regs);
    e->form_of = g_renew(uint8_t, e->form_of, e->block->n_ops);
    run_block(e, e->wants_bits[e->block_index], e->block_index, e->form_of, regs);
}

void emit_free_forms(Emit *e)
{
    for (unsigned n = 0; n < e->code->n_blocks; n++)
        g_free(e->wants_bits[n]);
    g_free(e->wants_bits);
    g_free(e->form_in);
    g_free(e->form_of);
}
