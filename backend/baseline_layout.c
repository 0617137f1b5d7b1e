// SPDX-License-Identifier: GPL-3.0-or-later
// Places the stencils that baseline.c has chosen and fills in their holes.
//
// Layout of a unit: the hot code, and elsewhere (code_memory.h) ENTRY, the copies of groups, the cold code of each
// stencil, the slow paths of loads and stores, the ways through the chain slots, the way out.
#include "backend/baseline.h"
#include "backend/baseline_private.h"
#include "backend/block_file.h"
#include "backend/interp.h"
#include "backend/jit_tap.h"
#include "backend/stencil_forms.h"
#include "backend/stencils.h"
#include <string.h>

static uint64_t hole_value(const Baseline *t, const Piece *p, unsigned hole);

static uint32_t append(Baseline *t, bool cold, unsigned start, unsigned length)
{
    GByteArray *code = cold ? t->cold : t->hot;
    g_byte_array_append(code, stencil_code + start, length);
    return (code->len - length) | (cold ? BASELINE_COLD : 0);
}

// Does one byte do for a hole of 4? Then the instruction is 3 bytes shorter.
static bool is_short(const Baseline *t, const Piece *p, const Patch *q)
{
    if (!q->flip)
        return false;
    int64_t v = (int64_t)hole_value(t, p, q->hole) + q->addend;
    return v == (int8_t)v;
}

// Copies the first part of p's stencil, with the short forms that its values allow.
static uint32_t append_hot(Baseline *t, const Piece *p, bool cold)
{
    const Stencil *s = &stencils[p->stencil];
    GByteArray *code = cold ? t->cold : t->hot;
    uint32_t at = code->len | (cold ? BASELINE_COLD : 0);
    unsigned done = 0;
    for (const Patch *q = stencil_patches + s->patch; q < stencil_patches + s->patch + s->patches; q++) {
        if (!is_short(t, p, q))
            continue;
        uint8_t v = (uint8_t)((int64_t)hole_value(t, p, q->hole) + q->addend);
        g_byte_array_append(code, stencil_code + s->code + done, q->at - done);
        code->data[code->len - q->back] ^= q->flip;
        g_byte_array_append(code, &v, 1);
        done = q->at + 4;
    }
    g_byte_array_append(code, stencil_code + s->code + done, s->hot - done);
    return at;
}

static const uint8_t *address(const Baseline *t, uint32_t at)
{
    return at & BASELINE_COLD ? t->place.cold + (at & ~BASELINE_COLD) : t->place.hot + at;
}

static uint8_t *bytes_at(const Baseline *t, uint32_t at)
{
    return at & BASELINE_COLD ? t->cold->data + (at & ~BASELINE_COLD) : t->hot->data + at;
}

static void place_hot(Baseline *t, Piece *p)
{
    p->hot = append_hot(t, p, false);
}

static void place_cold(Baseline *t, Piece *p)
{
    const Stencil *s = &stencils[p->stencil];
    p->cold = append(t, true, s->code + s->hot, s->cold);
}

// Places all of a stencil out of the way.
static void place_off_path(Baseline *t, Piece *p)
{
    p->hot = append_hot(t, p, true);
    place_cold(t, p);
}

// Places a stencil that a piece jumps to out of line. Returns its piece.
static uint32_t add_off_path(Baseline *t, const Piece *of, uint32_t stencil)
{
    Piece p = *of;
    if (!stencil)
        return 0;
    p.stencil = (uint16_t)stencil;
    place_off_path(t, &p);
    g_array_append_val(t->pieces, p);
    return t->pieces->len - 1;
}

// The copies of groups, each in one piece; REJOIN goes on behind the group.
static void place_copies(Baseline *t, unsigned n)
{
    uint32_t join = 0;
    for (unsigned i = 1; i < n; i++) {
        Piece *p = piece(t, i);
        if (!p->aside) {
            join = p->next;
            continue;
        }
        p->hot = append_hot(t, p, true);
        p->next = p->stencil == STENCIL_REJOIN ? join : t->cold->len | BASELINE_COLD;
    }
}

static Piece *add_end(Baseline *t, unsigned stencil)
{
    Piece p = {.stencil = (uint16_t)stencil};
    g_array_append_val(t->pieces, p);
    return piece(t, t->pieces->len - 1);
}

