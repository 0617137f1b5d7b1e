// SPDX-License-Identifier: GPL-3.0-or-later
// The decoder of tap records (util/tap.h).
//
// Each side, data and fetches, has the access reported last, and from the counts of which access on its run goes: what
// was counted from there to the next record of the side are repeats. A record over two pages has the counts of its
// first half, which belongs to the page in front of it.
//
// One access of either side is pending: what stands behind it may still say something about its page, or that it was
// refused. Everything that changes what accesses mean reports it first.
#include "lab/stream.h"
#include "lab/page_map.h"
#include <inttypes.h>

enum { DATA, FETCH, SIDES };

typedef struct {
    gva_t pc;
    uint32_t first; // site
    uint32_t halves;
    uint64_t ops, runs;
} Block;

struct LabStream {
    LabListener to;
    LabAccess access[SIDES]; // the last one
    bool any[SIDES];         // there is one
    LabAccess *pending;      // one of them, or NULL
    // Counted so far, and where the runs of the two sides begin.
    uint64_t loads, stores, insns, run_loads, run_stores, run_insns;
    uint64_t mode, satp;
    struct { // of a side: what the present mode and space make of it
        unsigned priv;
        bool translated;
        uint8_t levels;
        uint16_t asid;
        uint32_t space;
    } now[SIDES];
    uint32_t space;
    GHashTable *spaces; // satp -> number
    PageMap *pages;
    GArray *blocks;     // Block
    uint32_t sites;
    uint64_t records; // for messages
    bool ended, bad;
};

LabStream *lab_stream_new(const LabListener *listener)
{
    LabStream *s = g_new0(LabStream, 1);
    s->to = *listener;
    s->spaces = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    s->pages = page_map_new();
    s->blocks = g_array_new(FALSE, TRUE, sizeof(Block));
    for (unsigned side = 0; side < SIDES; side++)
        s->now[side].priv = 3; // as after reset
    return s;
}

void lab_stream_free(LabStream *s)
{
    if (!s)
        return;
    g_hash_table_destroy(s->spaces);
    page_map_free(s->pages);
    g_array_free(s->blocks, TRUE);
    g_free(s);
}

G_GNUC_PRINTF(2, 3) static const char *damaged(LabStream *s, const char *format, ...)
{
    static _Thread_local char line[160];
    va_list args;
    va_start(args, format);
    g_vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    s->bad = true;
    return line;
}

// --- accesses

static void report_pending(LabStream *s)
{
    LabAccess *a = s->pending;
    if (!a)
        return;
    s->pending = NULL;
    if (a->translated) {
        PageInfo page = page_map_get(s->pages, a->space, a->va);
        a->bits = page.bits;
        a->global = page.allow & TAP_PAGE_GLOBAL;
        a->writable = (page.allow & TAP_PAGE_WRITE) || (a->kind == ACCESS_WRITE && !a->fault);
    } else {
        a->bits = PAGE_BITS;
        a->global = false;
        a->writable = true;
    }
    if (s->to.access)
        s->to.access(s->to.opaque, a);
}

// The run of a side ends where its kinds have these counts. NULL, or what is wrong.
static const char *end_run(LabStream *s, unsigned side, uint64_t loads, uint64_t stores)
{
    const LabAccess *a = &s->access[side];
    uint64_t from = side == FETCH ? s->run_insns : s->run_loads;
    if (!s->any[side]) {
        if (side == DATA && (loads != from || stores != s->run_stores))
            return damaged(s, "accesses are counted before the first one");
        return NULL;
    }
    if (side == FETCH) { // what traps does not retire
        stores = 0;
        loads = loads > from ? loads - from : 0;
    } else {
        if (loads < from || stores < s->run_stores)
            return damaged(s, "an access is not in the counts behind it");
        loads -= from;
        stores -= s->run_stores;
    }
    if (!(loads | stores))
        return NULL;
    if (a->fault)
        return damaged(s, "accesses are counted behind one that was refused");
    if (s->to.repeat)
        s->to.repeat(s->to.opaque, a, loads, stores);
    return NULL;
}

static LabAccess *begin(LabStream *s, unsigned side, gva_t va, MemAccess kind, bool cross, uint32_t site)
{
    LabAccess *a = &s->access[side];
    *a = (LabAccess){.va = va, .kind = kind, .cross = cross, .site = site, .insns = s->insns,
                     .priv = s->now[side].priv, .translated = s->now[side].translated, .levels = s->now[side].levels,
                     .asid = s->now[side].asid, .space = s->now[side].space};
    s->any[side] = true;
    s->pending = a;
    return a;
}

