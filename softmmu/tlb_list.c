// SPDX-License-Identifier: GPL-3.0-or-later
// What a TLB holds, for people.
#include "softmmu/tlb_list.h"

#include "softmmu/tlb_private.h"

typedef struct {
    void (*fn)(void *opaque, const TlbListed *entry);
    void *opaque;
    TlbListed common; // of the table's entries
} Lister;

static void list(const Lister *l, const TlbEntry *e, const TlbCold *cold, bool victim)
{
    gva_t page = tlb_entry_page(e);
    if (page == TLB_EMPTY)
        return;
    TlbListed it = l->common;
    it.va = page;
    it.pa = tlb_cold_page(cold);
    it.victim = victim;
    it.global = cold->pa & TLB_COLD_GLOBAL;
    it.large_bits = tlb_cold_bits(cold);
    bool direct = false;
    for (unsigned k = 0; k < ACCESS_KINDS; k++) {
        it.allow[k] = e->cmp[k] != TLB_EMPTY;
        if (!it.allow[k])
            continue;
        it.flags |= (unsigned)(e->cmp[k] & ~PAGE_MASK);
        direct |= !(e->cmp[k] & TLB_MMIO);
    }
    if (direct)
        it.host = (const uint8_t *)(uintptr_t)(e->addend + page);
    l->fn(l->opaque, &it);
}

static void list_table(const Lister *l, const TlbTable *t)
{
    for (uint64_t k = 0; t->dirty && k < t->size; k++)
        list(l, &t->entries[k], &t->cold[k], false);
    for (unsigned v = 0; t->dirty && v < TLB_VICTIMS; v++)
        list(l, &t->victim[v], &t->victim_cold[v], true);
}

void tlb_each_entry(const Tlb *tlb, void (*fn)(void *opaque, const TlbListed *entry), void *opaque)
{
    Lister l = {.fn = fn, .opaque = opaque};
    for (unsigned n = 0; n < tlb->n_contexts; n++) {
        for (unsigned i = 0; i < TLB_SPACE_INDEXES; i++) {
            l.common = (TlbListed){.mmu = i, .current = n == tlb->current, .asid = tlb->context[n]->asid};
            list_table(&l, &tlb->context[n]->table[i]);
        }
    }
    l.common = (TlbListed){.mmu = TLB_MMU_INDEXES - 1, .current = true};
    list_table(&l, &tlb->machine);
}
