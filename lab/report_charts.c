// SPDX-License-Identifier: GPL-3.0-or-later
// The charts of a report.
#include "lab/report_private.h"
#include "lab/svg.h"

#include <inttypes.h>

const char *const report_cause_colors[MODEL_CAUSES] = {
    [CAUSE_FAULT] = "#9d755d",     [CAUSE_UPGRADE] = "#eeca3b",    [CAUSE_COLD] = "#4c78a8",
    [CAUSE_FLUSH_ALL] = "#54a24b", [CAUSE_FLUSH_VA] = "#88d27a",   [CAUSE_FLUSH_ASID] = "#72b7b2",
    [CAUSE_SATP] = "#b279a2",      [CAUSE_OTHER] = "#bab0ac",      [CAUSE_CONFLICT] = "#f58518",
    [CAUSE_CAPACITY] = "#e45756",  [CAUSE_SIZE] = "#79706e",
};

#define BARS 15

void report_symbol_chart(Report *r)
{
    const AnalysisResult *a = r->a;
    const char *names[BARS];
    char *notes[BARS + 1] = {NULL};
    uint64_t value[BARS][MODEL_CAUSES], all = report_sum(&a->all.model, MODEL_L1D).misses;
    unsigned n = 0;
    for (size_t i = 0; i < a->n_symbols && n < BARS; i++) {
        ModelCounts c = report_symbol_side(&a->symbols[i], SWEEP_DATA);
        if (!c.misses || c.misses < all / 2000) // less than is worth a line
            break;
        names[n] = a->symbols[i].name;
        notes[n] = g_strdup_printf("%.1f %%", 100.0 * (double)c.misses / (double)all);
        for (unsigned k = 0; k < MODEL_CAUSES; k++)
            value[n][k] = c.cause[k];
        n++;
    }
    if (n)
        report_add_chart(r, "symbols", "Data misses by symbol and cause",
                         svg_bars(&(SvgBars){.title = "Data-TLB misses by symbol and cause",
                                             .x_label = "misses of L1D (percent: of all)",
                                             .bars = n,
                                             .parts = MODEL_CAUSES,
                                             .bar_names = names,
                                             .part_names = model_cause_names,
                                             .part_colors = report_cause_colors,
                                             .value = value[0],
                                             .bar_notes = (const char *const *)notes}));
    for (unsigned i = 0; i < n; i++)
        g_free(notes[i]);
}

typedef struct {
    double *x, *y;
} Points;

static Points curve(const AnalysisResult *a, SweepSide side)
{
    unsigned n = a->sweep.max_entries;
    Points p = {g_new(double, n), g_new(double, n)};
    double all = (double)report_sweep_sum(a->side[side].accesses);
    for (unsigned e = 0; e < n; e++) {
        p.x[e] = e + 1;
        p.y[e] = all > 0 ? (double)report_sweep_sum(a->side[side].full[e]) / all : 0;
    }
    return p;
}

// The model's first level as a point: its entries for the smallest pages, and the ratio it really has.
static bool model_mark(const AnalysisResult *a, SweepSide side, const char *color, SvgMark *out)
{
    if (!a->has_model)
        return false;
    ModelUnit unit = side == SWEEP_FETCH ? MODEL_L1I : MODEL_L1D;
    ModelCounts c = report_sum(&a->all.model, unit);
    unsigned entries = 0;
    for (unsigned i = 0; i < MODEL_PARTS; i++)
        entries = MAX(entries, a->model.part[unit][i].sets * a->model.part[unit][i].ways);
    if (!c.accesses || !entries || !c.misses)
        return false;
    double ratio = (double)c.misses / (double)c.accesses;
    *out = (SvgMark){entries, ratio,
                     g_strdup_printf(ratio < 1e-6 ? "%s of the model: %u entries, less than %g %% miss"
                                                  : "%s of the model: %u entries, %.3g %% miss",
                                     report_units[unit], entries, ratio < 1e-6 ? 1e-4 : 100 * ratio), color};
    return true;
}

