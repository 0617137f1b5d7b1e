// SPDX-License-Identifier: GPL-3.0-or-later
// Loops that copy or fill memory a few bytes at a time do eight at a time, or four.
//
// Such a loop is a block H that leads back to itself, loads and stores once (or stores what does not change), and whose
// addresses advance by the size of the access, up or down: by a constant, or by a register that may be 1 or -1, as in
// picolibc's memmove. Two blocks are put in front of it, twice if it goes by bytes:
//
//     G: whether the next iterations are certain to come, and doing them at once is the same   -> W or what follows
//     W: one wide load and store, then the registers as the last iteration leaves them         -> G or out of the loop
//
// W counts the instructions of all its iterations, but has one `insn` op only: where it can be stopped, none of them
// has happened. All ways into H from elsewhere lead to the first G.
#include "ir/opt.h"

#include <string.h>

#define MAX_LOOPS 8 // of a code

typedef struct { // what is added to a value from one iteration to the next
    bool known;
    int reg; // by the value of this register, which the loop leaves alone; -1: not
    int64_t by; // and by this
} Step;

typedef struct {
    const IrBlock *b;
    unsigned back; // the edge to itself
    int load, store; // ops; load is -1 if the loop fills
    unsigned size; // of an access
    uint64_t puts;
    Step by_reg[IR_NREGS]; // of registers that are read and put
    Step *step; // by value
    Step walk; // of both addresses
    IrVal runs, limit; // the loop ends when these are equal; only `runs` changes
} Loop;

static const Step still = {true, -1, 0}, unknown = {false, -1, 0};

static bool is_still(Step s)
{
    return s.known && s.reg < 0 && !s.by;
}

static Step sum(Step a, Step b)
{
    if (!a.known || !b.known || (a.reg >= 0 && b.reg >= 0))
        return unknown;
    return (Step){true, MAX(a.reg, b.reg), (int64_t)((uint64_t)a.by + (uint64_t)b.by)};
}

static Step difference(Step a, Step b)
{
    if (!a.known || !b.known || b.reg >= 0)
        return unknown;
    return (Step){true, a.reg, (int64_t)((uint64_t)a.by - (uint64_t)b.by)};
}

// Step of a register whose put is of value v.
static Step put_step(const Loop *l, unsigned reg, IrVal v)
{
    const IrInst *ops = l->b->ops, *add = &ops[v];
    if (add->op != IR_OP_ADD)
        return unknown;
    for (unsigned swap = 0; swap < 2; swap++) {
        const IrInst *x = &ops[swap ? add->b : add->a], *y = &ops[swap ? add->a : add->b];
        if (x->op != IR_OP_GET || x->reg != reg)
            continue;
        if (y->op == IR_OP_CONST)
            return (Step){true, -1, y->imm};
        if (y->op == IR_OP_GET && !(l->puts >> y->reg & 1))
            return (Step){true, y->reg, 0};
    }
    return unknown;
}

// Fills puts and by_reg. False if a register that is carried around is not simply stepped.
static bool find_steps(Loop *l)
{
    uint64_t gets = 0, twice = 0;
    for (unsigned i = 0; i < l->b->n_ops; i++) {
        const IrInst *op = &l->b->ops[i];
        uint64_t bit = UINT64_C(1) << (op->reg & 63);
        if (op->op == IR_OP_GET && (l->puts & bit)) // it was put before
            return false;
        if (op->op == IR_OP_GET)
            gets |= bit;
        if (op->op == IR_OP_PUT) {
            twice |= l->puts & bit;
            l->puts |= bit;
        }
    }
    if (gets & twice)
        return false;
    for (unsigned i = 0; i < l->b->n_ops; i++) {
        const IrInst *op = &l->b->ops[i];
        if (op->op != IR_OP_PUT || !(gets >> op->reg & 1))
            continue;
        l->by_reg[op->reg] = put_step(l, op->reg, op->a);
        if (!l->by_reg[op->reg].known)
            return false;
    }
    return true;
}

static Step value_step(const Loop *l, const IrInst *op)
{
    switch (op->op) {
    case IR_OP_GET:
        return l->puts >> op->reg & 1 ? l->by_reg[op->reg] : still;
    case IR_OP_ADD:
        return sum(l->step[op->a], l->step[op->b]);
    case IR_OP_SUB:
        return difference(l->step[op->a], l->step[op->b]);
    default:
        if (!(ir_op_info[op->op].flags & IRF_PURE))
            return unknown;
        for (unsigned k = 0, n = ir_n_values(op->op); k < n; k++)
            if (!is_still(l->step[k == 0 ? op->a : k == 1 ? op->b : op->c]))
                return unknown;
        return still;
    }
}

