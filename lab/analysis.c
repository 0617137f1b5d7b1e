// SPDX-License-Identifier: GPL-3.0-or-later
// One pass over the streams: each call of the decoder goes on to model and sweep, and is looked at for the reports.
//
// Whether an access missed in the model is seen by the model's own count of its cell, before and after.
#include "lab/analysis_private.h"

#include <gio/gio.h>
#include <inttypes.h>
#include <string.h>

_Static_assert(sizeof(AnalysisCounts) % sizeof(uint64_t) == 0, "sums are made word by word");

// All misses of the first level so far of accesses like this one, whatever the size of the page.
static uint64_t misses_like(const Model *m, const LabAccess *a)
{
    const ModelCounts *c = model_totals(m)->unit[a->kind == ACCESS_FETCH ? MODEL_L1I : MODEL_L1D][a->kind][a->priv];
    uint64_t sum = 0;
    for (unsigned i = 0; i < MODEL_SIZES; i++)
        sum += c[i].misses;
    return sum;
}

static void count_stride(MissPc *p, int64_t stride)
{
    unsigned free = STRIDES;
    for (unsigned i = 0; i < STRIDES; i++) {
        if (p->stride_count[i] && p->stride[i] == stride) {
            p->stride_count[i]++;
            return;
        }
        if (!p->stride_count[i])
            free = i;
    }
    if (free < STRIDES) {
        p->stride[free] = stride;
        p->stride_count[free] = 1;
        return;
    }
    for (unsigned i = 0; i < STRIDES; i++)
        p->stride_count[i]--;
}

static void note_miss(AnalysisHart *h, const LabAccess *a)
{
    gva_t pc = a->site == LAB_NO_SITE ? 0 : lab_stream_pc(h->stream, a->site);
    uint64_t *pc_at = pair_map_at(&h->pc_index, pc, a->kind);
    if (!*pc_at) {
        MissPc fresh = {.pc = pc, .kind = a->kind};
        g_array_append_val(h->pcs, fresh);
        *pc_at = h->pcs->len;
    }
    uint64_t pc_index = *pc_at - 1;
    MissPc *p = &g_array_index(h->pcs, MissPc, pc_index);
    if (p->misses++)
        count_stride(p, (int64_t)(a->va - p->last_va));
    p->last_va = a->va;
    MissPage page = {a->va & ~((UINT64_C(1) << a->bits) - 1), a->bits, a->global ? UINT32_MAX : a->space};
    uint64_t *page_at = pair_map_at(&h->page_index, page.addr | page.bits, page.space);
    if (!*page_at) {
        g_array_append_val(h->pages, page);
        *page_at = h->pages->len;
    }
    uint64_t *n = pair_map_at(&h->misses, pc_index, *page_at - 1);
    p->turns += *n != 0;
    ++*n;
}

// So many instructions are retired now.
static void know_time(AnalysisHart *h, uint64_t insns)
{
    if (!h->working_set[SWEEP_DATA] || insns <= h->known_insns)
        return;
    double step = (double)(insns - h->known_insns) / (double)MAX(h->accesses - h->known_accesses, 1);
    for (unsigned i = 0; i < h->uses->len; i++) {
        const DataUse *u = &g_array_index(h->uses, DataUse, i);
        uint64_t at = h->known_insns + (uint64_t)((double)(u->accesses - h->known_accesses) * step);
        if (u->page)
            working_set_touch(h->working_set[SWEEP_DATA], u->page, u->space, MIN(at, insns));
        else
            working_set_leave(h->working_set[SWEEP_DATA], MIN(at, insns));
    }
    g_array_set_size(h->uses, 0);
    h->known_insns = insns;
    h->known_accesses = h->accesses;
}

static void note_use(AnalysisHart *h, const LabAccess *a)
{
    if (!h->working_set[SWEEP_DATA])
        return;
    bool counts = a->translated || h->a->bare;
    uint64_t page = counts ? (a->va & ~((UINT64_C(1) << a->bits) - 1)) | a->bits : 0;
    uint32_t space = a->global ? UINT32_MAX : a->space;
    if (a->kind != ACCESS_FETCH) {
        DataUse use = {page, h->accesses, space};
        g_array_append_val(h->uses, use);
    } else if (counts) {
        working_set_touch(h->working_set[SWEEP_FETCH], page, space, a->insns);
    } else {
        working_set_leave(h->working_set[SWEEP_FETCH], a->insns);
    }
}

