// SPDX-License-Identifier: GPL-3.0-or-later
// Copies a block's stencils one after another and fills in their holes.
//
// Layout of a unit: the hot code, and elsewhere (code_memory.h) ENTRY, the cold code of each stencil, the slow paths of
// loads and stores, the ways through the chain slots, the way out. Two things make it better than one stencil after
// another: an operand that the op before has just made comes from the accumulator, and a temporary that only the next op
// reads is not stored.
#include "backend/baseline.h"

#include "backend/baseline_fp.h"
#include "backend/interp.h"
#include "backend/stencil_forms.h"
#include "backend/stencils.h"
#include <string.h>

typedef enum { K_OTHER, K_BIN, K_BINI, K_UN, K_LD, K_ST, K_BR } Kind;
typedef enum { L_A, L_M, L_I, L_Z, L_0, L_1, L_2, L_3, L_4, L_5, PLACES } Place; // see stencil_forms.h
#define L_P L_Z // of a load, which has no second operand: without a guess at the addend, as pages lie anywhere
typedef enum { TO_N, TO_0, TO_1, TO_2, TO_3, TO_4, TO_5, RESULTS } Result;
_Static_assert(PLACES == L_0 + N_PINNED && RESULTS == TO_0 + N_PINNED, "places of pinned registers");

typedef struct {
    uint8_t kind;
    uint16_t form[PLACES][PLACES][RESULTS]; // by first operand, second one and result; STENCIL_NONE: there is none
    uint16_t slow[RESULTS], far[RESULTS];
} Row;

