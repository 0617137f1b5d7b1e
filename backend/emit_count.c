// SPDX-License-Identifier: GPL-3.0-or-later
// Counting instructions: what the local `left` means at each block, so that most ways need not change it.
//
// At the start of block n the guest's `left` is e->left - e->ahead[n], and one less behind each instruction. These
// constants are chosen so that the usual way into a block has nothing to subtract; the other ways subtract the
// difference. Where ways lead back, so that `left` is tested, they make the test one of the sign: a loop has one
// subtraction, whose result is what is tested.
#include "backend/emit.h"

#include <math.h>

#define HEAD (-1) // there the local is negative when `left` is used up

// How often the way from block m to block n is likely to be gone; 0 if there is none.
static double frequency(const Emit *e, unsigned m, unsigned n)
{
    const IrBlock *b = e->code->blocks[m];
    g_autofree int32_t *to = g_new(int32_t, b->n_guess + 2);
    double here = 0, all = 0;
    for (unsigned k = emit_successors(b, to); k-- > 0;) {
        double count = (double)e->code->blocks[to[k]]->count + 1;
        here += (unsigned)to[k] == n ? count : 0;
        all += count;
    }
    return here > 0 ? here / all * ((double)b->count + 1) : 0;
}

void emit_find_counts(Emit *e)
{
    unsigned n_blocks = e->code->n_blocks;
    g_autofree double *best = g_new0(double, n_blocks);
    e->ahead = g_new(int, n_blocks);
    for (unsigned n = 0; n < n_blocks; n++)
        e->ahead[n] = HEAD;
    for (unsigned m = 0; m < n_blocks; m++) {
        const IrBlock *b = e->code->blocks[m];
        g_autofree int32_t *to = g_new(int32_t, b->n_guess + 2);
        unsigned edges = emit_successors(b, to);
        for (unsigned k = 0; k < edges; k++)
            if ((unsigned)to[k] <= m)
                best[to[k]] = HUGE_VAL;
    }
    for (unsigned m = 0; m < n_blocks; m++) { // all ways forward into m have been seen
        const IrBlock *b = e->code->blocks[m];
        g_autofree int32_t *to = g_new(int32_t, b->n_guess + 2);
        unsigned edges = emit_successors(b, to);
        for (unsigned k = 0; k < edges; k++) {
            unsigned n = (unsigned)to[k];
            double f = n > m && best[n] < HUGE_VAL ? frequency(e, m, n) : 0;
            if (f > best[n]) {
                best[n] = f;
                e->ahead[n] = e->ahead[m] + (int)b->n_insns;
            }
        }
    }
}

void emit_free_counts(Emit *e)
{
    g_free(e->ahead);
}

gcc_jit_rvalue *emit_left_behind(Emit *e)
{
    int64_t more = e->ahead[e->block_index] + (int64_t)e->block->n_insns;
    gcc_jit_rvalue *by = gcc_jit_context_new_rvalue_from_long(e->ctx, e->i64, more);
    return emit_binary(e, GCC_JIT_BINARY_OP_MINUS, gcc_jit_lvalue_as_rvalue(e->left), by);
}

gcc_jit_block *emit_count_edge(Emit *e, unsigned from, unsigned n, gcc_jit_block *to)
{
    int64_t by = e->ahead[from] + (int64_t)e->code->blocks[from]->n_insns - e->ahead[n];
    if (!by)
        return to;
    gcc_jit_block *bb = gcc_jit_function_new_block(e->fn, NULL);
    gcc_jit_block_add_assignment_op(bb, emit_at, e->left, GCC_JIT_BINARY_OP_MINUS,
                                    gcc_jit_context_new_rvalue_from_long(e->ctx, e->i64, by));
    gcc_jit_block_end_with_jump(bb, emit_at, to);
    return bb;
}
