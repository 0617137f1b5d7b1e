// SPDX-License-Identifier: GPL-3.0-or-later
// Tables of the run and of the modelled TLB: by unit, hart, ASID, symbol and page.
#include "lab/report_private.h"

#include <inttypes.h>

const char *const report_kinds[ACCESS_KINDS] = {"load", "store", "fetch"};
const char *const report_privs[4] = {"U", "S", "-", "M"};
const char *const report_sizes[MODEL_SIZES] = {"4K", "64K", "2M", "1G", "512G", "256T"};
const char *const report_units[MODEL_UNITS] = {"L1I", "L1D", "L2"};

static const MemAccess kind_order[ACCESS_KINDS] = {ACCESS_FETCH, ACCESS_READ, ACCESS_WRITE};

void report_add(ModelCounts *sum, const ModelCounts *c)
{
    sum->accesses += c->accesses;
    sum->hits += c->hits;
    sum->misses += c->misses;
    for (unsigned i = 0; i < MODEL_CAUSES; i++)
        sum->cause[i] += c->cause[i];
}

ModelCounts report_sum(const ModelTotals *t, ModelUnit unit)
{
    ModelCounts sum = {0};
    for (unsigned k = 0; k < ACCESS_KINDS; k++)
        for (unsigned p = 0; p < 4; p++)
            for (unsigned s = 0; s < MODEL_SIZES; s++)
                report_add(&sum, &t->unit[unit][k][p][s]);
    return sum;
}

char *report_share(uint64_t part, uint64_t whole)
{
    double percent = whole ? 100.0 * (double)part / (double)whole : 0;
    if (part && percent < 0.05)
        return g_strdup("<0.1 %");
    if (part < whole && percent >= 99.95)
        return g_strdup(">99.9 %");
    return g_strdup_printf("%.1f %%", percent);
}

char *report_causes(const ModelCounts *c)
{
    GString *s = g_string_new(NULL);
    bool said[MODEL_CAUSES] = {false};
    for (unsigned n = 0; n < MODEL_CAUSES; n++) {
        unsigned best = MODEL_CAUSES;
        for (unsigned i = 0; i < MODEL_CAUSES; i++)
            if (!said[i] && c->cause[i] && (best == MODEL_CAUSES || c->cause[i] > c->cause[best]))
                best = i;
        if (best == MODEL_CAUSES)
            break;
        said[best] = true;
        g_autofree char *share = report_share(c->cause[best], c->misses);
        g_string_append_printf(s, "%s%s %s", s->len ? ", " : "", model_cause_names[best], share);
    }
    return g_string_free(s, FALSE);
}

void report_run_tables(Report *r)
{
    const AnalysisCounts *c = &r->a->all;
    Table *t = table_new("accesses", "Accesses of the guest");
    table_note(t, "A fetch for each instruction; an access over two pages is two. U, S, M: privilege, of data that "
                  "of MPRV. Not translated: of all.");
    table_column(t, "kind", "kind", TABLE_TEXT);
    table_column(t, "lookups", "all", TABLE_COUNT);
    table_column(t, "user", "U", TABLE_COUNT);
    table_column(t, "supervisor", "S", TABLE_COUNT);
    table_column(t, "machine", "M", TABLE_COUNT);
    table_column(t, "untranslated", "not translated", TABLE_COUNT);
    table_column(t, "untranslated_user", "", TABLE_COUNT | TABLE_DATA);
    table_column(t, "untranslated_supervisor", "", TABLE_COUNT | TABLE_DATA);
    table_column(t, "untranslated_machine", "", TABLE_COUNT | TABLE_DATA);
    table_column(t, "crossings", "second pages", TABLE_COUNT);
    for (unsigned i = 0; i < ACCESS_KINDS; i++) {
        MemAccess k = kind_order[i];
        uint64_t sum = 0, bare = 0;
        for (unsigned p = 0; p < 4; p++) {
            sum += c->lookups[k][p];
            bare += c->untranslated[k][p];
        }
        table_text(t, report_kinds[k]);
        table_count(t, sum);
        table_count(t, c->lookups[k][0]);
        table_count(t, c->lookups[k][1]);
        table_count(t, c->lookups[k][3]);
        table_count(t, bare);
        table_count(t, c->untranslated[k][0]);
        table_count(t, c->untranslated[k][1]);
        table_count(t, c->untranslated[k][3]);
        table_count(t, c->crossings[k]);
    }
    report_add_table(r, t, true, true);
}

