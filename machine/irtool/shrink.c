// SPDX-License-Identifier: GPL-3.0-or-later
// Makes a failing case smaller: how long it runs, where it starts, and its blocks.
#include "machine/irtool/reduce.h"

#include <string.h>

bool reduce_out_of_time(const Reduce *r)
{
    return g_get_monotonic_time() >= r->deadline;
}

bool reduce_fails(Reduce *r, IrCase *c)
{
    GError *error = NULL;
    r->tries++;
    char *what = ir_case_finish(c, &error) ? case_check(r->tools, c, r->tier, &r->options, &error) : NULL;
    bool fails = what && !error;
    g_free(what);
    g_clear_error(&error);
    return fails;
}

bool reduce_try(Reduce *r, IrCase **best, IrCase *candidate)
{
    bool fails = !reduce_out_of_time(r) && reduce_fails(r, candidate);
    if (fails) {
        ir_case_free(*best);
        *best = candidate;
    } else {
        ir_case_free(candidate);
    }
    return fails;
}

unsigned shrink_insns(const IrCode *code)
{
    unsigned n = 0;
    for (unsigned i = 0; i < code->n_blocks; i++)
        n += code->blocks[i]->n_insns;
    return n;
}

// --- memory as lines ------------------------------------------------------------------------------

static CaseMem *line_of(const IrCase *c, uint64_t addr)
{
    for (unsigned i = 0; i < c->mem->len; i++) {
        CaseMem *m = &g_array_index(c->mem, CaseMem, i);
        if (addr - m->addr < m->len)
            return m;
    }
    return NULL;
}

void case_set_byte(IrCase *c, uint64_t addr, uint8_t v)
{
    CaseMem *m = line_of(c, addr);
    if (m) {
        m->bytes[addr - m->addr] = v;
    } else if (v) {
        CaseMem line = {.addr = addr, .len = 1, .bytes = {v}};
        g_array_append_val(c->mem, line);
    }
}

// --- how long, and from where ---------------------------------------------------------------------

static bool fewer_instructions(Reduce *r, IrCase **best)
{
    for (int64_t left = 1; left < (*best)->left; left += 1 + left / 4) {
        IrCase *c = ir_case_copy(*best);
        c->left = left;
        if (reduce_try(r, best, c))
            return true;
        if (reduce_out_of_time(r))
            break;
    }
    return false;
}

// Compiled code looks at what is left now and then only: says how much it really does.
static void say_instructions(Reduce *r, IrCase **best)
{
    g_autoptr(CaseRun) run = case_run(r->tools, *best, r->tier, &r->options, NULL);
    if (!run || !run->insns || (int64_t)run->insns == (*best)->left)
        return;
    IrCase *c = ir_case_copy(*best);
    c->left = (int64_t)run->insns;
    reduce_try(r, best, c);
}

static void set_changed(void *opaque, uint64_t addr, uint8_t was, uint8_t now)
{
    (void)was;
    case_set_byte(opaque, addr, now);
}

// Gives c a block that is the rest of one of its blocks from the instruction at pc on. False: there is none, or it
// needs values from in front of that.
static bool split_block(IrCase *c, uint64_t pc)
{
    for (unsigned n = 0; n < c->code->n_blocks; n++) {
        const IrBlock *b = c->code->blocks[n];
        for (unsigned i = 1; i < b->n_ops; i++) {
            if (b->ops[i].op != IR_OP_INSN || c->code->base + (uint64_t)b->ops[i].imm != pc)
                continue;
            IrBlock *rest = shrink_rest_of_block(b, i);
            if (rest)
                ir_code_add(c->code, rest);
            return rest;
        }
    }
    return false;
}

// The case from where it is after so many instructions. NULL: that cannot be a beginning.
static IrCase *started_later(const IrCase *from, uint64_t insns)
{
    g_autoptr(CaseRun) run = case_run_exactly(from, insns, NULL);
    if (!run || run->insns != insns)
        return NULL;
    IrCase *c = ir_case_copy(from);
    if (ir_case_block(from, run->m->env.pc) < 0 && !split_block(c, run->m->env.pc)) {
        ir_case_free(c);
        return NULL;
    }
    const IrEnv *env = &run->m->env;
    CaseMachine *before = case_machine_new(from, NULL);
    if (before)
        case_machine_compare(before, run->m, set_changed, c);
    case_machine_free(before);
    memcpy(c->r, env->r, sizeof c->r);
    c->pc = env->pc;
    c->fflags = env->fflags;
    c->res_addr = env->res_addr;
    c->res_value = env->res_value;
    c->left = MAX(c->left - (int64_t)insns, 1);
    return c;
}

// The last beginnings of blocks first: what goes wrong is near the end.
static bool later_start(Reduce *r, IrCase **best)
{
    g_autoptr(GArray) at = case_boundaries(*best, 5000);
    unsigned n = at->len;
    for (unsigned back = 1; back < n && !reduce_out_of_time(r); back += 1 + back / 4) {
        IrCase *c = started_later(*best, g_array_index(at, uint64_t, n - back));
        if (c && reduce_try(r, best, c))
            return true;
    }
    return false;
}

// From inside of the first block, as far on as possible.
static bool later_insn(Reduce *r, IrCase **best)
{
    int n = ir_case_block(*best, (*best)->pc);
    unsigned insns = n >= 0 ? (*best)->code->blocks[n]->n_insns : 0;
    for (unsigned k = insns; k-- > 1 && !reduce_out_of_time(r);) {
        IrCase *c = started_later(*best, k);
        if (c && reduce_try(r, best, c))
            return true;
    }
    return false;
}

