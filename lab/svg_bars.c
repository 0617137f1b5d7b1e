// SPDX-License-Identifier: GPL-3.0-or-later
// Horizontal bars made of parts.
#include "lab/svg_private.h"

#include <math.h>

enum { LEFT = 290, RIGHT = 776, BAR = 17, STEP = 27 };

static uint64_t bar_sum(const SvgBars *c, unsigned bar)
{
    uint64_t sum = 0;
    for (unsigned p = 0; p < c->parts; p++)
        sum += c->value[bar * c->parts + p];
    return sum;
}

// Keys of the parts that are there.
static unsigned part_keys(const SvgBars *c, SvgKey *keys)
{
    unsigned n = 0;
    for (unsigned p = 0; p < c->parts; p++) {
        uint64_t sum = 0;
        for (unsigned b = 0; b < c->bars; b++)
            sum += c->value[b * c->parts + p];
        if (sum)
            keys[n++] = (SvgKey){c->part_names[p], c->part_colors[p], false};
    }
    return n;
}

static void draw_bar(GString *s, const SvgBars *c, unsigned bar, double y, double scale)
{
    g_autofree char *name = svg_fit(c->bar_names[bar], 13, LEFT - 34);
    svg_text(s, LEFT - 10, y + BAR - 4, 13, SVG_END, SVG_INK, name);
    double x = LEFT;
    for (unsigned p = 0; p < c->parts; p++) {
        double w = (double)c->value[bar * c->parts + p] * scale;
        if (w > 0)
            svg_rect(s, x, y, MAX(w, 0.5), BAR, c->part_colors[p]);
        x += w;
    }
    if (c->bar_notes)
        svg_text(s, x + 6, y + BAR - 4, 12, SVG_START, SVG_SOFT, c->bar_notes[bar]);
}

char *svg_bars(const SvgBars *c)
{
    g_autofree SvgKey *keys = g_new0(SvgKey, c->parts + 1);
    unsigned n = part_keys(c, keys);
    double top = svg_legend(NULL, 24, 60, keys, n) + 22, bottom = top + MAX(c->bars, 1) * STEP + 4;
    GString *s = svg_begin((unsigned)bottom + 58, c->title);
    svg_legend(s, 24, 60, keys, n);
    double max = 0, room = 0;
    for (unsigned b = 0; b < c->bars; b++) {
        max = MAX(max, (double)bar_sum(c, b));
        if (c->bar_notes)
            room = MAX(room, svg_text_width(c->bar_notes[b], 12) + 12);
    }
    double step = MAX(svg_step(max, 6), 1), right = RIGHT - room, scale = max > 0 ? (right - LEFT) / max : 0;
    for (double v = 0; v * scale <= right - LEFT + 0.5; v += step) {
        double x = LEFT + v * scale;
        g_autofree char *name = svg_short(v);
        svg_line(s, x, top - 6, x, bottom, SVG_GRID);
        svg_text(s, x, bottom + 18, 12, SVG_MIDDLE, SVG_SOFT, name);
        if (!(scale > 0))
            break;
    }
    for (unsigned b = 0; b < c->bars; b++)
        draw_bar(s, c, b, top + b * STEP, scale);
    svg_line(s, LEFT, top - 6, LEFT, bottom, SVG_SOFT);
    svg_text(s, (LEFT + right) / 2, bottom + 40, 13, SVG_MIDDLE, SVG_INK, c->x_label);
    return svg_finish(s);
}