static void curve_chart(Report *r)
{
    const AnalysisResult *a = r->a;
    Points p[SWEEP_SIDES] = {curve(a, SWEEP_FETCH), curve(a, SWEEP_DATA)};
    unsigned n = a->sweep.max_entries, marks = 0;
    SvgSeries series[] = {{"data", svg_data_color, p[SWEEP_DATA].x, p[SWEEP_DATA].y, n, false},
                          {"fetch", svg_fetch_color, p[SWEEP_FETCH].x, p[SWEEP_FETCH].y, n, false}};
    SvgMark mark[SWEEP_SIDES];
    marks += model_mark(a, SWEEP_DATA, svg_data_color, &mark[marks]);
    marks += model_mark(a, SWEEP_FETCH, svg_fetch_color, &mark[marks]);
    report_add_chart(r, "miss_curve", "Miss ratio by number of entries",
                     svg_lines(&(SvgLines){.title = "Miss ratio by number of entries, fully associative LRU",
                                           .x_label = "entries",
                                           .y_label = "misses of all lookups",
                                           .x_log2 = true,
                                           .y_log = true,
                                           .y_ratio = true,
                                           .series = series,
                                           .n_series = 2,
                                           .marks = mark,
                                           .n_marks = marks}));
    for (unsigned i = 0; i < marks; i++)
        g_free((char *)mark[i].label);
    for (unsigned s = 0; s < SWEEP_SIDES; s++) {
        g_free(p[s].x);
        g_free(p[s].y);
    }
}

#define HEAT_WAYS 16

static void heat_chart(Report *r, SweepSide side)
{
    static const char *const titles[SWEEP_SIDES] = {
        [SWEEP_FETCH] = "Miss ratio of fetches by sets and ways, LRU (percent)",
        [SWEEP_DATA] = "Miss ratio of loads and stores by sets and ways, LRU (percent)",
    };
    const AnalysisResult *a = r->a;
    unsigned rows = a->sweep.max_set_bits + 1, columns = MIN(a->sweep.max_ways, HEAT_WAYS);
    g_autofree double *ratio = g_new0(double, rows * columns + 1);
    g_auto(GStrv) row_names = g_new0(char *, rows + 1);
    g_auto(GStrv) column_names = g_new0(char *, columns + 1);
    double all = (double)report_sweep_sum(a->side[side].accesses);
    for (unsigned i = 0; i < rows * columns; i++) {
        unsigned b = i / columns, w = i % columns;
        ratio[i] = all > 0 ? (double)report_sweep_sum(a->side[side].grid[b * a->sweep.max_ways + w]) / all : 0;
    }
    for (unsigned b = 0; b < rows; b++)
        row_names[b] = g_strdup_printf("%u", 1u << b);
    for (unsigned w = 0; w < columns; w++)
        column_names[w] = g_strdup_printf("%u", w + 1);
    report_add_chart(r, side == SWEEP_FETCH ? "heat_fetch" : "heat_data", "Miss ratio by sets and ways",
                     svg_heat(&(SvgHeat){.title = titles[side],
                                         .x_label = "ways",
                                         .y_label = "sets",
                                         .scale_label = "miss ratio",
                                         .columns = columns,
                                         .rows = rows,
                                         .column_names = (const char *const *)column_names,
                                         .row_names = (const char *const *)row_names,
                                         .ratio = ratio}));
}

void report_sweep_charts(Report *r)
{
    curve_chart(r);
    heat_chart(r, SWEEP_DATA);
    heat_chart(r, SWEEP_FETCH);
}

void report_working_set_chart(Report *r)
{
    const AnalysisResult *a = r->a;
    g_autofree double *x = g_new(double, a->windows + 1), *fetch = g_new(double, a->windows + 1),
                      *data = g_new(double, a->windows + 1);
    for (uint64_t n = 0; n < a->windows; n++) {
        x[n] = (double)(n << a->window_bits);
        fetch[n] = a->working_set[SWEEP_FETCH][n];
        data[n] = a->working_set[SWEEP_DATA][n];
    }
    SvgSeries series[] = {{"data", svg_data_color, x, data, (unsigned)a->windows, true},
                          {"code", svg_fetch_color, x, fetch, (unsigned)a->windows, true}};
    g_autofree char *y = g_strdup_printf("different pages in %s instructions",
                                         table_number(UINT64_C(1) << a->window_bits));
    report_add_chart(r, "working_set", "Working set over time",
                     svg_lines(&(SvgLines){.title = "Working set over time",
                                           .x_label = "instructions of a hart",
                                           .y_label = y,
                                           .series = series,
                                           .n_series = 2}));
}