bool shrink_run(Reduce *r, IrCase **best)
{
    bool any = fewer_instructions(r, best);
    say_instructions(r, best);
    any |= later_start(r, best);
    any |= later_insn(r, best);
    if (any)
        say_instructions(r, best);
    return any;
}

// --- blocks ---------------------------------------------------------------------------------------

static void drop_guess(IrBlock *b, unsigned g)
{
    memmove(&b->guess[g], &b->guess[g + 1], (--b->n_guess - g) * sizeof *b->guess);
}

// A block to which nothing leads.
static void drop_block(IrCode *code, unsigned n)
{
    ir_block_free(code->blocks[n]);
    memmove(&code->blocks[n], &code->blocks[n + 1], (--code->n_blocks - n) * sizeof *code->blocks);
    for (unsigned i = 0; i < code->n_blocks; i++) {
        IrBlock *b = code->blocks[i];
        for (unsigned k = 0; k < 2; k++)
            b->edge[k].block -= b->edge[k].block > (int)n;
    }
}

// Edges to block n lead out; to be done while it has that number.
static void unlink_block(IrCode *code, unsigned n)
{
    for (unsigned i = 0; i < code->n_blocks; i++) {
        IrBlock *b = code->blocks[i];
        for (unsigned k = 0; k < 2; k++)
            if (b->edge[k].block == (int)n)
                b->edge[k].block = -1;
        for (unsigned g = b->n_guess; g-- > 0;) {
            if (b->guess[g].block == (int)n)
                drop_guess(b, g);
            else
                b->guess[g].block -= b->guess[g].block > (int)n;
        }
    }
}

// n blocks from `first` on, but the one that is started at.
static bool without_blocks(Reduce *r, IrCase **best, unsigned first, unsigned n)
{
    IrCase *c = ir_case_copy(*best);
    unsigned before = c->code->n_blocks;
    for (unsigned i = MIN(first + n, before); i-- > first;) {
        if (c->code->base + (uint64_t)c->code->blocks[i]->pc == c->pc)
            continue;
        unlink_block(c->code, i);
        drop_block(c->code, i);
    }
    if (c->code->n_blocks < before)
        return reduce_try(r, best, c);
    ir_case_free(c);
    return false;
}

static void jump_instead(IrBlock *b, unsigned k)
{
    b->edge[0] = b->edge[k];
    b->edge[1] = (IrEdge){-1, 0};
    b->ops[b->n_ops - 1] = (IrInst){.op = IR_OP_JUMP, .a = IR_NOVAL, .b = IR_NOVAL, .c = IR_NOVAL};
}

// A branch goes one way only.
static bool straighten(Reduce *r, IrCase **best)
{
    bool any = false;
    for (unsigned i = 0; i < (*best)->code->n_blocks; i++) {
        for (unsigned k = 0; k < 2; k++) {
            const IrBlock *b = (*best)->code->blocks[i];
            if (!ir_is_br(b->ops[b->n_ops - 1].op))
                break;
            IrCase *c = ir_case_copy(*best);
            jump_instead(c->code->blocks[i], k);
            any |= reduce_try(r, best, c);
        }
    }
    return any;
}

// No entries but the start, no profile, no guesses.
static bool plainer(Reduce *r, IrCase **best)
{
    bool any = false;
    for (unsigned what = 0; what < 3; what++) {
        IrCase *c = ir_case_copy(*best);
        bool changed = false;
        for (unsigned i = 0; i < c->code->n_blocks; i++) {
            IrBlock *b = c->code->blocks[i];
            bool start = c->code->base + (uint64_t)b->pc == c->pc;
            changed |= what == 0 ? b->is_entry && !start : what == 1 ? b->count || b->leaves : b->n_guess > 0;
            if (what == 0)
                b->is_entry = start;
            else if (what == 1)
                b->count = b->leaves = 0;
            else
                b->n_guess = 0;
        }
        if (changed)
            any |= reduce_try(r, best, c);
        else
            ir_case_free(c);
    }
    return any;
}

bool shrink_blocks(Reduce *r, IrCase **best)
{
    bool any = false;
    for (unsigned n = (*best)->code->n_blocks; n > 0 && !reduce_out_of_time(r); n /= 2)
        for (unsigned first = 0; first < (*best)->code->n_blocks;)
            if (without_blocks(r, best, first, n))
                any = true;
            else
                first += n;
    any |= plainer(r, best);
    any |= straighten(r, best);
    return any;
}

void shrink(Reduce *r, IrCase **best)
{
    bool any = true;
    shrink_run(r, best);
    for (unsigned round = 0; any && round < 12 && !reduce_out_of_time(r); round++) {
        any = shrink_blocks(r, best);
        any |= shrink_ops(r, best);
        any |= shrink_state(r, best);
        any |= shrink_run(r, best);
    }
    IrCase *c = ir_case_copy(*best); // the number does not matter where it leaves by itself
    c->left = CASE_LEFT;
    g_autoptr(CaseRun) run = case_run_exactly(*best, CASE_LEFT, NULL);
    if (run && run->stop == STOP_OUT)
        reduce_try(r, best, c);
    else
        ir_case_free(c);
}
