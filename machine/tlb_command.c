// SPDX-License-Identifier: GPL-3.0-or-later
// addend tlb model|sweep|report: a trace through models and sweep, in one pass, and out as a report.
#include "machine/tlb_command.h"

#include "lab/report.h"
#include "machine/tlb_symbols.h"
#include "softmmu/tlb.h"

#define DEFAULT_MODEL   "l1i=1x32,l1d=1x32,l2=128x8"
#define DEFAULT_ENTRIES 4096
#define DEFAULT_SETS    512
#define DEFAULT_WAYS    16

// model: whose misses a report sets against the sweep's, so both must look up the same; NULL: there is none.
static SweepConfig sweep_config(const Options *o, const ModelSpec *model)
{
    unsigned sets = o->tlb_max_sets ? o->tlb_max_sets : DEFAULT_SETS;
    unsigned ways = o->tlb_max_ways ? o->tlb_max_ways : DEFAULT_WAYS;
    return (SweepConfig){
        .max_set_bits = (unsigned)__builtin_ctz(sets),
        .max_ways = ways,
        .max_entries = MAX(o->tlb_max_entries ? o->tlb_max_entries : DEFAULT_ENTRIES, ways), // a set alone is in both
        .asid = model && !o->tlb_asid_given ? model->asid : !o->tlb_no_asid,
        .bare = model && !o->tlb_bare_given ? model->bare : o->tlb_bare,
        .sizes = o->tlb_sizes ? o->tlb_sizes : UINT64_MAX,
        .sample = MAX(o->tlb_sample, 1),
    };
}

static bool read_all(TraceReader *trace, const char *path, Analysis *a, GError **error)
{
    const TapRecord *r;
    unsigned hart;
    size_t n;
    GError *why = NULL;
    while ((r = trace_reader_next(trace, &hart, &n, &why)))
        if (!analysis_feed(a, hart, r, n, error)) {
            g_prefix_error(error, "%s: ", path);
            return false;
        }
    if (!why)
        return true;
    g_propagate_error(error, why);
    return false;
}

static bool write_report(const Options *o, const Report *r, GError **error)
{
    static const unsigned formats[] = {[FORMAT_TEXT] = REPORT_TEXT, [FORMAT_JSON] = REPORT_JSON,
                                       [FORMAT_CSV] = REPORT_CSV, [FORMAT_SVG] = REPORT_SVG,
                                       [FORMAT_HTML] = REPORT_HTML};
    static const char *const endings[] = {[FORMAT_TEXT] = ".txt", [FORMAT_JSON] = ".json", [FORMAT_CSV] = ".csv",
                                          [FORMAT_SVG] = ".svg", [FORMAT_HTML] = ".html"};
    const char *path = o->tlb_output;
    if (!path)
        return report_write_file(r, o->tlb_format ? formats[o->tlb_format] : REPORT_TEXT, NULL, error);
    for (unsigned f = FORMAT_TEXT; f <= FORMAT_HTML; f++)
        if (g_str_has_suffix(path, endings[f]))
            return report_write_file(r, formats[f], path, error);
    unsigned all = REPORT_TEXT | REPORT_JSON | REPORT_CSV | REPORT_SVG | REPORT_HTML;
    return report_write_folder(r, o->tlb_format ? formats[o->tlb_format] : all, path, error);
}

static bool report_trace(const Options *o, TraceReader *trace, TlbSymbols *symbols, const ModelSpec *spec,
                         GError **error)
{
    SweepConfig sweep = sweep_config(o, o->tlb_action == TLB_REPORT ? spec : NULL);
    AnalysisConfig config = {.model = o->tlb_action == TLB_SWEEP ? NULL : spec,
                             .sweep = o->tlb_action == TLB_MODEL ? NULL : &sweep,
                             .detail = o->tlb_action == TLB_REPORT};
    Analysis *a = analysis_new(&config, trace_reader_info(trace));
    bool ok = read_all(trace, o->tlb_trace, a, error);
    if (ok) {
        size_t n;
        const TraceSymbol *s = trace_reader_symbols(trace, &n);
        tlb_symbols_add_trace(symbols, s, n);
        s = tlb_symbols_all(symbols, &n);
        const AnalysisResult *result = analysis_finish(a, s, n, error);
        if (!result)
            g_prefix_error(error, "%s: ", o->tlb_trace);
        Report *r = result ? report_new(result, tlb_miss_cause_names, TLB_MISS_CAUSES) : NULL;
        ok = r && write_report(o, r, error);
        report_free(r);
    }
    analysis_free(a);
    return ok;
}

bool tlb_command(const Options *o, GError **error)
{
    ModelSpec spec;
    if (!model_spec_parse(o->tlb_model ? o->tlb_model : DEFAULT_MODEL, &spec, error))
        return false;
    TlbSymbols *symbols = tlb_symbols_new();
    TraceReader *trace = NULL;
    bool ok = tlb_symbols_add_files(symbols, o->symbols, error) &&
              (trace = trace_reader_new(o->tlb_trace, error)) && report_trace(o, trace, symbols, &spec, error);
    if (trace)
        trace_reader_free(trace);
    tlb_symbols_free(symbols);
    return ok;
}
