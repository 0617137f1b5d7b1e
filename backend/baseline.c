// SPDX-License-Identifier: GPL-3.0-or-later
// Chooses the stencils of a block, which baseline_layout.c copies one after another.
//
// Three things make it better than one stencil for each op: an operand that the op before has just made comes from the
// accumulator, a temporary that only the next op reads is not stored, and accesses through one base register share a
// look into the TLB.
#include "backend/baseline.h"

#include "backend/baseline_fp.h"
#include "backend/baseline_private.h"
#include "backend/block_file.h"
#include "backend/interp.h"
#include "backend/stencil_forms.h"
#include "backend/stencils.h"
#include "ir/plant.h"
#include <string.h>

typedef enum { K_OTHER, K_BIN, K_BINI, K_UN, K_LD, K_ST, K_BR } Kind;
typedef enum { L_A, L_M, L_I, L_Z, L_0, L_1, L_2, L_3, L_4, L_5, PLACES } Place; // see stencil_forms.h
#define L_P L_Z // of a load, which has no second operand: without a guess at the addend, as pages lie anywhere
#define L_G L_M // ... in a group
enum { RUN_LOAD, RUN_STORE, RUN_SECOND }; // runs of pages: IrEnv.runs
typedef enum { TO_N, TO_0, TO_1, TO_2, TO_3, TO_4, TO_5, RESULTS } Result;
_Static_assert(PLACES == L_0 + N_PINNED && RESULTS == TO_0 + N_PINNED, "places of pinned registers");

typedef struct {
    uint8_t kind;
    uint16_t form[PLACES][PLACES][RESULTS]; // by first operand, second one and result; STENCIL_NONE: there is none
    uint8_t size; // bytes of an access
    bool tap;     // it records
    uint16_t group[PLACES][PLACES], run[PLACES][PLACES]; // like form, for stores of a group, and into runs of pages
    uint16_t slow[RESULTS], far[RESULTS], run_slow[RESULTS]; // with runs the last two, which follow one another
} Row;

