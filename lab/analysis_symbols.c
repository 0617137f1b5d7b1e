// SPDX-License-Identifier: GPL-3.0-or-later
// What was counted by site and by instruction, summed up by symbol; and by page.
#include "lab/analysis_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    Analysis *a;
    const TraceSymbol *given; // sorted by address
    size_t n_given;
    GArray *all;    // of SymbolCounts
    PairMap by_key; // address, named: index in all + 1
    PairMap pages;  // index in all and side, page: seen
    PairMap sets;   // index in all and side, set: seen
} Namer;

// The symbol of given that pc lies in. One with a size may end before pc while an outer one goes on.
static const TraceSymbol *lookup(const Namer *n, gva_t pc)
{
    size_t lo = 0, hi = n->n_given;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (n->given[mid].addr <= pc)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (size_t back = 0; back < 8 && lo > back; back++) {
        const TraceSymbol *s = &n->given[lo - 1 - back];
        if (!s->size || pc - s->addr < s->size)
            return s;
    }
    return NULL;
}

// Index of the row for code at pc, which may be made. Without a symbol: one for each page of code.
static unsigned row_of(Namer *n, gva_t pc)
{
    const TraceSymbol *s = pc ? lookup(n, pc) : NULL;
    // A symbol without size that is far away names something else.
    if (s && !s->size && pc - s->addr >= 16 * PAGE_SIZE)
        s = NULL;
    SymbolCounts c = {.addr = s ? s->addr : pc & PAGE_MASK, .named = s};
    uint64_t *at = pair_map_at(&n->by_key, c.addr, c.named);
    if (*at)
        return (unsigned)*at - 1;
    g_autofree char *unnamed = g_strdup_printf(pc ? "[no symbol] 0x%" PRIx64 : "[not known]", c.addr);
    c.name = g_string_chunk_insert(n->a->names, s ? s->name : unnamed);
    g_array_append_val(n->all, c);
    *at = n->all->len;
    return n->all->len - 1;
}

static SymbolCounts *row_at(Namer *n, unsigned i)
{
    return &g_array_index(n->all, SymbolCounts, i);
}

static void add_runs(Namer *n, const AnalysisHart *h)
{
    for (unsigned i = 0; i < lab_stream_blocks(h->stream); i++) {
        LabBlock b = lab_stream_block(h->stream, i);
        if (!b.runs)
            continue;
        SymbolCounts *s = row_at(n, row_of(n, b.pc));
        s->insns += b.runs * b.insns;
        s->loads += b.runs * b.loads;
        s->stores += b.runs * b.stores;
    }
}

static void add_sites(Namer *n, const AnalysisHart *h)
{
    size_t rows;
    ModelRow *row = model_rows(h->model, MODEL_BY_SITE, &rows);
    for (size_t i = 0; i < rows; i++) {
        bool known = row[i].key < LAB_NO_SITE;
        unsigned at = row_of(n, known ? lab_stream_pc(h->stream, (uint32_t)row[i].key) : 0);
        analysis_add_words(row_at(n, at)->kind, row[i].kind, sizeof row[i].kind);
    }
    g_free(row);
}

static SweepSide side_of(MemAccess kind)
{
    return kind == ACCESS_FETCH ? SWEEP_FETCH : SWEEP_DATA;
}

static void best_stride(SymbolMisses *m, const MissPc *p)
{
    m->stride_misses = 0;
    for (unsigned i = 0; i < STRIDES; i++) {
        if (p->stride_count[i] > m->stride_misses) {
            m->stride = p->stride[i];
            m->stride_misses = p->stride_count[i];
        }
    }
}

// The structure of the first level in which pages of 2^bits bytes are looked up, or NULL.
static const ModelPart *part_for(const ModelSpec *spec, SweepSide side, unsigned bits)
{
    for (unsigned i = 0; i < MODEL_PARTS; i++) {
        const ModelPart *p = &spec->part[side == SWEEP_FETCH ? MODEL_L1I : MODEL_L1D][i];
        if (p->ways && p->sizes >> bits & 1)
            return p;
    }
    return NULL;
}

