// SPDX-License-Identifier: GPL-3.0-or-later
// Loops whose accesses are checked before the loop, not in it.
//
// Where no page tables translate, an access is good if it lies in a run (tlb.h). An innermost loop retires at least so
// many instructions each time around, so `left` bounds how often it goes around before it leaves or tests `left`, and
// with that how far pointers get that only move by constants. A loop with such pointers exists twice: in front of it a
// block of its own, the choice, looks whether all they can reach lies in runs. Then the copy runs, in which these
// accesses are plain host ones; else the original, which checks each, and the choice looks again some rounds later.
// Control comes into the loop's middle by the original too, and gets to the choice at the round's end.
#include "backend/emit.h"

#define MAX_LOOP_INSNS 80
#define MAX_REGION_INSNS 600 // with copies
#define MIN_TRIPS 6          // a choice costs about as much as the checks of two or three rounds
#define MAX_MOVE 65536 // bytes a round
#define MAX_DEPTH 8
#define WAIT 16 // rounds
#define MAX_LEFT INT64_C(0x80000000) // far more than a slice

typedef struct { // of a register in a loop
    unsigned puts;
    bool moves;      // each put adds a constant
    int64_t up, down; // bounds of what one round adds
} Motion;

typedef struct {
    Emit *e;
    const IrCode *code;
    unsigned head, last; // of the original
    bool *body;          // by block, those of the loop
    Motion motion[EMIT_F0];
    EmitLoop loop;
} Find;

static bool term_of(EmitLinear *l, unsigned reg, int64_t factor)
{
    for (unsigned k = 0; k < l->n; k++)
        if (l->term[k].reg == reg) {
            l->term[k].factor += factor;
            return true;
        }
    if (l->n == G_N_ELEMENTS(l->term))
        return false;
    l->term[l->n].reg = (uint8_t)reg;
    l->term[l->n++].factor = factor;
    return true;
}

// Adds factor * value v of block b to *l, in terms of what the registers held at the start of b.
static bool add_value(const IrBlock *b, IrVal v, int64_t factor, unsigned depth, EmitLinear *l)
{
    const IrInst *op = &b->ops[v];
    if (!depth-- || factor > MAX_MOVE || factor < -MAX_MOVE)
        return false;
    switch (op->op) {
    case IR_OP_CONST:
        l->constant += (int64_t)((uint64_t)op->imm * (uint64_t)factor);
        return true;
    case IR_OP_GET:
        for (unsigned i = v; i-- > 0;)
            if (b->ops[i].op == IR_OP_PUT && b->ops[i].reg == op->reg)
                return add_value(b, b->ops[i].a, factor, depth, l);
        return op->reg < EMIT_F0 && term_of(l, op->reg, factor);
    case IR_OP_ADD:
        return add_value(b, op->a, factor, depth, l) && add_value(b, op->b, factor, depth, l);
    case IR_OP_SUB:
        return add_value(b, op->a, factor, depth, l) && add_value(b, op->b, -factor, depth, l);
    case IR_OP_SLL:
        return b->ops[op->b].op == IR_OP_CONST && (b->ops[op->b].imm & 63) < 16 &&
               add_value(b, op->a, factor * (1 << (b->ops[op->b].imm & 63)), depth, l);
    default:
        return false;
    }
}

static void note_put(Motion *m, const IrBlock *b, const IrInst *put)
{
    EmitLinear l = {0};
    m->puts++;
    if (!m->moves || !add_value(b, put->a, 1, MAX_DEPTH, &l) || l.n != 1 || l.term[0].reg != put->reg ||
        l.term[0].factor != 1 || l.constant > MAX_MOVE || l.constant < -MAX_MOVE) {
        m->moves = false;
        return;
    }
    *(l.constant > 0 ? &m->up : &m->down) += l.constant;
}

static void find_motion(Find *f)
{
    for (unsigned r = 0; r < EMIT_F0; r++)
        f->motion[r] = (Motion){.moves = true};
    for (unsigned n = f->head; n <= f->last; n++) {
        const IrBlock *b = f->code->blocks[n];
        bool seen[EMIT_F0] = {false};
        for (unsigned i = b->n_ops; f->body[n] && i-- > 0;) { // the last put says what the block adds in all
            const IrInst *op = &b->ops[i];
            if (op->op != IR_OP_PUT || op->reg >= EMIT_F0)
                continue;
            if (!seen[op->reg])
                note_put(&f->motion[op->reg], b, op);
            seen[op->reg] = true;
        }
    }
}

