// SPDX-License-Identifier: GPL-3.0-or-later
// What the charts are drawn with. Coordinates are pixels from the upper left corner.
#pragma once
#include "lab/svg.h"

#define SVG_WIDTH 800
#define SVG_INK "#1f2933"
#define SVG_SOFT "#52606d" // of axis numbers
#define SVG_GRID "#e4e7eb"

typedef enum { SVG_START, SVG_MIDDLE, SVG_END } SvgAnchor;

GString *svg_begin(unsigned height, const char *title); // with the title drawn
char *svg_finish(GString *s);
void svg_text(GString *s, double x, double y, unsigned size, SvgAnchor anchor, const char *color, const char *text);
void svg_text_up(GString *s, double x, double y, unsigned size, const char *color, const char *text); // centred
void svg_line(GString *s, double x1, double y1, double x2, double y2, const char *color);
void svg_rect(GString *s, double x, double y, double w, double h, const char *color);
// About how wide text is.
double svg_text_width(const char *text, unsigned size);
// text, cut to the width with dots at its end. The caller frees it.
char *svg_fit(const char *text, unsigned size, double width);

typedef struct {
    const char *name, *color;
    bool dot; // a mark, not a line or an area
} SvgKey;
// The legend from line y on, as many lines as it needs; returns where it ends. s NULL: only that.
double svg_legend(GString *s, double x, double y, const SvgKey *keys, unsigned n);