static void on_access(void *opaque, const LabAccess *a)
{
    AnalysisHart *h = opaque;
    know_time(h, a->insns);
    note_use(h, a);
    h->accesses += a->kind != ACCESS_FETCH;
    h->counts.lookups[a->kind][a->priv]++;
    h->counts.untranslated[a->kind][a->priv] += !a->translated;
    h->counts.crossings[a->kind] += a->cross;
    if (h->sweep && h->to_sweep.access)
        h->to_sweep.access(h->to_sweep.opaque, a);
    if (!h->model)
        return;
    uint64_t before = h->a->config.detail ? misses_like(h->model, a) : 0;
    h->to_model.access(h->to_model.opaque, a);
    if (h->a->config.detail && misses_like(h->model, a) != before)
        note_miss(h, a);
}

static void on_repeat(void *opaque, const LabAccess *a, uint64_t loads, uint64_t stores)
{
    AnalysisHart *h = opaque;
    MemAccess kind = a->kind == ACCESS_FETCH ? ACCESS_FETCH : ACCESS_READ;
    h->accesses += kind == ACCESS_FETCH ? 0 : loads + stores;
    h->counts.lookups[kind][a->priv] += loads;
    h->counts.lookups[ACCESS_WRITE][a->priv] += stores;
    h->counts.untranslated[kind][a->priv] += a->translated ? 0 : loads;
    h->counts.untranslated[ACCESS_WRITE][a->priv] += a->translated ? 0 : stores;
    if (h->sweep && h->to_sweep.repeat)
        h->to_sweep.repeat(h->to_sweep.opaque, a, loads, stores);
    if (h->model && h->to_model.repeat)
        h->to_model.repeat(h->to_model.opaque, a, loads, stores);
}

static void on_flush(void *opaque, LabFlush what, gva_t va, uint16_t asid)
{
    AnalysisHart *h = opaque;
    if (h->sweep && h->to_sweep.flush)
        h->to_sweep.flush(h->to_sweep.opaque, what, va, asid);
    if (h->model && h->to_model.flush)
        h->to_model.flush(h->to_model.opaque, what, va, asid);
}

static void on_space(void *opaque, uint32_t space, uint16_t asid)
{
    AnalysisHart *h = opaque;
    if (h->sweep && h->to_sweep.space)
        h->to_sweep.space(h->to_sweep.opaque, space, asid);
    if (h->model && h->to_model.space)
        h->to_model.space(h->to_model.opaque, space, asid);
}

static void on_host_miss(void *opaque, MemAccess kind, unsigned cause, uint32_t site)
{
    AnalysisHart *h = opaque;
    h->counts.records--;
    if (!h->a->config.detail)
        return;
    gva_t pc = site == LAB_NO_SITE ? 0 : lab_stream_pc(h->stream, site);
    ++*pair_map_at(&h->host, pc, kind | MIN(cause, ANALYSIS_HOST_CAUSES - 1) << 2);
}

static void on_time(void *opaque, uint64_t insns)
{
    AnalysisHart *h = opaque;
    know_time(h, insns);
    if (h->sweep && h->to_sweep.time)
        h->to_sweep.time(h->to_sweep.opaque, insns);
    if (h->model && h->to_model.time)
        h->to_model.time(h->to_model.opaque, insns);
}

static void on_end(void *opaque, uint64_t insns, uint64_t loads, uint64_t stores)
{
    AnalysisHart *h = opaque;
    h->counts.insns = insns;
    h->counts.loads = loads;
    h->counts.stores = stores;
    h->ended = true;
    know_time(h, insns);
    for (unsigned s = 0; s < SWEEP_SIDES && h->working_set[s]; s++)
        working_set_end(h->working_set[s], insns);
    if (h->sweep && h->to_sweep.end)
        h->to_sweep.end(h->to_sweep.opaque, insns, loads, stores);
    if (h->model && h->to_model.end)
        h->to_model.end(h->to_model.opaque, insns, loads, stores);
}

static void hart_init(AnalysisHart *h, Analysis *a)
{
    LabListener own = {.opaque = h, .access = on_access, .repeat = on_repeat, .flush = on_flush, .space = on_space,
                       .host_miss = on_host_miss, .time = on_time, .end = on_end};
    h->a = a;
    if (a->config.model) {
        h->model = model_new(&a->model);
        h->to_model = model_listener(h->model);
    }
    if (a->config.sweep) {
        h->sweep = sweep_new(&a->sweep);
        h->to_sweep = sweep_listener(h->sweep);
    }
    for (unsigned s = 0; s < SWEEP_SIDES && a->config.detail; s++)
        h->working_set[s] = working_set_new();
    h->stream = lab_stream_new(&own);
    pair_map_init(&h->pc_index);
    pair_map_init(&h->page_index);
    pair_map_init(&h->misses);
    pair_map_init(&h->host);
    h->pcs = g_array_new(FALSE, FALSE, sizeof(MissPc));
    h->pages = g_array_new(FALSE, FALSE, sizeof(MissPage));
    h->uses = g_array_new(FALSE, FALSE, sizeof(DataUse));
}

