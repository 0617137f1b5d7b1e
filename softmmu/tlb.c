// SPDX-License-Identifier: GPL-3.0-or-later
// The tables of the software TLB: life, size, flushes, code marks, statistics.
//
// A table changes its size only inside its own flush (R5.20), so no entry is ever moved. An entry is empty
// when all three comparators are TLB_EMPTY; what lies beside an empty entry means nothing, so a flush writes
// the comparators only.
#include "softmmu/tlb_private.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#define TLB_RELIEF_BITS 15 // tlb_relieve stops at 2^15 entries: 128 MiB in a table of 1 MiB
#define WINDOW_US 100000

static int64_t host_clock(void *opaque)
{
    (void)opaque;
    return g_get_monotonic_time();
}

static void update_fast(Tlb *tlb)
{
    const TlbTable *t = tlb->table[tlb->data_mmu];
    *tlb->fast_mask = (t->size - 1) * sizeof(TlbEntry);
    *tlb->fast_table = t->entries;
    tlb_run_update(tlb);
}

static void empty_table(TlbTable *t)
{
    memset(t->entries, 0xff, t->size * sizeof(TlbEntry));
    memset(t->victim, 0xff, sizeof t->victim);
    t->next_victim = 0;
    memset(t->run, 0, sizeof t->run);
    t->large.n = 0;
    t->large_bits = 0;
    t->used = 0;
    t->dirty = false;
}

// Aligned so that no entry lies over two cache lines. A host without the memory gets a smaller table (R5.20).
static void allocate(TlbTable *t, uint64_t size)
{
    free(t->entries);
    while (!(t->entries = aligned_alloc(64, size * (sizeof(TlbEntry) + sizeof(TlbCold))))) {
        g_assert(size > 1u << TLB_MIN_BITS);
        size /= 2;
    }
    t->cold = (TlbCold *)(t->entries + size);
    t->size = size;
}

static void init_table(const Tlb *tlb, TlbTable *t)
{
    allocate(t, UINT64_C(1) << tlb->start_bits);
    empty_table(t);
    t->window_start = tlb->now(tlb->now_opaque);
}

static TlbContext *new_context(Tlb *tlb)
{
    TlbContext *c = g_new0(TlbContext, 1);
    for (unsigned i = 0; i < TLB_SPACE_INDEXES; i++)
        init_table(tlb, &c->table[i]);
    tlb->context[tlb->n_contexts++] = c;
    return c;
}

static void enter_context(Tlb *tlb, unsigned n)
{
    tlb->current = n;
    for (unsigned i = 0; i < TLB_SPACE_INDEXES; i++)
        tlb->table[i] = &tlb->context[n]->table[i];
}

Tlb *tlb_new(struct AddressSpace *as, struct CodePages *code, const TlbHooks *hooks, unsigned bits,
             uint64_t *fast_mask, TlbEntry **fast_table)
{
    g_assert(bits == 0 || (bits >= TLB_MIN_BITS && bits <= TLB_MAX_BITS));
    Tlb *tlb = g_new0(Tlb, 1);
    tlb->as = as;
    tlb->code = code;
    tlb->hooks = *hooks;
    tlb->dynamic = bits == 0;
    tlb->start_bits = bits ? bits : TLB_START_BITS;
    tlb->fast_mask = fast_mask;
    tlb->fast_table = fast_table;
    tlb->now = host_clock;
    init_table(tlb, &tlb->machine);
    tlb->table[TLB_MMU_INDEXES - 1] = &tlb->machine;
    new_context(tlb);
    enter_context(tlb, 0);
    tlb_set_mmu(tlb, TLB_MMU_INDEXES - 1, TLB_MMU_INDEXES - 1);
    return tlb;
}

void tlb_free(Tlb *tlb)
{
    if (!tlb)
        return;
    for (unsigned n = 0; n < tlb->n_contexts; n++) {
        for (unsigned i = 0; i < TLB_SPACE_INDEXES; i++)
            free(tlb->context[n]->table[i].entries);
        g_free(tlb->context[n]);
    }
    free(tlb->machine.entries);
    tlb_watch_free(tlb);
    tlb_causes_free(tlb);
    g_free(tlb);
}