static bool same_terms(const EmitLinear *a, const EmitLinear *b)
{
    for (unsigned k = 0; k < a->n && k < b->n; k++)
        if (a->term[k].reg != b->term[k].reg || a->term[k].factor != b->term[k].factor)
            return false;
    return a->n == b->n;
}

// Adds a range, or widens one that there is. False: no room.
static bool add_range(EmitLoop *loop, const EmitRange *new)
{
    for (unsigned k = 0; k < loop->n; k++) {
        EmitRange *r = &loop->range[k];
        int64_t first = MIN(r->first, new->first), last = MAX(r->last, new->last);
        if (r->stores != new->stores || !same_terms(&r->at, &new->at) ||
            (uint64_t)last - (uint64_t)first > MAX_MOVE)
            continue;
        r->first = first;
        r->last = last;
        return true;
    }
    if (loop->n == G_N_ELEMENTS(loop->range))
        return false;
    loop->range[loop->n++] = *new;
    return true;
}

// Whether access i of block b is one that the choice can vouch for; adds it to the ranges then.
static bool hoist(Find *f, const IrBlock *b, unsigned i)
{
    const IrInst *op = &b->ops[i];
    EmitRange r = {.stores = ir_is_store(op->op)};
    if (op->imm != (int32_t)op->imm || !add_value(b, op->a, 1, MAX_DEPTH, &r.at))
        return false;
    for (unsigned k = 0; k < r.at.n; k++) {
        const Motion *m = &f->motion[r.at.term[k].reg];
        int64_t factor = r.at.term[k].factor;
        if (!m->moves)
            return false;
        r.up += factor * (factor > 0 ? m->up : m->down);
        r.down += factor * (factor > 0 ? m->down : m->up);
        r.second |= f->e->second_regs >> r.at.term[k].reg & 1;
    }
    if (r.up > MAX_MOVE || r.down < -MAX_MOVE)
        return false;
    r.first = r.last = (int64_t)((uint64_t)r.at.constant + (uint64_t)op->imm);
    return add_range(&f->loop, &r);
}

static bool is_branch(const IrBlock *b)
{
    unsigned last = b->ops[b->n_ops - 1].op;
    return last == IR_OP_JUMP || ir_is_br(last);
}

// Finds the blocks between head and last that lie on ways around. False: they have inner loops, or other ways out than
// branches.
static bool find_body(Find *f)
{
    g_autofree bool *from_head = g_new0(bool, f->code->n_blocks);
    int32_t to[2];
    memset(f->body, 0, f->code->n_blocks * sizeof *f->body);
    from_head[f->head] = true;
    for (unsigned n = f->head; n <= f->last; n++)
        for (unsigned k = from_head[n] && is_branch(f->code->blocks[n]) ? emit_successors(f->code->blocks[n], to) : 0;
             k-- > 0;)
            if ((unsigned)to[k] > n && (unsigned)to[k] <= f->last)
                from_head[to[k]] = true;
    for (unsigned n = f->last + 1; n-- > f->head;)
        for (unsigned k = from_head[n] && is_branch(f->code->blocks[n]) ? emit_successors(f->code->blocks[n], to) : 0;
             k-- > 0;)
            f->body[n] |= (unsigned)to[k] == f->head || ((unsigned)to[k] > n && (unsigned)to[k] <= f->last &&
                                                         f->body[to[k]]);
    for (unsigned n = f->head; n <= f->last; n++)
        for (unsigned k = f->body[n] ? emit_successors(f->code->blocks[n], to) : 0; k-- > 0;)
            if ((unsigned)to[k] <= n && (unsigned)to[k] != f->head && f->body[to[k]])
                return false;
    return f->body[f->head];
}

// Nothing but accesses that may leave, and what computes.
static bool is_plain(const Find *f)
{
    for (unsigned n = f->head; n <= f->last; n++)
        for (unsigned i = 0; f->body[n] && i < f->code->blocks[n]->n_ops; i++) {
            unsigned op = f->code->blocks[n]->ops[i].op;
            uint8_t flags = ir_op_info[op].flags;
            if ((flags & (IRF_READ | IRF_WRITE)) && !ir_is_load(op) && !ir_is_store(op))
                return false;
        }
    return true;
}

