// SPDX-License-Identifier: GPL-3.0-or-later
// A small trace, written, read and reported: the text is report.golden (report_test FILE --write makes it anew), and
// what the other formats say is the same.
#include "tests/test.h"
#include "tests/lab/records.h"

#include "lab/report.h"
#include <gio/gio.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *golden_path;
static bool rewrite;

enum { ROUNDS = 3, PAGES = 6, WALK = 0x400000, FILL = 0x402000, DATA = 0x10000000 };

static uint64_t insns, loads, stores;

static void put(GArray *out, TapRecord r)
{
    g_array_append_val(out, r);
}

static void put_times(GArray *out)
{
    put(out, rec_event(TAP_TIME, insns, 0));
    put(out, rec_event(TAP_LOADS, loads, 0));
    put(out, rec_event(TAP_STORES, stores, 0));
}

// An instruction that loads from or stores to an address.
static void touch(GArray *out, MemAccess kind, gva_t va, uint32_t site)
{
    put(out, rec_data(kind, va, loads, stores, site, false));
    put(out, rec_event(TAP_PAGE, va & PAGE_MASK, 12)); // and what translation said, below
    g_array_index(out, TapRecord, out->len - 1).what |= TAP_PAGE_READ | TAP_PAGE_WRITE;
    loads += kind == ACCESS_READ;
    stores += kind == ACCESS_WRITE;
    insns++;
}

static void fetch(GArray *out, gva_t va, uint32_t site)
{
    put(out, rec_event(TAP_PAGE, (va & PAGE_MASK) | TAP_PAGE_EXEC, 12));
    put(out, rec_fetch(va, insns, site, false));
}

// One function fills pages once, another one goes through them again and again.
static GArray *records(void)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(TapRecord));
    insns = loads = stores = 0;
    put_times(out);
    put(out, rec_event(TAP_SPACE, UINT64_C(8) << 60 | UINT64_C(7) << 44 | 0x80000, 0));
    put(out, rec_event(TAP_MODE, 1 | 1 << 2 | 3 << 4, 0)); // S, translated
    put(out, rec_event(TAP_BLOCK, FILL, 4));               // sites 0 to 3
    put(out, rec_event(TAP_BLOCK_OPS, 1 | UINT64_C(1) << 32, 0));
    put(out, rec_event(TAP_BLOCK, WALK, 4));               // sites 4 to 7
    put(out, rec_event(TAP_BLOCK_OPS, 2 | 2 << 16, 1));
    fetch(out, FILL, 0);
    for (unsigned i = 0; i < PAGES; i++)
        touch(out, ACCESS_WRITE, DATA + i * PAGE_SIZE, 1);
    fetch(out, WALK, 4);
    for (unsigned i = 0; i < ROUNDS * PAGES; i++) {
        if (i == PAGES) {
            put_times(out);
            put(out, rec_event(TAP_FLUSH, DATA, TAP_FLUSH_VA));
            fetch(out, WALK, 4);
        }
        touch(out, ACCESS_READ, DATA + i % PAGES * PAGE_SIZE + 8, 5);
        loads++; // the same page again
        insns++;
    }
    put(out, rec_event(TAP_HOST_MISS, DATA, ACCESS_READ | 2 << 2));
    put(out, rec_event(TAP_BLOCK_RUNS, PAGES, 0));
    put(out, rec_event(TAP_BLOCK_RUNS, ROUNDS * PAGES, 1));
    put_times(out);
    put(out, rec_event(TAP_END, 0, 0));
    return out;
}

static char *write_trace(void)
{
    char *path = g_strdup_printf("%s/addend-report-%d.tlb", g_get_tmp_dir(), getpid());
    TraceInfo info = {1, "clabpu", "small.elf \"argument\"", true};
    TraceWriter *w = trace_writer_new(path, &info, NULL);
    assert_non_null(w);
    GArray *r = records();
    trace_writer_put(w, 0, (const TapRecord *)(const void *)r->data, r->len);
    g_array_free(r, TRUE);
    TraceSymbol symbols[] = {{FILL, 0x20, "fill"}, {WALK, 0x40, "walk<int>"}};
    for (unsigned i = 0; i < G_N_ELEMENTS(symbols); i++)
        trace_writer_symbol(w, &symbols[i]);
    assert_true(trace_writer_close(w, NULL));
    return path;
}

