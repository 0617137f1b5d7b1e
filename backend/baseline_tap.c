// SPDX-License-Identifier: GPL-3.0-or-later
// What baseline code has more where there is a tap: the stencils of stencils_tap.h.
#include "backend/baseline_private.h"
#include "backend/interp.h"
#include "backend/jit_tap.h"
#include "backend/stencils.h"

// A data access of op, whose way out is the site of that number.
static JitTapSite *new_site(Baseline *t, const IOp *op, uint32_t way_out, uint32_t kind)
{
    const JitSite *s = &g_array_index(t->sites, JitSite, way_out);
    JitTapSite *site = code_arena_alloc(t->arena, sizeof *site);
    *site = (JitTapSite){interp_tag(t->block, op->insn), s->loads, s->stores, kind, t->block, op->insn};
    return site;
}

void baseline_tap_access(Baseline *t, Piece *p, const IOp *op, uint32_t slow, uint32_t far)
{
    p->full = (uintptr_t)new_site(t, op, p->site, p->kind);
    p->full_to = 0;
    p->slow = slow;
    p->far = far;
}

void baseline_tap_atomic(Baseline *t, const IOp *op, uint32_t site)
{
    Piece *p = piece_add(t, STENCIL_TAP_ATOMIC, op);
    p->site = site;
    p->full = (uintptr_t)new_site(t, op, site, (uint32_t)op->imm);
}

static void add_count(Baseline *t, unsigned stencil, unsigned n)
{
    IOp op = {.imm = (int32_t)n};
    if (n)
        piece_add(t, stencil, &op);
}

static Piece *add_fetch(Baseline *t, unsigned stencil, uint64_t va, unsigned tag)
{
    IOp op = {.imm = (int32_t)(va & ~PAGE_MASK)};
    Piece *p = piece_add(t, stencil, &op);
    p->full = va & PAGE_MASK;
    p->kind = tag | ACCESS_FETCH;
    return p;
}

void baseline_tap_enter(Baseline *t, bool straddles)
{
    const Block *b = t->block;
    add_count(t, STENCIL_TAP_COUNT_LOADS, b->n_load);
    add_count(t, STENCIL_TAP_COUNT_STORES, b->n_store);
    add_fetch(t, STENCIL_TAP_FETCH, b->pc, interp_tag(b, 0))->far = STENCIL_TAP_FETCH_FAR;
    if (straddles)
        add_fetch(t, STENCIL_TAP_STRADDLE, (b->pc & PAGE_MASK) + PAGE_SIZE, interp_tag(b, 0) | TAP_CROSS);
}

void baseline_tap_system(Baseline *t, const IOp *op)
{
    piece_add(t, STENCIL_TAP_SITE, op)->kind = interp_tag(t->block, op->insn);
}
