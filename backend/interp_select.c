// SPDX-License-Identifier: GPL-3.0-or-later
// From an IR block to interpreter ops: one forward pass that folds `get` into operands and `put` into destinations,
// so that most guest instructions become one op.
//
// A value lives in a slot (a guest register or a temporary) or is a constant. A value got from register r just
// names r's slot; if r is put while such a value is still needed, it is moved to a temporary first.
#include "backend/interp.h"

#include "backend/atomic.h"
#include "backend/fp_host.h"
#include "ir/plant.h"
#include <string.h>

#define NO_SLOT 0xffff
#define N_TEMPS (IR_NTEMPS - 1) // the last one is the zero slot

typedef struct {
    const IrBlock *ir;
    uint64_t base;
    const IrFpFn *fp;
    GArray *ops; // IOp
    uint16_t *slot;  // by value: where it lives, NO_SLOT while it is only a constant
    uint16_t *uses;  // by value: uses still to come
    uint64_t *konst; // by value, if it is a constant
    uint32_t pending[IR_NREGS]; // uses still to come of values that name this register's slot
    uint8_t free_temp[N_TEMPS]; // given back
    unsigned n_free;
    unsigned n_fresh; // those below the zero slot that were never taken: the last ones
    uint8_t dying[4]; // temporaries whose last use is the op being selected: free behind it
    unsigned n_dying;
    unsigned insn;
    bool full;
    bool tap;
} Select;

static void emit(Select *s, unsigned iop, unsigned d, unsigned a, unsigned b, int32_t imm)
{
    IOp op = {interp_handler(iop), (uint8_t)d, (uint8_t)a, (uint8_t)b, (uint8_t)s->insn, imm};
    g_array_append_val(s->ops, op);
}

static unsigned new_temp(Select *s)
{
    if (s->n_free)
        return s->free_temp[--s->n_free];
    if (s->n_fresh)
        return INTERP_ZERO_SLOT - s->n_fresh--;
    s->full = true;
    return INTERP_ZERO_SLOT - 1;
}

static bool is_temp(unsigned slot)
{
    return slot >= IR_NREGS && slot < INTERP_ZERO_SLOT;
}

static void load_const(Select *s, unsigned d, uint64_t v)
{
    if ((int64_t)v == (int32_t)v) {
        emit(s, IOP_LI, d, 0, 0, (int32_t)v);
    } else {
        emit(s, IOP_LI64, d, 0, 0, 0);
        IOp literal = {(const void *)(uintptr_t)v, 0, 0, 0, (uint8_t)s->insn, 0};
        g_array_append_val(s->ops, literal);
    }
}

// The slot of value v, for reading by the op about to be emitted; counts as one use.
static unsigned use(Select *s, IrVal v)
{
    if (s->slot[v] == NO_SLOT) {
        if (!s->konst[v]) {
            s->uses[v]--;
            return INTERP_ZERO_SLOT;
        }
        s->slot[v] = (uint16_t)new_temp(s);
        load_const(s, s->slot[v], s->konst[v]);
    }
    unsigned slot = s->slot[v];
    s->uses[v]--;
    if (slot < IR_NREGS)
        s->pending[slot]--;
    else if (!s->uses[v] && is_temp(slot))
        s->dying[s->n_dying++] = (uint8_t)slot;
    return slot;
}

static bool const_imm(const Select *s, IrVal v, int32_t *imm)
{
    if (s->slot[v] != NO_SLOT || (int64_t)s->konst[v] != (int32_t)s->konst[v])
        return false;
    *imm = (int32_t)s->konst[v];
    return true;
}

// Moves every value that still names register r's slot elsewhere.
static void save_register(Select *s, unsigned r, IrVal before)
{
    unsigned t = new_temp(s);
    unsigned moved = 0;
    for (IrVal v = 0; v < before; v++) {
        if (s->slot[v] != r || !s->uses[v])
            continue;
        if (moved++) // each value owns its temporary
            t = new_temp(s);
        emit(s, IOP_MOV, t, r, 0, 0);
        s->slot[v] = (uint16_t)t;
    }
    s->pending[r] = 0;
}

