// SPDX-License-Identifier: GPL-3.0-or-later
// The view as JSON. docs/blocks.md says what each member means; tests/machine/blocks_json_test.py holds it to that.
#include "machine/blocks/blocks_json.h"

#include "machine/blocks/blocks_text.h"
#include "machine/blocks/form_diff.h"
#include <string.h>

static void put_symbol(JsonOut *j, const View *v, unsigned hart, uint64_t pc)
{
    g_autofree char *symbol = view_symbol(v, hart, pc);
    json_text(j, "symbol", *symbol ? symbol : NULL);
}

static void put_blocks(JsonOut *j, const View *v, const CodePiece *c)
{
    json_begin(j, "blocks", '[');
    for (unsigned i = 0; i < c->blocks->len; i++) {
        const CodeBlock *b = &g_array_index(c->blocks, CodeBlock, i);
        json_begin(j, NULL, '{');
        json_hex(j, "pc", b->pc);
        json_hex(j, "end", b->end);
        put_symbol(j, v, c->hart, b->pc);
        json_count(j, "first_insn", b->first_insn);
        json_count(j, "n_insns", b->n_insns);
        json_count(j, "count", b->count);
        json_bool(j, "entry", b->entry);
        json_end(j, '}');
    }
    json_end(j, ']');
}

static void put_source(JsonOut *j, const Name *n, SourceText *sources)
{
    if (!n->file)
        return;
    const char *text = source_text_line(sources, n->file, n->line);
    json_text(j, "file", n->file);
    json_count(j, "line", n->line);
    if (text)
        json_text(j, "source", text);
}

static void put_insns(JsonOut *j, const View *v, const ViewPiece *p, SourceText *sources)
{
    g_autoptr(GArray) insns = view_insns(v, p);
    json_begin(j, "insns", '[');
    for (unsigned i = 0; i < insns->len; i++) {
        const CodeInsn *c = &g_array_index(p->code->insns, CodeInsn, i);
        const ViewInsn *view = &g_array_index(insns, ViewInsn, i);
        json_begin(j, NULL, '{');
        json_hex(j, "pc", c->pc);
        json_hex(j, "bits", c->bits);
        json_count(j, "len", c->len);
        json_count(j, "block", c->block);
        json_text(j, "text", view->text);
        json_text(j, "function", view->name.function);
        if (view->name.image)
            json_text(j, "image", view->name.image);
        put_source(j, &view->name, sources);
        json_end(j, '}');
    }
    json_end(j, ']');
}

static void put_edges(JsonOut *j, const View *v, const ViewPiece *p)
{
    json_begin(j, "edges", '[');
    for (unsigned i = 0; i < p->code->edges->len; i++) {
        const CodeEdge *e = &g_array_index(p->code->edges, CodeEdge, i);
        const ViewPiece *to = view_target(v, p, e);
        json_begin(j, NULL, '{');
        json_text(j, "kind", code_edge_names[e->kind]);
        json_hex(j, "from", e->from);
        if (e->to == UINT64_MAX) {
            json_null(j, "to");
            json_null(j, "symbol");
        } else {
            json_hex(j, "to", e->to);
            put_symbol(j, v, p->code->hart, e->to);
        }
        if (to)
            json_count(j, "to_piece", to->id);
        else
            json_null(j, "to_piece");
        json_bool(j, "chained", e->chained);
        json_count(j, "count", e->count);
        json_end(j, '}');
    }
    json_end(j, ']');
}

static void put_stages(JsonOut *j, const CodePiece *c)
{
    json_begin(j, "stages", '[');
    for (unsigned i = 0; c->stages && i < c->stages->len; i++) {
        const CodeStage *s = &g_array_index(c->stages, CodeStage, i);
        json_begin(j, NULL, '{');
        json_text(j, "name", s->name);
        json_count(j, "ns", s->ns);
        json_end(j, '}');
    }
    json_end(j, ']');
}

static void put_pair(JsonOut *j, unsigned a, unsigned b)
{
    json_begin(j, NULL, '[');
    json_count(j, NULL, a);
    json_count(j, NULL, b);
    json_end(j, ']');
}

static void put_changes(JsonOut *j, const FormLines *f)
{
    json_text(j, "marks", f->marks);
    json_begin(j, "removed", '[');
    for (unsigned i = 0; i < f->removed->len; i++) {
        LineRemoved r = g_array_index(f->removed, LineRemoved, i);
        put_pair(j, r.before, r.line);
    }
    json_end(j, ']');
    json_begin(j, "was", '[');
    for (unsigned i = 0; i < f->n_lines; i++)
        if (f->marks[i] == '~')
            put_pair(j, i, f->was[i]);
    json_end(j, ']');
}

static void put_forms(JsonOut *j, const CodePiece *c)
{
    g_autoptr(GArray) forms = form_lines(c);
    json_begin(j, "forms", '[');
    for (unsigned i = 0; i < forms->len; i++) {
        const FormLines *f = &g_array_index(forms, FormLines, i);
        json_begin(j, NULL, '{');
        json_text(j, "name", f->form->name);
        json_bool(j, "changed", f->form->changed);
        json_count(j, "n_ops", f->form->n_ops);
        if (!f->marks || f->form->changed) {
            json_text(j, "text", f->form->text);
            json_begin(j, "insns", '[');
            for (unsigned k = 0; k < f->n_lines; k++)
                json_int(j, NULL, f->insn[k]);
            json_end(j, ']');
        }
        if (f->marks && f->form->changed)
            put_changes(j, f);
        json_end(j, '}');
    }
    json_end(j, ']');
}