static void event_row(Table *t, const char *name, uint64_t n, uint64_t insns)
{
    table_text(t, name);
    table_count(t, n);
    table_ratio(t, 1000 * n, insns);
}

static void event_table(Report *r)
{
    static const char *const flushes[] = {"sfence.vma: all", "sfence.vma: address", "sfence.vma: ASID",
                                          "sfence.vma: address and ASID", "reset", "PMP"};
    _Static_assert(G_N_ELEMENTS(flushes) == LAB_FLUSH_PMP + 1, "a name for each");
    const ModelTotals *m = &r->a->all.model;
    uint64_t insns = r->a->all.insns;
    Table *t = table_new("events", "Flushes and page walks");
    table_column(t, "event", "event", TABLE_TEXT);
    table_column(t, "count", "count", TABLE_COUNT);
    table_column(t, "per_1000_instructions", "per 1000 instructions", TABLE_REAL);
    for (unsigned i = 0; i <= LAB_FLUSH_PMP; i++)
        event_row(t, flushes[i], m->flushes[i], insns);
    event_row(t, "changes of address space", m->space_changes, insns);
    event_row(t, "page walks", m->walks, insns);
    if (r->a->model.bare)
        event_row(t, "untranslated misses", m->untranslated_misses, insns);
    event_row(t, "page-table reads", m->walk_reads, insns);
    if (r->a->model.walk_cache)
        event_row(t, "hits of the page-walk cache", m->walk_cache_hits, insns);
    if (r->a->model.prefetch) {
        event_row(t, "prefetches", m->prefetches, insns);
        event_row(t, "hits of prefetched entries", m->prefetch_hits, insns);
    }
    report_add_table(r, t, true, true);
}

static void cause_columns(Table *t)
{
    table_column(t, "causes", "causes", TABLE_TEXT | TABLE_PEOPLE);
    for (unsigned i = 0; i < MODEL_CAUSES; i++)
        table_column(t, model_cause_names[i], "", TABLE_COUNT | TABLE_DATA);
}

static void cause_cells(Table *t, const ModelCounts *c)
{
    g_autofree char *causes = report_causes(c);
    table_text(t, causes);
    for (unsigned i = 0; i < MODEL_CAUSES; i++)
        table_count(t, c->cause[i]);
}

static void count_columns(Table *t)
{
    table_column(t, "accesses", "lookups", TABLE_COUNT);
    table_column(t, "hits", "hits", TABLE_COUNT);
    table_column(t, "misses", "misses", TABLE_COUNT);
    table_column(t, "miss_ratio", "miss ratio", TABLE_RATIO);
    table_column(t, "mpki", "MPKI", TABLE_REAL);
    cause_columns(t);
}

static void count_cells(Table *t, const ModelCounts *c, uint64_t insns)
{
    table_count(t, c->accesses);
    table_count(t, c->hits);
    table_count(t, c->misses);
    table_ratio(t, c->misses, c->accesses);
    table_ratio(t, 1000 * c->misses, insns);
    cause_cells(t, c);
}

static void unit_columns(Table *t)
{
    table_column(t, "unit", "unit", TABLE_TEXT);
    table_column(t, "kind", "kind", TABLE_TEXT);
    table_column(t, "privilege", "mode", TABLE_TEXT);
    table_column(t, "page_size", "page", TABLE_TEXT);
    count_columns(t);
}

// Rows of a unit: in sum, then each kind, privilege and size that there is. hart: its name, NULL: no such column.
static void unit_rows(Table *t, const char *hart, const AnalysisCounts *c, ModelUnit u)
{
    ModelCounts sum = report_sum(&c->model, u);
    table_rule(t);
    if (hart)
        table_text(t, hart);
    table_text(t, report_units[u]);
    table_text(t, "all");
    table_text(t, "all");
    table_text(t, "all");
    count_cells(t, &sum, c->insns);
    for (unsigned i = 0; i < ACCESS_KINDS * 4 * MODEL_SIZES; i++) {
        unsigned k = kind_order[i / (4 * MODEL_SIZES)], p = i / MODEL_SIZES % 4, s = i % MODEL_SIZES;
        const ModelCounts *cell = &c->model.unit[u][k][p][s];
        if (!cell->accesses)
            continue;
        if (hart)
            table_text(t, hart);
        table_text(t, report_units[u]);
        table_text(t, report_kinds[k]);
        table_text(t, report_privs[p]);
        table_text(t, report_sizes[s]);
        count_cells(t, cell, c->insns);
    }
}