// Where the op at index i may put its value: straight into the register if the next op puts it there.
// Operands have been used already.
static unsigned destination(Select *s, unsigned i, bool *skip_put)
{
    const IrBlock *b = s->ir;
    const IrInst *put = &b->ops[i + 1];
    *skip_put = put->op == IR_OP_PUT && put->a == i && !s->pending[put->reg];
    if (*skip_put) {
        s->uses[i]--;
        s->slot[i] = put->reg;
        s->pending[put->reg] += s->uses[i];
    } else {
        s->slot[i] = (uint16_t)new_temp(s);
        if (!s->uses[i])
            s->free_temp[s->n_free++] = (uint8_t)s->slot[i];
    }
    return s->slot[i];
}

typedef enum { SEL_NONE, SEL_BIN, SEL_UN, SEL_LD, SEL_ST, SEL_BR } SelKind;

static const struct {
    uint8_t kind, iop;
} select_table[IR_OPS] = {
#define BIN(NAME, expr) [IR_OP_##NAME] = {SEL_BIN, IOP_##NAME},
#define UN(NAME, expr) [IR_OP_##NAME] = {SEL_UN, IOP_##NAME},
#define LD(NAME, type) [IR_OP_##NAME] = {SEL_LD, IOP_##NAME},
#define ST(NAME, type) [IR_OP_##NAME] = {SEL_ST, IOP_##NAME},
#define BR(NAME, cond) [IR_OP_##NAME] = {SEL_BR, IOP_##NAME},
#include "backend/interp_ops.def"
#undef BIN
#undef UN
#undef LD
#undef ST
#undef BR
};
_Static_assert(IOPS <= 256, "select_table holds the interpreter op in a byte");

static bool select_value(Select *s, unsigned i)
{
    const IrInst *op = &s->ir->ops[i];
    bool skip = false;
    int32_t imm = 0;
    unsigned iop = select_table[op->op].iop;
    if (select_table[op->op].kind == SEL_BIN && const_imm(s, op->b, &imm)) {
        s->uses[op->b]--;
        unsigned a = use(s, op->a);
        emit(s, iop + 1, destination(s, i, &skip), a, 0, imm);
    } else {
        unsigned a = use(s, op->a);
        unsigned b = select_table[op->op].kind == SEL_BIN ? use(s, op->b) : 0;
        emit(s, iop, destination(s, i, &skip), a, b, 0);
    }
    return skip;
}

// The address operand of a load or store, with its offset in *imm.
static unsigned address(Select *s, const IrInst *op, int32_t *imm)
{
    if (op->imm == (int32_t)op->imm) {
        *imm = (int32_t)op->imm;
        return use(s, op->a);
    }
    unsigned k = new_temp(s), a = use(s, op->a);
    load_const(s, k, (uint64_t)op->imm);
    emit(s, IOP_ADD, k, a, k, 0);
    s->dying[s->n_dying++] = (uint8_t)k;
    *imm = 0;
    return k;
}

static uint64_t atomic_kind(const IrInst *op)
{
    uint64_t size = JIT_ATOMIC_SIZE(ir_op_size(op->op));
    switch (op->op) {
    case IR_OP_LR32:
    case IR_OP_LR64:
        return JIT_ATOMIC_LR | size;
    case IR_OP_SC32:
    case IR_OP_SC64:
        return JIT_ATOMIC_SC | size;
    default:
        return (uint64_t)op->imm | size;
    }
}

static void select_put(Select *s, unsigned i)
{
    const IrInst *op = &s->ir->ops[i];
    bool is_const = s->slot[op->a] == NO_SLOT;
    unsigned from = is_const ? 0 : use(s, op->a);
    if (s->pending[op->reg])
        save_register(s, op->reg, (IrVal)i);
    if (is_const) {
        s->uses[op->a]--;
        load_const(s, op->reg, s->konst[op->a]);
    } else if (from != op->reg) {
        emit(s, IOP_MOV, op->reg, from, 0, 0);
    }
}

static void select_fp(Select *s, unsigned i, bool *skip)
{
    const IrInst *op = &s->ir->ops[i];
    unsigned a = use(s, op->a), b = op->b == IR_NOVAL ? INTERP_ZERO_SLOT : use(s, op->b);
    unsigned c = op->c == IR_NOVAL ? INTERP_ZERO_SLOT : use(s, op->c);
    emit(s, IOP_FP, destination(s, i, skip), a, b, (int32_t)op->imm);
    IOp rest = {(const void *)s->fp[op->op - IR_OP_FADD32], 0, (uint8_t)c, 0, (uint8_t)s->insn, op->op};
    g_array_append_val(s->ops, rest);
}

