// SPDX-License-Identifier: GPL-3.0-or-later
// The selected pieces as a graph for Graphviz.
#include "machine/blocks/blocks_text.h"

#include <inttypes.h>
#include <math.h>

static void put_label(GString *s, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            g_string_append_c(s, '\\');
        g_string_append_c(s, (unsigned char)*c < 0x20 ? ' ' : *c);
    }
}

// White to red, by the logarithm: heat differs by powers of ten.
static void put_colour(GString *s, double percent)
{
    double x = percent > 0 ? CLAMP((log10(percent) + 4) / 6, 0, 1) : 0; // 0.0001 % to 100 %
    g_string_append_printf(s, "fillcolor=\"#ff%02x%02x\"", (unsigned)(250 - 130 * x), (unsigned)(240 - 200 * x));
}

static void put_node(GString *s, const ViewPiece *p)
{
    static const char *const shapes[] = {[CODE_INTERP] = "ellipse", [CODE_BASELINE] = "box", [CODE_REGION] = "octagon"};
    const CodePiece *c = p->code;
    g_string_append_printf(s, "    p%u [shape=%s, style=filled, ", p->id, shapes[c->tier]);
    put_colour(s, p->percent);
    g_string_append(s, ", label=\"");
    put_label(s, *p->symbol ? p->symbol : "?");
    g_string_append_printf(s, "\\n0x%" PRIx64 " %s\\n%.2f %%, %" PRIu64 " times, %u insns\"];\n", c->pc,
                           code_tier_names[c->tier], p->percent, c->count, c->insns->len);
}

static void put_edge(GString *s, const ViewPiece *from, const ViewPiece *to, const CodeEdge *e)
{
    static const char *const styles[] = {[EDGE_NEXT] = "solid", [EDGE_TAKEN] = "solid", [EDGE_INDIRECT] = "dashed",
                                         [EDGE_SYSTEM] = "dotted", [EDGE_LEAVE] = "dotted"};
    g_string_append_printf(s, "    p%u -> p%u [style=%s, color=%s, label=\"%s", from->id, to->id, styles[e->kind],
                           e->chained ? "black" : "gray50", code_edge_names[e->kind]);
    if (e->count)
        g_string_append_printf(s, " %" PRIu64, e->count);
    g_string_append(s, "\"];\n");
}

char *blocks_dot(const View *v)
{
    GString *s = g_string_new("// addend blocks: pieces of code, redder the hotter; black edges are chained.\n"
                              "digraph blocks {\n    node [fontname=\"monospace\", fontsize=10];\n"
                              "    edge [fontname=\"monospace\", fontsize=9];\n");
    for (unsigned i = 0; i < v->selected->len; i++)
        put_node(s, v->selected->pdata[i]);
    for (unsigned i = 0; i < v->selected->len; i++) {
        const ViewPiece *p = v->selected->pdata[i];
        for (unsigned k = 0; k < p->code->edges->len; k++) {
            const CodeEdge *e = &g_array_index(p->code->edges, CodeEdge, k);
            const ViewPiece *to = view_target(v, p, e);
            if (to && to->selected)
                put_edge(s, p, to, e);
        }
    }
    g_string_append(s, "}\n");
    return g_string_free(s, FALSE);
}
