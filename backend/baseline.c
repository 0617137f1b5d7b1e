// SPDX-License-Identifier: GPL-3.0-or-later
// Copies a block's stencils one after another and fills in their holes.
//
// Layout of a unit: the hot code, the cold code of each stencil, the slow paths of loads and stores, the ways through
// the chain slots, the way out. Two things make it better than one stencil after another: an operand that the op before
// has just made comes from the accumulator, and a temporary that only the next op reads is not stored.
#include "backend/baseline.h"

#include "backend/interp.h"
#include "backend/stencils.h"
#include <string.h>

typedef enum { K_OTHER, K_BIN, K_BINI, K_UN, K_LD, K_ST, K_BR } Kind;
enum { MM, AM, MA, M = MM, A = AM }; // columns of a row: where the operands come from ...
enum { NOT_STORED = 3, SLOW = 3 };   // ... + NOT_STORED: the result stays in the accumulator

static const struct {
    uint8_t kind;
    uint16_t stencil[6];
} rows[IOPS] = {
#define S(name) STENCIL_##name
#define BIN(N, expr)                                                                                                   \
    [IOP_##N] = {K_BIN, {S(N##_MM_D), S(N##_AM_D), S(N##_MA_D), S(N##_MM_N), S(N##_AM_N), S(N##_MA_N)}},               \
    [IOP_##N##_I] = {K_BINI, {S(N##_MI_D), S(N##_AI_D), 0, S(N##_MI_N), S(N##_AI_N), 0}},
#define UN(N, expr) [IOP_##N] = {K_UN, {S(N##_M_D), S(N##_A_D), 0, S(N##_M_N), S(N##_A_N), 0}},
#define LD(N, type) [IOP_##N] = {K_LD, {S(N##_M), S(N##_A), 0, S(N##_SLOW)}},
#define ST(N, type) [IOP_##N] = {K_ST, {S(N##_MM), S(N##_AM), S(N##_MA), S(N##_SLOW)}},
#define BR(N, cond) [IOP_##N] = {K_BR, {S(N##_MM), S(N##_AM), S(N##_MA)}},
#include "backend/interp_ops.def"
#undef BIN
#undef UN
#undef LD
#undef ST
#undef BR
#undef S
};

typedef struct {
    uint16_t stencil;
    uint8_t a, b, c, d;
    int32_t imm;
    uint32_t site;
    uint32_t slow; // stencil of its slow path, later the piece; 0: none
    uint64_t full; // value of a 64-bit hole
    uint32_t hot, cold, next; // offsets in the code; next: where it goes on
} Piece;

typedef struct {
    Block *block;
    JitUnit *unit;
    GArray *pieces, *sites;
    bool system;
    uint32_t stub[2], leave; // offsets in the code
    unsigned acc;            // slot whose value the accumulator has, NO_SLOT for none
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

static unsigned operands(const Baseline *t, unsigned kind, const IOp *op)
{
    if (op->a == t->acc)
        return AM;
    bool two = kind == K_BIN || kind == K_ST || kind == K_BR;
    return two && op->b == t->acc ? MA : MM;
}

// Does only the next op read what op puts into a temporary, and can it take it from the accumulator?
static bool only_next_reads(const Block *b, const IOp *op)
{
    const IOp *end = b->ops + b->n_ops, *next = op + 1;
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

static void add_computation(Baseline *t, const IOp *op, unsigned iop)
{
    unsigned stored = only_next_reads(t->block, op) ? NOT_STORED : 0;
    add(t, rows[iop].stencil[operands(t, rows[iop].kind, op) + stored], op);
    t->acc = op->d;
}

static void add_access(Baseline *t, const IOp *op, unsigned iop)
{
    uint32_t site = site_before(t, op);
    Piece *p = add(t, rows[iop].stencil[operands(t, rows[iop].kind, op)], op);
    p->site = site;
    p->slow = rows[iop].stencil[SLOW];
    if (rows[iop].kind == K_LD)
        t->acc = op->d;
}

static void add_other(Baseline *t, const IOp *op, unsigned iop)
{
    switch (iop) {
    case IOP_MOV:
        add(t, op->a == t->acc ? STENCIL_MOV_A : STENCIL_MOV_M, op);
        t->acc = op->d;
        break;
    case IOP_LI:
        add(t, only_next_reads(t->block, op) ? STENCIL_LI_N : STENCIL_LI_D, op);
        t->acc = op->d;
        break;
    case IOP_LI64:
        add(t, STENCIL_LI64_D, op)->full = (uintptr_t)op[1].handler;
        t->acc = op->d;
        break;
    case IOP_FENCE:
        add(t, STENCIL_FENCE, op);
        break;
    case IOP_ATOMIC: {
        uint32_t site = site_before(t, op);
        add(t, STENCIL_ATOMIC, op)->site = site;
        t->acc = op->d;
        break;
    }
    case IOP_FPCHECK: {
        uint32_t site = site_before(t, op);
        Piece *p = add(t, STENCIL_FPCHECK, op);
        p->site = site;
        p->imm = op->a;
        break;
    }
    case IOP_FP: {
        Piece *p = add(t, STENCIL_FP, op);
        p->c = op[1].a;
        p->full = (uintptr_t)op[1].handler;
        t->acc = op->d;
        break;
    }
    case IOP_JUMP:
        add(t, STENCIL_JUMP, op);
        break;
    case IOP_JMPIND:
        add(t, op->a == t->acc ? STENCIL_JMPIND_A : STENCIL_JMPIND_M, op)->full = (uintptr_t)t->block;
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
    Piece *head = add(t, STENCIL_HEAD, &none);
    head->site = t->sites->len - 1;
    head->full = (uintptr_t)&t->block->runs;
    for (const IOp *op = b->ops; op < b->ops + b->n_ops; op++) {
        unsigned iop = interp_op(op->handler);
        switch ((Kind)rows[iop].kind) {
        case K_BIN:
        case K_BINI:
        case K_UN:
            add_computation(t, op, iop);
            break;
        case K_LD:
        case K_ST:
            add_access(t, op, iop);
            break;
        case K_BR:
            add(t, rows[iop].stencil[operands(t, K_BR, op)], op);
            break;
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

static uint32_t append(GByteArray *code, unsigned start, unsigned length)
{
    g_byte_array_append(code, stencil_code + start, length);
    return code->len - length;
}

static void place_hot(GByteArray *code, Piece *p)
{
    p->hot = append(code, stencils[p->stencil].code, stencils[p->stencil].hot);
}

static void place_cold(GByteArray *code, Piece *p)
{
    const Stencil *s = &stencils[p->stencil];
    p->cold = append(code, s->code + s->hot, s->cold);
}

static GByteArray *lay_out(Baseline *t)
{
    static const IOp none;
    GByteArray *code = g_byte_array_sized_new(t->pieces->len * 48 + 128);
    unsigned n = t->pieces->len;
    for (unsigned i = 0; i < n; i++) {
        place_hot(code, piece(t, i));
        piece(t, i)->next = code->len;
    }
    for (unsigned i = 0; i < n; i++) {
        place_cold(code, piece(t, i));
        if (!piece(t, i)->slow)
            continue;
        Piece slow = *piece(t, i);
        slow.stencil = (uint16_t)slow.slow;
        slow.slow = 0;
        place_hot(code, &slow);
        place_cold(code, &slow);
        piece(t, i)->slow = t->pieces->len;
        g_array_append_val(t->pieces, slow);
    }
    for (unsigned k = 0; k < t->unit->n_slots; k++) {
        bool crosses = t->unit->paged && (t->block->succ_pc[k] ^ t->block->pc) & PAGE_MASK;
        Piece *p = add(t, crosses ? STENCIL_CROSS : STENCIL_SLOT, &none);
        p->full = crosses ? t->block->succ_pc[k] : (uintptr_t)&t->unit->slots[k];
        p->site = k;
        place_hot(code, p);
        place_cold(code, p);
        t->stub[k] = p->hot;
    }
    Piece *leave = add(t, STENCIL_LEAVE, &none);
    leave->full = (uintptr_t)t->unit->slots;
    place_hot(code, leave);
    t->leave = leave->hot;
    return code;
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

static void fill_holes(Baseline *t, GByteArray *code, const Piece *p)
{
    const Stencil *s = &stencils[p->stencil];
    for (const Patch *q = stencil_patches + s->patch; q < stencil_patches + s->patch + s->patches; q++) {
        uint32_t at = q->at < s->hot ? p->hot + q->at : p->cold + q->at - s->hot;
        uint64_t v = hole_value(t, p, q->hole) + (uint64_t)(int64_t)q->addend;
        if (q->kind == PATCH_REL32) {
            v -= at;
            if (q->hole == HOLE_TAKEN || q->hole == HOLE_OTHER)
                t->unit->jump[q->hole == HOLE_OTHER] = at;
        }
        memcpy(code->data + at, &v, q->kind == PATCH_ABS64 ? 8 : q->kind == PATCH_ABS8 ? 1 : 4);
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

JitUnit *baseline_translate(Block *b, bool system, CodeMemory *memory, GError **error)
{
    JitUnit *u = new_unit(b);
    Baseline t = {.block = b,
                  .unit = u,
                  .system = system,
                  .pieces = g_array_sized_new(FALSE, FALSE, sizeof(Piece), b->n_ops * 2 + 4),
                  .sites = g_array_sized_new(FALSE, FALSE, sizeof(JitSite), b->n_insns + 4),
                  .acc = NO_SLOT};
    select_stencils(&t);
    GByteArray *code = lay_out(&t);
    for (unsigned i = 0; i < t.pieces->len; i++)
        fill_holes(&t, code, piece(&t, i));
    u->n_sites = t.sites->len;
    u->sites = (JitSite *)(void *)g_array_free(t.sites, FALSE);
    u->code_size = code->len;
    u->memory = memory;
    u->text = code_memory_install(memory, code->data, code->len, error);
    u->code = (JitCode)(void *)u->text;
    u->body = u->text + piece(&t, 1)->hot;
    u->stub[0] = u->text + t.stub[0];
    u->stub[1] = u->text + t.stub[1];
    g_byte_array_free(code, TRUE);
    g_array_free(t.pieces, TRUE);
    if (!u->text) {
        jit_unit_free(u);
        return NULL;
    }
    for (unsigned k = 0; k < u->n_slots; k++)
        code_cache_reset_slot(u, k);
    return u;
}

JitCode baseline_by_table(CodeMemory *memory)
{
    const Stencil *s = &stencils[STENCIL_BY_TABLE];
    g_assert(!s->patches && !s->cold);
    return (JitCode)(uintptr_t)code_memory_install(memory, stencil_code + s->code, s->hot, NULL);
}