static void select_other(Select *s, unsigned i, bool *skip)
{
    const IrInst *op = &s->ir->ops[i];
    switch (op->op) {
    case IR_OP_INSN:
        s->insn++;
        break;
    case IR_OP_CONST:
        s->konst[i] = (uint64_t)op->imm;
        break;
    case IR_OP_PC:
        s->konst[i] = s->base + (uint64_t)op->imm;
        break;
    case IR_OP_GET:
        s->slot[i] = op->reg;
        s->pending[op->reg] += s->uses[i];
        break;
    case IR_OP_PUT:
        select_put(s, i);
        break;
    case IR_OP_FENCE:
        emit(s, IOP_FENCE, 0, 0, 0, 0);
        break;
    case IR_OP_FPCHECK:
        emit(s, IOP_FPCHECK, 0, (unsigned)((uint64_t)op->imm >> 32), 0, (int32_t)op->imm);
        break;
    case IR_OP_JUMP:
        emit(s, IOP_JUMP, 0, 0, 0, 0);
        break;
    case IR_OP_JMPIND:
        emit(s, IOP_JMPIND, 0, use(s, op->a), 0, 0);
        break;
    case IR_OP_SYS: {
        unsigned a = use(s, op->a), b = use(s, op->b);
        if (s->tap)
            emit(s, IOP_TAP_SITE, 0, 0, 0, 0);
        emit(s, IOP_SYS, 0, a, b, (int32_t)op->imm);
        break;
    }
    default: { // lr, sc, amo, floating point
        if (ir_is_fp(op->op)) {
            select_fp(s, i, skip);
            break;
        }
        unsigned a = use(s, op->a), b = op->b == IR_NOVAL ? INTERP_ZERO_SLOT : use(s, op->b);
        emit(s, IOP_ATOMIC, destination(s, i, skip), a, b, (int32_t)atomic_kind(op));
    }
    }
}

static void select_ops(Select *s)
{
    const IrBlock *b = s->ir;
    for (unsigned i = 0; i < b->n_ops && !s->full; i++) {
        const IrInst *op = &b->ops[i];
        unsigned iop = select_table[op->op].iop;
        bool skip = false;
        int32_t imm;
        while (s->n_dying)
            s->free_temp[s->n_free++] = s->dying[--s->n_dying];
        switch ((SelKind)select_table[op->op].kind) {
        case SEL_BIN:
        case SEL_UN:
            skip = select_value(s, i);
            break;
        case SEL_LD: {
            unsigned a = address(s, op, &imm);
            emit(s, iop, destination(s, i, &skip), a, 0, imm);
            break;
        }
        case SEL_ST: {
            unsigned v = use(s, op->b), a = address(s, op, &imm);
            emit(s, iop, 0, a, v, imm);
            break;
        }
        case SEL_BR: {
            unsigned a = use(s, op->a);
            emit(s, iop, 0, a, use(s, op->b), 0);
            break;
        }
        case SEL_NONE:
            select_other(s, i, &skip);
        }
        i += skip;
    }
}

// All accesses are recorded.
static void tap_accesses(Select *s)
{
    for (unsigned i = 0, iop; i < s->ops->len; i += interp_cells(iop)) {
        IOp *op = &g_array_index(s->ops, IOp, i);
        iop = interp_op(op->handler);
        op->handler = interp_handler(interp_tapped(iop));
    }
}

void interp_block_init(Block *b, unsigned n_ops, uint16_t n_insns, unsigned n_targets)
{
    memset(b, 0, sizeof *b);
    b->n_ops = n_ops;
    b->n_insns = n_insns;
    b->n_targets = (uint8_t)n_targets;
    b->target = (uint64_t *)(void *)(b->ops + n_ops);
    b->insn_pc = (uint16_t *)(void *)(b->target + n_targets);
    b->runs = &b->no_runs;
    memset(b->target, 0xff, n_targets * sizeof b->target[0]);
}

