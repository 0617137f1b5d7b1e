// SPDX-License-Identifier: GPL-3.0-or-later
// Watched bytes: the flag that sends accesses of their pages to the slow path, and telling who watches (R5.5, R5.50).
//
// A page without watches is as fast as ever, a TLB without watches does not notice this file.
#include "softmmu/tlb_private.h"

#include <glib.h>

typedef struct {
    gva_t first, last;
    bool of[ACCESS_KINDS];
} Watch;

void tlb_set_watch_hook(Tlb *tlb, void (*hook)(void *opaque, const TlbWatched *it), void *opaque)
{
    tlb->watch_hook = hook;
    tlb->watch_opaque = opaque;
}

void tlb_set_guard(Tlb *tlb, bool (*guard)(void *opaque, const TlbAsked *it), void *opaque)
{
    tlb->guard = guard;
    tlb->guard_opaque = opaque;
}

static Watch make(gva_t va, uint64_t len, bool reads, bool writes)
{
    g_assert(len && va + (len - 1) >= va);
    return (Watch){va, va + (len - 1), {[ACCESS_READ] = reads, [ACCESS_WRITE] = writes}};
}

void tlb_watch(Tlb *tlb, gva_t va, uint64_t len, bool reads, bool writes)
{
    Watch w = make(va, len, reads, writes);
    if (!tlb->watches)
        tlb->watches = g_array_new(FALSE, FALSE, sizeof(Watch));
    g_array_append_val(tlb->watches, w);
    tlb_flush(tlb);
}

static bool same(const Watch *a, const Watch *b)
{
    return a->first == b->first && a->last == b->last && a->of[ACCESS_READ] == b->of[ACCESS_READ] &&
           a->of[ACCESS_WRITE] == b->of[ACCESS_WRITE];
}

void tlb_watch_free(Tlb *tlb)
{
    g_clear_pointer(&tlb->watches, g_array_unref);
}

bool tlb_unwatch(Tlb *tlb, gva_t va, uint64_t len, bool reads, bool writes)
{
    Watch w = make(va, len, reads, writes);
    for (guint i = 0; tlb->watches && i < tlb->watches->len; i++) {
        if (!same(&g_array_index(tlb->watches, Watch, i), &w))
            continue;
        g_array_remove_index(tlb->watches, i);
        if (!tlb->watches->len)
            tlb_watch_free(tlb);
        tlb_flush(tlb);
        return true;
    }
    return false;
}

static bool watched(const Tlb *tlb, gva_t first, gva_t last, MemAccess access)
{
    for (guint i = 0; i < tlb->watches->len; i++) {
        const Watch *w = &g_array_index(tlb->watches, Watch, i);
        if (w->of[access] && first <= w->last && w->first <= last)
            return true;
    }
    return false;
}

void tlb_watch_flag(const Tlb *tlb, TlbEntry *e)
{
    gva_t page = tlb_entry_page(e);
    for (unsigned k = ACCESS_READ; k <= ACCESS_WRITE; k++) {
        if (e->cmp[k] != TLB_EMPTY && watched(tlb, page, page | ~PAGE_MASK, k))
            e->cmp[k] |= TLB_WATCH;
    }
}

// An access over the end of the address space is two.
static bool touches(const Tlb *tlb, gva_t va, unsigned size, MemAccess access)
{
    gva_t last = va + (size - 1);
    return last >= va ? watched(tlb, va, last, access)
                      : watched(tlb, va, UINT64_MAX, access) || watched(tlb, 0, last, access);
}

bool tlb_watch_ask(Tlb *tlb, const TlbAsked *it, MemFault *fault)
{
    MemAccess access = it->writes ? ACCESS_WRITE : ACCESS_READ;
    if (!tlb->guard || !touches(tlb, it->va, it->size, access) || tlb->guard(tlb->guard_opaque, it))
        return true;
    *fault = (MemFault){FAULT_STOP, access, it->va};
    return false;
}

void tlb_watch_tell(Tlb *tlb, const TlbLook *first, unsigned size, MemAccess access, uint64_t value)
{
    if (!tlb->watch_hook || !touches(tlb, first->va, size, access))
        return;
    const TlbCounters *c = &tlb->stats.kind[first->mmu][access];
    TlbWatched it = {
        .va = first->va,
        .size = size,
        .access = access,
        .value = size < 8 ? value & ((UINT64_C(1) << 8 * size) - 1) : value,
        .pa = first->pa,
        .host = first->flags & TLB_MMIO ? NULL : first->host,
        .found = first->counter == &c->victim_hit ? TLB_FOUND_VICTIM
                 : first->counter == &c->fill_ok  ? TLB_FILLED
                                                  : TLB_FOUND,
    };
    tlb->watch_hook(tlb->watch_opaque, &it);
}