void tlb_set_clock(Tlb *tlb, int64_t (*now)(void *opaque), void *opaque)
{
    tlb->now = now;
    tlb->now_opaque = opaque;
    tlb->machine.window_start = now(opaque);
    for (unsigned n = 0; n < tlb->n_contexts; n++)
        for (unsigned i = 0; i < TLB_SPACE_INDEXES; i++)
            tlb->context[n]->table[i].window_start = now(opaque);
}

void tlb_set_ram_copy(Tlb *tlb, const struct RamBlock *of, int64_t delta)
{
    tlb_flush(tlb);
    tlb->copied = of;
    tlb->delta = delta;
}

void tlb_set_mmu(Tlb *tlb, unsigned data_mmu, unsigned fetch_mmu)
{
    g_assert(data_mmu < TLB_MMU_INDEXES && fetch_mmu < TLB_MMU_INDEXES);
    if (tlb->causes && fetch_mmu != tlb->fetch_mmu)
        tlb_causes_privilege(tlb);
    tlb->data_mmu = data_mmu;
    tlb->fetch_mmu = fetch_mmu;
    update_fast(tlb);
}

void tlb_set_tap(Tlb *tlb, Tap *tap)
{
    tlb->tap = tap;
}

uint64_t tlb_new_size(uint64_t size, uint64_t window_max, bool expired)
{
    uint64_t rate = window_max * 100 / size;
    if (rate > 70)
        return MIN(size * 2, UINT64_C(1) << TLB_MAX_BITS);
    if (rate >= 30 || !expired)
        return size;
    uint64_t fit = 1;
    while (fit < window_max)
        fit *= 2;
    if (window_max * 100 / fit > 70)
        fit *= 2;
    return MAX(fit, UINT64_C(1) << TLB_MIN_BITS);
}

// The caller empties the table.
static void set_size(Tlb *tlb, TlbTable *t, unsigned mmu, uint64_t size, int64_t now)
{
    uint64_t old = t->size;
    allocate(t, size);
    tlb->stats.grow[mmu] += t->size > old;
    tlb->stats.shrink[mmu] += t->size < old;
    tlb->stats.size_steps[mmu] += __builtin_ctzll(t->size) - __builtin_ctzll(old);
    t->window_max = 0;
    t->window_start = now;
}

static void resize(Tlb *tlb, TlbTable *t, unsigned mmu)
{
    int64_t now = tlb->now(tlb->now_opaque);
    bool expired = now - t->window_start > WINDOW_US;
    t->window_max = MAX(t->window_max, t->used);
    uint64_t size = tlb_new_size(t->size, t->window_max, expired);
    if (size != t->size) {
        set_size(tlb, t, mmu, size, now);
    } else if (expired) {
        t->window_max = t->used;
        t->window_start = now;
    }
}

void tlb_relieve(Tlb *tlb)
{
    tlb_run_update(tlb);
    if (!tlb->dynamic)
        return;
    for (unsigned i = 0; i < TLB_MMU_INDEXES; i++) {
        TlbTable *t = tlb->table[i];
        if (t->evictions < 2 * t->size || t->size >> TLB_RELIEF_BITS)
            continue;
        set_size(tlb, t, i, t->size * 2, tlb->now(tlb->now_opaque));
        empty_table(t);
        if (tlb->causes)
            tlb_causes_emptied(tlb, i < TLB_SPACE_INDEXES ? tlb->context[tlb->current] : NULL, i, TLB_MISS_RESIZE);
        t->evictions = 0;
        update_fast(tlb);
    }
}

// --- flushes -----------------------------------------------------------------------------------------------

// Of a context, or NULL: the machine's. True if there was something to flush.
static bool flush_table(Tlb *tlb, TlbContext *c, unsigned mmu, TlbMissCause why)
{
    TlbTable *t = c ? &c->table[mmu] : &tlb->machine;
    if (!t->dirty)
        return false;
    if (tlb->dynamic)
        resize(tlb, t, mmu);
    empty_table(t);
    if (tlb->causes)
        tlb_causes_emptied(tlb, c, mmu, why);
    return true;
}

