// SPDX-License-Identifier: GPL-3.0-or-later
// Constant folding and algebraic identities.
//
// The block is rebuilt op by op into a second array, since a row may need a new constant in front of its op.
// For every value already there we know its classes: facts that the rows of opt_fold.def ask for. A row's
// function rewrites the op in f->i (and is tried again, the new op being simpler), or puts the value that the
// op equals into f->same and so drops the op. Ops that become unused are left to opt_dce.c.
#include "ir/opt.h"
#include <string.h>

enum { // classes of a value
    K_CONST = 1 << 0,
    K_ZERO = 1 << 1,
    K_ONE = 1 << 2,
    K_ONES = 1 << 3, // all bits set
    K_POW2 = 1 << 4, // constant with exactly one bit set
    K_RIGHT = 1 << 5, // result of a binary pure op whose right operand is constant
    K_EXT = 1 << 6,   // result of sext8 .. zext32
    K_PC = 1 << 7,    // result of pc
    K_BOOL = 1 << 8,  // 0 or 1
    K_SAME = 1 << 9,  // operand b: is the same value as a
    K_S8 = 1 << 10,   // equals its low 8 bits, sign-extended
    K_S16 = 1 << 11,
    K_S32 = 1 << 12,
    K_U8 = 1 << 13, // equals its low 8 bits, zero-extended
    K_U16 = 1 << 14,
    K_U32 = 1 << 15,
    // the same with what follows from them
    IN_S32 = K_S32,
    IN_S16 = K_S16 | IN_S32,
    IN_S8 = K_S8 | IN_S16,
    IN_U32 = K_U32,
    IN_U16 = K_U16 | IN_U32 | IN_S32,
    IN_U8 = K_U8 | IN_U16 | IN_S16,
    IN_BOOL = K_BOOL | IN_U8,
    IN_COUNT = IN_U8 | IN_S8, // 0 to 64
    RANGES = K_S8 | K_S16 | K_S32 | K_U8 | K_U16 | K_U32,
};

enum {
    MAX_ROUNDS = 4,             // rewrites of one op; each adds at most one constant
    MAX_GROWTH = MAX_ROUNDS + 1, // ops out of one op
    STACK_OPS = 256,            // blocks up to this size are rebuilt on the stack
};

typedef struct {
    IrBlock *b;
    IrInst *out;
    uint16_t *classes; // of each op in out
    unsigned n;
    IrInst i;   // the op at work, in terms of out
    IrVal same; // value it equals, or IR_NOVAL
} Fold;

// What the opcode alone says of its result.
static const uint16_t op_classes[IR_OPS] = {
    [IR_OP_PC] = K_PC,
    [IR_OP_SLT] = IN_BOOL, [IR_OP_SLTU] = IN_BOOL,
    [IR_OP_ADD32] = IN_S32, [IR_OP_SUB32] = IN_S32, [IR_OP_SLL32] = IN_S32, [IR_OP_SRL32] = IN_S32,
    [IR_OP_SRA32] = IN_S32, [IR_OP_MUL32] = IN_S32, [IR_OP_DIV32] = IN_S32, [IR_OP_DIVU32] = IN_S32,
    [IR_OP_REM32] = IN_S32, [IR_OP_REMU32] = IN_S32, [IR_OP_ROL32] = IN_S32, [IR_OP_ROR32] = IN_S32,
    [IR_OP_SEXT8] = IN_S8 | K_EXT, [IR_OP_SEXT16] = IN_S16 | K_EXT, [IR_OP_SEXT32] = IN_S32 | K_EXT,
    [IR_OP_ZEXT16] = IN_U16 | K_EXT, [IR_OP_ZEXT32] = IN_U32 | K_EXT,
    [IR_OP_CLZ] = IN_COUNT, [IR_OP_CTZ] = IN_COUNT, [IR_OP_CPOP] = IN_COUNT,
    [IR_OP_CLZ32] = IN_COUNT, [IR_OP_CTZ32] = IN_COUNT, [IR_OP_CPOP32] = IN_COUNT,
    [IR_OP_LD8U] = IN_U8, [IR_OP_LD8S] = IN_S8, [IR_OP_LD16U] = IN_U16, [IR_OP_LD16S] = IN_S16,
    [IR_OP_LD32U] = IN_U32, [IR_OP_LD32S] = IN_S32,
    [IR_OP_FEQ32] = IN_BOOL, [IR_OP_FEQ64] = IN_BOOL, [IR_OP_FLT32] = IN_BOOL, [IR_OP_FLT64] = IN_BOOL,
    [IR_OP_FLE32] = IN_BOOL, [IR_OP_FLE64] = IN_BOOL, [IR_OP_FCLASS32] = IN_U16, [IR_OP_FCLASS64] = IN_U16,
    [IR_OP_LR32] = IN_S32, [IR_OP_AMO32] = IN_S32, [IR_OP_SC32] = IN_BOOL, [IR_OP_SC64] = IN_BOOL,
};

