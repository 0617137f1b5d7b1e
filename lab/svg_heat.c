// SPDX-License-Identifier: GPL-3.0-or-later
// Heat maps with the values in their cells.
#include "lab/svg_private.h"

#include <math.h>

enum { LEFT = 84, RIGHT = 700, CELL = 26, SCALE_X = 724, SCALE_W = 16 };

typedef struct {
    double red, green, blue;
} Color;

// From pale to dark, even steps of lightness.
static const Color ramp[] = {{255, 250, 235}, {254, 224, 170}, {250, 176, 110}, {228, 106, 84}, {166, 44, 88},
                             {88, 16, 78}};

// t: 0 to 1.
static Color shade(double t)
{
    double at = CLAMP(t, 0, 1) * (G_N_ELEMENTS(ramp) - 1);
    unsigned i = MIN((unsigned)at, G_N_ELEMENTS(ramp) - 2);
    double f = at - i;
    const Color *a = &ramp[i], *b = &ramp[i + 1];
    return (Color){a->red + f * (b->red - a->red), a->green + f * (b->green - a->green),
                   a->blue + f * (b->blue - a->blue)};
}

static char *hex(Color c)
{
    return g_strdup_printf("#%02x%02x%02x", (unsigned)lrint(c.red), (unsigned)lrint(c.green), (unsigned)lrint(c.blue));
}

typedef struct {
    double low, high; // logarithms of the ratios at the ends of the scale
} Scale;

static Scale make_scale(const SvgHeat *c)
{
    double min = INFINITY, max = 0;
    for (unsigned i = 0; i < c->rows * c->columns; i++) {
        if (c->ratio[i] > 0)
            min = MIN(min, c->ratio[i]);
        max = MAX(max, c->ratio[i]);
    }
    if (!(max > 0))
        return (Scale){-2, 0};
    Scale s = {floor(log10(min) + 1e-9), ceil(log10(max) - 1e-9)};
    s.low = MAX(s.low, s.high - 6);
    if (s.low == s.high)
        s.low--;
    return s;
}

static double on_scale(const Scale *s, double ratio)
{
    return ratio > 0 ? (log10(ratio) - s->low) / (s->high - s->low) : 0;
}

// In percent, in at most five characters.
static char *cell_name(double ratio)
{
    double p = 100 * ratio;
    if (p <= 0)
        return g_strdup("0");
    return p < 0.0005   ? g_strdup("<.001")
           : p < 0.0995 ? g_strdup_printf("%.3f", p)
           : p < 9.95   ? g_strdup_printf("%.2f", p)
                        : g_strdup_printf("%.1f", p);
}

static void draw_scale(GString *s, const SvgHeat *c, const Scale *scale, double top, double bottom)
{
    bottom = MAX(bottom, top + 120);
    const unsigned steps = 48;
    double h = (bottom - top) / steps;
    for (unsigned i = 0; i < steps; i++) {
        g_autofree char *color = hex(shade((i + 0.5) / steps));
        svg_rect(s, SCALE_X, bottom - (i + 1) * h, SCALE_W, h + 0.5, color);
    }
    for (double w = scale->low; w <= scale->high + 1e-9; w++) {
        double y = bottom - (w - scale->low) / (scale->high - scale->low) * (bottom - top);
        g_autofree char *name = g_strdup_printf("%.6g %%", 100 * pow(10, w));
        svg_text(s, SCALE_X + SCALE_W + 5, y + 4, 11, SVG_START, SVG_SOFT, name);
    }
    svg_text(s, SCALE_X - 10, top - 14, 12, SVG_START, SVG_INK, c->scale_label);
}

char *svg_heat(const SvgHeat *c)
{
    double top = 70, bottom = top + c->rows * CELL, w = (double)(RIGHT - LEFT) / MAX(c->columns, 1);
    GString *s = svg_begin((unsigned)MAX(bottom, top + 120) + 58, c->title);
    Scale scale = make_scale(c);
    for (unsigned r = 0; r < c->rows; r++) {
        double y = top + r * CELL;
        svg_text(s, LEFT - 8, y + CELL / 2.0 + 4, 12, SVG_END, SVG_SOFT, c->row_names[r]);
        for (unsigned k = 0; k < c->columns; k++) {
            double ratio = c->ratio[r * c->columns + k], t = on_scale(&scale, ratio);
            g_autofree char *color = hex(shade(t)), *name = cell_name(ratio);
            svg_rect(s, LEFT + k * w, y, w - 1, CELL - 1, color);
            if (svg_text_width(name, 10) < w)
                svg_text(s, LEFT + (k + 0.5) * w, y + CELL / 2.0 + 3.5, 10, SVG_MIDDLE, t > 0.55 ? "#ffffff" : SVG_INK,
                         name);
        }
    }
    for (unsigned k = 0; k < c->columns; k++)
        svg_text(s, LEFT + (k + 0.5) * w, bottom + 18, 12, SVG_MIDDLE, SVG_SOFT, c->column_names[k]);
    svg_text(s, (LEFT + RIGHT) / 2.0, bottom + 40, 13, SVG_MIDDLE, SVG_INK, c->x_label);
    svg_text_up(s, 20, (top + bottom) / 2, 13, SVG_INK, c->y_label);
    draw_scale(s, c, &scale, top, bottom);
    return svg_finish(s);
}