void baseline_lay_out(Baseline *t)
{
    unsigned n = t->pieces->len;
    for (unsigned i = 1; i < n; i++) {
        if (piece(t, i)->aside)
            continue;
        place_hot(t, piece(t, i));
        piece(t, i)->next = t->hot->len;
    }
    place_off_path(t, piece(t, 0));
    piece(t, 0)->next = piece(t, 1)->hot;
    place_copies(t, n);
    for (unsigned i = 1; i < n; i++) {
        place_cold(t, piece(t, i));
        Piece p = *piece(t, i);
        p.slow = p.copy ? p.copy : add_off_path(t, &p, p.slow);
        p.far = add_off_path(t, &p, p.far); // it may go to the slow one
        *piece(t, i) = p;
    }
    for (unsigned k = 0; k < t->unit->n_slots; k++) {
        bool crosses = t->unit->paged && !t->guess && (t->block->succ_pc[k] ^ t->block->pc) & PAGE_MASK;
        Piece *p = add_end(t, crosses ? STENCIL_CROSS : STENCIL_SLOT);
        p->full = crosses ? t->block->succ_pc[k] : (uintptr_t)&t->unit->slots[k];
        p->full_to = crosses ? 0 : BLOCK_TO_SLOTS;
        p->site = k;
        if (crosses) {
            place_hot(t, p);
            place_cold(t, p);
            uint32_t at = t->pieces->len - 1, far = add_off_path(t, piece(t, at), STENCIL_CROSS_FAR);
            p = piece(t, at);
            p->far = far;
        } else {
            place_off_path(t, p);
        }
        t->stub[k] = p->hot;
    }
    Piece *leave = add_end(t, STENCIL_LEAVE);
    leave->full = (uintptr_t)t->unit->slots;
    leave->full_to = BLOCK_TO_SLOTS;
    place_off_path(t, leave);
    t->leave = leave->hot;
}

static uint64_t register_at(unsigned slot)
{
    return offsetof(IrEnv, r) + slot * sizeof(uint64_t) - STENCIL_NEAR;
}

static uint64_t run_at(unsigned run)
{
    return offsetof(IrEnv, runs) + run * sizeof(((IrEnv *)NULL)->runs.run[0]) - STENCIL_NEAR;
}

static const JitTapSite *tap_site(const Piece *p)
{
    return (const JitTapSite *)(uintptr_t)p->full;
}