// Fills step, load and store. False if there is an op that such a loop has not.
static bool find_ops(Loop *l)
{
    l->load = l->store = -1;
    for (unsigned i = 0; i + 1 < l->b->n_ops; i++) {
        const IrInst *op = &l->b->ops[i];
        l->step[i] = value_step(l, op);
        if (ir_is_load(op->op) && l->load < 0 && l->store < 0)
            l->load = (int)i;
        else if (ir_is_store(op->op) && l->store < 0)
            l->store = (int)i;
        else if (op->op != IR_OP_INSN && op->op != IR_OP_GET && op->op != IR_OP_PUT &&
                 !(ir_op_info[op->op].flags & IRF_PURE))
            return false;
    }
    return l->store >= 0;
}

static bool same_step(Step a, Step b)
{
    return a.known && b.known && a.reg == b.reg && a.by == b.by;
}

static bool find_accesses(Loop *l)
{
    const IrInst *ops = l->b->ops, *st = &ops[l->store];
    l->size = ir_op_size(st->op);
    l->walk = l->step[st->a];
    if (l->load >= 0 && (st->b != l->load || ir_op_size(ops[l->load].op) != l->size ||
                         !same_step(l->walk, l->step[ops[l->load].a])))
        return false;
    if (l->load < 0 && !is_still(l->step[st->b]))
        return false;
    if (!l->walk.known || l->size == 8)
        return false;
    int64_t size = l->size;
    return l->walk.reg < 0 ? l->walk.by == size || l->walk.by == -size : !l->walk.by && size == 1;
}

static bool find_end(Loop *l)
{
    const IrInst *br = &l->b->ops[l->b->n_ops - 1];
    if (br->op != (l->back ? IR_OP_BR_EQ : IR_OP_BR_NE))
        return false;
    bool swap = is_still(l->step[br->a]);
    l->runs = swap ? br->b : br->a;
    l->limit = swap ? br->a : br->b;
    Step s = l->step[l->runs];
    if (!s.known || !is_still(l->step[l->limit]))
        return false;
    return s.reg < 0 ? s.by && s.by < 256 && s.by > -256 : !s.by && s.reg == l->walk.reg;
}

// --- making blocks ---

typedef struct {
    IrBlock *b;
    IrVal *map; // value of the loop -> of b
} Copy;

static IrVal binop_imm(IrBlock *b, IrOpcode op, IrVal a, uint64_t imm)
{
    return ir_binop(b, op, a, ir_const(b, (int64_t)imm));
}

static IrVal times(IrBlock *b, Step s, unsigned n)
{
    if (s.reg < 0)
        return ir_const(b, (int64_t)((uint64_t)s.by * n));
    return binop_imm(b, IR_OP_MUL, ir_get(b, (unsigned)s.reg), n);
}

// The values of the loop's pure ops as they are `later` iterations on; `loaded` is that of the load, or IR_NOVAL, and
// then what is made of it is left out.
static void copy_values(const Loop *l, Copy *c, unsigned later, IrVal loaded)
{
    for (unsigned i = 0; i + 1 < l->b->n_ops; i++) {
        IrInst op = l->b->ops[i];
        unsigned n = ir_n_values(op.op);
        c->map[i] = IR_NOVAL;
        if ((int)i == l->load) {
            c->map[i] = loaded;
        } else if (op.op == IR_OP_GET) {
            c->map[i] = ir_get(c->b, op.reg);
            if (later && (l->puts >> op.reg & 1))
                c->map[i] = ir_binop(c->b, IR_OP_ADD, c->map[i], times(c->b, l->by_reg[op.reg], later));
        } else if (ir_op_info[op.op].flags & IRF_PURE) {
            IrVal x = n > 0 ? c->map[op.a] : IR_NOVAL, y = n > 1 ? c->map[op.b] : IR_NOVAL;
            if ((n > 0 && x == IR_NOVAL) || (n > 1 && y == IR_NOVAL) || n > 2)
                continue;
            c->map[i] = ir_emit(c->b, op.op, op.reg, x, y, op.imm);
        }
    }
}

// All ones if the loop goes down by a register, else 0.
static IrVal downwards(const Loop *l, IrBlock *b)
{
    return binop_imm(b, IR_OP_SRA, ir_get(b, (unsigned)l->walk.reg), 63);
}

// v, negated if s is negative; s is the loop's `walk` if it is a register.
static IrVal in_direction(const Loop *l, IrBlock *b, IrVal v, Step s)
{
    if (s.reg < 0)
        return s.by > 0 ? v : ir_binop(b, IR_OP_SUB, ir_const(b, 0), v);
    IrVal mask = downwards(l, b);
    return ir_binop(b, IR_OP_SUB, ir_binop(b, IR_OP_XOR, v, mask), mask);
}

static IrVal above(IrBlock *b, uint64_t k, IrVal v) // k < v, unsigned
{
    return ir_binop(b, IR_OP_SLTU, ir_const(b, (int64_t)k), v);
}

