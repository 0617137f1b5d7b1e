// SPDX-License-Identifier: GPL-3.0-or-later
// Charts of lines, with linear or logarithmic axes.
#include "lab/svg_private.h"

#include <math.h>

enum { LEFT = 92, RIGHT = 776, PLOT = 300 }; // PLOT: height

typedef struct {
    double from, to; // values at the ends; of a logarithmic axis their logarithms
    double at_from, at_to; // pixels
    double step;
    bool log;
    double base;
} Axis;

#define LEAST -6 // power of ten: smaller ones are drawn there

static double place(const Axis *a, double v)
{
    double w = a->log ? log(v) / log(a->base) : v;
    w = MAX(w, a->from);
    return a->at_from + (w - a->from) / (a->to - a->from) * (a->at_to - a->at_from);
}

static void widen(double v, bool log, double *min, double *max)
{
    if (log && !(v > 0))
        return;
    *min = MIN(*min, v);
    *max = MAX(*max, v);
}

static Axis make_axis(double min, double max, double base, unsigned steps)
{
    Axis a = {.log = base > 0, .base = base, .from = 0, .to = max, .step = 1};
    if (a.log) {
        bool any = min <= max;
        a.from = any ? floor(log(min) / log(base) + 1e-9) : 0;
        a.to = any ? ceil(log(max) / log(base) - 1e-9) : 1;
        a.to = MAX(a.to, a.from + 1);
        a.step = MAX(ceil((a.to - a.from) / steps), 1);
    } else {
        a.to = max > 0 ? max : 1;
        a.step = svg_step(a.to, steps);
    }
    return a;
}

static Axis x_axis(const SvgLines *c)
{
    double min = INFINITY, max = -INFINITY;
    for (unsigned i = 0; i < c->n_series; i++)
        for (unsigned k = 0; k < c->series[i].n; k++)
            widen(c->series[i].x[k], c->x_log2, &min, &max);
    for (unsigned i = 0; i < c->n_marks; i++)
        widen(c->marks[i].x, c->x_log2, &min, &max);
    Axis a = make_axis(min, max, c->x_log2 ? 2 : 0, c->x_log2 ? 14 : 8);
    a.at_from = LEFT;
    a.at_to = RIGHT;
    return a;
}

static Axis y_axis(const SvgLines *c)
{
    double min = INFINITY, max = -INFINITY;
    for (unsigned i = 0; i < c->n_series; i++)
        for (unsigned k = 0; k < c->series[i].n; k++)
            widen(c->series[i].y[k], c->y_log, &min, &max);
    for (unsigned i = 0; i < c->n_marks; i++)
        widen(c->marks[i].y, c->y_log, &min, &max);
    Axis a = make_axis(min, max, c->y_log ? 10 : 0, c->y_log ? 8 : 6);
    if (a.log && c->y_ratio && a.from < LEAST) {
        a.from = LEAST;
        a.to = MAX(a.to, LEAST + 1);
        a.step = MAX(ceil((a.to - a.from) / 8), 1);
    }
    if (!a.log)
        a.to = ceil(a.to / a.step - 1e-9) * a.step;
    return a;
}

static char *tick_name(double v, bool ratio)
{
    return ratio ? g_strdup_printf("%.6g %%", 100 * v) : svg_short(v);
}

static void draw_y(GString *s, const SvgLines *c, const Axis *a)
{
    for (double w = a->from; w <= a->to + a->step / 1e6; w += a->step) {
        double v = a->log ? pow(a->base, w) : w, y = place(a, v);
        svg_line(s, LEFT, y, RIGHT, y, SVG_GRID);
        g_autofree char *name = tick_name(v, c->y_ratio);
        svg_text(s, LEFT - 8, y + 4, 12, SVG_END, SVG_SOFT, name);
    }
    svg_text_up(s, 20, (a->at_from + a->at_to) / 2, 13, SVG_INK, c->y_label);
}

static void draw_x(GString *s, const SvgLines *c, const Axis *a, double bottom)
{
    for (double w = a->from; w <= a->to + a->step / 1e6; w += a->step) {
        double v = a->log ? pow(a->base, w) : w, x = place(a, v);
        svg_line(s, x, bottom - PLOT, x, bottom, SVG_GRID);
        g_autofree char *name = a->log && v < 1e6 ? g_strdup_printf("%.0f", v) : svg_short(v);
        svg_text(s, x, bottom + 18, 12, SVG_MIDDLE, SVG_SOFT, name);
    }
    svg_line(s, LEFT, bottom, RIGHT, bottom, SVG_SOFT);
    svg_text(s, (LEFT + RIGHT) / 2.0, bottom + 40, 13, SVG_MIDDLE, SVG_INK, c->x_label);
}

// A point between two others of the same height tells nothing.
static bool needed(const SvgSeries *l, unsigned k)
{
    return k == 0 || k + 1 == l->n || l->y[k] != l->y[k - 1] || l->y[k] != l->y[k + 1];
}

static void draw_series(GString *s, const SvgSeries *l, const Axis *x, const Axis *y)
{
    g_autoptr(GString) points = g_string_new(NULL);
    double first = NAN, last = NAN;
    for (unsigned k = 0; k < l->n; k++) {
        if ((x->log && !(l->x[k] > 0)) || (y->log && !(l->y[k] > 0)) || !needed(l, k))
            continue;
        last = place(x, l->x[k]);
        first = isnan(first) ? last : first;
        g_string_append_printf(points, "%s%.1f,%.1f", points->len ? " " : "", last, place(y, l->y[k]));
    }
    if (!points->len)
        return;
    if (l->filled)
        g_string_append_printf(s,
                               "<polygon points=\"%.1f,%.1f %s %.1f,%.1f\" fill=\"%s\" fill-opacity=\"0.12\"/>\n",
                               first, y->at_from, points->str, last, y->at_from, l->color);
    g_string_append_printf(s,
                           "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\" "
                           "stroke-linejoin=\"round\" stroke-linecap=\"round\"/>\n",
                           points->str, l->color);
}

static void draw_marks(GString *s, const SvgLines *c, const Axis *x, const Axis *y)
{
    for (unsigned i = 0; i < c->n_marks; i++) {
        const SvgMark *m = &c->marks[i];
        if ((x->log && !(m->x > 0)) || (y->log && !(m->y > 0)))
            continue;
        g_string_append_printf(s,
                               "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5.5\" fill=\"#ffffff\" stroke=\"%s\" "
                               "stroke-width=\"2.5\"/>\n",
                               place(x, m->x), place(y, m->y), m->color);
    }
}

char *svg_lines(const SvgLines *c)
{
    unsigned n = c->n_series + c->n_marks;
    g_autofree SvgKey *keys = g_new0(SvgKey, n + 1);
    for (unsigned i = 0; i < n; i++)
        keys[i] = i < c->n_series ? (SvgKey){c->series[i].name, c->series[i].color, false}
                                  : (SvgKey){c->marks[i - c->n_series].label, c->marks[i - c->n_series].color, true};
    double legend_end = svg_legend(NULL, 24, 60, keys, n), top = legend_end + 22, bottom = top + PLOT;
    GString *s = svg_begin((unsigned)bottom + 58, c->title);
    svg_legend(s, 24, 60, keys, n);
    Axis x = x_axis(c), y = y_axis(c);
    y.at_from = bottom;
    y.at_to = top;
    draw_y(s, c, &y);
    draw_x(s, c, &x, bottom);
    for (unsigned i = 0; i < c->n_series; i++)
        draw_series(s, &c->series[i], &x, &y);
    draw_marks(s, c, &x, &y);
    return svg_finish(s);
}