// The least number of instructions of a round, and in *all those of the loop.
static unsigned shortest_round(const Find *f, unsigned *all)
{
    unsigned n_blocks = f->last - f->head + 1, best = UINT_MAX;
    g_autofree unsigned *least = g_new(unsigned, n_blocks); // up to the end of the block
    int32_t to[2];
    *all = 0;
    for (unsigned n = 0; n < n_blocks; n++)
        least[n] = UINT_MAX;
    least[0] = 0;
    for (unsigned n = f->head; n <= f->last; n++) {
        const IrBlock *b = f->code->blocks[n];
        if (!f->body[n])
            continue;
        *all += b->n_insns;
        least[n - f->head] += b->n_insns;
        for (unsigned k = emit_successors(b, to); k-- > 0;) {
            unsigned t = (unsigned)to[k];
            if (t == f->head)
                best = MIN(best, least[n - f->head]);
            else if (t > n && t <= f->last && f->body[t])
                least[t - f->head] = MIN(least[t - f->head], least[n - f->head]);
        }
    }
    return best;
}

// As far as the counts say; a way in from outside the region does not count.
static bool goes_around(const Find *f)
{
    uint64_t in = 0;
    for (unsigned n = 0; n < f->code->n_blocks; n++) {
        const IrBlock *b = f->code->blocks[n];
        g_autofree int32_t *to = g_new(int32_t, b->n_guess + 2);
        for (unsigned k = emit_successors(b, to); k-- > 0 && !f->body[n];)
            if ((unsigned)to[k] == f->head)
                in += b->count;
    }
    return f->code->blocks[f->head]->count / MIN_TRIPS >= in;
}

static void redirect(IrBlock *b, int32_t from, int32_t to)
{
    for (unsigned k = 0; k < 2; k++)
        if (b->edge[k].block == from)
            b->edge[k].block = to;
    for (unsigned k = 0; k < b->n_guess; k++)
        if (b->guess[k].block == from)
            b->guess[k].block = to;
}

// A block that reads what the ranges are made of, so that it is live there, and stands for the choice.
static IrBlock *choice_block(const Find *f)
{
    const IrBlock *head = f->code->blocks[f->head];
    IrBlock *b = ir_block_new(head->pc);
    IrVal v = ir_const(b, 0);
    for (unsigned k = 0; k < f->loop.n; k++)
        for (unsigned t = 0; t < f->loop.range[k].at.n; t++)
            v = ir_get(b, f->loop.range[k].at.term[t].reg);
    ir_emit(b, IR_OP_BR_EQ, 0, v, v, 0);
    b->is_entry = head->is_entry;
    b->count = head->count;
    return b;
}

// Puts choice and copy behind all blocks. The original is cold from now on.
static void copy_loop(Find *f, const bool *const *safe)
{
    Emit *e = f->e;
    IrCode *code = e->code;
    unsigned old = code->n_blocks, choice = ir_code_add(code, choice_block(f));
    g_autofree int32_t *copy = g_new(int32_t, old);
    for (unsigned n = 0; n < old; n++)
        redirect(code->blocks[n], (int32_t)f->head, (int32_t)choice);
    for (unsigned n = f->head; n <= f->last; n++)
        if (f->body[n]) {
            IrBlock *b = ir_block_copy(code->blocks[n]);
            b->is_entry = false;
            copy[n] = (int32_t)ir_code_add(code, b);
        }
    e->safe = g_renew(bool *, e->safe, code->n_blocks);
    for (unsigned n = old; n < code->n_blocks; n++)
        e->safe[n] = NULL;
    for (unsigned n = f->head; n <= f->last; n++) {
        if (!f->body[n])
            continue;
        IrBlock *b = code->blocks[copy[n]];
        for (unsigned k = 0; k < 2; k++) {
            int32_t to = b->edge[k].block == (int32_t)choice ? (int32_t)f->head : b->edge[k].block;
            if (to >= 0 && (unsigned)to < old && f->body[to])
                b->edge[k].block = copy[to];
        }
        e->safe[copy[n]] = g_memdup2(safe[n], b->n_ops * sizeof(bool));
        code->blocks[n]->count /= 64;
        code->blocks[n]->leaves /= 64;
    }
    code->blocks[f->head]->is_entry = false;
    code->blocks[choice]->edge[0] = (IrEdge){copy[f->head], code->blocks[choice]->pc};
    code->blocks[choice]->edge[1] = (IrEdge){(int32_t)f->head, code->blocks[choice]->pc};
    f->loop.choice = choice;
    g_array_append_val(e->loops, f->loop);
}