// Where the wide access is, for the address of the first narrow one.
static IrVal wide_address(const Loop *l, IrBlock *b, IrVal addr, unsigned wide, int64_t *imm)
{
    unsigned less = wide - l->size;
    if (l->walk.reg >= 0)
        return ir_binop(b, IR_OP_SUB, addr, binop_imm(b, IR_OP_AND, downwards(l, b), less));
    *imm -= l->walk.by < 0 ? less : 0;
    return addr;
}

// Whether the access op is aligned when it is wide: 1, or 0.
static IrVal wide_aligned(const Loop *l, Copy *c, const IrInst *op, unsigned wide)
{
    int64_t imm = op->imm;
    IrVal at = wide_address(l, c->b, c->map[op->a], wide, &imm);
    IrVal low = binop_imm(c->b, IR_OP_AND, binop_imm(c->b, IR_OP_ADD, at, (uint64_t)imm), wide - 1);
    return binop_imm(c->b, IR_OP_SLTU, low, 1);
}

static IrBlock *make_guard(const Loop *l, unsigned wide, bool aligned)
{
    const IrInst *ops = l->b->ops, *st = &ops[l->store];
    g_autofree IrVal *map = g_new(IrVal, l->b->n_ops);
    Copy c = {ir_block_new(l->b->pc), map};
    unsigned n = wide / l->size;
    copy_values(l, &c, 0, IR_NOVAL);
    // All but the last iteration lead back: limit - runs is none of 0, 1, ... n - 2 steps.
    Step s = l->step[l->runs];
    IrVal far = in_direction(l, c.b, ir_binop(c.b, IR_OP_SUB, map[l->limit], map[l->runs]), s);
    IrVal good = above(c.b, (uint64_t)(n - 2) * (uint64_t)(s.reg >= 0 ? 1 : ABS(s.by)), far);
    if (aligned)
        good = ir_binop(c.b, IR_OP_AND, good, wide_aligned(l, &c, st, wide));
    if (l->load >= 0) { // none reads what one before has stored: that is not 1 to wide - 1 bytes ahead
        const IrInst *ld = &ops[l->load];
        IrVal to = binop_imm(c.b, IR_OP_ADD, map[st->a], (uint64_t)st->imm);
        IrVal from = binop_imm(c.b, IR_OP_ADD, map[ld->a], (uint64_t)ld->imm);
        IrVal ahead = in_direction(l, c.b, ir_binop(c.b, IR_OP_SUB, to, from), l->walk);
        IrVal apart = above(c.b, wide - 2, binop_imm(c.b, IR_OP_SUB, ahead, 1));
        good = ir_binop(c.b, IR_OP_AND, good, apart);
        if (aligned)
            good = ir_binop(c.b, IR_OP_AND, good, wide_aligned(l, &c, ld, wide));
    }
    if (l->walk.reg >= 0) { // 1 or -1
        IrVal step = binop_imm(c.b, IR_OP_ADD, ir_get(c.b, (unsigned)l->walk.reg), 1);
        IrVal rest = binop_imm(c.b, IR_OP_AND, step, ~UINT64_C(2));
        good = ir_binop(c.b, IR_OP_AND, good, binop_imm(c.b, IR_OP_SLTU, rest, 1));
    }
    ir_binop(c.b, IR_OP_BR_NE, good, ir_const(c.b, 0));
    return c.b;
}

// What the last of the iterations has loaded, of what all have.
static IrVal last_loaded(const Loop *l, IrBlock *b, IrVal v, unsigned wide)
{
    static const IrOpcode extend[] = {IR_OP_AND,    IR_OP_SEXT8,  IR_OP_ZEXT16, IR_OP_SEXT16,
                                      IR_OP_ZEXT32, IR_OP_SEXT32};
    unsigned kind = l->b->ops[l->load].op - IR_OP_LD8U, up = 8 * (wide - l->size);
    if (l->walk.reg >= 0) {
        IrVal upwards = binop_imm(b, IR_OP_XOR, downwards(l, b), UINT64_MAX);
        v = ir_binop(b, IR_OP_SRL, v, binop_imm(b, IR_OP_AND, upwards, up));
    } else if (l->walk.by > 0) {
        v = binop_imm(b, IR_OP_SRL, v, up);
    }
    return kind ? ir_unop(b, extend[kind], v) : binop_imm(b, IR_OP_AND, v, 0xff);
}