static void hart_deinit(AnalysisHart *h)
{
    lab_stream_free(h->stream);
    if (h->model)
        model_free(h->model);
    if (h->sweep)
        sweep_free(h->sweep);
    for (unsigned s = 0; s < SWEEP_SIDES; s++)
        working_set_free(h->working_set[s]);
    pair_map_deinit(&h->pc_index);
    pair_map_deinit(&h->page_index);
    pair_map_deinit(&h->misses);
    pair_map_deinit(&h->host);
    g_array_free(h->pcs, TRUE);
    g_array_free(h->pages, TRUE);
    g_array_free(h->uses, TRUE);
}

Analysis *analysis_new(const AnalysisConfig *config, const TraceInfo *info)
{
    Analysis *a = g_new0(Analysis, 1);
    a->config = *config;
    AnalysisResult *r = &a->result;
    if (config->model)
        r->model = a->model = *config->model;
    if (config->sweep)
        r->sweep = a->sweep = *config->sweep;
    a->bare = (config->model && a->model.bare) || (config->sweep && a->sweep.bare);
    r->has_model = config->model;
    r->has_sweep = config->sweep;
    r->detail = config->detail;
    r->info = *info;
    r->info.machine = a->machine = g_strdup(info->machine);
    r->info.guest = a->guest = g_strdup(info->guest);
    r->hart = g_new0(AnalysisCounts, info->harts);
    a->names = g_string_chunk_new(4096);
    a->hart = g_new0(AnalysisHart, info->harts);
    for (unsigned i = 0; i < info->harts; i++)
        hart_init(&a->hart[i], a);
    return a;
}

void analysis_free(Analysis *a)
{
    if (!a)
        return;
    AnalysisResult *r = &a->result;
    for (unsigned i = 0; i < r->info.harts; i++)
        hart_deinit(&a->hart[i]);
    for (unsigned s = 0; s < SWEEP_SIDES; s++) {
        g_free(r->side[s].full);
        g_free(r->side[s].grid);
        g_free(r->side[s].full_variance);
        g_free(r->side[s].grid_variance);
        g_free(r->working_set[s]);
    }
    g_free(r->hart);
    g_free(r->symbols);
    g_free(r->asids);
    g_free(r->pages);
    g_string_chunk_free(a->names);
    g_free(a->machine);
    g_free(a->guest);
    g_free(a->hart);
    g_free(a);
}

bool analysis_feed(Analysis *a, unsigned hart, const TapRecord *r, size_t n, GError **error)
{
    a->hart[hart].fed = true;
    a->hart[hart].counts.records += n;
    return lab_stream_feed(a->hart[hart].stream, r, n, error);
}

static void add_square(double *sum, double x)
{
    *sum += x * x;
}

static void add_sweep(AnalysisResult *r, SweepSide side, Sweep *s)
{
    SweepCounts *c = &r->side[side];
    for (unsigned k = 0; k < ACCESS_KINDS; k++) {
        if ((k == ACCESS_FETCH) != (side == SWEEP_FETCH))
            continue;
        c->accesses[k] += sweep_accesses(s, side, k);
        for (unsigned e = 1; e <= r->sweep.max_entries; e++)
            c->full[e - 1][k] += sweep_misses(s, side, k, 1, e);
        for (unsigned b = 0; b <= r->sweep.max_set_bits; b++)
            for (unsigned w = 1; w <= r->sweep.max_ways; w++)
                c->grid[b * r->sweep.max_ways + w - 1][k] += sweep_misses(s, side, k, 1u << b, w);
    }
    if (r->sweep.sample <= 1)
        return;
    for (unsigned e = 1; e <= r->sweep.max_entries; e++)
        add_square(&c->full_variance[e - 1], sweep_error(s, side, 1, e));
    for (unsigned b = 0; b <= r->sweep.max_set_bits; b++)
        for (unsigned w = 1; w <= r->sweep.max_ways; w++)
            add_square(&c->grid_variance[b * r->sweep.max_ways + w - 1], sweep_error(s, side, 1u << b, w));
}