static void add_misses(Namer *n, const AnalysisHart *h, unsigned hart)
{
    for (unsigned i = 0; i < h->pcs->len; i++) {
        const MissPc *p = &g_array_index(h->pcs, MissPc, i);
        SymbolMisses *m = &row_at(n, row_of(n, p->pc))->side[side_of(p->kind)];
        m->misses += p->misses;
        if (p->misses > m->pc_misses) {
            m->pc = p->pc;
            m->kind = p->kind;
            m->pc_misses = p->misses;
            m->turns = p->turns;
            best_stride(m, p);
        }
    }
    uint64_t pairs;
    PairSlot *pair = pair_map_sorted(&h->misses, &pairs);
    for (uint64_t i = 0; i < pairs; i++) {
        const MissPc *p = &g_array_index(h->pcs, MissPc, pair[i].a);
        const MissPage *page = &g_array_index(h->pages, MissPage, pair[i].b);
        SweepSide side = side_of(p->kind);
        unsigned at = row_of(n, p->pc);
        SymbolMisses *m = &row_at(n, at)->side[side];
        uint64_t key = (uint64_t)at << 1 | side;
        uint64_t *seen = pair_map_at(&n->pages, key | (uint64_t)hart << 40, pair[i].b);
        if (*seen)
            continue;
        *seen = 1;
        m->pages++;
        m->bits = m->bits ? MIN(m->bits, page->bits) : page->bits;
        const ModelPart *part = part_for(&n->a->model, side, page->bits);
        seen = part ? pair_map_at(&n->sets, key, (page->addr >> page->bits) & (part->sets - 1)) : NULL;
        if (seen && !*seen) {
            *seen = 1;
            m->sets_used++;
        }
    }
    g_free(pair);
}

static void add_host(Namer *n, const AnalysisHart *h)
{
    uint64_t pairs;
    PairSlot *pair = pair_map_sorted(&h->host, &pairs);
    for (uint64_t i = 0; i < pairs; i++) {
        SymbolCounts *s = row_at(n, row_of(n, pair[i].a));
        s->host[pair[i].b & 3][pair[i].b >> 2] += pair[i].value;
        n->a->result.host_misses += pair[i].value;
    }
    g_free(pair);
}

// Which symbol missed most often on each page of a hart: by index of the page, index of the row + 1.
static unsigned *most_by_page(Namer *n, const AnalysisHart *h)
{
    PairMap sum; // page, row
    pair_map_init(&sum);
    uint64_t pairs;
    PairSlot *pair = pair_map_sorted(&h->misses, &pairs);
    for (uint64_t i = 0; i < pairs; i++)
        *pair_map_at(&sum, pair[i].b, row_of(n, g_array_index(h->pcs, MissPc, pair[i].a).pc)) += pair[i].value;
    g_free(pair);
    unsigned *most = g_new0(unsigned, h->pages->len + 1);
    pair = pair_map_sorted(&sum, &pairs);
    uint64_t best = 0;
    for (uint64_t i = 0; i < pairs; i++) {
        if (!most[pair[i].a] || pair[i].value > best) {
            best = pair[i].value;
            most[pair[i].a] = (unsigned)pair[i].b + 1;
        }
    }
    g_free(pair);
    pair_map_deinit(&sum);
    return most;
}

static uint64_t row_misses(const ModelCounts kind[ACCESS_KINDS])
{
    return kind[ACCESS_READ].misses + kind[ACCESS_WRITE].misses + kind[ACCESS_FETCH].misses;
}

static void add_pages(Namer *n, AnalysisHart *h, unsigned hart, GArray *out)
{
    static const unsigned sizes[] = {12, 16, 21, 30, 39, 48};
    g_autofree unsigned *most = most_by_page(n, h);
    size_t rows;
    ModelRow *row = model_rows(h->model, MODEL_BY_PAGE, &rows);
    for (size_t i = 0; i < rows; i++) {
        PageCounts p = {.hart = hart, .row = row[i], .symbol = -1};
        for (unsigned k = 0; k < 2 * G_N_ELEMENTS(sizes) && p.symbol < 0; k++) {
            uint32_t space = k % 2 ? UINT32_MAX : row[i].space;
            uint64_t at = *pair_map_at(&h->page_index, row[i].key | sizes[k / 2], space);
            if (at && most[at - 1]) {
                p.bits = sizes[k / 2];
                p.symbol = (int)most[at - 1] - 1;
            }
        }
        if (row_misses(row[i].kind))
            g_array_append_val(out, p);
    }
    g_free(row);
}