static void try_loop(Find *f, unsigned *n_insns)
{
    unsigned all, n_blocks = f->code->n_blocks;
    if (!find_body(f) || !is_plain(f) || !goes_around(f))
        return;
    f->loop = (EmitLoop){.round = shortest_round(f, &all)};
    if (all > MAX_LOOP_INSNS || *n_insns + all > MAX_REGION_INSNS || !f->loop.round || f->loop.round == UINT_MAX)
        return;
    g_autofree bool **safe = g_new0(bool *, n_blocks);
    find_motion(f);
    for (unsigned n = f->head; n <= f->last; n++) {
        const IrBlock *b = f->code->blocks[n];
        safe[n] = g_new0(bool, b->n_ops);
        for (unsigned i = 0; i < b->n_ops && f->body[n]; i++)
            if (ir_is_load(b->ops[i].op) || ir_is_store(b->ops[i].op))
                safe[n][i] = hoist(f, b, i);
    }
    if (f->loop.n) {
        copy_loop(f, (const bool *const *)safe);
        *n_insns += all;
    }
    for (unsigned n = f->head; n <= f->last; n++)
        g_free(safe[n]);
}

void emit_split_loops(Emit *e)
{
    unsigned n_blocks = e->code->n_blocks, n_insns = 0;
    Find f = {.e = e, .code = e->code};
    e->loops = g_array_new(FALSE, FALSE, sizeof(EmitLoop));
    e->safe = g_new0(bool *, n_blocks);
    for (unsigned n = 0; n < n_blocks; n++)
        n_insns += e->code->blocks[n]->n_insns;
    for (unsigned head = 0; head < n_blocks && e->linear; head++) {
        f.head = head;
        f.last = UINT_MAX;
        for (unsigned n = head; n < n_blocks; n++) {
            int32_t to[2];
            for (unsigned k = is_branch(e->code->blocks[n]) ? emit_successors(e->code->blocks[n], to) : 0; k-- > 0;)
                if ((unsigned)to[k] == head)
                    f.last = n;
        }
        f.body = g_new0(bool, e->code->n_blocks);
        if (f.last != UINT_MAX)
            try_loop(&f, &n_insns);
        g_free(f.body);
    }
    e->total_insns = n_insns;
}

void emit_free_loops(Emit *e)
{
    for (unsigned n = 0; n < e->code->n_blocks; n++)
        g_free(e->safe[n]);
    g_free(e->safe);
    g_array_free(e->loops, TRUE);
}

bool emit_is_safe(const Emit *e, unsigned i)
{
    return e->safe[e->block_index] && e->safe[e->block_index][i];
}

static gcc_jit_rvalue *rvalue(gcc_jit_lvalue *l)
{
    return gcc_jit_lvalue_as_rvalue(l);
}

// A local with the lowest or highest address that the range gets to until `more` instructions are retired.
static gcc_jit_rvalue *reach_of(Emit *e, const EmitLoop *loop, const EmitRange *r, gcc_jit_rvalue *more, bool up)
{
    gcc_jit_rvalue *v = emit_u64(e, (uint64_t)(up ? r->last + r->up : r->first + r->down));
    int64_t move = up ? r->up : -r->down, round = (int64_t)loop->round;
    for (unsigned k = 0; k < r->at.n; k++) {
        gcc_jit_rvalue *reg = rvalue(e->reg[r->at.term[k].reg]);
        if (r->at.term[k].factor != 1)
            reg = emit_binary(e, GCC_JIT_BINARY_OP_MULT, reg, emit_u64(e, (uint64_t)r->at.term[k].factor));
        v = emit_binary(e, GCC_JIT_BINARY_OP_PLUS, reg, v);
    }
    if (move) {
        gcc_jit_rvalue *far = emit_binary(e, GCC_JIT_BINARY_OP_MULT, more,
                                          emit_u64(e, (uint64_t)((move + round - 1) / round)));
        v = emit_binary(e, up ? GCC_JIT_BINARY_OP_PLUS : GCC_JIT_BINARY_OP_MINUS, v, far);
    }
    gcc_jit_lvalue *keep = emit_local(e, e->u64);
    gcc_jit_block_add_assignment(e->bb, emit_at, keep, v);
    return rvalue(keep);
}

static void go_on_if(Emit *e, gcc_jit_rvalue *condition, gcc_jit_block *otherwise)
{
    gcc_jit_block *next = gcc_jit_function_new_block(e->fn, NULL);
    gcc_jit_block_end_with_conditional(e->bb, emit_at, emit_likely(e, condition, true), next, otherwise);
    e->bb = next;
}

