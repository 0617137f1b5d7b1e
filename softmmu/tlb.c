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
    const TlbTable *t = &tlb->table[tlb->data_mmu];
    *tlb->fast_mask = (t->size - 1) * sizeof(TlbEntry);
    *tlb->fast_table = t->entries;
}

static void empty_table(TlbTable *t)
{
    memset(t->entries, 0xff, t->size * sizeof(TlbEntry));
    memset(t->victim, 0xff, sizeof t->victim);
    t->next_victim = 0;
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

Tlb *tlb_new(struct AddressSpace *as, struct CodePages *code, const TlbHooks *hooks, unsigned bits,
             uint64_t *fast_mask, TlbEntry **fast_table)
{
    g_assert(bits == 0 || (bits >= TLB_MIN_BITS && bits <= TLB_MAX_BITS));
    Tlb *tlb = g_new0(Tlb, 1);
    tlb->as = as;
    tlb->code = code;
    tlb->hooks = *hooks;
    tlb->dynamic = bits == 0;
    tlb->fast_mask = fast_mask;
    tlb->fast_table = fast_table;
    tlb->now = host_clock;
    for (unsigned i = 0; i < TLB_MMU_INDEXES; i++) {
        allocate(&tlb->table[i], UINT64_C(1) << (bits ? bits : TLB_START_BITS));
        empty_table(&tlb->table[i]);
        tlb->table[i].window_start = tlb->now(NULL);
    }
    tlb_set_mmu(tlb, TLB_MMU_INDEXES - 1, TLB_MMU_INDEXES - 1);
    return tlb;
}

void tlb_free(Tlb *tlb)
{
    if (!tlb)
        return;
    for (unsigned i = 0; i < TLB_MMU_INDEXES; i++)
        free(tlb->table[i].entries);
    g_free(tlb);
}

void tlb_set_clock(Tlb *tlb, int64_t (*now)(void *opaque), void *opaque)
{
    tlb->now = now;
    tlb->now_opaque = opaque;
    for (unsigned i = 0; i < TLB_MMU_INDEXES; i++)
        tlb->table[i].window_start = now(opaque);
}

void tlb_set_ram_delta(Tlb *tlb, int64_t delta)
{
    tlb_flush(tlb);
    tlb->delta = delta;
}

void tlb_set_mmu(Tlb *tlb, unsigned data_mmu, unsigned fetch_mmu)
{
    g_assert(data_mmu < TLB_MMU_INDEXES && fetch_mmu < TLB_MMU_INDEXES);
    tlb->data_mmu = data_mmu;
    tlb->fetch_mmu = fetch_mmu;
    update_fast(tlb);
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
static void set_size(Tlb *tlb, unsigned mmu, uint64_t size, int64_t now)
{
    TlbTable *t = &tlb->table[mmu];
    uint64_t old = t->size;
    allocate(t, size);
    tlb->stats.grow[mmu] += t->size > old;
    tlb->stats.shrink[mmu] += t->size < old;
    t->window_max = 0;
    t->window_start = now;
}

static void resize(Tlb *tlb, unsigned mmu)
{
    TlbTable *t = &tlb->table[mmu];
    int64_t now = tlb->now(tlb->now_opaque);
    bool expired = now - t->window_start > WINDOW_US;
    t->window_max = MAX(t->window_max, t->used);
    uint64_t size = tlb_new_size(t->size, t->window_max, expired);
    if (size != t->size) {
        set_size(tlb, mmu, size, now);
    } else if (expired) {
        t->window_max = t->used;
        t->window_start = now;
    }
}

void tlb_relieve(Tlb *tlb)
{
    if (!tlb->dynamic)
        return;
    for (unsigned i = 0; i < TLB_MMU_INDEXES; i++) {
        TlbTable *t = &tlb->table[i];
        uint64_t pressure = tlb->stats.evict[i];
        for (unsigned k = 0; k < ACCESS_KINDS; k++)
            pressure += tlb->stats.kind[i][k].victim_hit;
        if (pressure - t->relieved_at < 2 * t->size || t->size >> TLB_RELIEF_BITS)
            continue;
        set_size(tlb, i, t->size * 2, tlb->now(tlb->now_opaque));
        empty_table(t);
        t->relieved_at = pressure;
        update_fast(tlb);
    }
}

void tlb_flush(Tlb *tlb)
{
    for (unsigned i = 0; i < TLB_MMU_INDEXES; i++) {
        TlbTable *t = &tlb->table[i];
        if (!t->dirty) {
            tlb->stats.flush_elided[i]++;
            continue;
        }
        tlb->stats.flush_all[i]++;
        if (tlb->dynamic)
            resize(tlb, i);
        empty_table(t);
    }
    memset(tlb->deferred, 0, sizeof tlb->deferred);
    update_fast(tlb);
}

void tlb_flush_page(Tlb *tlb, gva_t va)
{
    gva_t page = va & PAGE_MASK;
    for (unsigned i = 0; i < TLB_MMU_INDEXES; i++) {
        TlbTable *t = &tlb->table[i];
        tlb->stats.flush_page[i]++;
        TlbEntry *e = tlb_slot(t, va);
        if (tlb_entry_page(e) == page) {
            tlb_entry_clear(e);
            t->used--;
        }
        for (unsigned v = 0; v < TLB_VICTIMS; v++) {
            if (tlb_entry_page(&t->victim[v]) == page)
                tlb_entry_clear(&t->victim[v]);
        }
    }
    memset(tlb->deferred, 0, sizeof tlb->deferred);
}

static void mark_entry(TlbEntry *e, const TlbCold *cold, ram_t page)
{
    uint64_t *cmp = &e->cmp[ACCESS_WRITE];
    // Writes that never reach the RAM (ROM) keep their flags.
    if (*cmp != TLB_EMPTY && !(*cmp & (TLB_MMIO | TLB_DISCARD)) && cold->ram == page)
        *cmp |= TLB_NOTDIRTY;
}

void tlb_mark_code(Tlb *tlb, ram_t page)
{
    for (unsigned i = 0; i < TLB_MMU_INDEXES; i++) {
        TlbTable *t = &tlb->table[i];
        if (!t->dirty)
            continue;
        for (uint64_t k = 0; k < t->size; k++)
            mark_entry(&t->entries[k], &t->cold[k], page);
        for (unsigned v = 0; v < TLB_VICTIMS; v++)
            mark_entry(&t->victim[v], &t->victim_cold[v], page);
    }
}

void tlb_stats(const Tlb *tlb, TlbStats *out)
{
    *out = tlb->stats;
    for (unsigned i = 0; i < TLB_MMU_INDEXES; i++) {
        out->size[i] = tlb->table[i].size;
        out->used[i] = tlb->table[i].used;
    }
}