// All harts' windows have the length that the longest run needs.
static void add_working_sets(Analysis *a)
{
    AnalysisResult *r = &a->result;
    uint64_t insns = 0;
    for (unsigned i = 0; i < r->info.harts; i++) {
        insns = MAX(insns, a->hart[i].counts.insns);
        for (unsigned s = 0; s < SWEEP_SIDES; s++)
            r->window_bits = MAX(r->window_bits, working_set_bits(a->hart[i].working_set[s]));
    }
    r->windows = MIN((insns + (UINT64_C(1) << r->window_bits) - 1) >> r->window_bits, WORKING_SET_WINDOWS);
    for (unsigned s = 0; s < SWEEP_SIDES; s++) {
        r->working_set[s] = g_new0(uint32_t, r->windows + 1);
        for (unsigned i = 0; i < r->info.harts; i++)
            for (uint64_t n = 0; n < r->windows; n++)
                r->working_set[s][n] += working_set_pages(a->hart[i].working_set[s], r->window_bits, n);
    }
}

static bool wrong(GError **error, unsigned hart, const char *what)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "hart %u: %s", hart, what);
    return false;
}

// What this file counted against what the stream says of the whole, and what the model says of itself.
static bool reconcile(const AnalysisHart *h, unsigned hart, GError **error)
{
    const AnalysisCounts *c = &h->counts;
    if (h->fed && !h->ended)
        return wrong(error, hart, "the stream of records has no end");
    uint64_t sum[ACCESS_KINDS] = {0};
    for (unsigned k = 0; k < ACCESS_KINDS; k++)
        for (unsigned p = 0; p < 4; p++)
            sum[k] += c->lookups[k][p];
    g_autofree char *own = NULL;
    uint64_t cross = c->crossings[ACCESS_READ] + c->crossings[ACCESS_WRITE];
    if (h->ended && sum[ACCESS_READ] + sum[ACCESS_WRITE] != c->loads + c->stores + cross)
        own = g_strdup_printf("%" PRIu64 " + %" PRIu64 " lookups of data, but %" PRIu64 " loads, %" PRIu64
                              " stores and %" PRIu64 " crossings",
                              sum[ACCESS_READ], sum[ACCESS_WRITE], c->loads, c->stores, cross);
    else if (h->ended && sum[ACCESS_FETCH] < c->insns)
        own = g_strdup_printf("%" PRIu64 " lookups of fetches, but %" PRIu64 " instructions", sum[ACCESS_FETCH],
                              c->insns);
    else if (h->model && h->ended)
        own = model_reconcile(h->model);
    return own ? wrong(error, hart, own) : true;
}

static void add_asids(Analysis *a)
{
    AnalysisResult *r = &a->result;
    PairMap by_key; // index in all + 1
    pair_map_init(&by_key);
    GArray *all = g_array_new(FALSE, FALSE, sizeof(ModelRow));
    for (unsigned i = 0; i < r->info.harts; i++) {
        size_t n;
        ModelRow *rows = model_rows(a->hart[i].model, MODEL_BY_ASID, &n);
        for (size_t k = 0; k < n; k++) {
            uint64_t *at = pair_map_at(&by_key, rows[k].key, 0);
            if (*at) {
                analysis_add_words(g_array_index(all, ModelRow, *at - 1).kind, rows[k].kind, sizeof rows->kind);
                continue;
            }
            g_array_append_val(all, rows[k]);
            *at = all->len;
        }
        g_free(rows);
    }
    pair_map_deinit(&by_key);
    r->n_asids = all->len;
    r->asids = (ModelRow *)(void *)g_array_free(all, FALSE);
}

const AnalysisResult *analysis_finish(Analysis *a, const TraceSymbol *symbols, size_t n, GError **error)
{
    AnalysisResult *r = &a->result;
    for (unsigned s = 0; s < SWEEP_SIDES && r->has_sweep; s++) {
        r->side[s].full = g_malloc0_n(r->sweep.max_entries + 1, sizeof *r->side[s].full);
        r->side[s].grid = g_malloc0_n((r->sweep.max_set_bits + 1) * r->sweep.max_ways + 1, sizeof *r->side[s].grid);
        r->side[s].full_variance = g_new0(double, r->sweep.max_entries + 1);
        r->side[s].grid_variance = g_new0(double, (r->sweep.max_set_bits + 1) * r->sweep.max_ways + 1);
    }
    for (unsigned i = 0; i < r->info.harts; i++) {
        AnalysisHart *h = &a->hart[i];
        if (!reconcile(h, i, error))
            return NULL;
        if (h->model)
            h->counts.model = *model_totals(h->model);
        r->hart[i] = h->counts;
        analysis_add_words(&r->all, &h->counts, sizeof h->counts);
        for (unsigned s = 0; s < SWEEP_SIDES && h->sweep; s++)
            add_sweep(r, s, h->sweep);
    }
    if (r->detail)
        add_working_sets(a);
    if (r->has_model) {
        add_asids(a);
        analysis_by_symbol(a, symbols, n);
    }
    return r;
}
