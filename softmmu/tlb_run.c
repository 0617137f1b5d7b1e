// SPDX-License-Identifier: GPL-3.0-or-later
// Runs: pages of RAM that need no lookup each.
//
// A run is found when an entry is made: its page, and what translation, PMP and the flat view say about the bytes
// around it. One for stores ends at pages with code and at clean ones. Each table keeps two for loads and two for
// stores, the largest that were met since it was flushed (a device in the middle of RAM, as HTIF is, makes two of one);
// what lies elsewhere goes through the entries as ever.
#include "softmmu/tlb_private.h"

#include "softmmu/code_pages.h"
#include "softmmu/dirty.h"
#include <glib.h>

static bool holds(const TlbPages *r, gva_t page)
{
    return page - r->start < r->size;
}

static bool overlap(const TlbPages *a, const TlbPages *b)
{
    return a->start - b->start < b->size || b->start - a->start < a->size;
}

// Enters a run in place of one that it overlaps, or else of a smaller one.
static void enter(TlbPages *first, TlbPages *second, const TlbPages *new)
{
    if (overlap(new, first)) {
        *first = *new;
    } else if (new->size > first->size) {
        if (overlap(new, second) || first->size > second->size)
            *second = *first;
        *first = *new;
    } else if (overlap(new, second) || new->size > second->size) {
        *second = *new;
    }
    if (overlap(first, second))
        second->size = 0;
}

void tlb_run_add(Tlb *tlb, unsigned mmu, const TlbEntry *e, const TlbCold *cold, const TlbTranslation *tr,
                 uint64_t ram_before, uint64_t ram_after)
{
    TlbTable *t = tlb->table[mmu];
    gva_t page = tlb_entry_page(e);
    t->addend = e->addend;
    uint64_t before = MIN(tr->same_before, ram_before), after = MIN(tr->same_after, ram_after);
    // Code under page tables uses no runs, and finding one by the pages with code costs more than the walk.
    if (!tr->whole_page || tr->large_bits || before + after == 0)
        return;
    for (unsigned k = 0; k < 2; k++) {
        TlbPages *first = &t->run[k], *second = &t->run[k + 2];
        if (e->cmp[k] != page || holds(first, page) || holds(second, page))
            continue;
        ram_t start = cold->ram - before, end = cold->ram + PAGE_SIZE + after;
        if (k == ACCESS_WRITE && tlb->code)
            code_pages_gap(tlb->code, cold->ram, &start, &end);
        if (k == ACCESS_WRITE)
            dirty_gap(cold->ram, &start, &end);
        TlbPages new = {page - (cold->ram - start), start, end - start, e->addend};
        enter(first, second, &new);
    }
}

void tlb_run_drop_page(TlbTable *t, gva_t page)
{
    for (unsigned k = 0; k < TLB_RUNS; k++)
        if (holds(&t->run[k], page))
            t->run[k].size = 0;
}

// The larger part stays.
static void cut(TlbPages *r, ram_t start, uint64_t len)
{
    ram_t end = r->ram + r->size, cut_end = start + len;
    if (!r->size || start >= end || cut_end <= r->ram)
        return;
    uint64_t before = start > r->ram ? start - r->ram : 0, after = cut_end < end ? end - cut_end : 0;
    if (before < after) {
        r->start += r->size - after;
        r->ram += r->size - after;
    }
    r->size = MAX(before, after);
}

void tlb_run_mark(TlbTable *t, ram_t start, uint64_t len)
{
    cut(&t->run[ACCESS_WRITE], start, len);
    cut(&t->run[ACCESS_WRITE + 2], start, len);
}

static bool lies_in(const TlbPages *r, const TlbPages *in)
{
    uint64_t from = r->start - in->start;
    return from <= in->size && r->size <= in->size - from;
}

void tlb_run_update(Tlb *tlb)
{
    const TlbTable *t = tlb->table[tlb->data_mmu];
    const TlbPages *r = t->run;
    if (!tlb->runs)
        return;
    tlb->runs->addend = r[ACCESS_READ].size ? r[ACCESS_READ].addend : t->addend;
    for (unsigned k = 0; k < TLB_RUNS; k++) {
        bool good = k % 2 == ACCESS_READ || lies_in(&r[k], &r[ACCESS_READ]) || lies_in(&r[k], &r[ACCESS_READ + 2]);
        good &= r[k].size && r[k].addend == tlb->runs->addend;
        tlb->runs->run[k].start = r[k].start;
        tlb->runs->run[k].size = good ? r[k].size - TLB_RUN_BYTES + 1 : 0;
    }
}

void tlb_set_runs(Tlb *tlb, TlbRuns *runs)
{
    tlb_flush(tlb);
    tlb->runs = runs;
    tlb_run_update(tlb);
}
