// SPDX-License-Identifier: GPL-3.0-or-later
// The view as text, its parts in QEMU's shapes (IN:, OP:, OUT: [size=N]). Each IR text can be given to ir_parse: what a
// pass did is said in comments.
#include "machine/blocks/blocks_text.h"

#include "frontend/disas.h"
#include "machine/blocks/form_diff.h"
#include "machine/blocks/source_text.h"
#include <inttypes.h>
#include <string.h>

#define MARK_COLUMN 56

static char *millions(uint64_t n)
{
    if (n < 10000000)
        return g_strdup_printf("%" PRIu64, n);
    return g_strdup_printf("%.1f million", (double)n / 1e6);
}

static void print_summary(GString *s, const View *v)
{
    g_autofree char *insns = millions(v->run.insns);
    g_string_append_printf(s, "%s on %s, %u hart%s, -accel %s: %s instructions in %.2f s%s%s\n",
                           v->run.guest ? v->run.guest : "guest", v->run.machine ? v->run.machine : "?", v->run.harts,
                           v->run.harts == 1 ? "" : "s", v->run.accel ? v->run.accel : "?", insns, v->run.seconds,
                           v->run.ended ? "; " : "", v->run.ended ? v->run.ended : "");
    g_string_append_printf(s, "%u pieces of code", v->pieces->len);
    const char *separator = ":";
    for (int tier = CODE_REGION; tier >= CODE_INTERP; tier--) {
        if (!v->tier_pieces[tier])
            continue;
        g_string_append_printf(s, "%s %u %s (%.1f %% of the heat)", separator, v->tier_pieces[tier],
                               code_tier_names[tier],
                               v->heat ? 100.0 * (double)v->tier_heat[tier] / (double)v->heat : 0);
        separator = ",";
    }
    g_string_append_printf(s, "; %u shown\n\n", v->selected->len);
}

static void print_table(GString *s, const View *v)
{
    g_string_append(s, " rank  heat %         count  tier         pc                  insns  host bytes  expand"
                       "  compile ms  symbol; why it ends\n");
    for (unsigned i = 0; i < v->selected->len; i++) {
        const ViewPiece *p = v->selected->pdata[i];
        const CodePiece *c = p->code;
        g_string_append_printf(s, "%5u  %6.2f  %12" PRIu64 "  %-11s  0x%016" PRIx64 "  %5u  %10zu  ", p->id + 1,
                               p->percent, c->count, code_tier_names[c->tier], c->pc, c->insns->len,
                               c->host_bytes + c->cold_bytes);
        if (c->host_bytes)
            g_string_append_printf(s, "%6.1f  ", view_expansion(p));
        else
            g_string_append(s, "     -  ");
        g_string_append_printf(s, "%10.3f  %s; %s\n", (double)view_ns(p) / 1e6, *p->symbol ? p->symbol : "?",
                               c->end_reason ? c->end_reason : "?");
    }
}

static void print_head(GString *s, const View *v, const ViewPiece *p)
{
    const CodePiece *c = p->code;
    g_string_append_printf(s, "\n================\n#%u: %s 0x%016" PRIx64 " %s\n", p->id + 1, code_tier_names[c->tier],
                           c->pc, p->symbol);
    g_string_append_printf(s, "  hart %u, mode %u%s: %.2f %% of the heat (%" PRIu64 " instructions), entered %" PRIu64
                              " times\n",
                           c->hart, c->mode, c->paged ? ", paged" : "", p->percent, c->heat, c->count);
    g_string_append_printf(s, "  %u instructions of %" PRIu64 " bytes in %u block%s", c->insns->len, p->guest_bytes,
                           c->blocks->len, c->blocks->len == 1 ? "" : "s");
    if (c->host_bytes)
        g_string_append_printf(s, "; host code %zu bytes hot, %zu cold: %.1f for one", c->host_bytes, c->cold_bytes,
                               view_expansion(p));
    g_string_append(s, c->loaded ? "; from the code cache" : "");
    if (c->times_made)
        g_string_append_printf(s, "; made %u times", c->times_made + 1);
    g_string_append(s, c->dead ? "; dead\n" : "\n");
    g_string_append_printf(s, "  ends: %s\n", c->end_reason ? c->end_reason : "?");
    if (c->not_better)
        g_string_append_printf(s, "  not in a better tier: %s\n", c->not_better);
    for (unsigned i = 0; c->stages && i < c->stages->len; i++) {
        const CodeStage *stage = &g_array_index(c->stages, CodeStage, i);
        g_string_append_printf(s, "%s %s %.3f ms", i ? "," : "  cost:", stage->name, (double)stage->ns / 1e6);
    }
    g_string_append(s, c->stages && c->stages->len ? "\n" : "");
    for (unsigned i = 0; i < c->blocks->len; i++) {
        const CodeBlock *b = &g_array_index(c->blocks, CodeBlock, i);
        g_autofree char *symbol = view_symbol(v, c->hart, b->pc);
        g_string_append_printf(s, "  block b%u 0x%016" PRIx64 "..0x%016" PRIx64 "%s ran %" PRIu64 " times %s\n", i,
                               b->pc, b->end, b->entry ? " (entry)" : "", b->count, symbol);
    }
    for (unsigned i = 0; i < c->edges->len; i++) {
        const CodeEdge *e = &g_array_index(c->edges, CodeEdge, i);
        const ViewPiece *to = view_target(v, p, e);
        g_string_append_printf(s, "  edge 0x%016" PRIx64 " %s", e->from, code_edge_names[e->kind]);
        if (e->to != UINT64_MAX) {
            g_autofree char *symbol = view_symbol(v, c->hart, e->to);
            g_string_append_printf(s, " -> 0x%016" PRIx64 " %s", e->to, symbol);
        }
        if (to)
            g_string_append_printf(s, " [#%u]", to->id + 1);
        g_string_append(s, e->chained ? " chained" : "");
        if (e->count)
            g_string_append_printf(s, " %" PRIu64 " times", e->count);
        g_string_append_c(s, '\n');
    }
}

