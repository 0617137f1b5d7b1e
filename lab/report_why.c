// SPDX-License-Identifier: GPL-3.0-or-later
// What the numbers mean: which symbols miss, why, and what would help.
#include "lab/report_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SHARE 0.02 // of the misses of its side: below that a symbol needs no explanation
#define EXPLAINED 5 // symbols of a side

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static double mpki(uint64_t misses, uint64_t insns)
{
    return insns ? 1000.0 * (double)misses / (double)insns : 0;
}

static void add(GPtrArray *lines, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void add(GPtrArray *lines, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_ptr_array_add(lines, g_strdup_vprintf(format, args));
    va_end(args);
}

const ModelPart *report_part(const ModelSpec *m, SweepSide side, unsigned bits)
{
    for (unsigned i = 0; i < MODEL_PARTS; i++) {
        const ModelPart *p = &m->part[side == SWEEP_FETCH ? MODEL_L1I : MODEL_L1D][i];
        if (p->ways && p->sizes >> bits & 1)
            return p;
    }
    return NULL;
}

static const char *const unit_of[SWEEP_SIDES] = {[SWEEP_FETCH] = "L1I", [SWEEP_DATA] = "L1D"};

// The structure in words: "32 entries (1 set of 32 ways)".
static char *part_words(const ModelPart *p)
{
    return g_strdup_printf("%u entries (%u set%s of %u way%s)", p->sets * p->ways, p->sets, p->sets > 1 ? "s" : "",
                           p->ways, p->ways > 1 ? "s" : "");
}

// "16,384 bytes (4 pages) forward"
static char *stride_words(int64_t stride, unsigned bits)
{
    uint64_t bytes = (uint64_t)llabs(stride), page = UINT64_C(1) << bits;
    const char *way = stride < 0 ? "back" : "on";
    if (bytes % page == 0 && bytes)
        return g_strdup_printf("%s bytes (%s page%s) further %s", table_number(bytes), table_number(bytes / page),
                               bytes > page ? "s" : "", way);
    return g_strdup_printf("%s bytes further %s", table_number(bytes), way);
}

// "1 page", "7 pages"
static char *pages_words(uint64_t n)
{
    return g_strdup_printf("%s page%s", table_number(n), n == 1 ? "" : "s");
}

static bool strided(const SymbolMisses *m)
{
    return m->pc_misses > 2 && m->stride_misses * 2 > m->pc_misses;
}

static void add_where(GPtrArray *lines, const SymbolCounts *s, const SymbolMisses *m, SweepSide side)
{
    static const char *const verbs[ACCESS_KINDS] = {"load", "store", "fetch"};
    g_autofree char *offset = s->named ? g_strdup_printf(" (%s+0x%" PRIx64 ")", s->name, m->pc - s->addr)
                                       : g_strdup("");
    g_autofree char *stride = stride_words(m->stride, m->bits), *own = pages_words(m->pc_misses - m->turns);
    if (m->pc)
        add(lines, "  where: the %s at 0x%" PRIx64 "%s has %.1f %% of them, on %s", verbs[m->kind], m->pc, offset,
            percent(m->pc_misses, m->misses), own);
    if (m->pc_misses < 3)
        return;
    g_autofree char *share = report_share(m->stride_misses, m->pc_misses - 1);
    if (strided(m) && m->stride)
        add(lines, "  pattern: %s of its misses lie %s than the one before: a fixed stride", share, stride);
    else if (strided(m))
        add(lines, "  pattern: %s of its misses are at the same address as the one before", share);
    else if (side == SWEEP_DATA)
        add(lines, "  pattern: no fixed stride: scattered accesses, as of pointers, hashes or lookups");
}

static void add_pages(GPtrArray *lines, const SymbolMisses *m, const ModelPart *p, SweepSide side)
{
    if (!m->pages)
        return;
    g_autofree char *part = p ? part_words(p) : g_strdup("no entries");
    add(lines, "  pages: %s different one%s, each missed %.1f times on average; %s has %s", table_number(m->pages),
        m->pages > 1 ? "s" : "", (double)m->misses / (double)m->pages, unit_of[side], part);
}

typedef struct {
    const AnalysisResult *a;
    const SymbolMisses *m;
    const ModelPart *part;
    SweepSide side;
    bool often; // a quarter of its accesses or more miss
    GPtrArray *lines;
} Why;

static void why_capacity(const Why *w)
{
    const SymbolMisses *m = w->m;
    const char *unit = unit_of[w->side];
    unsigned entries = w->part ? w->part->sets * w->part->ways : 0;
    g_autofree char *pages = pages_words(m->pages);
    if (m->pages > entries)
        add(w->lines, "    it comes back to its %s, but %s has room for %u: each is gone before it is used again",
            pages, unit, entries);
    else
        add(w->lines, "    its %s would fit into %s, but so many others are used in between that they are gone when it "
                      "comes back", pages, unit);
    bool pages_on = strided(m) && (uint64_t)llabs(m->stride) >= UINT64_C(1) << m->bits;
    if (pages_on && w->often)
        add(w->lines, "    it uses few words of a page and goes on to another one: the rest of the page is of no use");
    add(w->lines, "    what helps: %s %s entries (the sweep shows how many), or larger pages, or %s",
        m->pages > entries ? "up to" : "more than", table_number(MAX(m->pages, entries)),
        w->side == SWEEP_FETCH ? "code placed together that is called together"
        : pages_on && w->often ? "another order of the loops or of the data, to use a page up before leaving it"
        : pages_on             ? "working in blocks that fit, instead of passing over all of it each time"
                               : "data placed together that is used together");
}

static void why_conflict(const Why *w)
{
    const SymbolMisses *m = w->m;
    if (!w->part)
        return;
    g_autofree char *pages = pages_words(m->pages);
    add(w->lines, "    its %s fall into %u of the %u sets of %s; with %u way%s %s room for %u of them%s", pages,
        m->sets_used, w->part->sets, unit_of[w->side], w->part->ways, w->part->ways > 1 ? "s" : "",
        m->sets_used > 1 ? "these have" : "that has", m->sets_used * w->part->ways,
        m->sets_used < w->part->sets ? ", and the other sets stay unused" : "");
    add(w->lines, "    what helps: more ways for the same number of entries, or %s",
        strided(m) && llabs(m->stride) > INT64_C(1) << m->bits
            ? "another stride: one page of padding spreads the pages over all sets"
            : "addresses that spread over the sets");
}

static void why_flush(const Why *w, ModelCause cause)
{
    const uint64_t *f = w->a->all.model.flushes;
    if (cause == CAUSE_FLUSH_ALL) {
        add(w->lines, "    its pages were in the TLB, but sfence.vma threw everything away (%s times in the run)",
            table_number(f[LAB_FLUSH_ALL]));
        add(w->lines, "    what helps: fewer flushes, or flushes by address or ASID; not a larger TLB");
        return;
    }
    add(w->lines, "    its pages were in the TLB, but sfence.vma by %s took them out (%s times in the run)",
        cause == CAUSE_FLUSH_VA ? "address" : "ASID",
        table_number(f[LAB_FLUSH_VA_ASID] + f[cause == CAUSE_FLUSH_VA ? LAB_FLUSH_VA : LAB_FLUSH_ASID]));
    add(w->lines, "    what helps: fewer changes of mappings; not a larger TLB");
}

static void why_other(const Why *w, ModelCause cause, uint64_t misses)
{
    g_autofree char *uses = pages_words(misses);
    switch (cause) {
    case CAUSE_COLD:
        add(w->lines, "    first uses of %s, which no TLB has before", uses);
        add(w->lines, "    what helps: larger pages, or prefetching; not a larger TLB");
        break;
    case CAUSE_SATP:
        add(w->lines, "    its pages were in the TLB, but the address space was changed (%s times in the run) and "
                      "entries have no ASID", table_number(w->a->all.model.space_changes));
        add(w->lines, "    what helps: ASID tags (asid=on), or global pages for what all spaces share");
        break;
    case CAUSE_UPGRADE:
        add(w->lines, "    first stores to pages whose entries came from loads, before the page was dirty (D bit)");
        add(w->lines, "    what helps: setting the D bit when the page is mapped");
        break;
    case CAUSE_FAULT:
        add(w->lines, "    page faults: the page was not mapped, or not for this, when it was used");
        add(w->lines, "    what helps: mapping pages before their first use; not a larger TLB");
        break;
    default:
        add(w->lines, "    a reset or a change of PMP emptied the TLB");
        break;
    }
}

#define CAUSE_SHARE 0.15 // of a symbol's misses: below that a cause needs no explanation

static void explain_causes(const Why *w, const ModelCounts *c)
{
    bool done[MODEL_CAUSES] = {false};
    for (;;) {
        unsigned best = MODEL_CAUSES;
        for (unsigned i = 0; i < MODEL_CAUSES; i++)
            if (!done[i] && (best == MODEL_CAUSES || c->cause[i] > c->cause[best]))
                best = i;
        if (best == MODEL_CAUSES || (double)c->cause[best] < CAUSE_SHARE * (double)c->misses)
            return;
        done[best] = true;
        g_autofree char *share = report_share(c->cause[best], c->misses);
        add(w->lines, "  why: %s, %s of its misses", model_cause_names[best], share);
        if (best == CAUSE_CAPACITY)
            why_capacity(w);
        else if (best == CAUSE_CONFLICT)
            why_conflict(w);
        else if (best >= CAUSE_FLUSH_ALL && best <= CAUSE_FLUSH_ASID)
            why_flush(w, best);
        else
            why_other(w, best, c->cause[best]);
    }
}

static void explain(GPtrArray *lines, const AnalysisResult *a, const SymbolCounts *s, SweepSide side, uint64_t all)
{
    ModelCounts c = report_symbol_side(s, side);
    const SymbolMisses *m = &s->side[side];
    uint64_t uses = side == SWEEP_FETCH ? s->insns : s->loads + s->stores;
    Why w = {a, m, report_part(&a->model, side, m->bits), side, 4 * c.misses >= uses, lines};
    add(lines, "%s: %.1f %% of all %s misses (%s of %s)", s->name, percent(c.misses, all),
        side == SWEEP_FETCH ? "fetch" : "data", table_number(c.misses), table_number(all));
    if (uses)
        add(lines, "  rate: %.2f %% of its %s %s miss; %.2f misses per thousand of its instructions",
            percent(c.misses, uses), table_number(uses), side == SWEEP_FETCH ? "instructions" : "loads and stores",
            mpki(c.misses, s->insns));
    if (m->misses) {
        add_where(lines, s, m, side);
        add_pages(lines, m, w.part, side);
    }
    explain_causes(&w, &c);
}

// Less than one in 100,000 instructions.
static bool negligible(const AnalysisResult *a, uint64_t misses)
{
    return misses < a->all.insns / 100000;
}

void report_why(Report *r)
{
    const AnalysisResult *a = r->a;
    for (unsigned i = SWEEP_SIDES; i-- > 0;) {
        uint64_t all = report_sum(&a->all.model, i == SWEEP_FETCH ? MODEL_L1I : MODEL_L1D).misses;
        GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
        g_autofree size_t *order = report_symbol_order(a, i);
        if (all && negligible(a, all))
            add(lines, "%s hardly miss (%s in %s instructions): nothing to explain",
                i == SWEEP_FETCH ? "fetches" : "loads and stores", table_number(all), table_number(a->all.insns));
        for (unsigned n = 0; n < MIN(EXPLAINED, a->n_symbols) && all && !negligible(a, all); n++) {
            const SymbolCounts *s = &a->symbols[order[n]];
            if ((double)report_symbol_side(s, i).misses >= SHARE * (double)all)
                explain(lines, a, s, i, all);
        }
        if (!lines->len)
            add(lines, "none has %.0f %% of them or more", 100 * SHARE);
        report_add_lines(r, i == SWEEP_FETCH ? "why_fetch" : "why_data",
                         i == SWEEP_FETCH ? "Why: symbols with most fetch misses"
                                          : "Why: symbols with most data misses",
                         lines);
    }
}

// How many entries would take away nine tenths of what entries can take away.
static void sweep_finding(GPtrArray *lines, const AnalysisResult *a, SweepSide side)
{
    const SweepCounts *c = &a->side[side];
    uint64_t all = report_sweep_sum(c->accesses);
    uint64_t now = report_sum(&a->all.model, side == SWEEP_FETCH ? MODEL_L1I : MODEL_L1D).misses;
    uint64_t least = report_sweep_sum(c->full[a->sweep.max_entries - 1]);
    if (least * 10 > now * 9)
        return;
    for (unsigned e = 1; e <= a->sweep.max_entries; e++) {
        uint64_t misses = report_sweep_sum(c->full[e - 1]);
        if ((misses - least) * 10 > now - least)
            continue;
        add(lines, "  with %s entries, fully associative and LRU, %.3f %% would miss", table_number(e),
            percent(misses, all));
        return;
    }
}

static void side_finding(GPtrArray *lines, const AnalysisResult *a, SweepSide side)
{
    ModelCounts c = report_sum(&a->all.model, side == SWEEP_FETCH ? MODEL_L1I : MODEL_L1D);
    const char *name = side == SWEEP_FETCH ? "fetches" : "loads and stores";
    if (!c.accesses) {
        add(lines, "%s: none was looked up%s", name,
            a->model.bare ? "" : ": nothing was translated (bare=on looks untranslated accesses up too)");
        return;
    }
    g_autofree char *causes = report_causes(&c);
    add(lines, "%s: %.3f %% miss %s (%s of %s), %.3f per thousand instructions%s%s", name,
        percent(c.misses, c.accesses), unit_of[side], table_number(c.misses), table_number(c.accesses),
        mpki(c.misses, a->all.insns), c.misses ? "; causes: " : "", causes);
    if (negligible(a, c.misses))
        return;
    g_autofree size_t *order = report_symbol_order(a, side);
    if (a->n_symbols && c.misses)
        add(lines, "  first of the symbols: %s, %.1f %% of them", a->symbols[order[0]].name,
            percent(report_symbol_side(&a->symbols[order[0]], side).misses, c.misses));
    if (a->has_sweep && c.misses)
        sweep_finding(lines, a, side);
}

void report_findings(Report *r)
{
    const AnalysisResult *a = r->a;
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    side_finding(lines, a, SWEEP_DATA);
    side_finding(lines, a, SWEEP_FETCH);
    if (report_sum(&a->all.model, MODEL_L2).accesses) {
        ModelCounts c = report_sum(&a->all.model, MODEL_L2);
        add(lines, "second level: %.3f %% of what L1 misses misses L2, %.3f per thousand instructions",
            percent(c.misses, c.accesses), mpki(c.misses, a->all.insns));
    }
    add(lines, "page walks: %s, %.3f per thousand instructions", table_number(a->all.model.walks),
        mpki(a->all.model.walks, a->all.insns));
    report_add_lines(r, "findings", "In short", lines);
}
