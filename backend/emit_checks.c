// SPDX-License-Identifier: GPL-3.0-or-later
// Where fpcheck need not look: env->fp_leave does not change while a region runs, so what was found on all ways to a
// block holds there. An entry looks at once at what every way from it would look at, so that loops need not; and if it
// looks at all and lies in a loop, at what anything in that loop would look at.
#include "backend/emit.h"

static uint8_t checks_of(const IrBlock *b)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < b->n_ops; i++)
        if (b->ops[i].op == IR_OP_FPCHECK)
            mask |= (uint64_t)b->ops[i].imm >> 32;
    return (uint8_t)mask;
}

// Does control leave the region behind b, on some way?
static bool may_leave(const IrBlock *b)
{
    unsigned last = b->ops[b->n_ops - 1].op, edges = last == IR_OP_JUMP ? 1 : ir_is_br(last) ? 2 : 0;
    for (unsigned k = 0; k < edges; k++)
        if (b->edge[k].block < 0)
            return true;
    return !edges;
}

// Bits that every way from block n tests before it leaves the region.
static uint8_t checks_ahead(const Emit *e, unsigned n)
{
    const IrBlock *b = e->code->blocks[n];
    g_autofree int32_t *to = g_new(int32_t, b->n_guess + 2);
    uint8_t ahead = may_leave(b) ? 0 : UINT8_MAX;
    for (unsigned k = emit_successors(b, to); k-- > 0;)
        ahead &= e->checks_ahead[to[k]];
    return ahead | checks_of(b);
}

static void find_ahead(Emit *e)
{
    uint8_t any = 0;
    memset(e->checks_ahead, UINT8_MAX, e->code->n_blocks);
    for (bool again = true; again;) {
        again = false;
        for (unsigned n = e->code->n_blocks; n-- > 0;) {
            uint8_t ahead = checks_ahead(e, n);
            again |= ahead != e->checks_ahead[n];
            e->checks_ahead[n] = ahead;
        }
    }
    for (unsigned n = 0; n < e->code->n_blocks; n++)
        any |= checks_of(e->code->blocks[n]);
    for (unsigned n = 0; n < e->code->n_blocks; n++)
        e->checks_ahead[n] &= any; // loops without a way out test all and nothing
}

// By block: whether ways lead there from block n.
static void find_reached(const Emit *e, unsigned n, bool *reached)
{
    g_autofree unsigned *stack = g_new(unsigned, e->code->n_blocks + 1);
    unsigned height = 0;
    memset(reached, 0, e->code->n_blocks * sizeof *reached);
    stack[height++] = n;
    while (height) {
        const IrBlock *b = e->code->blocks[stack[--height]];
        g_autofree int32_t *to = g_new(int32_t, b->n_guess + 2);
        for (unsigned k = emit_successors(b, to); k-- > 0;)
            if (!reached[to[k]]) {
                reached[to[k]] = true;
                stack[height++] = (unsigned)to[k];
            }
    }
}

// Entries look ahead as far as their loop goes.
static void look_round(Emit *e)
{
    unsigned n_blocks = e->code->n_blocks;
    g_autofree bool *reached = g_new(bool, (size_t)n_blocks * n_blocks);
    for (unsigned n = 0; n < n_blocks; n++)
        find_reached(e, n, reached + (size_t)n * n_blocks);
    for (unsigned n = 0; n < n_blocks; n++) {
        if (!e->code->blocks[n]->is_entry || !e->checks_ahead[n])
            continue;
        for (unsigned k = 0; k < n_blocks; k++)
            if (reached[(size_t)n * n_blocks + k] && reached[(size_t)k * n_blocks + n])
                e->checks_ahead[n] |= checks_of(e->code->blocks[k]);
    }
}

void emit_find_checks(Emit *e)
{
    e->checks_ahead = g_new(uint8_t, e->code->n_blocks);
    e->checked_in = g_new(uint8_t, e->code->n_blocks);
    find_ahead(e);
    look_round(e);
    for (unsigned n = 0; n < e->code->n_blocks; n++)
        e->checked_in[n] = e->code->blocks[n]->is_entry ? e->checks_ahead[n] : UINT8_MAX;
    for (bool again = true; again;) {
        again = false;
        for (unsigned n = 0; n < e->code->n_blocks; n++) {
            const IrBlock *b = e->code->blocks[n];
            g_autofree int32_t *to = g_new(int32_t, b->n_guess + 2);
            uint8_t out = e->checked_in[n] | checks_of(b);
            for (unsigned k = emit_successors(b, to); k-- > 0;) {
                uint8_t in = e->checked_in[to[k]] & out;
                again |= in != e->checked_in[to[k]];
                e->checked_in[to[k]] = in;
            }
        }
    }
}

void emit_free_checks(Emit *e)
{
    g_free(e->checks_ahead);
    g_free(e->checked_in);
}

// Leaves before the instruction if env->fp_leave has a bit of the mask: the interpreter asks the frontend.
void emit_fpcheck(Emit *e, unsigned i)
{
    uint64_t mask = ((uint64_t)e->block->ops[i].imm >> 32) & ~(uint64_t)e->checked;
    char test[80];
    if (!mask)
        return;
    g_snprintf(test, sizeof test, "testb $%u, %zu(%%%%rbp)", (unsigned)mask, offsetof(IrEnv, fp_leave));
    emit_leave_if(e, test, emit_site_before(e));
    e->checked |= (uint8_t)mask;
}