static const char *const host_causes[] = {"fault", "upgrade", "cold"};

typedef struct {
    Analysis *analysis;
    const AnalysisResult *result;
    Report *report;
} Made;

static Made make(bool detail)
{
    g_autofree char *path = write_trace();
    TraceReader *t = trace_reader_new(path, NULL);
    assert_non_null(t);
    ModelSpec spec;
    assert_true(model_spec_parse("l1i=1x2,l1d=2x2,l2=1x8", &spec, NULL));
    SweepConfig sweep = {.max_set_bits = 2, .max_ways = 2, .max_entries = 8, .asid = true, .sizes = UINT64_MAX,
                         .sample = 1};
    AnalysisConfig config = {&spec, detail ? &sweep : NULL, detail};
    Made m = {.analysis = analysis_new(&config, trace_reader_info(t))};
    const TapRecord *r;
    unsigned hart;
    size_t n;
    g_autoptr(GError) error = NULL;
    while ((r = trace_reader_next(t, &hart, &n, &error)))
        assert_true(analysis_feed(m.analysis, hart, r, n, &error));
    assert_null(error);
    const TraceSymbol *s = trace_reader_symbols(t, &n);
    m.result = analysis_finish(m.analysis, s, n, &error);
    if (!m.result)
        fail_msg("%s", error->message);
    m.report = report_new(m.result, host_causes, G_N_ELEMENTS(host_causes));
    trace_reader_free(t);
    unlink(path);
    return m;
}

static void drop(Made *m)
{
    report_free(m->report);
    analysis_free(m->analysis);
}

static void golden(void **state)
{
    (void)state;
    Made m = make(true);
    g_autofree char *text = report_text(m.report), *expected = NULL;
    if (rewrite)
        assert_true(g_file_set_contents(golden_path, text, -1, NULL));
    assert_true(g_file_get_contents(golden_path, &expected, NULL, NULL));
    assert_string_equal(text, expected);
    drop(&m);
}

// By hand: four entries in two sets for six pages in turn, three in each set of two ways, so nothing ever hits but the
// second load of a pair; the flush takes a page that is not there any more. L2 has all pages, so that it misses each
// once, and once more what the flush took.
static void by_hand(void **state)
{
    (void)state;
    Made m = make(true);
    const AnalysisCounts *c = &m.result->all;
    const ModelCounts *load = &c->model.unit[MODEL_L1D][ACCESS_READ][1][0];
    assert_int_equal(c->insns, PAGES + 2 * ROUNDS * PAGES);
    assert_int_equal(c->loads, 2 * ROUNDS * PAGES);
    assert_int_equal(c->stores, PAGES);
    assert_int_equal(load->accesses, 2 * ROUNDS * PAGES);
    assert_int_equal(load->misses, ROUNDS * PAGES);
    assert_int_equal(c->model.unit[MODEL_L1D][ACCESS_WRITE][1][0].misses, PAGES);
    assert_int_equal(c->model.unit[MODEL_L2][ACCESS_WRITE][1][0].misses, PAGES);
    assert_int_equal(c->model.unit[MODEL_L2][ACCESS_READ][1][0].misses, 1);
    assert_int_equal(c->model.unit[MODEL_L2][ACCESS_READ][1][0].cause[CAUSE_FLUSH_VA], 1);
    const SweepCounts *s = &m.result->side[SWEEP_DATA];
    assert_int_equal(s->full[PAGES - 2][ACCESS_READ], ROUNDS * PAGES);
    assert_int_equal(s->full[PAGES - 1][ACCESS_READ], 1);
    assert_int_equal(s->full[PAGES - 1][ACCESS_WRITE], PAGES);
    assert_int_equal(m.result->n_symbols, 2);
    const SymbolCounts *walk = &m.result->symbols[0];
    assert_string_equal(walk->name, "walk<int>");
    assert_int_equal(walk->loads, 2 * ROUNDS * PAGES);
    assert_int_equal(walk->side[SWEEP_DATA].misses, ROUNDS * PAGES);
    assert_int_equal(walk->side[SWEEP_DATA].pages, PAGES);
    assert_int_equal(walk->side[SWEEP_DATA].pc, WALK + 2);
    assert_int_equal(walk->side[SWEEP_DATA].stride, PAGE_SIZE);
    assert_int_equal(walk->side[SWEEP_DATA].stride_misses, ROUNDS * (PAGES - 1));
    assert_int_equal(walk->side[SWEEP_DATA].sets_used, 2);
    drop(&m);
}