static IrBlock *make_wide(const Loop *l, unsigned wide)
{
    const IrInst *ops = l->b->ops, *st = &ops[l->store], *br = &ops[l->b->n_ops - 1];
    g_autofree IrVal *map = g_new(IrVal, l->b->n_ops);
    Copy c = {ir_block_new(l->b->pc), map};
    unsigned n = wide / l->size;
    IrVal v, loaded = IR_NOVAL;
    ir_insn(c.b, l->b->pc, ops[0].reg, ir_insn_bits(&ops[0]));
    c.b->n_insns = n * l->b->n_insns;
    copy_values(l, &c, 0, IR_NOVAL);
    if (l->load >= 0) {
        int64_t imm = ops[l->load].imm;
        IrVal from = wide_address(l, c.b, map[ops[l->load].a], wide, &imm);
        v = ir_emit(c.b, wide == 8 ? IR_OP_LD64 : IR_OP_LD32U, 0, from, IR_NOVAL, imm);
        loaded = last_loaded(l, c.b, v, wide);
    } else {
        uint64_t mask = UINT64_MAX >> (64 - 8 * l->size);
        v = binop_imm(c.b, IR_OP_MUL, binop_imm(c.b, IR_OP_AND, map[st->b], mask), UINT64_MAX / mask);
    }
    int64_t imm = st->imm;
    IrVal to = wide_address(l, c.b, map[st->a], wide, &imm);
    ir_emit(c.b, wide == 8 ? IR_OP_ST64 : IR_OP_ST32, 0, to, v, imm);
    copy_values(l, &c, n - 1, loaded);
    for (unsigned i = 0; i < l->b->n_ops; i++)
        if (ops[i].op == IR_OP_PUT)
            ir_put(c.b, ops[i].reg, map[ops[i].a]);
    ir_binop(c.b, br->op, map[br->a], map[br->b]);
    memcpy(c.b->edge, l->b->edge, sizeof c.b->edge);
    return c.b;
}

static bool understand(Loop *l)
{
    return find_steps(l) && find_ops(l) && find_accesses(l) && find_end(l);
}

static bool find_loop(const IrCode *code, unsigned n, Loop *l)
{
    const IrBlock *b = code->blocks[n];
    if (!ir_is_br(b->ops[b->n_ops - 1].op) || (b->edge[0].block == (int)n) == (b->edge[1].block == (int)n) ||
        b->ops[0].op != IR_OP_INSN)
        return false;
    *l = (Loop){.b = b, .back = b->edge[1].block == (int)n, .step = g_new(Step, b->n_ops)};
    if (understand(l))
        return true;
    g_free(l->step);
    return false;
}

static void tidy(IrBlock *b)
{
    ir_opt_state(b);
    ir_opt_fold(b);
    ir_opt_dce(b);
}

// Edges by new numbers, while others have old ones.
static int32_t by_new(unsigned number)
{
    return -2 - (int32_t)number;
}

// Appends the blocks that go in front of the loop, and the loop.
static void add_loop(GPtrArray *blocks, IrBlock *b, const Loop *l, bool aligned)
{
    for (unsigned wide = 8; wide > l->size && wide >= 4; wide /= 2) {
        IrBlock *guard = make_guard(l, wide, aligned), *body = make_wide(l, wide);
        unsigned at = blocks->len;
        guard->count = body->count = b->count / 4;
        guard->edge[0] = (IrEdge){by_new(at + 1), b->pc};
        guard->edge[1] = (IrEdge){by_new(at + 2), b->pc};
        body->edge[l->back].block = by_new(at);
        guard->is_entry = b->is_entry;
        b->is_entry = false;
        tidy(guard);
        tidy(body);
        g_ptr_array_add(blocks, guard);
        g_ptr_array_add(blocks, body);
    }
    b->edge[l->back].block = by_new(blocks->len);
    g_ptr_array_add(blocks, b);
}

static void renumber(IrEdge *edge, const unsigned *number)
{
    if (edge->block < -1)
        edge->block = -2 - edge->block;
    else if (edge->block >= 0)
        edge->block = (int32_t)number[edge->block];
}

void ir_widen(IrCode *code, bool aligned)
{
    g_autoptr(GPtrArray) blocks = g_ptr_array_new();
    g_autofree unsigned *number = g_new(unsigned, code->n_blocks); // of the block that ways to an old one lead to now
    unsigned found = 0, n_old = code->n_blocks;
    for (unsigned n = 0; n < n_old; n++) {
        Loop l;
        number[n] = blocks->len;
        if (found < MAX_LOOPS && find_loop(code, n, &l)) {
            found++;
            add_loop(blocks, code->blocks[n], &l, aligned);
            g_free(l.step);
        } else {
            g_ptr_array_add(blocks, code->blocks[n]);
        }
    }
    code->n_blocks = 0;
    for (unsigned i = 0; i < blocks->len; i++) {
        IrBlock *b = g_ptr_array_index(blocks, i);
        renumber(&b->edge[0], number);
        renumber(&b->edge[1], number);
        for (unsigned k = 0; k < b->n_guess; k++)
            renumber(&b->guess[k], number);
        ir_code_add(code, b);
    }
}