static const Row rows[IOPS] = {
#define FORM(op, x, y, d, ...) .form[L_##x][L_##y][TO_##d] = STENCIL_##op##_##x##y##_##d,
#define PLAIN(op, x, y, d, ...) .form[L_##x][L_P][TO_##d] = STENCIL_##op##_##x##P_##d,
#define BIN(op, expr) [IOP_##op] = {K_BIN, FORMS_FEW(FORM, op, 0)}, [IOP_##op##_I] = {K_BINI, FORM(op, A, I, N)},
#define OFTEN(op, expr)                                                                                                \
    [IOP_##op] = {K_BIN, FORMS_MANY(FORM, op, 0)}, [IOP_##op##_I] = {K_BINI, FORMS_ONE_MANY(FORM, op, 0)},
#define SHIFT(op, expr, insn, type)                                                                                    \
    [IOP_##op] = {K_BIN, FORMS_FEW(FORM, op, 0)}, [IOP_##op##_I] = {K_BINI, FORMS_ONE_MANY(FORM, op, 0)},
#define UN(op, expr) [IOP_##op] = {K_UN, FORMS_ONE_FEW(FORM, op, 0)},
#define OFF_PATH(d, op) .slow[TO_##d] = STENCIL_##op##_##d##_SLOW, .far[TO_##d] = STENCIL_##op##_##d##_FAR,
#define LD(op, type)                                                                                                   \
    [IOP_##op] = {K_LD, FORMS_ONE_MANY(FORM, op, 0) FORMS_ONE_MANY(PLAIN, op, 0)                                       \
                            OFF_PATH(N, op) EACH_PINNED(OFF_PATH, op)},
#define ST(op, type) [IOP_##op] = {K_ST, FORMS_NO_RESULT(FORM, op, 0).slow[TO_N] = STENCIL_##op##_SLOW},
#define BR(op, cond) [IOP_##op] = {K_BR, FORMS_NO_RESULT(FORM, op, 0)},
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

static const uint8_t pinned_as[IR_NREGS + IR_NTEMPS] = { // by slot: 1 + number
#define REGISTER(i, host, guest) [guest] = 1 + i,
    PINNED(REGISTER)
#undef REGISTER
};

typedef struct {
    uint16_t stencil;
    uint8_t a, b, c, d;
    int32_t imm;
    uint32_t site;
    uint32_t slow, far; // stencils of its ways out of line, later the pieces; 0: none
    uint64_t full; // value of a 64-bit hole
    uint32_t hot, cold, next; // where it is, see address(); next: where it goes on
} Piece;

typedef struct {
    Block *block;
    JitUnit *unit;
    GArray *pieces, *sites;
    bool system;
    GByteArray *hot, *cold; // the code
    CodePlace place;        // where it goes
    uint32_t stub[2], leave;
    unsigned acc;            // slot whose value the accumulator has, NO_SLOT for none or a pinned one
    unsigned facc;           // ... the SSE register
    bool facc_boxed;         // that is a single, which needs no test of its box
} Baseline;

#define NO_SLOT 256u

static Piece *add(Baseline *t, unsigned stencil, const IOp *op)
{
    Piece p = {.stencil = (uint16_t)stencil, .a = op->a, .b = op->b, .d = op->d, .imm = op->imm};
    g_array_append_val(t->pieces, p);
    return &g_array_index(t->pieces, Piece, t->pieces->len - 1);
}

// The site for leaving before op's instruction; ops of one instruction follow one another.
static uint32_t site_before(Baseline *t, const IOp *op)
{
    const Block *b = t->block;
    JitSite s = {.pc = b->insn_pc[op->insn], .adjust = -op->insn, .why = JIT_BEFORE};
    for (const IOp *o = op; o < b->ops + b->n_ops; o++) {
        unsigned iop = interp_op(o->handler);
        unsigned kind = rows[iop].kind;
        bool lr = iop == IOP_ATOMIC && (o->imm & 0xff) == JIT_ATOMIC_LR;
        s.loads += kind == K_LD || lr;
        s.stores += kind == K_ST || (iop == IOP_ATOMIC && !lr);
        o += interp_cells(iop) - 1;
    }
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

// The stencil of an op with operands at x and y. Operands are exchanged if need be.
static Piece *add_form(Baseline *t, const IOp *op, const Row *row, Place x, Place y, Result d)
{
    Piece *p = NULL;
    if (row->form[x][y][d]) {
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
    Place x = place(t, op->a), y = two ? place(t, op->b) : row->kind == K_LD && t->unit->paged ? L_P : L_I;
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

static void add_access(Baseline *t, const IOp *op, const Row *row)
{
    uint32_t site = site_before(t, op);
    Result d = row->kind == K_LD ? TO_N + pinned_as[op->d] : TO_N;
    Piece *p = add_op(t, op, row, &d);
    p->site = site;
    p->slow = row->slow[d];
    p->far = row->far[d];
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
        Piece *p = add(t, STENCIL_FPCHECK, op);
        p->site = site;
        p->imm = op->a;
        break;
    }
    case IOP_FP:
        add_fp(t, op);
        break;
    case IOP_JUMP:
        add(t, STENCIL_JUMP, op);
        break;
    case IOP_JMPIND:
        get(t, op->a);
        add(t, STENCIL_JMPIND, op)->full = (uintptr_t)t->block;
        break;
    default: // sys
        if (t->system) {
            Piece *p = add(t, STENCIL_SYS_CALL, op);
            p->site = op->insn;
            p->full = t->block->pc + t->block->insn_pc[op->insn];
        } else {
            uint32_t site = site_before(t, op);
            add(t, STENCIL_SYS, op)->site = site;
        }
    }
}

static void select_stencils(Baseline *t)
{
    const Block *b = t->block;
    IOp none = {.imm = 0};
    JitSite hot = {.why = JIT_HOT};
    for (unsigned k = 0; k < t->unit->n_slots; k++) {
        JitSite s = {.pc = (int64_t)(b->succ_pc[k] - b->pc)};
        g_array_append_val(t->sites, s);
    }
    g_array_append_val(t->sites, hot);
    add(t, STENCIL_ENTRY, &none);
    add(t, STENCIL_HEAD, &none)->site = t->sites->len - 1;
    for (const IOp *op = b->ops; op < b->ops + b->n_ops; op++) {
        unsigned iop = interp_op(op->handler);
        switch ((Kind)rows[iop].kind) {
        case K_BIN:
        case K_BINI:
        case K_UN:
            add_computation(t, op, &rows[iop]);
            break;
        case K_LD:
        case K_ST:
            add_access(t, op, &rows[iop]);
            break;
        case K_BR: {
            Result nowhere = TO_N;
            add_op(t, op, &rows[iop], &nowhere);
            break;
        }
        case K_OTHER:
            add_other(t, op, iop);
            op += interp_cells(iop) - 1;
        }
    }
}

static Piece *piece(Baseline *t, unsigned i)
{
    return &g_array_index(t->pieces, Piece, i);
}

// Where code is: an offset in its part.
#define COLD (UINT32_C(1) << 31)

static uint32_t append(Baseline *t, bool cold, unsigned start, unsigned length)
{
    GByteArray *code = cold ? t->cold : t->hot;
    g_byte_array_append(code, stencil_code + start, length);
    return (code->len - length) | (cold ? COLD : 0);
}

static const uint8_t *address(const Baseline *t, uint32_t at)
{
    return at & COLD ? t->place.cold + (at & ~COLD) : t->place.hot + at;
}

static uint8_t *bytes_at(const Baseline *t, uint32_t at)
{
    return at & COLD ? t->cold->data + (at & ~COLD) : t->hot->data + at;
}

static void place_hot(Baseline *t, Piece *p)
{
    p->hot = append(t, false, stencils[p->stencil].code, stencils[p->stencil].hot);
}

static void place_cold(Baseline *t, Piece *p)
{
    const Stencil *s = &stencils[p->stencil];
    p->cold = append(t, true, s->code + s->hot, s->cold);
}

// Places all of a stencil out of the way.
static void place_off_path(Baseline *t, Piece *p)
{
    p->hot = append(t, true, stencils[p->stencil].code, stencils[p->stencil].hot);
    place_cold(t, p);
}

// Places a stencil that a piece jumps to out of line. Returns its piece.
static uint32_t add_off_path(Baseline *t, const Piece *of, uint32_t stencil)
{
    Piece p = *of;
    if (!stencil)
        return 0;
    p.stencil = (uint16_t)stencil;
    p.slow = p.far = 0;
    place_off_path(t, &p);
    g_array_append_val(t->pieces, p);
    return t->pieces->len - 1;
}

static void lay_out(Baseline *t)
{
    static const IOp none;
    unsigned n = t->pieces->len;
    for (unsigned i = 1; i < n; i++) {
        place_hot(t, piece(t, i));
        piece(t, i)->next = t->hot->len;
    }
    place_off_path(t, piece(t, 0));
    piece(t, 0)->next = piece(t, 1)->hot;
    for (unsigned i = 1; i < n; i++) {
        place_cold(t, piece(t, i));
        Piece p = *piece(t, i);
        p.far = add_off_path(t, &p, p.far);
        p.slow = add_off_path(t, piece(t, i), p.slow);
        *piece(t, i) = p;
    }
    for (unsigned k = 0; k < t->unit->n_slots; k++) {
        bool crosses = t->unit->paged && (t->block->succ_pc[k] ^ t->block->pc) & PAGE_MASK;
        Piece *p = add(t, crosses ? STENCIL_CROSS : STENCIL_SLOT, &none);
        p->full = crosses ? t->block->succ_pc[k] : (uintptr_t)&t->unit->slots[k];
        p->site = k;
        if (crosses) {
            place_hot(t, p);
            place_cold(t, p);
        } else {
            place_off_path(t, p);
        }
        t->stub[k] = p->hot;
    }
    Piece *leave = add(t, STENCIL_LEAVE, &none);
    leave->full = (uintptr_t)t->unit->slots;
    place_off_path(t, leave);
    t->leave = leave->hot;
}

// What a hole of p stands for; code is meant as offset.
static uint64_t hole_value(Baseline *t, const Piece *p, unsigned hole)
{
    switch (hole) {
    case HOLE_A:
        return p->a * sizeof(uint64_t);
    case HOLE_B:
        return p->b * sizeof(uint64_t);
    case HOLE_C:
        return p->c * sizeof(uint64_t);
    case HOLE_D:
        return p->d * sizeof(uint64_t);
    case HOLE_IMM:
        return (uint64_t)(int64_t)p->imm;
    case HOLE_COUNTER:
        return (uintptr_t)t->place.counter;
    case HOLE_INSNS:
        return t->block->n_insns;
    case HOLE_ROW:
        return jit_jump_row(p->full) * sizeof(JumpEntry);
    case HOLE_ROW2:
        return (jit_jump_row(p->full) ^ 1) * sizeof(JumpEntry);
    case HOLE_SITE:
        return p->site;
    case HOLE_FULL:
        return p->full;
    case HOLE_NEXT:
        return p->next;
    case HOLE_TAKEN:
        return t->stub[0];
    case HOLE_OTHER:
        return t->stub[1];
    case HOLE_FAR:
        return piece(t, p->far)->hot;
    case HOLE_SLOW:
        return piece(t, p->slow)->hot;
    case HOLE_LEAVE:
        return t->leave;
    case HOLE_OWN_HOT:
        return p->hot;
    default:
        g_assert(hole == HOLE_OWN_COLD);
        return p->cold;
    }
}

// Is that value the address of code, as an offset?
static bool is_code(unsigned hole)
{
    switch (hole) {
    case HOLE_NEXT:
    case HOLE_TAKEN:
    case HOLE_OTHER:
    case HOLE_FAR:
    case HOLE_SLOW:
    case HOLE_LEAVE:
    case HOLE_OWN_HOT:
    case HOLE_OWN_COLD:
        return true;
    default:
        return false;
    }
}

static void fill_holes(Baseline *t, const Piece *p)
{
    const Stencil *s = &stencils[p->stencil];
    for (const Patch *q = stencil_patches + s->patch; q < stencil_patches + s->patch + s->patches; q++) {
        uint32_t at = q->at < s->hot ? p->hot + q->at : p->cold + q->at - s->hot;
        uint64_t v = hole_value(t, p, q->hole);
        if (is_code(q->hole))
            v = (uintptr_t)address(t, (uint32_t)v);
        v += (uint64_t)(int64_t)q->addend;
        if (q->kind == PATCH_REL32) {
            v -= (uintptr_t)address(t, at);
            if (q->hole == HOLE_TAKEN || q->hole == HOLE_OTHER)
                t->unit->jump[q->hole == HOLE_OTHER] = (uint8_t *)(uintptr_t)address(t, at);
        }
        memcpy(bytes_at(t, at), &v, q->kind == PATCH_ABS64 ? 8 : q->kind == PATCH_ABS8 ? 1 : 4);
    }
}

static JitUnit *new_unit(Block *b)
{
    JitUnit *u = g_new0(JitUnit, 1);
    u->base = b->pc;
    u->paged = b->mode & CODE_PAGED;
    u->block = b;
    u->n_insns = b->n_insns;
    u->n_blocks = 1;
    u->n_slots = (b->succ_pc[0] != UINT64_MAX) + (b->succ_pc[1] != UINT64_MAX);
    u->slots = jit_slots_new(u, u->n_slots);
    return u;
}

// Puts the code where it runs.
static bool install(Baseline *t, CodeMemory *memory, GError **error)
{
    JitUnit *u = t->unit;
    if (!code_memory_place(memory, t->hot->len, t->cold->len, &t->place, error))
        return false;
    *t->place.counter = *t->block->runs;
    t->block->runs = t->place.counter;
    for (unsigned i = 0; i < t->pieces->len; i++)
        fill_holes(t, piece(t, i));
    u->memory = memory;
    u->text = t->place.hot;
    u->code_size = t->hot->len;
    u->cold = t->place.cold;
    u->cold_size = t->cold->len;
    u->code = (JitCode)(uintptr_t)address(t, piece(t, 0)->hot);
    u->body = u->text;
    u->stub[0] = address(t, t->stub[0]);
    u->stub[1] = address(t, t->stub[1]);
    code_memory_write(memory, u->text, t->hot->data, t->hot->len);
    code_memory_write(memory, u->cold, t->cold->data, t->cold->len);
    for (unsigned k = 0; k < u->n_slots; k++)
        code_cache_reset_slot(u, k);
    return true;
}

JitUnit *baseline_translate(Block *b, bool system, CodeMemory *memory, GError **error)
{
    JitUnit *u = new_unit(b);
    Baseline t = {.block = b,
                  .unit = u,
                  .system = system,
                  .pieces = g_array_sized_new(FALSE, FALSE, sizeof(Piece), b->n_ops * 2 + 4),
                  .sites = g_array_sized_new(FALSE, FALSE, sizeof(JitSite), b->n_insns + 4),
                  .hot = g_byte_array_sized_new(b->n_ops * 48 + 64),
                  .cold = g_byte_array_sized_new(b->n_ops * 96 + 256),
                  .acc = NO_SLOT,
                  .facc = NO_SLOT};
    select_stencils(&t);
    lay_out(&t);
    bool ok = install(&t, memory, error);
    u->n_sites = t.sites->len;
    u->sites = (JitSite *)(void *)g_array_free(t.sites, FALSE);
    g_byte_array_free(t.hot, TRUE);
    g_byte_array_free(t.cold, TRUE);
    g_array_free(t.pieces, TRUE);
    if (!ok) {
        jit_unit_free(u);
        return NULL;
    }
    return u;
}

JitCode baseline_by_table(CodeMemory *memory)
{
    const Stencil *s = &stencils[STENCIL_BY_TABLE];
    g_assert(!s->patches && !s->cold);
    return (JitCode)(uintptr_t)code_memory_install(memory, stencil_code + s->code, s->hot, NULL);
}
