// SPDX-License-Identifier: GPL-3.0-or-later
// Which guest instruction each part of baseline code belongs to: its stencils are chosen and laid out once more.
#include "backend/baseline.h"
#include "backend/baseline_private.h"
#include "backend/inspect.h"
#include "backend/stencils.h"

static int by_place(gconstpointer p, gconstpointer q)
{
    const UnitLine *a = p, *b = q;
    if (a->cold != b->cold)
        return a->cold ? 1 : -1;
    return a->host < b->host ? -1 : a->host > b->host;
}

static void add_line(GArray *lines, const Baseline *t, const Piece *p, uint32_t at)
{
    UnitLine line = {.host = at & ~BASELINE_COLD, .cold = at & BASELINE_COLD, .none = !p->insn};
    if (p->insn)
        line.pc = t->block->pc + t->block->insn_pc[p->insn - 1];
    g_array_append_val(lines, line);
}

// Lays t out; false if it is not as long as the code of t->unit.
static bool find_lines(Baseline *t, GArray *lines)
{
    baseline_lay_out(t);
    for (unsigned i = 0; i < t->pieces->len; i++) {
        const Piece *p = piece(t, i);
        if (stencils[p->stencil].hot)
            add_line(lines, t, p, p->hot);
        if (stencils[p->stencil].cold)
            add_line(lines, t, p, p->cold);
    }
    g_array_sort(lines, by_place);
    unsigned n = 0;
    for (unsigned i = 0; i < lines->len; i++) { // one where the instruction changes
        const UnitLine *a = &g_array_index(lines, UnitLine, i), *b = n ? &g_array_index(lines, UnitLine, n - 1) : NULL;
        if (!b || a->cold != b->cold || a->none != b->none || a->pc != b->pc)
            g_array_index(lines, UnitLine, n++) = *a;
    }
    g_array_set_size(lines, n);
    return t->hot->len == t->unit->code_size && t->cold->len == t->unit->cold_size;
}

GArray *baseline_lines(const JitUnit *u)
{
    static const IrEnv nobody; // guesses by registers change no stencil, only what is in their holes
    GArray *lines = g_array_new(FALSE, TRUE, sizeof(UnitLine));
    CodeArena *arena = code_arena_new(); // a tap's records
    JitUnit copy = *u;
    Baseline t;
    bool guesses = u->block->n_targets && u->n_slots;
    baseline_begin(&t, u->block, &copy, &nobody, guesses ? u->base + (uint64_t)u->sites[0].pc : 0, arena);
    t.place = (CodePlace){u->text, u->cold, (int32_t *)(uintptr_t)u->counter};
    baseline_select(&t);
    if (!find_lines(&t, lines))
        g_array_set_size(lines, 0);
    baseline_end(&t);
    code_arena_free(arena);
    return lines;
}
