// SPDX-License-Identifier: GPL-3.0-or-later
// The section on the emulator's own TLB.
#include "lab/report_private.h"

typedef struct {
    uint64_t misses;
    size_t symbol;
} HostRow;

static int compare(const void *left, const void *right)
{
    const HostRow *a = left, *b = right;
    if (a->misses != b->misses)
        return a->misses > b->misses ? -1 : 1;
    return a->symbol < b->symbol ? -1 : 1;
}

static uint64_t sum_of(const SymbolCounts *s, MemAccess kind)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < ANALYSIS_HOST_CAUSES; i++)
        sum += s->host[kind][i];
    return sum;
}

static GArray *sorted_rows(const AnalysisResult *a)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(HostRow));
    for (size_t i = 0; i < a->n_symbols; i++) {
        const SymbolCounts *s = &a->symbols[i];
        HostRow row = {sum_of(s, ACCESS_FETCH) + sum_of(s, ACCESS_READ) + sum_of(s, ACCESS_WRITE), i};
        if (row.misses)
            g_array_append_val(rows, row);
    }
    g_array_sort(rows, compare);
    return rows;
}

void report_host_table(Report *r, const char *const *causes, unsigned n)
{
    g_assert(n <= ANALYSIS_HOST_CAUSES);
    Table *t = table_new("host_symbols", "Misses of the emulator's own TLB by symbol");
    table_note(t, "What makes the emulator slower; it says nothing about the modelled TLB or any hardware.");
    table_show(t, 20);
    table_column(t, "symbol", "symbol", TABLE_TEXT);
    table_column(t, "address", "address", TABLE_ADDRESS);
    table_column(t, "misses", "misses", TABLE_COUNT);
    table_column(t, "fetch_misses", "fetch", TABLE_COUNT);
    table_column(t, "load_misses", "load", TABLE_COUNT);
    table_column(t, "store_misses", "store", TABLE_COUNT);
    for (unsigned i = 0; i < n; i++)
        table_column(t, causes[i], causes[i], TABLE_COUNT | TABLE_SPARSE);
    g_autoptr(GArray) rows = sorted_rows(r->a);
    for (unsigned i = 0; i < rows->len; i++) {
        const HostRow *row = &g_array_index(rows, HostRow, i);
        const SymbolCounts *s = &r->a->symbols[row->symbol];
        table_text(t, s->name);
        table_count(t, s->addr);
        table_count(t, row->misses);
        table_count(t, sum_of(s, ACCESS_FETCH));
        table_count(t, sum_of(s, ACCESS_READ));
        table_count(t, sum_of(s, ACCESS_WRITE));
        for (unsigned k = 0; k < n; k++)
            table_count(t, s->host[ACCESS_FETCH][k] + s->host[ACCESS_READ][k] + s->host[ACCESS_WRITE][k]);
    }
    report_add_table(r, t, true, true);
}