// Text: flags "below" if both ends are in run k; else goes to `to` with others.
static void in_run(GString *text, unsigned k, const char *to)
{
    size_t run = offsetof(IrEnv, runs) + offsetof(TlbRuns, run) + k * sizeof(((TlbRuns *)NULL)->run[0]);
    for (unsigned end = 2; end <= 3; end++)
        g_string_append_printf(text, "movq %%%u, %%0\n\tsubq %zu(%%%%rbp), %%0\n\tcmpq %zu(%%%%rbp), %%0\n\t%s%s%s",
                               end, run, run + sizeof(uint64_t), end == 2 ? "jae " : "", end == 2 ? to : "",
                               end == 2 ? "\n\t" : "");
}

static gcc_jit_rvalue *range_in_run(Emit *e, const EmitRange *r, gcc_jit_rvalue *low, gcc_jit_rvalue *high)
{
    g_autoptr(GString) text = g_string_new(NULL);
    unsigned kind = r->stores ? ACCESS_WRITE : ACCESS_READ, likely = kind + (r->second ? 2 : 0);
    gcc_jit_lvalue *inside = emit_local(e, e->u8);
    EmitAsm a = {0};
    emit_asm_output(&a, "=&r", emit_local(e, e->u64));
    emit_asm_output(&a, "=@ccb", inside);
    emit_asm_input(&a, "r", low);
    emit_asm_input(&a, "r", high);
    in_run(text, likely, ".Lo%=");
    g_string_append(text, "\n.Lf%=:\n\t.subsection 1\n.Lo%=:\n\t");
    in_run(text, likely ^ 2, ".Lf%=");
    g_string_append(text, "jmp .Lf%=\n\t.subsection 0");
    emit_asm(e->bb, &a, text->str);
    return emit_flag(e, inside);
}

void emit_start_loops(Emit *e, gcc_jit_block *bb)
{
    for (unsigned k = 0; k < e->loops->len; k++) {
        EmitLoop *loop = &g_array_index(e->loops, EmitLoop, k);
        gcc_jit_block_add_assignment(bb, emit_at, loop->wait, gcc_jit_context_zero(e->ctx, e->i32));
    }
}

const EmitLoop *emit_loop_at(const Emit *e, unsigned n)
{
    for (unsigned k = 0; k < e->loops->len; k++)
        if (g_array_index(e->loops, EmitLoop, k).choice == n)
            return &g_array_index(e->loops, EmitLoop, k);
    return NULL;
}

// `left` may be negative here, by less than the instructions of all blocks: there are tests on every way around.
void emit_choice(Emit *e, const EmitLoop *loop)
{
    const IrBlock *b = e->block;
    gcc_jit_block *copy = emit_edge(e, &b->edge[0], e->block_index);
    gcc_jit_block *original = emit_edge(e, &b->edge[1], e->block_index);
    gcc_jit_lvalue *more = emit_local(e, e->u64);
    gcc_jit_block *wait = gcc_jit_function_new_block(e->fn, NULL), *fail = gcc_jit_function_new_block(e->fn, NULL);
    gcc_jit_rvalue *zero = gcc_jit_context_zero(e->ctx, e->i32), *one = gcc_jit_context_one(e->ctx, e->i32);
    go_on_if(e, gcc_jit_context_new_comparison(e->ctx, emit_at, GCC_JIT_COMPARISON_EQ, rvalue(loop->wait), zero), wait);
    gcc_jit_block_add_assignment_op(wait, emit_at, loop->wait, GCC_JIT_BINARY_OP_MINUS, one);
    gcc_jit_block_end_with_jump(wait, emit_at, original);
    gcc_jit_block_add_assignment(fail, emit_at, loop->wait, gcc_jit_context_new_rvalue_from_int(e->ctx, e->i32, WAIT));
    gcc_jit_block_end_with_jump(fail, emit_at, original);
    gcc_jit_block_add_assignment(e->bb, emit_at, more,
                                 emit_binary(e, GCC_JIT_BINARY_OP_PLUS, emit_cast(e, rvalue(e->left), e->u64),
                                             emit_u64(e, e->total_insns)));
    go_on_if(e, gcc_jit_context_new_comparison(e->ctx, emit_at, GCC_JIT_COMPARISON_LT, rvalue(more),
                                               emit_u64(e, (uint64_t)MAX_LEFT)), fail);
    for (unsigned k = 0; k < loop->n; k++) {
        const EmitRange *r = &loop->range[k];
        gcc_jit_rvalue *low = reach_of(e, loop, r, rvalue(more), false);
        gcc_jit_rvalue *high = reach_of(e, loop, r, rvalue(more), true);
        go_on_if(e, range_in_run(e, r, low, high), fail);
    }
    gcc_jit_block_end_with_jump(e->bb, emit_at, copy);
    e->bb = NULL;
}