static Block *finish(Select *s, CodeArena *arena)
{
    const IrBlock *ir = s->ir;
    const IrInst *last = &ir->ops[ir->n_ops - 1];
    unsigned n_targets = last->op == IR_OP_JMPIND ? BLOCK_TARGETS : 0;
    size_t size = block_size(n_targets, s->ops->len, ir->n_insns);
    Block *b = arena ? code_arena_alloc(arena, size) : g_malloc(size);
    interp_block_init(b, s->ops->len, (uint16_t)ir->n_insns, n_targets);
    memcpy(b->ops, s->ops->data, s->ops->len * sizeof(IOp));
    b->pc = s->base + (uint64_t)ir->pc;
    uint8_t *bytes = block_bytes(b);
    int64_t room = ir->pc + (int64_t)ir->n_insns * MAX_INSN_BYTES;
    unsigned n = 0;
    int64_t end = 0;
    for (unsigned i = 0; i < ir->n_ops; i++) {
        const IrInst *op = &ir->ops[i];
        if (op->op == IR_OP_INSN) {
            uint32_t bits = ir_insn_bits(op);
            if (op->imm + op->reg <= room) // else a tool has left out some
                memcpy(bytes + (op->imm - ir->pc), &bits, op->reg);
            b->insn_pc[n++] = (uint16_t)(op->imm - ir->pc);
            end = op->imm + op->reg;
        }
        b->is_call |= op->op == IR_OP_PC && op->imm == end;
        bool atomic = op->op >= IR_OP_LR32 && op->op <= IR_OP_AMO64;
        b->n_load += ir_is_load(op->op) || op->op == IR_OP_LR32 || op->op == IR_OP_LR64;
        b->n_store += ir_is_store(op->op) || (atomic && op->op > IR_OP_LR64);
    }
    b->succ_pc[0] = last->op == IR_OP_JUMP || ir_is_br(last->op) ? s->base + (uint64_t)ir->edge[0].pc : UINT64_MAX;
    b->succ_pc[1] = ir_is_br(last->op) ? s->base + (uint64_t)ir->edge[1].pc : UINT64_MAX;
    b->is_system = last->op == IR_OP_SYS;
    b->is_call &= last->op == IR_OP_JUMP || last->op == IR_OP_JMPIND;
    g_array_free(s->ops, TRUE);
    return b;
}

static Block *translate(const IrBlock *ir, uint64_t base, bool tap, CodeArena *arena)
{
    Select s;
    memset(&s, 0, offsetof(Select, free_temp)); // what comes then is a stack
    s.ir = ir;
    s.base = base;
    s.fp = fp_host_functions();
    s.n_free = s.n_dying = 0;
    s.full = false;
    s.tap = tap;
    s.ops = g_array_sized_new(FALSE, FALSE, sizeof(IOp), ir->n_insns + 2);
    unsigned n = ir->n_ops;
    // Small blocks, the normal case, need no allocation for the work arrays.
    uint64_t small[3][512];
    void *big = n > 512 ? g_malloc(n * 12) : NULL;
    s.konst = big ? big : small[0];
    s.slot = big ? (uint16_t *)(void *)(s.konst + n) : (uint16_t *)(void *)small[1];
    s.uses = big ? s.slot + n : (uint16_t *)(void *)small[2];
    memset(s.slot, 0xff, n * sizeof s.slot[0]);
    memset(s.uses, 0, n * sizeof s.uses[0]);
    for (unsigned i = 0; i < n; i++) {
        const IrInst *op = &ir->ops[i];
        if (op->op == IR_OP_INSN)
            continue;
        if (op->a != IR_NOVAL)
            s.uses[op->a]++;
        if (op->b != IR_NOVAL)
            s.uses[op->b]++;
        if (op->c != IR_NOVAL)
            s.uses[op->c]++;
    }
    s.n_fresh = N_TEMPS;
    s.insn = 0;
    if (tap)
        emit(&s, IOP_TAP_ENTER, 0, 0, 0, 0);
    s.insn = UINT32_MAX; // the first insn op makes it 0
    select_ops(&s);
    if (tap)
        tap_accesses(&s);
    g_free(big);
    if (s.full) {
        g_array_free(s.ops, TRUE);
        return NULL;
    }
    return finish(&s, arena);
}

Block *interp_translate(const IrBlock *ir, uint64_t base, bool tap, CodeArena *arena)
{
    if (!plant_is(PLANT_INTERP))
        return translate(ir, base, tap, arena);
    g_autoptr(IrCode) broken = ir_code_new(base);
    ir_code_add(broken, ir_block_copy(ir));
    plant_code(PLANT_INTERP, broken);
    return translate(broken->blocks[0], base, tap, arena);
}
