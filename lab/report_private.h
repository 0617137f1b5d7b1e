// SPDX-License-Identifier: GPL-3.0-or-later
// The inside of a report: the items that it is made of, in order.
#pragma once
#include "lab/report.h"
#include "lab/table.h"

typedef enum {
    ITEM_HEADING, // title: of a part of the report
    ITEM_TABLE,
    ITEM_LINES,   // title, and lines; those that begin with a blank go on from the one above
    ITEM_CHART,   // title, svg
} ItemKind;

typedef struct {
    ItemKind kind;
    char *id, *title; // id: of lines and charts, a table has its own
    Table *table;
    bool people, data; // who sees a table
    GPtrArray *lines;
    char *svg;
} ReportItem;

struct Report {
    const AnalysisResult *a;
    GArray *items; // of ReportItem
    char *geometry; // of the model
};

extern const char *const report_kinds[ACCESS_KINDS], *const report_privs[4], *const report_sizes[MODEL_SIZES];
extern const char *const report_units[MODEL_UNITS];
extern const char *const report_cause_colors[MODEL_CAUSES];

void report_add_heading(Report *r, const char *title);
void report_add_table(Report *r, Table *t, bool people, bool data); // takes it
void report_add_lines(Report *r, const char *id, const char *title, GPtrArray *lines); // takes them
void report_add_chart(Report *r, const char *id, const char *title, char *svg);        // likewise

// report_tables.c, report_sweep.c, report_why.c, report_charts.c: their items.
void report_run_tables(Report *r);    // what the run was
void report_model_tables(Report *r);  // by unit, hart, ASID
void report_symbol_tables(Report *r);
void report_page_table(Report *r);
void report_host_table(Report *r, const char *const *causes, unsigned n);
void report_sweep_tables(Report *r);
void report_working_set(Report *r);
void report_findings(Report *r);      // in short
void report_why(Report *r);           // of the symbols with most misses
void report_symbol_chart(Report *r);
void report_sweep_charts(Report *r);
void report_working_set_chart(Report *r);

ModelCounts report_sum(const ModelTotals *t, ModelUnit unit); // over kinds, privileges, sizes
void report_add(ModelCounts *sum, const ModelCounts *c);
// "12.3 %"; "<0.1 %" and ">99.9 %" where rounding would say none or all. The caller frees it.
char *report_share(uint64_t part, uint64_t whole);
// "cold 90.1 %, capacity 9.9 %": those that there are, the most frequent first. The caller frees it.
char *report_causes(const ModelCounts *c);
// Indexes of the symbols, those with most misses of that side first. The caller frees it.
size_t *report_symbol_order(const AnalysisResult *a, SweepSide side);
ModelCounts report_symbol_side(const SymbolCounts *s, SweepSide side);
// Entries of the first level's structure for pages of 2^bits bytes, or NULL.
const ModelPart *report_part(const ModelSpec *m, SweepSide side, unsigned bits);
// Over all kinds.
uint64_t report_sweep_sum(const uint64_t misses[ACCESS_KINDS]);