static int compare_pages(const void *left, const void *right)
{
    const PageCounts *a = left, *b = right;
    uint64_t x = row_misses(a->row.kind), y = row_misses(b->row.kind);
    if (x != y)
        return x > y ? -1 : 1;
    if (a->hart != b->hart)
        return a->hart < b->hart ? -1 : 1;
    if (a->row.key != b->row.key)
        return a->row.key < b->row.key ? -1 : 1;
    return a->row.space < b->row.space ? -1 : a->row.space > b->row.space;
}

static uint64_t data_misses(const SymbolCounts *s)
{
    return s->kind[ACCESS_READ].misses + s->kind[ACCESS_WRITE].misses;
}

static int compare_symbols(const void *left, const void *right, void *opaque)
{
    const SymbolCounts *all = opaque, *a = &all[*(const unsigned *)left], *b = &all[*(const unsigned *)right];
    if (data_misses(a) != data_misses(b))
        return data_misses(a) > data_misses(b) ? -1 : 1;
    if (a->kind[ACCESS_FETCH].misses != b->kind[ACCESS_FETCH].misses)
        return a->kind[ACCESS_FETCH].misses > b->kind[ACCESS_FETCH].misses ? -1 : 1;
    if (a->insns != b->insns)
        return a->insns > b->insns ? -1 : 1;
    if (a->addr != b->addr)
        return a->addr < b->addr ? -1 : 1;
    return (int)a->named - (int)b->named;
}

// Sorts the rows, and sets the pages' references to them right.
static void sort_symbols(Namer *n, AnalysisResult *r)
{
    unsigned len = n->all->len;
    const SymbolCounts *from = (const SymbolCounts *)(const void *)n->all->data;
    g_autofree unsigned *order = g_new(unsigned, len + 1), *place = g_new(unsigned, len + 1);
    for (unsigned i = 0; i < len; i++)
        order[i] = i;
    g_qsort_with_data(order, (int)len, sizeof *order, compare_symbols, (void *)from);
    r->symbols = g_new(SymbolCounts, len + 1);
    r->n_symbols = len;
    for (unsigned i = 0; i < len; i++) {
        r->symbols[i] = from[order[i]];
        place[order[i]] = i;
    }
    for (size_t i = 0; i < r->n_pages; i++)
        if (r->pages[i].symbol >= 0)
            r->pages[i].symbol = (int)place[r->pages[i].symbol];
}

void analysis_by_symbol(Analysis *a, const TraceSymbol *symbols, size_t n_symbols)
{
    AnalysisResult *r = &a->result;
    Namer n = {.a = a, .given = symbols, .n_given = n_symbols};
    n.all = g_array_new(FALSE, FALSE, sizeof(SymbolCounts));
    pair_map_init(&n.by_key);
    pair_map_init(&n.pages);
    pair_map_init(&n.sets);
    GArray *pages = g_array_new(FALSE, FALSE, sizeof(PageCounts));
    for (unsigned i = 0; i < r->info.harts; i++) {
        AnalysisHart *h = &a->hart[i];
        add_runs(&n, h);
        add_sites(&n, h);
        add_misses(&n, h, i);
        add_host(&n, h);
        add_pages(&n, h, i, pages);
    }
    r->n_pages = pages->len;
    r->pages = (PageCounts *)(void *)g_array_free(pages, FALSE);
    if (r->n_pages)
        qsort(r->pages, r->n_pages, sizeof *r->pages, compare_pages);
    sort_symbols(&n, r);
    g_array_free(n.all, TRUE);
    pair_map_deinit(&n.by_key);
    pair_map_deinit(&n.pages);
    pair_map_deinit(&n.sets);
}