// --- classes -------------------------------------------------------------------------------------

static unsigned const_classes(int64_t c)
{
    uint64_t u = (uint64_t)c;
    unsigned k = K_CONST;

    k |= c == 0 ? K_ZERO : 0;
    k |= c == 1 ? K_ONE : 0;
    k |= c == -1 ? K_ONES : 0;
    k |= u && !(u & (u - 1)) ? K_POW2 : 0;
    k |= c == (int8_t)c ? IN_S8 : c == (int16_t)c ? IN_S16 : c == (int32_t)c ? IN_S32 : 0;
    k |= u <= 1 ? IN_BOOL : u <= UINT8_MAX ? IN_U8 : u <= UINT16_MAX ? IN_U16 : u <= UINT32_MAX ? IN_U32 : 0;
    return k;
}

static unsigned shift_classes(IrOpcode op, int64_t by)
{
    by &= 63;
    if (op == IR_OP_SRA)
        return by >= 56 ? IN_S8 : by >= 48 ? IN_S16 : by >= 32 ? IN_S32 : 0;
    return by >= 56 ? IN_U8 : by >= 48 ? IN_U16 : by > 32 ? IN_U32 | IN_S32 : by == 32 ? IN_U32 : 0;
}

static unsigned bits_classes(IrOpcode op, unsigned a, unsigned b)
{
    unsigned k = a & b & (RANGES | K_BOOL), any = a | b;

    if (op == IR_OP_AND) // not above the smaller operand
        k |= any & K_BOOL ? IN_BOOL : any & K_U8 ? IN_U8 : any & K_U16 ? IN_U16 : any & K_U32 ? IN_U32 : 0;
    return k;
}

static unsigned classes_of(const Fold *f, const IrInst *i)
{
    unsigned k = op_classes[i->op];

    if (i->op == IR_OP_CONST)
        return const_classes(i->imm);
    if (!(ir_op_info[i->op].flags & IRF_PURE) || ir_n_values(i->op) != 2)
        return k;
    if (f->classes[i->b] & K_CONST)
        k |= K_RIGHT;
    if (i->op == IR_OP_AND || i->op == IR_OP_OR || i->op == IR_OP_XOR)
        k |= bits_classes(i->op, f->classes[i->a], f->classes[i->b]);
    else if ((i->op == IR_OP_SRL || i->op == IR_OP_SRA) && k & K_RIGHT)
        k |= shift_classes(i->op, f->out[i->b].imm);
    return k;
}

// --- rewriting -----------------------------------------------------------------------------------

static IrVal emit(Fold *f, IrInst i)
{
    f->out[f->n] = i;
    f->classes[f->n] = (uint16_t)classes_of(f, &i);
    return (IrVal)f->n++;
}

static bool become_const(Fold *f, uint64_t v)
{
    f->i = (IrInst){IR_OP_CONST, 0, IR_NOVAL, IR_NOVAL, IR_NOVAL, (int64_t)v};
    return true;
}

static bool become(Fold *f, IrOpcode op, IrVal a, IrVal b)
{
    f->i = (IrInst){(uint8_t)op, 0, a, b, IR_NOVAL, 0};
    return true;
}

// The op becomes op(a, c).
static bool become_right(Fold *f, IrOpcode op, IrVal a, uint64_t c)
{
    IrVal b = emit(f, (IrInst){IR_OP_CONST, 0, IR_NOVAL, IR_NOVAL, IR_NOVAL, (int64_t)c});

    return become(f, op, a, b);
}

static bool become_jump(Fold *f, IrEdge to)
{
    f->b->edge[0] = to;
    f->b->edge[1] = (IrEdge){-1, 0};
    return become(f, IR_OP_JUMP, IR_NOVAL, IR_NOVAL);
}

static const IrInst *def(const Fold *f, IrVal v)
{
    return &f->out[v];
}

// The value of a constant operand.
static uint64_t imm_of(const Fold *f, IrVal v)
{
    return (uint64_t)f->out[v].imm;
}

