// SPDX-License-Identifier: GPL-3.0-or-later
// The listener at a machine's tap.
#include "machine/tlb_run.h"

#include "lab/pipe.h"
#include "lab/report.h"
#include "machine/guest_line.h"
#include "machine/tap.h"
#include "machine/tlb_symbols.h"
#include <errno.h>
#include <gio/gio.h>
#include <string.h>

typedef struct { // a hart's way into the model
    TlbRun *t;
    unsigned hart;
    LabPipe *pipe;
} HartPipe;

struct TlbRun {
    const Options *o;
    Machine *m;
    ModelSpec spec;
    TlbSymbols *symbols;
    TraceWriter *writer; // record
    Analysis *analysis;  // --tlb-model
    HartPipe *pipes;     // one for each hart
    unsigned n_pipes;
    gint failed; // a hart found that the trace cannot be written
};

static bool check_output(const char *option, const char *path, GError **error)
{
    FILE *f = fopen(path, "ae");
    if (f && !fclose(f))
        return true;
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "%s %s: %s", option, path, g_strerror(errno));
    return false;
}

bool tlb_run_new(const Options *o, TlbRun **out, GError **error)
{
    *out = NULL;
    if (!o->tlb_model && o->tlb_action != TLB_RECORD)
        return true;
    TlbRun *t = g_new0(TlbRun, 1);
    t->o = o;
    t->symbols = tlb_symbols_new();
    if ((o->tlb_model && !model_spec_parse(o->tlb_model, &t->spec, error)) ||
        (o->tlb_report && !check_output("--tlb-report", o->tlb_report, error)) ||
        !tlb_symbols_add_files(t->symbols, o->symbols, error)) {
        tlb_run_free(t);
        return false;
    }
    *out = t;
    return true;
}

// In the main loop.
static gboolean quit(gpointer data)
{
    TlbRun *t = data;
    machine_quit(t->m);
    return G_SOURCE_REMOVE;
}

// A run that cannot be recorded any more, as on a full disk, ends.
static void records_to_file(void *opaque, unsigned hart, const TapRecord *r, size_t n)
{
    TlbRun *t = opaque;
    if (!trace_writer_put(t->writer, hart, r, n) && g_atomic_int_compare_and_exchange(&t->failed, 0, 1))
        g_idle_add(quit, t);
}

static void records_to_model(void *opaque, unsigned hart, const TapRecord *r, size_t n)
{
    TlbRun *t = opaque;
    lab_pipe_put(t->pipes[hart].pipe, r, n);
}

// On the pipe's thread.
static bool consume(void *opaque, const TapRecord *r, size_t n, GError **error)
{
    HartPipe *p = opaque;
    return analysis_feed(p->t->analysis, p->hart, r, n, error);
}

static void open_pipes(TlbRun *t, unsigned harts)
{
    t->pipes = g_new0(HartPipe, harts);
    t->n_pipes = harts;
    for (unsigned i = 0; i < harts; i++) {
        t->pipes[i] = (HartPipe){.t = t, .hart = i};
        t->pipes[i].pipe = lab_pipe_new(consume, &t->pipes[i]);
    }
}

// False: the first error of any.
static bool close_pipes(TlbRun *t, GError **error)
{
    bool ok = true;
    for (unsigned i = 0; i < t->n_pipes; i++)
        ok &= lab_pipe_close(t->pipes[i].pipe, ok ? error : NULL);
    g_clear_pointer(&t->pipes, g_free);
    t->n_pipes = 0;
    return ok;
}

bool tlb_run_attach(TlbRun *t, Machine *m, GError **error)
{
    if (!t)
        return true;
    const Options *o = t->o;
    t->m = m;
    g_autofree char *guest = guest_line(o);
    TraceInfo info = {board_harts(machine_board(m)), o->machine, guest, o->icount_shift >= 0};
    TapListener listener = {t, NULL};
    if (o->tlb_action == TLB_RECORD) {
        t->writer = trace_writer_new(o->tlb_trace, &info, error);
        listener.records = records_to_file;
    } else {
        t->analysis = analysis_new(&(AnalysisConfig){.model = &t->spec}, &info);
        open_pipes(t, info.harts);
        listener.records = records_to_model;
    }
    if (!t->writer && !t->analysis)
        return false;
    machine_set_tap(m, &listener);
    return true;
}

static bool finish_trace(TlbRun *t, GError **error)
{
    size_t n;
    const TraceSymbol *s = tlb_symbols_all(t->symbols, &n);
    for (size_t i = 0; i < n; i++)
        trace_writer_symbol(t->writer, &s[i]);
    return trace_writer_close(g_steal_pointer(&t->writer), error);
}

static bool finish_model(TlbRun *t, GError **error)
{
    if (!close_pipes(t, error))
        return false;
    size_t n;
    const TraceSymbol *s = tlb_symbols_all(t->symbols, &n);
    const AnalysisResult *result = analysis_finish(t->analysis, s, n, error);
    if (!result)
        return false;
    Report *r = report_new(result, NULL, 0);
    const char *path = t->o->tlb_report;
    bool ok = true;
    if (path) {
        ReportFormat f = g_str_has_suffix(path, ".json") ? REPORT_JSON
                         : g_str_has_suffix(path, ".csv") ? REPORT_CSV
                                                          : REPORT_TEXT;
        ok = report_write_file(r, f, path, error);
    } else {
        g_autofree char *text = report_text(r);
        fputs(text, stderr);
    }
    report_free(r);
    return ok;
}

bool tlb_run_finish(TlbRun *t, GError **error)
{
    if (!t)
        return true;
    g_idle_remove_by_data(t); // quit, if the run ended before
    tlb_symbols_add_board(t->symbols, machine_board(t->m));
    bool ok = t->writer ? finish_trace(t, error) : finish_model(t, error);
    tlb_run_free(t);
    return ok;
}

void tlb_run_free(TlbRun *t)
{
    if (!t)
        return;
    if (t->writer)
        trace_writer_close(t->writer, NULL);
    close_pipes(t, NULL);
    analysis_free(t->analysis);
    tlb_symbols_free(t->symbols);
    g_free(t);
}