// What a hole of p stands for; code is meant as offset.
static uint64_t hole_value(const Baseline *t, const Piece *p, unsigned hole)
{
    switch (hole) {
    case HOLE_A:
        return register_at(p->a);
    case HOLE_B:
        return register_at(p->b);
    case HOLE_C:
        return register_at(p->c);
    case HOLE_D:
        return register_at(p->d);
    case HOLE_IMM:
        return (uint64_t)(int64_t)p->imm;
    case HOLE_COUNTER:
        return (uintptr_t)t->place.counter;
    case HOLE_KIND:
        return p->kind;
    case HOLE_TAG:
        return tap_site(p)->tag;
    case HOLE_LOADS:
        return tap_site(p)->loads;
    case HOLE_STORES:
        return tap_site(p)->stores;
    case HOLE_INSNS:
        return t->block->n_insns;
    case HOLE_ROW:
        return jit_jump_row(p->full) * sizeof(JumpEntry);
    case HOLE_ROW2:
        return (jit_jump_row(p->full) ^ 1) * sizeof(JumpEntry);
    case HOLE_SITE:
        return p->site;
    case HOLE_RUN:
        return run_at(p->run);
    case HOLE_RUN2:
        return run_at(p->run ^ 2);
    case HOLE_FULL:
        return p->full;
    case HOLE_NEXT:
        return p->next;
    case HOLE_TAKEN:
        return t->stub[0];
    case HOLE_OTHER:
        return t->stub[1];
    case HOLE_FAR:
        return g_array_index(t->pieces, Piece, p->far).hot;
    case HOLE_SLOW:
        return g_array_index(t->pieces, Piece, p->slow).hot;
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

// Notes an address in the code, or a distance that changes when its two parts, or the counter, are put elsewhere.
static void note_fixup(Baseline *t, const Piece *p, const Patch *q, uint32_t at)
{
    unsigned to = BLOCK_TO_CODE;
    if (q->hole == HOLE_COUNTER) {
        to = BLOCK_TO_COUNTER;
    } else if (q->hole == HOLE_FULL) {
        if (!p->full_to)
            return;
        to = p->full_to;
    } else if (!is_code(q->hole) || !((hole_value(t, p, q->hole) ^ at) & BASELINE_COLD)) {
        return;
    }
    uint32_t fixup = BLOCK_FIXUP(to, (at & BASELINE_COLD) != 0, at & ~BASELINE_COLD);
    g_array_append_val(t->fixups, fixup);
}

static void fill_holes(Baseline *t, const Piece *p)
{
    const Stencil *s = &stencils[p->stencil];
    unsigned saved = 0;
    for (const Patch *q = stencil_patches + s->patch; q < stencil_patches + s->patch + s->patches; q++) {
        if (is_short(t, p, q)) {
            saved += 3;
            continue;
        }
        uint32_t at = q->at < s->hot ? p->hot + q->at - saved : p->cold + q->at - s->hot;
        uint64_t v = hole_value(t, p, q->hole);
        if (t->fixups)
            note_fixup(t, p, q, at);
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

void baseline_begin(Baseline *t, Block *b, JitUnit *u, const IrEnv *env, uint64_t guess, CodeArena *arena)
{
    *t = (Baseline){.block = b,
                    .unit = u,
                    .env = env,
                    .system = u->system,
                    .tap = interp_op(b->ops[0].handler) == IOP_TAP_ENTER,
                    .arena = arena,
                    .guess = guess,
                    .pieces = g_array_sized_new(FALSE, FALSE, sizeof(Piece), b->n_ops * 2 + 4),
                    .sites = g_array_sized_new(FALSE, FALSE, sizeof(JitSite), b->n_insns + 4),
                    .hot = g_byte_array_sized_new(b->n_ops * 48 + 64),
                    .cold = g_byte_array_sized_new(b->n_ops * 96 + 256),
                    .group = NO_SLOT,
                    .acc = NO_SLOT,
                    .facc = NO_SLOT};
}

void baseline_end(Baseline *t)
{
    g_array_free(t->sites, TRUE);
    g_byte_array_free(t->hot, TRUE);
    g_byte_array_free(t->cold, TRUE);
    g_array_free(t->pieces, TRUE);
}

JitUnit *baseline_unit_new(Block *b, unsigned n_slots, CodeArena *arena)
{
    JitUnit *u = code_arena_alloc(arena, sizeof *u);
    memset(u, 0, sizeof *u);
    u->base = b->pc;
    u->paged = b->mode & CODE_PAGED;
    u->block = b;
    u->n_insns = b->n_insns;
    u->n_blocks = 1;
    u->n_slots = n_slots;
    u->slots = jit_slots_new(u, u->n_slots, arena);
    return u;
}

bool baseline_install(Baseline *t, CodeMemory *memory, GError **error)
{
    JitUnit *u = t->unit;
    baseline_lay_out(t);
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
    u->counter = t->place.counter;
    u->stub[0] = address(t, t->stub[0]);
    u->stub[1] = address(t, t->stub[1]);
    code_memory_write(memory, u->text, t->hot->data, t->hot->len);
    code_memory_write(memory, u->cold, t->cold->data, t->cold->len);
    for (unsigned k = 0; k < u->n_slots; k++)
        code_cache_reset_slot(u, k);
    return true;
}

JitCode baseline_by_table(CodeMemory *memory)
{
    const Stencil *s = &stencils[STENCIL_BY_TABLE];
    g_assert(!s->patches && !s->cold);
    return (JitCode)(uintptr_t)code_memory_install(memory, stencil_code + s->code, s->hot, NULL);
}

uint64_t baseline_guess_target(const Block *b)
{
    enum { ENOUGH = 4 };
    uint64_t guess = 0;
    unsigned votes = 0, seen = 0, same = 0;
    for (unsigned k = 0; k < b->n_targets; k++) { // a majority wins
        if (b->target[k] == UINT64_MAX)
            continue;
        seen++;
        if (!votes)
            guess = b->target[k];
        votes += b->target[k] == guess ? 1 : -1u;
    }
    if (seen < ENOUGH)
        return 0;
    for (unsigned k = 0; k < b->n_targets; k++)
        same += b->target[k] == guess;
    bool elsewhere = b->mode & CODE_PAGED && (guess ^ b->pc) & PAGE_MASK;
    return same * 8 >= seen * 7 && !elsewhere ? guess : 0;
}