static unsigned log2_of(uint64_t v)
{
    return (unsigned)__builtin_ctzll(v);
}

static bool is_pow2(uint64_t v)
{
    return v && !(v & (v - 1));
}

static unsigned ext_width(IrOpcode op)
{
    return op == IR_OP_SEXT8 ? 8 : op == IR_OP_SEXT16 || op == IR_OP_ZEXT16 ? 16 : 32;
}

// If v is an extension from at least `width` bits: the value it extends, which has the same low bits.
static bool strip(const Fold *f, IrVal *v, unsigned width)
{
    const IrInst *d = def(f, *v);

    if (ext_width(d->op) < width)
        return false;
    *v = d->a;
    return true;
}

// --- functions of the rows -----------------------------------------------------------------------

static bool keep_a(Fold *f)
{
    f->same = f->i.a;
    return true;
}

static bool keep_b(Fold *f)
{
    f->same = f->i.b;
    return true;
}

static bool to_zero(Fold *f)
{
    return become_const(f, 0);
}

static bool to_ones(Fold *f)
{
    return become_const(f, ~UINT64_C(0));
}

static bool to_sext32(Fold *f)
{
    return become(f, IR_OP_SEXT32, f->i.a, IR_NOVAL);
}

// (x op c1) op c2 = x op (c1 op c2) for associative ops
static bool merge_same(Fold *f)
{
    const IrInst *d = def(f, f->i.a);

    if (d->op != f->i.op)
        return false;
    return become_right(f, f->i.op, d->a, ir_eval_pure(f->i.op, imm_of(f, d->b), imm_of(f, f->i.b), 0));
}

static bool merge_pc(Fold *f)
{
    uint64_t offset = imm_of(f, f->i.a) + imm_of(f, f->i.b);

    f->i = (IrInst){IR_OP_PC, 0, IR_NOVAL, IR_NOVAL, IR_NOVAL, (int64_t)offset};
    return true;
}

static bool sub_to_add(Fold *f)
{
    return become_right(f, f->i.op == IR_OP_SUB ? IR_OP_ADD : IR_OP_ADD32, f->i.a, 0 - imm_of(f, f->i.b));
}

// x & c where c keeps all bits x can have, or where it is an extension
static bool and_mask(Fold *f)
{
    uint64_t c = imm_of(f, f->i.b);
    unsigned k = f->classes[f->i.a];

    if ((k & K_BOOL && c & 1) || (k & K_U8 && (c & 0xff) == 0xff) || (k & K_U16 && (c & 0xffff) == 0xffff) ||
        (k & K_U32 && (c & UINT32_MAX) == UINT32_MAX))
        return keep_a(f);
    if (c != UINT16_MAX && c != UINT32_MAX)
        return false;
    return become(f, c == UINT16_MAX ? IR_OP_ZEXT16 : IR_OP_ZEXT32, f->i.a, IR_NOVAL);
}

static bool shift_zero(Fold *f)
{
    bool is_word = op_classes[f->i.op] & K_S32;

    if (imm_of(f, f->i.b) & (is_word ? 31 : 63))
        return false;
    return is_word ? to_sext32(f) : keep_a(f);
}

// (x shift c1) shift c2, same direction
static bool shift_merge(Fold *f)
{
    const IrInst *d = def(f, f->i.a);

    if (d->op != f->i.op)
        return false;
    uint64_t by = (imm_of(f, d->b) & 63) + (imm_of(f, f->i.b) & 63);
    if (by > 63 && f->i.op != IR_OP_SRA)
        return to_zero(f);
    return become_right(f, f->i.op, d->a, MIN(by, 63));
}

// (x << c) >> c and (x >> c) << c
static bool shift_back(Fold *f)
{
    const IrInst *d = def(f, f->i.a);
    unsigned by = imm_of(f, f->i.b) & 63;
    IrOpcode op = f->i.op;

    if (d->op != (op == IR_OP_SLL ? IR_OP_SRL : IR_OP_SLL) || (imm_of(f, d->b) & 63) != by)
        return false;
    if (op == IR_OP_SLL)
        return become_right(f, IR_OP_AND, d->a, ~UINT64_C(0) << by);
    if (op == IR_OP_SRL)
        return become_right(f, IR_OP_AND, d->a, ~UINT64_C(0) >> by);
    if (by != 32 && by != 48 && by != 56)
        return false;
    return become(f, by == 32 ? IR_OP_SEXT32 : by == 48 ? IR_OP_SEXT16 : IR_OP_SEXT8, d->a, IR_NOVAL);
}