// An index counts once, however many contexts there are.
static void count_flush(Tlb *tlb, unsigned mmu, bool did)
{
    if (did)
        tlb->stats.flush_all[mmu]++;
    else
        tlb->stats.flush_elided[mmu]++;
}

static void end_flush(Tlb *tlb)
{
    memset(tlb->deferred, 0, sizeof tlb->deferred);
    update_fast(tlb);
}

static bool has_asid(const TlbContext *c, unsigned asid)
{
    return asid == TLB_ANY_ASID || c->asid == asid;
}

static void flush_spaces(Tlb *tlb, unsigned asid, TlbMissCause why)
{
    for (unsigned i = 0; i < TLB_SPACE_INDEXES; i++) {
        bool did = false;
        for (unsigned n = 0; n < tlb->n_contexts; n++)
            if (has_asid(tlb->context[n], asid))
                did |= flush_table(tlb, tlb->context[n], i, why);
        count_flush(tlb, i, did);
        tlb->stats.flush_asid[i] += asid != TLB_ANY_ASID;
        if (tlb->causes && asid == TLB_ANY_ASID)
            tlb_causes_global(tlb, i, TLB_EMPTY, why);
    }
    end_flush(tlb);
}

void tlb_flush_space(Tlb *tlb, unsigned asid)
{
    bool any = asid == TLB_ANY_ASID;
    tlb->stats.flushes[any ? TLB_FLUSH_ALL : TLB_FLUSH_ASID]++;
    flush_spaces(tlb, asid, any ? TLB_MISS_FLUSH_ALL : TLB_MISS_FLUSH_ASID);
}

void tlb_flush(Tlb *tlb)
{
    tlb->stats.flushes[TLB_FLUSH_OTHER]++;
    count_flush(tlb, TLB_MMU_INDEXES - 1, flush_table(tlb, NULL, TLB_MMU_INDEXES - 1, TLB_MISS_OTHER));
    flush_spaces(tlb, TLB_ANY_ASID, TLB_MISS_OTHER);
}

// Drops an entry of a context, or NULL: the machine's, if the page-table entry that it comes from maps page too.
static inline bool drop_entry(Tlb *tlb, const TlbContext *c, unsigned mmu, TlbEntry *e, const TlbCold *cold, gva_t page)
{
    uint64_t is = tlb_entry_page(e);
    if (is == TLB_EMPTY || !addr_same_block(is, page, MAX(tlb_cold_bits(cold), PAGE_BITS)))
        return false;
    tlb_entry_clear(e);
    if (tlb->causes)
        tlb_causes_page(tlb, c, mmu, is);
    return true;
}

// From such a table, which is not clean.
static void drop_page(Tlb *tlb, TlbContext *c, unsigned mmu, gva_t page)
{
    TlbTable *t = c ? &c->table[mmu] : &tlb->machine;
    tlb_run_drop_page(t, page);
    uint64_t k = (uint64_t)(tlb_slot(t, page) - t->entries), end = k + 1;
    if (addr_ranges_has(&t->large, page)) { // in any slot for the pages around it
        uint64_t pages = UINT64_C(1) << MIN(t->large_bits - PAGE_BITS, TLB_MAX_BITS);
        k = pages < t->size ? k & ~(pages - 1) : 0;
        end = k + MIN(pages, t->size);
    }
    for (; k < end; k++)
        t->used -= drop_entry(tlb, c, mmu, &t->entries[k], &t->cold[k], page);
    for (unsigned v = 0; v < TLB_VICTIMS; v++)
        drop_entry(tlb, c, mmu, &t->victim[v], &t->victim_cold[v], page);
}

void tlb_flush_space_page(Tlb *tlb, gva_t va, unsigned asid)
{
    gva_t page = va & PAGE_MASK;
    tlb->stats.flushes[asid == TLB_ANY_ASID ? TLB_FLUSH_VA : TLB_FLUSH_VA_ASID]++;
    for (unsigned i = 0; i < TLB_SPACE_INDEXES; i++) {
        tlb->stats.flush_page[i]++;
        for (unsigned n = 0; n < tlb->n_contexts; n++)
            if (tlb->context[n]->table[i].dirty && has_asid(tlb->context[n], asid))
                drop_page(tlb, tlb->context[n], i, page);
        if (tlb->causes && asid == TLB_ANY_ASID)
            tlb_causes_global(tlb, i, page, TLB_MISS_FLUSH_VA);
    }
    end_flush(tlb);
}