static const char *data(LabStream *s, const TapRecord *r)
{
    MemAccess kind = r->tag & TAP_KIND;
    bool cross = r->tag & TAP_CROSS;
    s->loads += (uint16_t)(r->count - s->loads);
    s->stores += (uint16_t)((r->count >> 16) - s->stores);
    report_pending(s);
    bool load = kind == ACCESS_READ;
    const char *wrong = end_run(s, DATA, s->loads + (cross && load), s->stores + (cross && !load));
    if (wrong)
        return wrong;
    s->run_loads = s->loads + load;
    s->run_stores = s->stores + !load;
    begin(s, DATA, r->what, kind, cross, r->tag >> TAP_SHIFT);
    return NULL;
}

static const char *fetch(LabStream *s, const TapRecord *r)
{
    bool cross = r->tag & TAP_CROSS;
    s->insns += (uint32_t)(r->count - s->insns);
    report_pending(s);
    const char *wrong = end_run(s, FETCH, s->insns + cross, 0);
    if (wrong)
        return wrong;
    s->run_insns = s->insns + 1;
    begin(s, FETCH, r->what, ACCESS_FETCH, cross, r->tag >> TAP_SHIFT);
    return NULL;
}

// --- events

static void set_sides(LabStream *s)
{
    uint64_t mode = s->satp >> 60;
    for (unsigned side = 0; side < SIDES; side++) {
        unsigned shift = side == FETCH ? 0 : 2;
        bool translated = s->mode >> (side == FETCH ? 4 : 5) & 1;
        s->now[side].priv = s->mode >> shift & 3;
        s->now[side].translated = translated;
        s->now[side].levels = !translated ? 0 : mode == 9 ? 4 : mode == 10 ? 5 : 3;
        s->now[side].asid = translated ? (uint16_t)(s->satp >> 44) : 0;
        s->now[side].space = translated ? s->space : 0;
    }
}

static const char *set_mode(LabStream *s, uint64_t mode)
{
    if (mode >> 6 || (mode & 3) == 2 || (mode >> 2 & 3) == 2)
        return damaged(s, "no such privilege: 0x%" PRIx64, mode);
    report_pending(s);
    s->mode = mode;
    set_sides(s);
    return NULL;
}

static void set_space(LabStream *s, uint64_t satp)
{
    report_pending(s);
    if (satp == s->satp)
        return;
    s->satp = satp;
    s->space = 0;
    if (satp >> 60) {
        s->space = GPOINTER_TO_UINT(g_hash_table_lookup(s->spaces, &satp));
        if (!s->space) {
            s->space = g_hash_table_size(s->spaces) + 1;
            g_hash_table_insert(s->spaces, g_memdup2(&satp, sizeof(satp)), GUINT_TO_POINTER(s->space));
        }
    }
    set_sides(s);
    if (s->to.space)
        s->to.space(s->to.opaque, s->space, s->space ? (uint16_t)(satp >> 44) : 0);
}

static const char *refused(LabStream *s, const TapRecord *r)
{
    if (r->count == ACCESS_FETCH) { // not one of the fetches that are counted: the run goes on
        report_pending(s);
        LabAccess run = s->access[FETCH];
        bool any = s->any[FETCH];
        begin(s, FETCH, r->what, ACCESS_FETCH, false, LAB_NO_SITE)->fault = true;
        report_pending(s);
        s->access[FETCH] = run;
        s->any[FETCH] = any;
        return NULL;
    }
    LabAccess *a = s->pending;
    if (!a || a->kind != r->count || (a->va ^ r->what) >> PAGE_BITS)
        return damaged(s, "an access was refused that is not the last one");
    a->fault = true;
    return NULL;
}

static const char *flush(LabStream *s, const TapRecord *r)
{
    static const LabFlush what[] = {LAB_FLUSH_ALL, LAB_FLUSH_ASID, LAB_FLUSH_VA, LAB_FLUSH_VA_ASID};
    report_pending(s);
    if (r->count >> 18)
        return damaged(s, "no such fence: 0x%x", r->count);
    if (s->to.flush)
        s->to.flush(s->to.opaque, what[r->count >> 16], r->what, r->count & 0xffff);
    return NULL;
}

static const char *flush_all(LabStream *s, const TapRecord *r)
{
    report_pending(s);
    if (r->what > TAP_FLUSH_MAP)
        return damaged(s, "no such cause of a flush: 0x%" PRIx64, r->what);
    if (r->what != TAP_FLUSH_MAP && s->to.flush)
        s->to.flush(s->to.opaque, r->what == TAP_FLUSH_PMP ? LAB_FLUSH_PMP : LAB_FLUSH_RESET, 0, 0);
    return NULL;
}

static const char *page(LabStream *s, const TapRecord *r)
{
    unsigned size = lab_size_of(r->count);
    if (size == LAB_SIZES)
        return damaged(s, "no such size of a page: 2^%u", r->count);
    if (!s->space)
        return damaged(s, "a page without an address space");
    page_map_put(s->pages, s->space, r->what, size, r->what & (PAGE_SIZE - 1));
    return NULL;
}