static bool strip_word_a(Fold *f)
{
    return strip(f, &f->i.a, 32);
}

static bool strip_word_b(Fold *f)
{
    return strip(f, &f->i.b, 32);
}

static bool strip_stored(Fold *f)
{
    return strip(f, &f->i.b, 8 * ir_op_size(f->i.op));
}

static bool ext_ext(Fold *f)
{
    return strip(f, &f->i.a, ext_width(f->i.op));
}

// sext32(x op y) for ops that have a word form
static bool sext32_result(Fold *f)
{
    const IrInst *d = def(f, f->i.a);

    switch (d->op) {
    case IR_OP_ADD: return become(f, IR_OP_ADD32, d->a, d->b);
    case IR_OP_SUB: return become(f, IR_OP_SUB32, d->a, d->b);
    case IR_OP_MUL: return become(f, IR_OP_MUL32, d->a, d->b);
    case IR_OP_SLL:
        if (!(f->classes[d->b] & K_CONST) || (imm_of(f, d->b) & 63) > 31)
            return false;
        return become(f, IR_OP_SLL32, d->a, d->b);
    default: return false;
    }
}

static bool bswap_twice(Fold *f)
{
    const IrInst *d = def(f, f->i.a);

    if (d->op != IR_OP_BSWAP)
        return false;
    f->same = d->a;
    return true;
}

static bool mul_pow2(Fold *f)
{
    return become_right(f, IR_OP_SLL, f->i.a, log2_of(imm_of(f, f->i.b)));
}

static bool mulhu_pow2(Fold *f)
{
    unsigned k = log2_of(imm_of(f, f->i.b));

    return k ? become_right(f, IR_OP_SRL, f->i.a, 64 - k) : to_zero(f);
}

static bool divu_pow2(Fold *f)
{
    return become_right(f, IR_OP_SRL, f->i.a, log2_of(imm_of(f, f->i.b)));
}

static bool remu_pow2(Fold *f)
{
    return become_right(f, IR_OP_AND, f->i.a, imm_of(f, f->i.b) - 1);
}

static bool mul32_const(Fold *f)
{
    uint32_t c = (uint32_t)imm_of(f, f->i.b);

    if (c == 0)
        return to_zero(f);
    return is_pow2(c) && become_right(f, IR_OP_SLL32, f->i.a, log2_of(c));
}

static bool div32_const(Fold *f)
{
    uint32_t c = (uint32_t)imm_of(f, f->i.b);

    return c == 0 ? to_ones(f) : c == 1 && to_sext32(f);
}

static bool divu32_const(Fold *f)
{
    uint32_t c = (uint32_t)imm_of(f, f->i.b);

    if (c == 0)
        return to_ones(f);
    return is_pow2(c) && become_right(f, IR_OP_SRL32, f->i.a, log2_of(c));
}

static bool rem32_const(Fold *f)
{
    uint32_t c = (uint32_t)imm_of(f, f->i.b);

    return c == 0 ? to_sext32(f) : c == 1 && to_zero(f);
}

static bool remu32_const(Fold *f)
{
    uint32_t c = (uint32_t)imm_of(f, f->i.b);

    if (c == 0)
        return to_sext32(f);
    return is_pow2(c) && become_right(f, IR_OP_AND, f->i.a, c - 1);
}

// Addresses wrap modulo 2^64, so the sum of the constants is always right.
static bool fold_address(Fold *f)
{
    const IrInst *d = def(f, f->i.a);

    if (d->op != IR_OP_ADD)
        return false;
    f->i.imm = (int64_t)((uint64_t)f->i.imm + imm_of(f, d->b));
    f->i.a = d->a;
    return true;
}

static bool br_taken(Fold *f)
{
    return become_jump(f, f->b->edge[0]);
}

static bool br_not_taken(Fold *f)
{
    return become_jump(f, f->b->edge[1]);
}

static bool br_const(Fold *f)
{
    return ir_eval_br(f->i.op, imm_of(f, f->i.a), imm_of(f, f->i.b)) ? br_taken(f) : br_not_taken(f);
}

static bool br_swap(Fold *f)
{
    return become(f, f->i.op, f->i.b, f->i.a);
}