static void print_source(GString *s, SourceText *sources, const Name *n, const Name *before)
{
    if (!n->file || (before && before->file && !strcmp(before->file, n->file) && before->line == n->line))
        return;
    const char *text = source_text_line(sources, n->file, n->line);
    g_string_append_printf(s, "; %s:%u%s%s\n", n->file, n->line, text ? ": " : "", text ? text : "");
}

static void print_guest(GString *s, const ViewPiece *p, const GArray *insns, SourceText *sources)
{
    const Name *before = NULL;
    for (unsigned i = 0; i < p->code->insns->len; i++) {
        const CodeInsn *insn = &g_array_index(p->code->insns, CodeInsn, i);
        const ViewInsn *view = &g_array_index(insns, ViewInsn, i);
        const Name *n = &view->name;
        bool same = i && before->function && n->function && !strcmp(before->function, n->function);
        bool head = !i || insn->block != insn[-1].block || (n->function && !same);
        if (head && n->function)
            g_string_append_printf(s, "%sIN: %s+0x%" PRIx64 "\n", i ? "\n" : "", n->function, n->offset);
        else if (head)
            g_string_append_printf(s, "%sIN: \n", i ? "\n" : "");
        print_source(s, sources, n, head ? NULL : before);
        char line[128];
        disas_line(line, sizeof line, insn->pc, insn->bits);
        g_string_append_printf(s, "%s\n", line);
        before = n;
    }
    g_string_append_c(s, '\n');
}

static void print_marked(GString *s, const FormLines *f, const FormLines *before)
{
    unsigned removed = 0;
    for (unsigned i = 0; i <= f->n_lines; i++) {
        for (; removed < f->removed->len; removed++) {
            LineRemoved r = g_array_index(f->removed, LineRemoved, removed);
            if (r.before != i)
                break;
            g_string_append_printf(s, "; -%s\n", before->lines[r.line]);
        }
        if (i == f->n_lines)
            break;
        if (f->marks[i] == ' ')
            g_string_append_printf(s, "%s\n", f->lines[i]);
        else if (f->marks[i] == '+')
            g_string_append_printf(s, "%-*s ; +\n", MARK_COLUMN, f->lines[i]);
        else
            g_string_append_printf(s, "%-*s ; ~ was%s\n", MARK_COLUMN, f->lines[i], before->lines[f->was[i]] + 1);
    }
}

static void print_forms(GString *s, const ViewPiece *p)
{
    g_autoptr(GArray) forms = form_lines(p->code);
    for (unsigned i = 0; i < forms->len; i++) {
        const FormLines *f = &g_array_index(forms, FormLines, i);
        bool gimple = !strcmp(f->form->name, "GIMPLE");
        g_string_append_printf(s, "%s: 0x%016" PRIx64 " %s", gimple ? "GIMPLE" : "OP", p->code->pc, p->symbol);
        if (!gimple)
            g_string_append_printf(s, "%s%s, %u ops", i ? ", after pass " : ", ", f->form->name, f->form->n_ops);
        if (f->marks && !f->form->changed) {
            g_string_append(s, ", as before\n\n");
            continue;
        }
        g_string_append_c(s, '\n');
        if (f->marks)
            print_marked(s, f, f - 1);
        else
            g_string_append(s, f->form->text);
        g_string_append_c(s, '\n');
    }
}

static void print_host(GString *s, const ViewPiece *p, const GArray *insns)
{
    const CodePiece *c = p->code;
    if (!c->host)
        return;
    g_string_append_printf(s, "OUT: [size=%zu] 0x%016" PRIx64 " %s, %s%s\n", c->host_bytes + c->cold_bytes, c->pc,
                           p->symbol, code_tier_names[c->tier],
                           c->exact ? "" : "; made anew with other addresses: not quite the code that ran");
    for (unsigned i = 0; i < c->host->len; i++) {
        const CodeHost *h = &g_array_index(c->host, CodeHost, i);
        if (i && h->cold && !h[-1].cold)
            g_string_append(s, "  -- out of line\n");
        if (h->insn >= 0 && (!i || h->insn != h[-1].insn || h->cold != h[-1].cold))
            g_string_append_printf(s, "  -- guest addr 0x%016" PRIx64 "  %s\n",
                                   g_array_index(c->insns, CodeInsn, h->insn).pc,
                                   g_array_index(insns, ViewInsn, h->insn).text);
        else if (h->insn < 0 && (!i || h[-1].insn >= 0 || h->cold != h[-1].cold))
            g_string_append(s, "  -- of no instruction\n");
        g_string_append_printf(s, "0x%08" PRIx64 ":  %s", h->addr, h->text);
        if (h->note)
            g_string_append_printf(s, "  # %s", h->note);
        g_string_append_c(s, '\n');
    }
}

char *blocks_text(const View *v)
{
    GString *s = g_string_new(NULL);
    SourceText *sources = source_text_new();
    print_summary(s, v);
    if (v->selected->len)
        print_table(s, v);
    for (unsigned i = 0; i < v->selected->len; i++) {
        const ViewPiece *p = v->selected->pdata[i];
        g_autoptr(GArray) insns = view_insns(v, p);
        print_head(s, v, p);
        g_string_append(s, "\n----------------\n");
        print_guest(s, p, insns, sources);
        print_forms(s, p);
        print_host(s, p, insns);
    }
    source_text_free(sources);
    return g_string_free(s, FALSE);
}
