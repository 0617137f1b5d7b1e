// SPDX-License-Identifier: GPL-3.0-or-later
// Tables of the sweep, and of the working set over time.
#include "lab/report_private.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

uint64_t report_sweep_sum(const uint64_t n[ACCESS_KINDS])
{
    return n[ACCESS_READ] + n[ACCESS_WRITE] + n[ACCESS_FETCH];
}

static const char *const side_names[SWEEP_SIDES] = {[SWEEP_FETCH] = "fetch", [SWEEP_DATA] = "data"};

// Only of a sample.
static void error_column(Table *t, const AnalysisResult *a)
{
    if (a->sweep.sample > 1)
        table_column(t, "standard_error", "std. error", TABLE_COUNT);
}

static void error_cell(Table *t, const AnalysisResult *a, double variance)
{
    if (a->sweep.sample > 1)
        table_count(t, (uint64_t)llround(sqrt(variance)));
}

static void miss_columns(Table *t)
{
    table_column(t, "lookups", "lookups", TABLE_COUNT);
    table_column(t, "misses", "misses", TABLE_COUNT);
    table_column(t, "load_misses", "load misses", TABLE_COUNT);
    table_column(t, "store_misses", "store misses", TABLE_COUNT);
    table_column(t, "miss_ratio", "miss ratio", TABLE_RATIO);
}

static void miss_cells(Table *t, const SweepCounts *c, const uint64_t misses[ACCESS_KINDS])
{
    table_count(t, report_sweep_sum(c->accesses));
    table_count(t, report_sweep_sum(misses));
    table_count(t, misses[ACCESS_READ]);
    table_count(t, misses[ACCESS_WRITE]);
    table_ratio(t, report_sweep_sum(misses), report_sweep_sum(c->accesses));
}

// All numbers of entries.
static void full_data(Report *r)
{
    const AnalysisResult *a = r->a;
    Table *t = table_new("sweep_full", "Fully associative LRU");
    table_column(t, "side", "side", TABLE_TEXT);
    table_column(t, "entries", "entries", TABLE_COUNT);
    miss_columns(t);
    table_column(t, "mpki", "MPKI", TABLE_REAL);
    error_column(t, a);
    for (unsigned s = 0; s < SWEEP_SIDES; s++) {
        const SweepCounts *c = &a->side[s];
        for (unsigned e = 1; e <= a->sweep.max_entries; e++) {
            table_text(t, side_names[s]);
            table_count(t, e);
            miss_cells(t, c, c->full[e - 1]);
            table_ratio(t, 1000 * report_sweep_sum(c->full[e - 1]), a->all.insns);
            error_cell(t, a, c->full_variance[e - 1]);
        }
    }
    report_add_table(r, t, false, true);
}

// One more entry takes away that part of all lookups' misses: worth a row.
#define KNEE 0.005

static bool knee(const SweepCounts *c, unsigned entries)
{
    if (entries < 2)
        return false;
    uint64_t fewer = report_sweep_sum(c->full[entries - 2]), misses = report_sweep_sum(c->full[entries - 1]);
    double drop = (double)(fewer - misses);
    return fewer > misses && drop >= KNEE * (double)report_sweep_sum(c->accesses) && drop >= 0.2 * (double)fewer;
}

static void full_people(Report *r)
{
    const AnalysisResult *a = r->a;
    Table *t = table_new("sweep_full_short", "Miss ratio by entries, fully associative, LRU");
    table_note(t, "Powers of two, and knees: where one entry more makes a fifth of the misses or more go away.");
    table_column(t, "entries", "entries", TABLE_COUNT);
    for (unsigned s = 0; s < SWEEP_SIDES; s++) {
        table_column(t, "misses", s == SWEEP_FETCH ? "fetch misses" : "data misses", TABLE_COUNT);
        table_column(t, "ratio", "miss ratio", TABLE_RATIO);
        table_column(t, "mpki", "MPKI", TABLE_REAL);
        error_column(t, a);
    }
    table_column(t, "note", "", TABLE_TEXT);
    for (unsigned e = 1; e <= a->sweep.max_entries; e++) {
        bool fetch = knee(&a->side[SWEEP_FETCH], e), data = knee(&a->side[SWEEP_DATA], e);
        if ((e & (e - 1)) && !fetch && !data && e != a->sweep.max_entries)
            continue;
        table_count(t, e);
        for (unsigned s = 0; s < SWEEP_SIDES; s++) {
            uint64_t misses = report_sweep_sum(a->side[s].full[e - 1]);
            table_count(t, misses);
            table_ratio(t, misses, report_sweep_sum(a->side[s].accesses));
            table_ratio(t, 1000 * misses, a->all.insns);
            error_cell(t, a, a->side[s].full_variance[e - 1]);
        }
        table_text(t, e < 2 ? NULL : fetch && data ? "knee" : fetch ? "knee of fetches" : data ? "knee of data" : NULL);
    }
    report_add_table(r, t, true, false);
}