static const Row rows[IOPS] = {
#define FORM(op, x, y, d, ...) .form[L_##x][L_##y][TO_##d] = STENCIL_##op##_##x##y##_##d,
#define PLAIN(op, x, y, d, ...) .form[L_##x][L_P][TO_##d] = STENCIL_##op##_##x##P_##d,
#define LD_GROUP(op, x, y, d, ...) .form[L_##x][L_G][TO_##d] = STENCIL_##op##_##x##G_##d,
#define ST_GROUP(op, x, y, d, ...) .group[L_##x][L_##y] = STENCIL_##op##_##x##y##G,
#define ST_RUN(op, x, y, d, ...) .run[L_##x][L_##y] = STENCIL_##op##_##x##y##R,
#define BIN(op, expr) [IOP_##op] = {K_BIN, FORMS_FEW(FORM, op, 0)}, [IOP_##op##_I] = {K_BINI, FORM(op, A, I, N)},
#define OFTEN(op, expr)                                                                                                \
    [IOP_##op] = {K_BIN, FORMS_MANY(FORM, op, 0)}, [IOP_##op##_I] = {K_BINI, FORMS_ONE_MANY(FORM, op, 0)},
#define SHIFT(op, expr, insn, type)                                                                                    \
    [IOP_##op] = {K_BIN, FORMS_FEW(FORM, op, 0)}, [IOP_##op##_I] = {K_BINI, FORMS_ONE_MANY(FORM, op, 0)},
#define UN(op, expr) [IOP_##op] = {K_UN, FORMS_ONE_FEW(FORM, op, 0)},
#define OFF_PATH(d, op)                                                                                                \
    .slow[TO_##d] = STENCIL_##op##_##d##_SLOW, .far[TO_##d] = STENCIL_##op##_##d##_FAR,                                \
    .run_slow[TO_##d] = STENCIL_##op##_##d##_RUN_SLOW,
#define LD(op, type)                                                                                                   \
    [IOP_##op] = {K_LD, FORMS_ONE_MANY(FORM, op, 0) FORMS_ONE_MANY(PLAIN, op, 0)                                       \
                            FORMS_ONE_MANY(LD_GROUP, op, 0) OFF_PATH(N, op) EACH_PINNED(OFF_PATH, op)              \
                                .size = sizeof(type)},
#define ST(op, type)                                                                                                   \
    [IOP_##op] = {K_ST, FORMS_NO_RESULT(FORM, op, 0) FORMS_NO_RESULT(ST_GROUP, op, 0) FORMS_NO_RESULT(ST_RUN, op, 0)   \
                            .slow[TO_N] = STENCIL_##op##_SLOW, .far[TO_N] = STENCIL_##op##_FAR,                     \
                            .run_slow[TO_N] = STENCIL_##op##_RUN_SLOW, .size = sizeof(type)},
#define BR(op, cond) [IOP_##op] = {K_BR, FORMS_NO_RESULT(FORM, op, 0)},
#include "backend/interp_ops.def"
#undef BIN
#undef UN
#undef LD
#undef ST
#undef BR
#define BIN(op, expr)
#define UN(op, expr)
#define BR(op, cond)
#define TAP_FORM(op, x, y, d, ...) .form[L_##x][L_##y][TO_##d] = STENCIL_TAP_##op##_##x##y##_##d,
#define TAP_OFF_PATH(op, SLOW) .slow[TO_N] = SLOW, .far[TO_N] = STENCIL_TAP_##op##_FAR, .tap = true,
#define LD(op, type)                                                                                                   \
    [IOP_TAP_##op] = {K_LD, FORMS_ONE_FEW(TAP_FORM, op, 0) TAP_OFF_PATH(op, STENCIL_##op##_N_SLOW)                     \
                                .size = sizeof(type)},
#define ST(op, type)                                                                                                   \
    [IOP_TAP_##op] = {K_ST, FORMS_FEW(TAP_FORM, op, 0) TAP_OFF_PATH(op, STENCIL_##op##_SLOW).size = sizeof(type)},
#include "backend/interp_ops.def"
#undef BIN
#undef UN
#undef LD
#undef ST
#undef BR
};

static const struct { // of each pinned register
    uint16_t guest, get, put, load, store, li, mov[N_PINNED];
} pinned[N_PINNED] = {
#define MOV(j, i) STENCIL_MOV_##i##_##j,
#define REGISTER(i, host, guest)                                                                                       \
    {guest,           STENCIL_GET_##i, STENCIL_PUT_##i,      STENCIL_LOAD_##i,                                         \
     STENCIL_STORE_##i, STENCIL_LI_##i,  {EACH_PINNED(MOV, i)}},
    PINNED(REGISTER)
#undef MOV
#undef REGISTER
};

enum { GROUP_R = 1, GROUP_W = 2 };
#define GROUPS(x)                                                                                                      \
    [L_##x] = {STENCIL_GROUP_##x##_RUN, STENCIL_GROUP_##x##_R, STENCIL_GROUP_##x##_W, STENCIL_GROUP_##x##_RW},
static const uint16_t group_check[PLACES][4] = { // by place of the base and kinds of access; 0: where runs are used
    GROUPS(A) GROUPS(0) GROUPS(1) GROUPS(2) GROUPS(3) GROUPS(4) GROUPS(5)
};
#undef GROUPS

static const uint8_t pinned_as[IR_NREGS + IR_NTEMPS] = { // by slot: 1 + number
#define REGISTER(i, host, guest) [guest] = 1 + i,
    PINNED(REGISTER)
#undef REGISTER
};

static Piece *add(Baseline *t, unsigned stencil, const IOp *op)
{
    return piece_add(t, stencil, op);
}

// Makes t->loads and t->stores those of op and the ops behind it.
static void count_accesses(Baseline *t, const IOp *op)
{
    if (!t->counted || op < t->counted) {
        t->counted = t->block->ops;
        t->loads = t->block->n_load;
        t->stores = t->block->n_store;
    }
    while (t->counted < op) {
        unsigned iop = interp_op(t->counted->handler), kind = rows[iop].kind;
        bool atomic = iop == IOP_ATOMIC || iop == IOP_TAP_ATOMIC;
        bool lr = atomic && (t->counted->imm & 0xff) == JIT_ATOMIC_LR;
        t->loads -= kind == K_LD || lr;
        t->stores -= kind == K_ST || (atomic && !lr);
        t->counted += interp_cells(iop);
    }
}

// The site for leaving before op's instruction; ops of one instruction follow one another.
static uint32_t site_before(Baseline *t, const IOp *op)
{
    count_accesses(t, op);
    JitSite s = {t->block->insn_pc[op->insn], -op->insn, t->loads, t->stores, JIT_BEFORE, 0};
    const JitSite *last = &g_array_index(t->sites, JitSite, t->sites->len - 1);
    if (last->pc != s.pc || last->why != s.why || last->loads != s.loads || last->stores != s.stores)
        g_array_append_val(t->sites, s);
    return t->sites->len - 1;
}

// An op has put its value into slot d and into the accumulator. What is pinned is not looked for there.
static void set_acc(Baseline *t, unsigned d)
{
    t->acc = pinned_as[d] ? NO_SLOT : d;
    if (t->facc == d)
        t->facc = NO_SLOT;
}

// Does only the next op read what op puts into a temporary, and can it take it from the accumulator?
static bool only_next_reads(const Block *b, const IOp *op)
{
    const IOp *end = b->ops + b->n_ops, *next = op + interp_cells(interp_op(op->handler));
    if (op->d < IR_NREGS || next == end)
        return false;
    unsigned iop = interp_op(next->handler), kind = rows[iop].kind;
    bool a = next->a == op->d && (kind != K_OTHER || iop == IOP_MOV || iop == IOP_JMPIND);
    bool second = next->b == op->d && (kind == K_BIN || kind == K_ST || kind == K_BR);
    if (a == second)
        return false;
    for (const IOp *o = next; o < end; o++) {
        iop = interp_op(o->handler);
        if (o != next && (o->a == op->d || o->b == op->d)) // a field that is not an operand may say so too: no harm
            return false;
        if (iop == IOP_FP && o[1].a == op->d)
            return false;
        if (o->d == op->d && rows[iop].kind != K_ST && rows[iop].kind != K_BR)
            return true;
        o += interp_cells(iop) - 1;
    }
    return true;
}

static Place place(const Baseline *t, unsigned slot)
{
    if (pinned_as[slot])
        return L_0 + pinned_as[slot] - 1;
    return slot == t->acc ? L_A : slot == INTERP_ZERO_SLOT ? L_Z : L_M;
}

// Puts a slot's value into the accumulator.
static void get(Baseline *t, unsigned slot)
{
    IOp op = {.a = (uint8_t)slot};
    if (slot == t->acc)
        return;
    add(t, pinned_as[slot] ? pinned[pinned_as[slot] - 1].get : STENCIL_GET_M, &op);
    t->acc = pinned_as[slot] ? NO_SLOT : slot;
}

// What the op before has left in the accumulator goes where it belongs.
static void put(Baseline *t, const IOp *op)
{
    set_acc(t, op->d);
    if (pinned_as[op->d])
        add(t, pinned[pinned_as[op->d] - 1].put, op);
    else if (!only_next_reads(t->block, op))
        add(t, STENCIL_PUT_M, op);
}

// For what knows nothing of pinned registers: the slot's value is in memory too.
static void spill(Baseline *t, unsigned slot)
{
    IOp op = {.d = (uint8_t)slot};
    if (pinned_as[slot])
        add(t, pinned[pinned_as[slot] - 1].store, &op);
}

static bool commutes(const Row *row)
{
    switch (row - rows) {
    case IOP_ADD:
    case IOP_AND:
    case IOP_OR:
    case IOP_XOR:
    case IOP_ADD32:
    case IOP_MUL:
    case IOP_MUL32:
    case IOP_BR_EQ:
    case IOP_BR_NE:
        return true;
    default:
        return false;
    }
}

static bool grouped(const Baseline *t, const IOp *op, const Row *row)
{
    return (row->kind == K_LD || row->kind == K_ST) && op->a == t->group;
}

// The stencil of an op with operands at x and y. Operands are exchanged if need be.
static Piece *add_form(Baseline *t, const IOp *op, const Row *row, Place x, Place y, Result d)
{
    Piece *p = NULL;
    if (row->kind == K_ST && grouped(t, op, row)) {
        p = row->group[x][y] ? add(t, row->group[x][y], op) : NULL;
    } else if (row->kind == K_ST && !t->unit->paged && !row->tap) {
        p = row->run[x][y] ? add(t, row->run[x][y], op) : NULL;
    } else if (row->form[x][y][d]) {
        p = add(t, row->form[x][y][d], op);
    } else if (row->form[y][x][d] && commutes(row)) {
        p = add(t, row->form[y][x][d], op);
        p->a = op->b;
        p->b = op->a;
    }
    return p;
}

// One of the ops of interp_ops.def. *d: where its result belongs; TO_N then if it goes to the accumulator instead.
static Piece *add_op(Baseline *t, const IOp *op, const Row *row, Result *d)
{
    bool two = row->kind == K_BIN || row->kind == K_ST || row->kind == K_BR;
    Place x = place(t, op->a), y = L_I;
    if (two)
        y = place(t, op->b);
    else if (row->kind == K_LD)
        y = grouped(t, op, row) ? L_G : t->unit->paged && !row->tap ? L_P : L_I;
    x = x == L_Z ? L_M : x;
    y = y == L_A && x == L_A ? L_M : y;
    for (;;) {
        Piece *p = add_form(t, op, row, x, y, *d);
        if (!p && *d != TO_N && (p = add_form(t, op, row, x, y, TO_N)))
            *d = TO_N;
        if (p)
            return p;
        if (y == L_Z && two) {
            y = L_M;
            continue;
        }
        g_assert(x != L_A && y != L_A);
        get(t, op->a);
        x = L_A;
    }
}

static void add_computation(Baseline *t, const IOp *op, const Row *row)
{
    Result d = TO_N + pinned_as[op->d];
    add_op(t, op, row, &d);
    if (d == TO_N)
        put(t, op);
}

// Which run op's address is likely in: what its base register holds at this moment, when the block is entered, says.
static uint8_t guess_run(const Baseline *t, const IOp *op, unsigned kind)
{
    const IrEnv *env = t->env;
    unsigned second = kind | RUN_SECOND;
    return (uint8_t)(env->r[op->a] + (uint64_t)(int64_t)op->imm - env->runs.run[second].start <
                     env->runs.run[second].size ? second : kind);
}

static void add_access(Baseline *t, const IOp *op, const Row *row)
{
    bool is_grouped = grouped(t, op, row);
    uint32_t site = is_grouped ? 0 : site_before(t, op);
    Result d = row->kind == K_LD ? TO_N + pinned_as[op->d] : TO_N;
    Piece *p = add_op(t, op, row, &d);
    if (!is_grouped) {
        p->site = site;
        p->kind = row->size | (row->kind == K_ST ? JIT_RAM_WRITE : 0) | JIT_INSN(op->insn) |
                  (t->group != NO_SLOT ? JIT_NO_DEVICE : 0);
        p->full = (uintptr_t)t->unit->slots;
        p->full_to = BLOCK_TO_SLOTS;
        p->slow = t->unit->paged ? row->slow[d] : row->run_slow[d];
        p->far = t->unit->paged ? 0 : row->far[d];
        p->run = guess_run(t, op, row->kind == K_ST ? RUN_STORE : RUN_LOAD);
        if (row->tap)
            baseline_tap_access(t, p, op, row->slow[d], row->far[d]);
    }
    if (row->kind == K_ST)
        return;
    if (d == TO_N)
        put(t, op);
    else
        t->acc = NO_SLOT;
}

static void add_fp(Baseline *t, const IOp *op)
{
    unsigned code = (unsigned)op[1].imm, imm = (unsigned)op->imm;
    spill(t, op->a);
    spill(t, op->b);
    spill(t, op[1].a);
    bool usable = t->facc_boxed || (code <= IR_OP_FMADD64 && fp_is_wide(code));
    FpChoice choice = fp_choose(code, imm, usable ? t->facc : NO_SLOT, op->a, op->b, op[1].a);
    Piece *p = add(t, choice.stencil, op);
    if (choice.swap) {
        p->a = op->b;
        p->b = op->a;
    }
    p->c = op[1].a;
    p->slow = choice.slow;
    p->imm = op->imm & IR_FP_RM;
    p->full = (uint64_t)code << FP_SOFT_OP | imm;
    if (!choice.is_float) {
        set_acc(t, op->d);
        if (pinned_as[op->d])
            add(t, pinned[pinned_as[op->d] - 1].put, op);
        return;
    }
    t->facc = op->d;
    t->facc_boxed = code == IR_OP_F64TO32 || code == IR_OP_ITOF32 || (code <= IR_OP_FMAX64 && !fp_is_wide(code));
    if (t->acc == op->d)
        t->acc = NO_SLOT;
}

static void add_move(Baseline *t, const IOp *op)
{
    unsigned from = pinned_as[op->a], to = pinned_as[op->d];
    if (!from) {
        get(t, op->a);
        put(t, op);
    } else if (to) {
        add(t, pinned[from - 1].mov[to - 1], op);
    } else {
        add(t, pinned[from - 1].store, op);
        set_acc(t, op->d);
        t->acc = NO_SLOT;
    }
}

static void add_constant(Baseline *t, const IOp *op, unsigned iop)
{
    if (iop == IOP_LI && pinned_as[op->d]) {
        add(t, pinned[pinned_as[op->d] - 1].li, op);
        return;
    }
    Piece *p = add(t, iop == IOP_LI ? STENCIL_LI_N : STENCIL_LI64_N, op);
    if (iop == IOP_LI64)
        p->full = (uintptr_t)op[1].handler;
    put(t, op);
}

static void add_other(Baseline *t, const IOp *op, unsigned iop)
{
    Piece *p;
    switch (iop) {
    case IOP_MOV:
        add_move(t, op);
        break;
    case IOP_LI:
    case IOP_LI64:
        add_constant(t, op, iop);
        break;
    case IOP_FENCE:
        add(t, STENCIL_FENCE, op);
        break;
    case IOP_ATOMIC: {
        uint32_t site = site_before(t, op);
        spill(t, op->a);
        spill(t, op->b);
        add(t, STENCIL_ATOMIC, op)->site = site;
        put(t, op);
        break;
    }
    case IOP_FPCHECK: {
        uint32_t site = site_before(t, op);
        p = add(t, STENCIL_FPCHECK, op);
        p->site = site;
        p->imm = op->a;
        break;
    }
    case IOP_FP:
        add_fp(t, op);
        break;
    case IOP_TAP_ENTER:
        baseline_tap_enter(t, op->imm);
        break;
    case IOP_TAP_SITE:
        baseline_tap_system(t, op);
        break;
    case IOP_TAP_ATOMIC:
        baseline_tap_atomic(t, op, site_before(t, op));
        put(t, op);
        break;
    case IOP_JUMP:
        add(t, STENCIL_JUMP, op);
        break;
    case IOP_JMPIND:
        get(t, op->a);
        p = add(t, STENCIL_TARGET, op);
        p->slow = STENCIL_TARGET_SLOW;
        p->full = (uintptr_t)t->block->target;
        p->full_to = BLOCK_TO_TARGETS;
        p = add(t, t->guess ? STENCIL_GUESS : STENCIL_JMPIND, op);
        p->far = t->guess ? STENCIL_GUESS_FAR : STENCIL_JMPIND_FAR;
        p->full = t->guess;
        break;
    default: // sys
        if (t->system) {
            p = add(t, STENCIL_SYS_CALL, op);
            p->site = op->insn;
            p->full = t->block->pc + t->block->insn_pc[op->insn];
        } else {
            uint32_t site = site_before(t, op);
            add(t, STENCIL_SYS, op)->site = site;
        }
    }
}

// Adds the stencils of one op. Returns how many cells more than one it has.
static unsigned select_op(Baseline *t, const IOp *op)
{
    unsigned iop = interp_op(op->handler);
    t->insn = 1u + op->insn;
    switch ((Kind)rows[iop].kind) {
    case K_BIN:
    case K_BINI:
    case K_UN:
        add_computation(t, op, &rows[iop]);
        return 0;
    case K_LD:
    case K_ST:
        add_access(t, op, &rows[iop]);
        return 0;
    case K_BR: {
        Result nowhere = TO_N;
        add_op(t, op, &rows[iop], &nowhere);
        return 0;
    }
    case K_OTHER:
        add_other(t, op, iop);
    }
    return interp_cells(iop) - 1;
}

// Accesses through one base register, with computations and other accesses between them that leave it alone.
typedef struct {
    const IOp *end; // behind the last access
    unsigned accesses, kinds;
    int64_t low, high; // offsets of the first byte and behind the last one
} Group;

#define MAX_GROUP_SPAN 1024
#define MAX_RUN_SPAN TLB_RUN_BYTES // ... with runs
#define MAX_GROUP_GAP 8

static Group find_group(const Block *b, const IOp *first)
{
    int64_t span = b->mode & CODE_PAGED ? MAX_GROUP_SPAN : MAX_RUN_SPAN;
    Group g = {.low = INT64_MAX, .high = INT64_MIN};
    for (const IOp *op = first; op < b->ops + b->n_ops; op++) {
        const Row *row = &rows[interp_op(op->handler)];
        bool access = (row->kind == K_LD || row->kind == K_ST) && op->a == first->a;
        if (row->kind == K_OTHER || row->kind == K_BR || (g.end && op - g.end > MAX_GROUP_GAP))
            break;
        if (access) {
            int64_t low = MIN(g.low, op->imm), high = MAX(g.high, (int64_t)op->imm + row->size);
            if (high - low > span)
                break;
            g.low = low;
            g.high = high;
            g.kinds |= row->kind == K_LD ? GROUP_R : GROUP_W;
            g.accesses++;
            g.end = op + 1;
        }
        if (row->kind != K_ST && op->d == first->a)
            break;
    }
    return g;
}

// A group needs one look into the TLB. Its copy, for when that fails, has one for each access. Both start and end with
// the same in the accumulator.
static void select_group(Baseline *t, const IOp *first, const Group *g)
{
    IOp head = {.a = first->a, .imm = (int32_t)g->low}, none = {.imm = 0};
    t->insn = 1u + first->insn;
    Place x = place(t, first->a);
    if (x == L_M || x == L_Z) {
        get(t, first->a);
        x = L_A;
    }
    unsigned acc = t->acc, facc = t->facc, check = t->pieces->len;
    Piece *p = add(t, group_check[x][t->unit->paged ? g->kinds : 0], &head);
    p->site = (uint32_t)(g->high - g->low - 1);
    p->run = guess_run(t, &head, g->kinds & GROUP_W ? RUN_STORE : RUN_LOAD);
    t->group = first->a;
    for (const IOp *op = first; op < g->end; op++)
        select_op(t, op);
    t->group = NO_SLOT;
    t->acc = acc;
    t->facc = facc;
    t->aside = true;
    piece(t, check)->copy = t->pieces->len;
    for (const IOp *op = first; op < g->end; op++)
        select_op(t, op);
    add(t, STENCIL_REJOIN, &none);
    t->aside = false;
    if (rows[interp_op(g->end[-1].handler)].kind == K_ST)
        t->acc = NO_SLOT;
}

static void select_stencils(Baseline *t)
{
    const Block *b = t->block;
    const IOp *before = NULL;
    IOp none = {.imm = 0};
    JitSite hot = {.why = JIT_HOT};
    for (unsigned k = 0; k < t->unit->n_slots; k++) {
        JitSite s = {.pc = (int64_t)((t->guess ? t->guess : b->succ_pc[k]) - b->pc)};
        g_array_append_val(t->sites, s);
    }
    g_array_append_val(t->sites, hot);
    add(t, STENCIL_ENTRY, &none);
    add(t, STENCIL_HEAD, &none)->site = t->sites->len - 1;
    for (const IOp *op = b->ops; op < b->ops + b->n_ops; op++) {
        unsigned kind = rows[interp_op(op->handler)].kind;
        Group g = {.accesses = 0};
        if ((kind == K_LD || kind == K_ST) && !t->tap && !(before && only_next_reads(b, before)))
            g = find_group(b, op);
        before = op;
        if (g.accesses > 1) {
            select_group(t, op, &g);
            op = before = g.end - 1;
        } else {
            op += select_op(t, op);
        }
    }
}

void baseline_select(Baseline *t)
{
    if (plant_is(PLANT_BASELINE))
        baseline_plant(t, select_stencils);
    else
        select_stencils(t);
}

JitUnit *baseline_translate(Block *b, const IrEnv *env, bool system, bool keep, CodeMemory *memory,
                            CodeArena *arena, GError **error)
{
    uint64_t guess = baseline_guess_target(b);
    unsigned n_slots = (b->succ_pc[0] != UINT64_MAX) + (b->succ_pc[1] != UINT64_MAX) + (guess != 0);
    JitUnit *u = baseline_unit_new(b, n_slots, arena);
    Baseline t;
    u->system = system;
    baseline_begin(&t, b, u, env, guess, arena);
    t.fixups = keep ? g_array_sized_new(FALSE, FALSE, sizeof(uint32_t), b->n_ops * 4 + 16) : NULL;
    baseline_select(&t);
    bool ok = baseline_install(&t, memory, error);
    u->n_sites = t.sites->len;
    size_t sites = t.sites->len * sizeof(JitSite), fixups = keep ? t.fixups->len * sizeof(uint32_t) : 0;
    u->sites = memcpy(code_arena_alloc(arena, sites + fixups), t.sites->data, sites);
    if (keep) {
        u->n_fixups = t.fixups->len;
        u->fixups = memcpy((void *)(u->sites + u->n_sites), t.fixups->data, fixups);
        g_array_free(t.fixups, TRUE);
    }
    baseline_end(&t);
    return ok ? u : NULL;
}
