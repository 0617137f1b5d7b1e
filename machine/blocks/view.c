// SPDX-License-Identifier: GPL-3.0-or-later
// Pieces of several harts put into one order, and those chosen that somebody wants to see.
#include "machine/blocks/view.h"

#include "frontend/disas.h"
#include <inttypes.h>
#include <string.h>

static gint compare_heat(gconstpointer left, gconstpointer right)
{
    const ViewPiece *a = *(ViewPiece *const *)left, *b = *(ViewPiece *const *)right;
    if (a->code->heat != b->code->heat)
        return a->code->heat > b->code->heat ? -1 : 1;
    if (a->code->count != b->code->count)
        return a->code->count > b->code->count ? -1 : 1;
    if (a->code->tier != b->code->tier)
        return a->code->tier > b->code->tier ? -1 : 1;
    if (a->code->hart != b->code->hart)
        return a->code->hart < b->code->hart ? -1 : 1;
    return (a->code->id > b->code->id) - (a->code->id < b->code->id);
}

static char *name_text(const Name *n)
{
    if (!n->function)
        return g_strdup("");
    return n->offset ? g_strdup_printf("%s+0x%" PRIx64, n->function, n->offset) : g_strdup(n->function);
}

char *view_symbol(const View *v, unsigned hart, uint64_t pc)
{
    Name n = v->names.at(v->names.opaque, hart, pc, false);
    return name_text(&n);
}

static void free_piece(gpointer data)
{
    ViewPiece *p = data;
    g_free(p->symbol);
    g_free(p);
}

static gint64 code_key(unsigned hart, unsigned id)
{
    return (gint64)hart << 32 | id;
}

static void add_piece(View *v, CodePiece *code)
{
    ViewPiece *p = g_new0(ViewPiece, 1);
    p->code = code;
    p->symbol = view_symbol(v, code->hart, code->pc);
    for (unsigned i = 0; i < code->insns->len; i++)
        p->guest_bytes += g_array_index(code->insns, CodeInsn, i).len;
    v->heat += code->heat;
    v->tier_heat[code->tier] += code->heat;
    v->tier_pieces[code->tier]++;
    g_ptr_array_add(v->pieces, p);
    gint64 key = code_key(code->hart, code->id);
    g_hash_table_insert(v->by_code, g_memdup2(&key, sizeof key), p);
}

View *view_new(const ViewRun *run, const ViewNames *names, Inspection *const *inspections, unsigned n)
{
    View *v = g_new0(View, 1);
    v->run = *run;
    v->names = *names;
    v->pieces = g_ptr_array_new_with_free_func(free_piece);
    v->selected = g_ptr_array_new();
    v->by_code = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    for (unsigned hart = 0; hart < n; hart++) {
        for (unsigned i = 0; i < inspections[hart]->pieces->len; i++) {
            CodePiece *code = inspections[hart]->pieces->pdata[i];
            code->hart = hart;
            add_piece(v, code);
        }
    }
    g_ptr_array_sort(v->pieces, compare_heat);
    for (unsigned i = 0; i < v->pieces->len; i++) {
        ViewPiece *p = v->pieces->pdata[i];
        p->id = i;
        p->percent = v->heat ? 100.0 * (double)p->code->heat / (double)v->heat : 0;
    }
    return v;
}

void view_free(View *v)
{
    g_hash_table_destroy(v->by_code);
    g_ptr_array_free(v->selected, TRUE);
    g_ptr_array_free(v->pieces, TRUE);
    g_free(v);
}

static bool has_pc(const CodePiece *code, const GArray *pcs)
{
    for (unsigned i = 0; i < code->insns->len; i++) {
        const CodeInsn *insn = &g_array_index(code->insns, CodeInsn, i);
        for (unsigned k = 0; k < pcs->len; k++)
            if (g_array_index(pcs, uint64_t, k) - insn->pc < insn->len)
                return true;
    }
    return false;
}

static bool has_function(const View *v, const CodePiece *code, const GPtrArray *globs)
{
    for (unsigned i = 0; i < code->blocks->len; i++) {
        uint64_t pc = g_array_index(code->blocks, CodeBlock, i).pc;
        const char *function = v->names.at(v->names.opaque, code->hart, pc, false).function;
        for (unsigned k = 0; function && k < globs->len; k++)
            if (g_pattern_match_simple(globs->pdata[k], function))
                return true;
    }
    return false;
}

static bool is_wanted(const View *v, const CodePiece *code, const ViewWanted *w)
{
    bool pcs = w->pcs && w->pcs->len, globs = w->globs && w->globs->len;
    if (w->tiers && !(w->tiers >> code->tier & 1))
        return false;
    return (!pcs && !globs) || (pcs && has_pc(code, w->pcs)) || (globs && has_function(v, code, w->globs));
}

void view_select(View *v, const ViewWanted *wanted)
{
    for (unsigned i = 0; i < v->pieces->len && (!wanted->top || v->selected->len < wanted->top); i++) {
        ViewPiece *p = v->pieces->pdata[i];
        p->selected = is_wanted(v, p->code, wanted);
        if (p->selected)
            g_ptr_array_add(v->selected, p);
    }
}

static void clear_insn(gpointer insn)
{
    g_free(((ViewInsn *)insn)->text);
}

GArray *view_insns(const View *v, const ViewPiece *p)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(ViewInsn));
    g_array_set_clear_func(out, clear_insn);
    for (unsigned i = 0; i < p->code->insns->len; i++) {
        const CodeInsn *insn = &g_array_index(p->code->insns, CodeInsn, i);
        char text[64];
        disas(text, sizeof text, insn->pc, insn->bits);
        char *tab = strchr(text, '\t');
        ViewInsn one = {.name = v->names.at(v->names.opaque, p->code->hart, insn->pc, true)};
        one.text = tab ? g_strdup_printf("%-9.*s %s", (int)(tab - text), text, tab + 1) : g_strdup(text);
        g_array_append_val(out, one);
    }
    return out;
}

const ViewPiece *view_target(const View *v, const ViewPiece *from, const CodeEdge *edge)
{
    gint64 key = code_key(from->code->hart, (unsigned)edge->to_piece);
    return edge->to_piece < 0 ? NULL : g_hash_table_lookup(v->by_code, &key);
}

double view_expansion(const ViewPiece *p)
{
    return p->guest_bytes ? (double)(p->code->host_bytes + p->code->cold_bytes) / (double)p->guest_bytes : 0;
}

uint64_t view_ns(const ViewPiece *p)
{
    uint64_t ns = 0;
    for (unsigned i = 0; p->code->stages && i < p->code->stages->len; i++)
        ns += g_array_index(p->code->stages, CodeStage, i).ns;
    return ns;
}