static bool has_unit(const ModelSpec *m, ModelUnit u)
{
    for (unsigned i = 0; i < MODEL_PARTS; i++)
        if (m->part[u][i].ways)
            return true;
    return false;
}

static void asid_table(Report *r)
{
    const AnalysisResult *a = r->a;
    Table *t = table_new("asids", "By ASID");
    table_note(t, "Of the first level. global: through entries with the G bit.");
    table_show(t, 20);
    table_column(t, "asid", "ASID", TABLE_TEXT);
    table_column(t, "kind", "kind", TABLE_TEXT);
    count_columns(t);
    for (size_t i = 0; i < a->n_asids; i++) {
        g_autofree char *name = a->asids[i].key == UINT64_MAX   ? g_strdup("global")
                                : a->asids[i].key == MODEL_BARE ? g_strdup("untranslated")
                                                                : g_strdup_printf("%" PRIu64, a->asids[i].key);
        for (unsigned k = 0; k < ACCESS_KINDS; k++) {
            const ModelCounts *c = &a->asids[i].kind[kind_order[k]];
            if (!c->accesses)
                continue;
            table_text(t, name);
            table_text(t, report_kinds[kind_order[k]]);
            count_cells(t, c, a->all.insns);
        }
    }
    report_add_table(r, t, true, true);
}

void report_model_tables(Report *r)
{
    const AnalysisResult *a = r->a;
    Table *t = table_new("counts", "Lookups and misses");
    bool l2 = report_sum(&a->all.model, MODEL_L2).accesses;
    table_note(t, l2 ? "MPKI: misses per thousand instructions. Causes: shares of them. L2 sees what missed in L1."
                     : "MPKI: misses per thousand instructions. Causes: shares of them.");
    unit_columns(t);
    for (unsigned u = 0; u < MODEL_UNITS; u++)
        if (has_unit(&a->model, u))
            unit_rows(t, NULL, &a->all, u);
    report_add_table(r, t, true, true);
    if (a->info.harts > 1) {
        t = table_new("counts_by_hart", "Lookups and misses of each hart");
        table_column(t, "hart", "hart", TABLE_TEXT);
        unit_columns(t);
        for (unsigned i = 0; i < a->info.harts; i++) {
            g_autofree char *name = g_strdup_printf("%u", i);
            for (unsigned u = 0; u < MODEL_UNITS; u++)
                if (has_unit(&a->model, u))
                    unit_rows(t, name, &a->hart[i], u);
        }
        report_add_table(r, t, true, true);
    }
    event_table(r);
    asid_table(r);
}

ModelCounts report_symbol_side(const SymbolCounts *s, SweepSide side)
{
    ModelCounts sum = {0};
    if (side == SWEEP_FETCH)
        report_add(&sum, &s->kind[ACCESS_FETCH]);
    else
        report_add(&sum, &s->kind[ACCESS_READ]);
    if (side == SWEEP_DATA)
        report_add(&sum, &s->kind[ACCESS_WRITE]);
    return sum;
}

static int more_fetch_misses(const void *left, const void *right, void *opaque)
{
    const SymbolCounts *s = opaque;
    size_t x = *(const size_t *)left, y = *(const size_t *)right;
    uint64_t a = s[x].kind[ACCESS_FETCH].misses, b = s[y].kind[ACCESS_FETCH].misses;
    return a != b ? (a > b ? -1 : 1) : x < y ? -1 : x > y;
}

size_t *report_symbol_order(const AnalysisResult *a, SweepSide side)
{
    size_t *order = g_new(size_t, a->n_symbols + 1);
    for (size_t i = 0; i < a->n_symbols; i++)
        order[i] = i;
    if (side == SWEEP_FETCH) // they are in the order of data misses
        g_qsort_with_data(order, (int)a->n_symbols, sizeof *order, more_fetch_misses, a->symbols);
    return order;
}