static void grid_data(Report *r)
{
    const AnalysisResult *a = r->a;
    Table *t = table_new("sweep_grid", "Sets and ways");
    table_column(t, "side", "side", TABLE_TEXT);
    table_column(t, "sets", "sets", TABLE_COUNT);
    table_column(t, "ways", "ways", TABLE_COUNT);
    table_column(t, "entries", "entries", TABLE_COUNT);
    miss_columns(t);
    error_column(t, a);
    for (unsigned s = 0; s < SWEEP_SIDES; s++) {
        const SweepCounts *c = &a->side[s];
        for (unsigned i = 0; i < (a->sweep.max_set_bits + 1) * a->sweep.max_ways; i++) {
            unsigned sets = 1u << i / a->sweep.max_ways, ways = i % a->sweep.max_ways + 1;
            table_text(t, side_names[s]);
            table_count(t, sets);
            table_count(t, ways);
            table_count(t, (uint64_t)sets * ways);
            miss_cells(t, c, c->grid[i]);
            error_cell(t, a, c->grid_variance[i]);
        }
    }
    report_add_table(r, t, false, true);
}

static void grid_people(Report *r, SweepSide side)
{
    const AnalysisResult *a = r->a;
    const SweepCounts *c = &a->side[side];
    Table *t = table_new("sweep_grid_short", side == SWEEP_FETCH ? "Miss ratio of fetches by sets and ways, LRU"
                                                                 : "Miss ratio of data by sets and ways, LRU");
    table_column(t, "sets", "sets", TABLE_COUNT);
    for (unsigned w = 1; w <= a->sweep.max_ways; w++) {
        g_autofree char *name = g_strdup_printf("%u way%s", w, w > 1 ? "s" : "");
        if (w <= 4 || !(w & (w - 1)) || w == a->sweep.max_ways)
            table_column(t, name, name, TABLE_RATIO);
    }
    for (unsigned b = 0; b <= a->sweep.max_set_bits; b++) {
        table_count(t, UINT64_C(1) << b);
        for (unsigned w = 1; w <= a->sweep.max_ways; w++)
            if (w <= 4 || !(w & (w - 1)) || w == a->sweep.max_ways)
                table_ratio(t, report_sweep_sum(c->grid[b * a->sweep.max_ways + w - 1]),
                            report_sweep_sum(c->accesses));
    }
    report_add_table(r, t, true, false);
}

static void sampling_note(Report *r)
{
    const AnalysisResult *a = r->a;
    if (a->sweep.sample <= 1)
        return;
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(lines, g_strdup_printf("Misses are estimates, from one page in %u; each has its standard error, in "
                                           "misses. Of sets and ways it is in JSON and CSV.",
                                           a->sweep.sample));
    report_add_lines(r, "sampling", "Sampling", lines);
}

void report_sweep_tables(Report *r)
{
    sampling_note(r);
    full_people(r);
    full_data(r);
    grid_people(r, SWEEP_DATA);
    grid_people(r, SWEEP_FETCH);
    grid_data(r);
}

void report_working_set(Report *r)
{
    const AnalysisResult *a = r->a;
    Table *t = table_new("working_set", "Working set over time");
    table_column(t, "first_instruction", "from", TABLE_COUNT);
    table_column(t, "instructions", "instructions", TABLE_COUNT);
    table_column(t, "fetch_pages", "pages of code", TABLE_COUNT);
    table_column(t, "data_pages", "pages of data", TABLE_COUNT);
    uint64_t max[SWEEP_SIDES] = {0}, sum[SWEEP_SIDES] = {0};
    for (uint64_t n = 0; n < a->windows; n++) {
        table_count(t, n << a->window_bits);
        table_count(t, UINT64_C(1) << a->window_bits);
        for (unsigned s = 0; s < SWEEP_SIDES; s++) {
            table_count(t, a->working_set[s][n]);
            max[s] = MAX(max[s], a->working_set[s][n]);
            sum[s] += a->working_set[s][n];
        }
    }
    report_add_table(r, t, false, true);
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    const char *const names[SWEEP_SIDES] = {[SWEEP_FETCH] = "code", [SWEEP_DATA] = "data"};
    for (unsigned s = SWEEP_SIDES; s-- > 0 && a->windows;)
        g_ptr_array_add(lines, g_strdup_printf("%s: %.1f different pages in %s instructions on average, %s at most",
                                               names[s], (double)sum[s] / (double)a->windows,
                                               table_number(UINT64_C(1) << a->window_bits), table_number(max[s])));
    report_add_lines(r, "working_set_summary", "Pages in use at a time", lines);
}