// A branch on a comparison, or on a difference, against 0
static bool br_compare(Fold *f)
{
    const IrInst *d = def(f, f->i.a);
    bool if_set = f->i.op == IR_OP_BR_NE;

    switch (d->op) {
    case IR_OP_SLT: return become(f, if_set ? IR_OP_BR_LT : IR_OP_BR_GE, d->a, d->b);
    case IR_OP_SLTU: return become(f, if_set ? IR_OP_BR_LTU : IR_OP_BR_GEU, d->a, d->b);
    case IR_OP_SUB:
    case IR_OP_XOR: return become(f, f->i.op, d->a, d->b);
    default: return false;
    }
}

static bool jmpind_pc(Fold *f)
{
    IrEdge to = {-1, def(f, f->i.a)->imm};

    for (unsigned g = 0; g < f->b->n_guess; g++)
        if (f->b->guess[g].pc == to.pc) {
            to = f->b->guess[g];
            break;
        }
    g_clear_pointer(&f->b->guess, g_free);
    f->b->n_guess = 0;
    return become_jump(f, to);
}

// --- the rows ------------------------------------------------------------------------------------

typedef struct {
    uint8_t op;
    uint16_t a, b;
    bool (*fn)(Fold *f);
} Row;

static const Row rows[] = {
#define FOLD(op, a, b, fn) {IR_OP_##op, a, b, fn},
#include "ir/opt_fold.def"
#undef FOLD
};

static uint8_t first_row[IR_OPS + 1];
_Static_assert(G_N_ELEMENTS(rows) <= UINT8_MAX, "first_row holds row numbers in a byte");

static void index_rows(void)
{
    static size_t done;
    unsigned r = 0;

    if (!g_once_init_enter(&done))
        return;
    for (unsigned op = 0; op <= IR_OPS; op++) {
        first_row[op] = (uint8_t)r;
        while (r < G_N_ELEMENTS(rows) && rows[r].op == op)
            r++;
    }
    g_assert(r == G_N_ELEMENTS(rows)); // otherwise they are not in the order of ops.def
    g_once_init_leave(&done, 1);
}

// One step on f->i; true if it did something.
static bool simplify(Fold *f)
{
    IrInst *i = &f->i;
    unsigned op = i->op, flags = ir_op_info[op].flags, n = ir_n_values(op);
    unsigned ka = n > 0 ? f->classes[i->a] : 0, kb = n > 1 ? f->classes[i->b] : 0;

    if (flags & IRF_PURE && ka & K_CONST && (n == 1 || kb & K_CONST))
        return become_const(f, ir_eval_pure(op, imm_of(f, i->a), n > 1 ? imm_of(f, i->b) : 0, 0));
    if (flags & IRF_COMM && ka & K_CONST)
        return become(f, op, i->b, i->a);
    if (n > 1 && i->a == i->b)
        kb |= K_SAME;
    for (const Row *r = &rows[first_row[op]], *end = &rows[first_row[op + 1]]; r < end; r++)
        if ((ka & r->a) == r->a && (kb & r->b) == r->b && r->fn(f))
            return true;
    return false;
}

static bool fold_ops(Fold *f, IrVal *map)
{
    bool changed = false;

    for (unsigned index = 0; index < f->b->n_ops; index++) {
        f->i = f->b->ops[index];
        f->same = IR_NOVAL;
        unsigned n = ir_n_values(f->i.op);
        if (n > 0)
            f->i.a = map[f->i.a];
        if (n > 1)
            f->i.b = map[f->i.b];
        if (n > 2)
            f->i.c = map[f->i.c];
        for (unsigned round = 0; round < MAX_ROUNDS && f->same == IR_NOVAL && simplify(f); round++)
            changed = true;
        map[index] = f->same != IR_NOVAL ? f->same : emit(f, f->i);
    }
    return changed;
}

bool ir_opt_fold(IrBlock *b)
{
    unsigned max = b->n_ops * MAX_GROWTH;
    bool on_stack = b->n_ops <= STACK_OPS;

    if (max > IR_MAX_OPS)
        return false;
    index_rows();
    g_autofree IrInst *heap = on_stack ? NULL : g_new(IrInst, max);
    Fold f = {.b = b, .out = on_stack ? g_newa(IrInst, max) : heap, .classes = g_newa(uint16_t, max)};
    if (!fold_ops(&f, g_newa(IrVal, b->n_ops)))
        return false;
    if (f.n > b->cap) {
        b->cap = f.n;
        b->ops = g_renew(IrInst, b->ops, b->cap);
    }
    memcpy(b->ops, f.out, f.n * sizeof(IrInst));
    b->n_ops = f.n;
    return true;
}