void tlb_flush_page(Tlb *tlb, gva_t va)
{
    tlb->stats.flush_page[TLB_MMU_INDEXES - 1]++;
    if (tlb->machine.dirty)
        drop_page(tlb, NULL, TLB_MMU_INDEXES - 1, va & PAGE_MASK);
    tlb_flush_space_page(tlb, va, TLB_ANY_ASID);
}

// --- contexts ----------------------------------------------------------------------------------------------

static int find_context(const Tlb *tlb, uint64_t key)
{
    for (unsigned n = 0; n < tlb->n_contexts; n++)
        if (tlb->context[n]->key == key)
            return (int)n;
    return -1;
}

// A context for a new space: a fresh one, or the one that was left longest ago, emptied.
static unsigned take_context(Tlb *tlb)
{
    if (tlb->n_contexts < TLB_CONTEXTS) {
        new_context(tlb);
        return tlb->n_contexts - 1;
    }
    unsigned oldest = tlb->current == 0;
    for (unsigned n = 0; n < tlb->n_contexts; n++)
        if (n != tlb->current && tlb->context[n]->left_at < tlb->context[oldest]->left_at)
            oldest = n;
    for (unsigned i = 0; i < TLB_SPACE_INDEXES; i++)
        flush_table(tlb, tlb->context[oldest], i, TLB_MISS_CONTEXT);
    tlb->stats.context_evict++;
    return oldest;
}

void tlb_set_context(Tlb *tlb, uint64_t key, unsigned asid)
{
    if (tlb->context[tlb->current]->key == key)
        return;
    int found = find_context(tlb, key);
    unsigned n = found < 0 ? take_context(tlb) : (unsigned)found;
    tlb->context[tlb->current]->left_at = ++tlb->n_left;
    tlb->context[n]->key = key;
    tlb->context[n]->asid = asid;
    if (tlb->causes && found < 0)
        tlb_causes_context(tlb, tlb->context[n]);
    enter_context(tlb, n);
    tlb->stats.context_switch++;
    tlb->stats.context_new += found < 0;
    end_flush(tlb);
}

// --- marks, statistics -------------------------------------------------------------------------------------

static void mark_entry(TlbEntry *e, const TlbCold *cold, ram_t start, uint64_t len)
{
    uint64_t *cmp = &e->cmp[ACCESS_WRITE];
    // Writes that never reach the RAM (ROM) keep their flags.
    if (*cmp != TLB_EMPTY && !(*cmp & (TLB_MMIO | TLB_DISCARD)) && cold->ram - start < len)
        *cmp |= TLB_NOTDIRTY;
}

static void mark_table(TlbTable *t, ram_t start, uint64_t len)
{
    if (!t->dirty)
        return;
    tlb_run_mark(t, start, len);
    for (uint64_t k = 0; k < t->size; k++)
        mark_entry(&t->entries[k], &t->cold[k], start, len);
    for (unsigned v = 0; v < TLB_VICTIMS; v++)
        mark_entry(&t->victim[v], &t->victim_cold[v], start, len);
}

void tlb_mark(Tlb *tlb, ram_t start, uint64_t len)
{
    mark_table(&tlb->machine, start, len);
    for (unsigned n = 0; n < tlb->n_contexts; n++)
        for (unsigned i = 0; i < TLB_SPACE_INDEXES; i++)
            mark_table(&tlb->context[n]->table[i], start, len);
    tlb_run_update(tlb);
}

TlbFetched tlb_fetched(const Tlb *tlb)
{
    return tlb->fetched;
}

void tlb_stats(const Tlb *tlb, TlbStats *out)
{
    *out = tlb->stats;
    for (unsigned i = 0; i < TLB_MMU_INDEXES; i++) {
        out->size[i] = tlb->table[i]->size;
        out->used[i] = tlb->table[i]->used;
    }
}