static void symbol_table(Report *r, SweepSide side)
{
    const AnalysisResult *a = r->a;
    bool data = side == SWEEP_DATA;
    ModelCounts all = report_sum(&a->all.model, data ? MODEL_L1D : MODEL_L1I);
    Table *t = table_new(data ? "symbols_data" : "symbols_fetch",
                         data ? "Data misses of L1D by symbol" : "Fetch misses of L1I by symbol");
    table_note(t, data ? "Loads and stores: those of the blocks executed. MPKI: of the symbol's own instructions."
                       : "Instructions: those of the blocks executed. MPKI: of the symbol's own instructions.");
    table_show(t, 20);
    table_column(t, "symbol", "symbol", TABLE_TEXT);
    table_column(t, "address", "address", TABLE_ADDRESS);
    table_column(t, "share", "of all misses", TABLE_RATIO);
    table_column(t, "misses", "misses", TABLE_COUNT);
    if (data)
        table_column(t, "accesses", "loads + stores", TABLE_COUNT);
    table_column(t, "instructions", "instructions", TABLE_COUNT);
    if (data)
        table_column(t, "miss_ratio", "miss ratio", TABLE_RATIO);
    table_column(t, "mpki", "MPKI", TABLE_REAL);
    cause_columns(t);
    g_autofree size_t *order = report_symbol_order(a, side);
    for (size_t i = 0; i < a->n_symbols; i++) {
        const SymbolCounts *s = &a->symbols[order[i]];
        ModelCounts c = report_symbol_side(s, side);
        if (!c.misses)
            break;
        table_text(t, s->name);
        table_count(t, s->addr);
        table_ratio(t, c.misses, all.misses);
        table_count(t, c.misses);
        if (data)
            table_count(t, s->loads + s->stores);
        table_count(t, s->insns);
        if (data)
            table_ratio(t, c.misses, s->loads + s->stores);
        table_ratio(t, 1000 * c.misses, s->insns);
        cause_cells(t, &c);
    }
    report_add_table(r, t, true, true);
}

void report_symbol_tables(Report *r)
{
    symbol_table(r, SWEEP_DATA);
    symbol_table(r, SWEEP_FETCH);
}

void report_page_table(Report *r)
{
    const AnalysisResult *a = r->a;
    Table *t = table_new("pages", "Pages with most misses");
    table_note(t, "Pages of code and data, by misses of the first level. Space: the address spaces in their order of "
                  "appearance.");
    table_show(t, 20);
    if (a->info.harts > 1)
        table_column(t, "hart", "hart", TABLE_COUNT);
    table_column(t, "page", "page", TABLE_ADDRESS);
    if (a->detail)
        table_column(t, "page_bits", "log2 size", TABLE_COUNT);
    table_column(t, "space", "space", TABLE_COUNT);
    table_column(t, "misses", "misses", TABLE_COUNT);
    table_column(t, "fetch_misses", "fetch", TABLE_COUNT);
    table_column(t, "load_misses", "load", TABLE_COUNT);
    table_column(t, "store_misses", "store", TABLE_COUNT);
    if (a->detail)
        table_column(t, "symbol", "mostly by", TABLE_TEXT);
    for (size_t i = 0; i < a->n_pages; i++) {
        const PageCounts *p = &a->pages[i];
        const ModelCounts *k = p->row.kind;
        if (a->info.harts > 1)
            table_count(t, p->hart);
        table_count(t, p->row.key);
        if (a->detail && p->bits)
            table_count(t, p->bits);
        else if (a->detail)
            table_empty(t);
        table_count(t, p->row.space);
        table_count(t, k[ACCESS_FETCH].misses + k[ACCESS_READ].misses + k[ACCESS_WRITE].misses);
        table_count(t, k[ACCESS_FETCH].misses);
        table_count(t, k[ACCESS_READ].misses);
        table_count(t, k[ACCESS_WRITE].misses);
        if (a->detail)
            table_text(t, p->symbol < 0 ? NULL : a->symbols[p->symbol].name);
    }
    report_add_table(r, t, true, true);
}