// Numbers of a CSV column in rows whose first cells are these.
static uint64_t csv_cell(const char *csv, const char *row, unsigned column)
{
    const char *at = strstr(csv, row);
    assert_non_null(at);
    for (unsigned i = 0; i < column; i++)
        at = strchr(at, ',') + 1;
    return g_ascii_strtoull(at, NULL, 10);
}

static void formats(void **state)
{
    (void)state;
    Made m = make(true);
    g_autofree char *json = report_json(m.report), *csv = report_csv(m.report), *html = report_html(m.report);
    g_autofree char *main_csv = report_main_csv(m.report), *svg = report_main_svg(m.report);
    ModelCounts load = m.result->all.model.unit[MODEL_L1D][ACCESS_READ][1][0];
    assert_int_equal(csv_cell(main_csv, "L1D,load,S,4K,", 4), load.accesses);
    assert_int_equal(csv_cell(main_csv, "L1D,load,S,4K,", 6), load.misses);
    assert_int_equal(csv_cell(csv, "\nL1D,load,S,4K,", 6), load.misses);
    g_autofree char *row = g_strdup_printf("{\"unit\": \"L1D\", \"kind\": \"load\", \"privilege\": \"S\", "
                                           "\"page_size\": \"4K\", \"accesses\": %" PRIu64 ", \"hits\": %" PRIu64
                                           ", \"misses\": %" PRIu64, load.accesses, load.hits, load.misses);
    assert_non_null(strstr(json, row));
    assert_non_null(strstr(json, "\"guest\": \"small.elf \\\"argument\\\"\""));
    assert_non_null(strstr(html, "walk&lt;int&gt;"));
    assert_null(strstr(html, "walk<int>"));
    assert_true(g_str_has_prefix(svg, "<svg "));
    assert_non_null(strstr(html, svg));
    drop(&m);
    m = make(false); // as of a run
    g_autofree char *text = report_text(m.report), *none = report_main_svg(m.report);
    assert_null(none);
    assert_null(strstr(text, "Sweep"));
    assert_null(strstr(text, "Why"));
    assert_non_null(strstr(text, "walk<int>"));
    g_autoptr(GError) error = NULL;
    assert_false(report_write_file(m.report, REPORT_SVG, NULL, &error));
    assert_non_null(error);
    drop(&m);
}

// A stream that stops in the middle, and one that is none.
static void damaged(void **state)
{
    (void)state;
    TraceInfo info = {1, "clabpu", "", false};
    GArray *r = records();
    ModelSpec spec;
    assert_true(model_spec_parse("l1d=2x2", &spec, NULL));
    for (unsigned cut = 1; cut < r->len; cut++) {
        Analysis *a = analysis_new(&(AnalysisConfig){.model = &spec, .detail = true}, &info);
        g_autoptr(GError) error = NULL;
        if (analysis_feed(a, 0, (const TapRecord *)(const void *)r->data, cut, &error))
            assert_null(analysis_finish(a, NULL, 0, &error));
        assert_non_null(error);
        assert_null(strchr(error->message, '\n'));
        analysis_free(a);
    }
    g_array_free(r, TRUE);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 1;
    golden_path = argv[1];
    rewrite = argc > 2 && !strcmp(argv[2], "--write");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden), cmocka_unit_test(by_hand), cmocka_unit_test(formats), cmocka_unit_test(damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