static const char *anchor(LabStream *s, uint64_t *count, uint64_t what, const char *name)
{
    if (what < *count)
        return damaged(s, "the count of %s goes back", name);
    *count = what;
    if (!s->any[DATA]) { // they may have been counted before there was a tap
        s->run_loads = s->loads;
        s->run_stores = s->stores;
    }
    return NULL;
}

static const char *block(LabStream *s, TapEvent event, const TapRecord *r)
{
    if (event == TAP_BLOCK) {
        if (r->count > TAP_SITES - s->sites)
            return damaged(s, "more code than there are sites");
        g_array_append_val(s->blocks, ((Block){r->what, s->sites, r->count, 0, 0}));
        s->sites += r->count;
        return NULL;
    }
    if (r->count >= s->blocks->len)
        return damaged(s, "no such block: %u", r->count);
    Block *b = &g_array_index(s->blocks, Block, r->count);
    if (event == TAP_BLOCK_OPS)
        b->ops = r->what;
    else
        b->runs = r->what;
    return NULL;
}

static const char *host_miss(LabStream *s, const TapRecord *r)
{
    MemAccess kind = r->count & 3;
    if (kind >= ACCESS_KINDS)
        return damaged(s, "no such access: %u", r->count);
    unsigned side = kind == ACCESS_FETCH ? FETCH : DATA;
    uint32_t site = s->any[side] ? s->access[side].site : LAB_NO_SITE;
    if (s->to.host_miss)
        s->to.host_miss(s->to.opaque, kind, r->count >> 2, site);
    return NULL;
}

static const char *end(LabStream *s)
{
    report_pending(s);
    for (unsigned side = 0; side < SIDES; side++) {
        const char *wrong = end_run(s, side, side == FETCH ? s->insns : s->loads, s->stores);
        if (wrong)
            return wrong;
    }
    s->ended = true;
    if (s->to.end)
        s->to.end(s->to.opaque, s->insns, s->loads, s->stores);
    return NULL;
}

static const char *event(LabStream *s, const TapRecord *r)
{
    const char *wrong = NULL;
    TapEvent what = r->tag >> TAP_SHIFT;
    switch (what) {
    case TAP_TIME:
        wrong = anchor(s, &s->insns, r->what, "instructions");
        if (!wrong && s->to.time)
            s->to.time(s->to.opaque, s->insns);
        return wrong;
    case TAP_LOADS: return anchor(s, &s->loads, r->what, "loads");
    case TAP_STORES: return anchor(s, &s->stores, r->what, "stores");
    case TAP_MODE: return set_mode(s, r->what);
    case TAP_SPACE: set_space(s, r->what); return NULL;
    case TAP_PAGE: return page(s, r);
    case TAP_FAULT: return refused(s, r);
    case TAP_FLUSH: return flush(s, r);
    case TAP_FLUSH_ALL: return flush_all(s, r);
    case TAP_BLOCK:
    case TAP_BLOCK_OPS:
    case TAP_BLOCK_RUNS: return block(s, what, r);
    case TAP_HOST_MISS: return host_miss(s, r);
    case TAP_END: return end(s);
    case TAP_EVENTS: break;
    }
    return damaged(s, "no such event: %u", r->tag >> TAP_SHIFT);
}

bool lab_stream_feed(LabStream *s, const TapRecord *r, size_t n, GError **error)
{
    const char *wrong = s->bad ? "more of a damaged stream" : NULL;
    size_t i;
    for (i = 0; i < n && !wrong; i++) {
        if (s->ended)
            wrong = damaged(s, "a record behind the end");
        else if ((r[i].tag & TAP_KIND) == TAP_EVENT)
            wrong = event(s, &r[i]);
        else if ((r[i].tag & TAP_KIND) == ACCESS_FETCH)
            wrong = fetch(s, &r[i]);
        else
            wrong = data(s, &r[i]);
    }
    s->records += i;
    if (wrong)
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "record %" PRIu64 " of the stream: %s", s->records, wrong);
    return !wrong;
}

// --- code

gva_t lab_stream_pc(const LabStream *s, uint32_t site)
{
    if (site >= s->sites)
        return 0;
    unsigned low = 0, high = s->blocks->len; // the last block that begins at or before site
    while (high - low > 1) {
        unsigned middle = low + (high - low) / 2;
        if (g_array_index(s->blocks, Block, middle).first <= site)
            low = middle;
        else
            high = middle;
    }
    const Block *b = &g_array_index(s->blocks, Block, low);
    return b->pc + (uint64_t)(site - b->first) * 2;
}

unsigned lab_stream_blocks(const LabStream *s)
{
    return s->blocks->len;
}

LabBlock lab_stream_block(const LabStream *s, unsigned n)
{
    const Block *b = &g_array_index(s->blocks, Block, n);
    return (LabBlock){b->pc, b->ops & 0xffff, b->ops >> 16 & 0xffff, b->ops >> 32 & 0xffff, b->runs};
}
