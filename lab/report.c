// SPDX-License-Identifier: GPL-3.0-or-later
// A report's items in their order.
#include "lab/report_private.h"

#include <inttypes.h>

static void add_item(Report *r, ReportItem item)
{
    g_array_append_val(r->items, item);
}

void report_add_heading(Report *r, const char *title)
{
    add_item(r, (ReportItem){.kind = ITEM_HEADING, .title = g_strdup(title)});
}

void report_add_table(Report *r, Table *t, bool people, bool data)
{
    add_item(r, (ReportItem){.kind = ITEM_TABLE, .table = t, .people = people, .data = data});
}

void report_add_lines(Report *r, const char *id, const char *title, GPtrArray *lines)
{
    add_item(r, (ReportItem){.kind = ITEM_LINES, .id = g_strdup(id), .title = g_strdup(title), .lines = lines});
}

void report_add_chart(Report *r, const char *id, const char *title, char *svg)
{
    add_item(r, (ReportItem){.kind = ITEM_CHART, .id = g_strdup(id), .title = g_strdup(title), .svg = svg});
}

static void add_model(Report *r)
{
    const AnalysisResult *a = r->a;
    g_autofree char *title = a->model.name[0] ? g_strdup_printf("Modelled guest TLB: %s (%s)", a->model.name,
                                                                r->geometry)
                                              : g_strdup_printf("Modelled guest TLB: %s", r->geometry);
    report_add_heading(r, title);
    report_findings(r);
    if (a->detail)
        report_why(r);
    report_symbol_tables(r);
    if (a->detail)
        report_symbol_chart(r);
    report_model_tables(r);
    report_page_table(r);
}

Report *report_new(const AnalysisResult *result, const char *const *host_causes, unsigned n)
{
    Report *r = g_new0(Report, 1);
    r->a = result;
    r->items = g_array_new(FALSE, FALSE, sizeof(ReportItem));
    if (result->has_model)
        r->geometry = model_spec_print(&result->model);
    report_add_heading(r, "The run");
    report_run_tables(r);
    if (result->has_model)
        add_model(r);
    if (result->has_sweep) {
        report_add_heading(r, "Sweep: every LRU geometry");
        report_sweep_charts(r);
        report_sweep_tables(r);
    }
    if (result->detail) {
        report_add_heading(r, "Working set over time");
        report_working_set_chart(r);
        report_working_set(r);
    }
    if (result->has_model && result->detail && result->host_misses) {
        report_add_heading(r, "Host softTLB");
        report_host_table(r, host_causes, n);
    }
    return r;
}

void report_free(Report *r)
{
    if (!r)
        return;
    for (unsigned i = 0; i < r->items->len; i++) {
        ReportItem *item = &g_array_index(r->items, ReportItem, i);
        g_free(item->id);
        g_free(item->title);
        g_free(item->svg);
        table_free(item->table);
        if (item->lines)
            g_ptr_array_free(item->lines, TRUE);
    }
    g_array_free(r->items, TRUE);
    g_free(r->geometry);
    g_free(r);
}
