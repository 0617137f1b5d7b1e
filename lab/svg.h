// SPDX-License-Identifier: GPL-3.0-or-later
// Charts as SVG 1.1 documents: lines, a heat map, stacked bars. From plain arrays; the caller frees the text.
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *name, *color;
    const double *x, *y; // n points, x rising. On a logarithmic axis 0 and less are not drawn
    unsigned n;
    bool filled; // the area below too
} SvgSeries;

typedef struct { // a point that the legend explains
    double x, y;
    const char *label, *color;
} SvgMark;

typedef struct {
    const char *title, *x_label, *y_label;
    bool x_log2;   // powers of two
    bool y_log;    // powers of ten
    bool y_ratio;  // y is of 1 and shown in percent
    const SvgSeries *series;
    unsigned n_series;
    const SvgMark *marks;
    unsigned n_marks;
} SvgLines;
char *svg_lines(const SvgLines *c);

typedef struct {
    const char *title, *x_label, *y_label, *scale_label; // of the columns, the rows and the values
    unsigned columns, rows;
    const char *const *column_names, *const *row_names;
    const double *ratio; // row by row, 0 to 1; the scale is logarithmic
} SvgHeat;
char *svg_heat(const SvgHeat *c);

typedef struct {
    const char *title, *x_label;
    unsigned bars, parts;
    const char *const *bar_names, *const *part_names, *const *part_colors;
    const uint64_t *value; // bar by bar
    const char *const *bar_notes; // behind the bars; NULL: none
} SvgBars;
char *svg_bars(const SvgBars *c);

extern const char *const svg_fetch_color, *const svg_data_color;

// A round step that divides 0..max into at most n parts: 1, 2 or 5 times a power of ten.
double svg_step(double max, unsigned n);
// A number in few characters: 1500000 is "1.5 M".
char *svg_short(double v);