static void put_host(JsonOut *j, const CodePiece *c)
{
    json_begin(j, "host", '[');
    for (unsigned i = 0; c->host && i < c->host->len; i++) {
        const CodeHost *h = &g_array_index(c->host, CodeHost, i);
        json_begin(j, NULL, '{');
        json_hex(j, "addr", h->addr);
        json_count(j, "len", h->len);
        json_bool(j, "cold", h->cold);
        json_int(j, "insn", h->insn);
        json_text(j, "text", h->text);
        if (h->note)
            json_text(j, "note", h->note);
        json_end(j, '}');
    }
    json_end(j, ']');
}

static void put_host_starts(JsonOut *j, const CodePiece *c)
{
    json_begin(j, "starts", '[');
    for (unsigned i = 0; i < c->host->len; i++) {
        const CodeHost *h = &g_array_index(c->host, CodeHost, i);
        if (i && h->addr == h[-1].addr + h[-1].len)
            continue;
        json_begin(j, NULL, '[');
        json_count(j, NULL, i);
        json_hex(j, NULL, h->addr);
        json_end(j, ']');
    }
    json_end(j, ']');
}

static void put_host_columns(JsonOut *j, const CodePiece *c)
{
    g_autoptr(GString) text = g_string_new(NULL);
    unsigned n = c->host ? c->host->len : 0, cold = 0;
    const CodeHost *host = n ? &g_array_index(c->host, CodeHost, 0) : NULL;
    json_begin(j, "host", '{');
    if (n)
        put_host_starts(j, c);
    json_begin(j, "len", '[');
    for (unsigned i = 0; i < n; i++)
        json_count(j, NULL, host[i].len);
    json_end(j, ']');
    json_begin(j, "insn", '[');
    for (unsigned i = 0; i < n; i++)
        json_int(j, NULL, host[i].insn);
    json_end(j, ']');
    json_begin(j, "notes", '[');
    for (unsigned i = 0; i < n; i++) {
        g_string_append_printf(text, "%s%s", i ? "\n" : "", host[i].text);
        cold += !host[i].cold;
        if (!host[i].note)
            continue;
        json_begin(j, NULL, '[');
        json_count(j, NULL, i);
        json_text(j, NULL, host[i].note);
        json_end(j, ']');
    }
    json_end(j, ']');
    json_text(j, "text", text->str);
    json_count(j, "cold", cold);
    json_end(j, '}');
}

void blocks_json_piece(JsonOut *j, const View *v, const ViewPiece *p, SourceText *sources, bool columns)
{
    const CodePiece *c = p->code;
    json_begin(j, NULL, '{');
    json_count(j, "id", p->id);
    json_count(j, "hart", c->hart);
    json_text(j, "tier", code_tier_names[c->tier]);
    json_hex(j, "pc", c->pc);
    json_text(j, "symbol", *p->symbol ? p->symbol : NULL);
    json_count(j, "mode", c->mode);
    json_bool(j, "paged", c->paged);
    json_bool(j, "dead", c->dead);
    json_bool(j, "loaded", c->loaded);
    json_count(j, "times_made", c->times_made);
    json_count(j, "count", c->count);
    json_count(j, "heat", c->heat);
    json_real(j, "heat_percent", p->percent, 4);
    json_count(j, "guest_bytes", p->guest_bytes);
    json_count(j, "host_bytes", c->host_bytes);
    json_count(j, "cold_bytes", c->cold_bytes);
    json_real(j, "expansion", view_expansion(p), 2);
    json_text(j, "end_reason", c->end_reason);
    json_text(j, "not_better", c->not_better);
    put_stages(j, c);
    put_blocks(j, v, c);
    put_insns(j, v, p, sources);
    put_edges(j, v, p);
    if (p->filled) {
        put_forms(j, c);
        (columns ? put_host_columns : put_host)(j, c);
        json_bool(j, "exact", c->exact);
    }
    json_end(j, '}');
}

void blocks_json_run(JsonOut *j, const View *v)
{
    json_count(j, "schema_version", BLOCKS_SCHEMA_VERSION);
    json_text(j, "guest", v->run.guest);
    json_text(j, "machine", v->run.machine);
    json_text(j, "accel", v->run.accel);
    json_text(j, "ended", v->run.ended);
    json_count(j, "harts", v->run.harts);
    json_real(j, "seconds", v->run.seconds, 3);
    json_count(j, "insns", v->run.insns);
    json_count(j, "heat", v->heat);
    json_count(j, "n_pieces", v->pieces->len);
    json_begin(j, "tiers", '[');
    for (unsigned tier = CODE_INTERP; tier <= CODE_REGION; tier++) {
        json_begin(j, NULL, '{');
        json_text(j, "tier", code_tier_names[tier]);
        json_count(j, "pieces", v->tier_pieces[tier]);
        json_count(j, "heat", v->tier_heat[tier]);
        json_end(j, '}');
    }
    json_end(j, ']');
}

char *blocks_json(const View *v)
{
    JsonOut j = {g_string_new(NULL), false};
    SourceText *sources = source_text_new();
    json_begin(&j, NULL, '{');
    blocks_json_run(&j, v);
    json_begin(&j, "pieces", '[');
    for (unsigned i = 0; i < v->selected->len; i++) {
        blocks_json_piece(&j, v, v->selected->pdata[i], sources, false);
        g_string_append_c(j.out, '\n'); // an editor's friend
    }
    json_end(&j, ']');
    json_end(&j, '}');
    g_string_append_c(j.out, '\n');
    source_text_free(sources);
    return g_string_free(j.out, FALSE);
}
