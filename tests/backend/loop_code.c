// SPDX-License-Identifier: GPL-3.0-or-later
// Random loops over memory: a block that sets pointers, an index and a counter; up to four blocks that load, store and
// move them; and the way back.
#include "tests/backend/loop_code.h"

enum { POINTER = 5, N_POINTERS = 3, INDEX = 8, COUNTER, SUM };

typedef struct {
    GenRng *rng;
    IrCode *code;
    IrBlock *b;
    int64_t pc;
} Loop;

static void insn(Loop *l)
{
    ir_insn(l->b, l->pc, 4, (uint32_t)gen_random(l->rng));
    l->pc += 4;
}

static int64_t near_zero(GenRng *rng, unsigned most)
{
    return (int64_t)gen_below(rng, 2 * most + 1) - most;
}

static void set(Loop *l, unsigned reg, uint64_t v)
{
    insn(l);
    ir_put(l->b, reg, ir_const(l->b, (int64_t)v));
}

static void add(Loop *l, unsigned reg, int64_t v)
{
    insn(l);
    ir_put(l->b, reg, ir_binop(l->b, IR_OP_ADD, ir_get(l->b, reg), ir_const(l->b, v)));
}

static IrVal address(Loop *l)
{
    IrVal p = ir_get(l->b, POINTER + gen_below(l->rng, N_POINTERS));
    if (gen_below(l->rng, 3))
        return p;
    IrVal index = ir_binop(l->b, IR_OP_SLL, ir_get(l->b, INDEX), ir_const(l->b, gen_below(l->rng, 4)));
    return ir_binop(l->b, gen_below(l->rng, 4) ? IR_OP_ADD : IR_OP_SUB, p, index);
}

static void access_memory(Loop *l)
{
    insn(l);
    IrVal at = address(l);
    int64_t offset = near_zero(l->rng, 40);
    if (gen_below(l->rng, 2)) {
        IrVal v = ir_emit(l->b, IR_OP_LD8U + gen_below(l->rng, 7), 0, at, IR_NOVAL, offset);
        ir_put(l->b, SUM, ir_binop(l->b, IR_OP_ADD, ir_get(l->b, SUM), v));
    } else {
        ir_emit(l->b, IR_OP_ST8 + gen_below(l->rng, 4), 0, at, ir_get(l->b, SUM), offset);
    }
}

static void body(Loop *l)
{
    for (unsigned n = 1 + gen_below(l->rng, 4); n-- > 0;)
        switch (gen_below(l->rng, 4)) {
        case 0:
            add(l, POINTER + gen_below(l->rng, N_POINTERS), near_zero(l->rng, gen_below(l->rng, 4) ? 16 : 100));
            break;
        case 1:
            if (gen_below(l->rng, 3))
                add(l, INDEX, near_zero(l->rng, 3));
            else
                set(l, POINTER + gen_below(l->rng, N_POINTERS), gen_random(l->rng));
            break;
        default:
            access_memory(l);
        }
}

static void branch(Loop *l, IrOpcode op, IrVal a, IrEdge taken, IrEdge not_taken)
{
    l->b->edge[0] = taken;
    l->b->edge[1] = not_taken;
    ir_emit(l->b, op, 0, a, ir_const(l->b, 0), 0);
}

IrCode *loop_code(GenRng *rng, uint64_t base, uint64_t ram, unsigned size)
{
    Loop l = {.rng = rng, .code = ir_code_new(base)};
    unsigned n_blocks = 1 + gen_below(rng, 4);
    bool high = gen_below(rng, 2);
    const IrEdge out = {-1, 0x1000};
    for (unsigned n = 0; n <= n_blocks; n++) { // so that edges can say where they lead
        ir_code_add(l.code, ir_block_new(n * 0x100));
        l.code->blocks[n]->count = n ? 1000 : 10;
    }
    l.b = l.code->blocks[0];
    l.b->is_entry = true;
    for (unsigned k = 0; k < N_POINTERS; k++)
        set(&l, POINTER + k, ram + (high ? size - gen_below(rng, 2000) : gen_below(rng, 2000)));
    set(&l, INDEX, gen_below(rng, 100));
    set(&l, COUNTER, 1 + gen_below(rng, 60));
    l.b->edge[0] = (IrEdge){1, 0x100};
    ir_emit(l.b, IR_OP_JUMP, 0, IR_NOVAL, IR_NOVAL, 0);
    for (unsigned n = 1; n <= n_blocks; n++) {
        l.b = l.code->blocks[n];
        l.pc = l.b->pc;
        l.b->is_entry = gen_below(rng, 4) == 0;
        body(&l);
        IrEdge next = {(int32_t)n + 1, (n + 1) * 0x100}, skip = {(int32_t)n_blocks, n_blocks * 0x100};
        if (n < n_blocks) {
            insn(&l);
            IrVal odd = ir_binop(l.b, IR_OP_AND, ir_get(l.b, SUM), ir_const(l.b, 7));
            branch(&l, IR_OP_BR_NE, odd, next, gen_below(rng, 4) ? skip : out);
        } else {
            add(&l, COUNTER, -1);
            branch(&l, IR_OP_BR_NE, ir_get(l.b, COUNTER), (IrEdge){1, 0x100}, out);
        }
    }
    return l.code;
}
