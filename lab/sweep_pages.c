// SPDX-License-Identifier: GPL-3.0-or-later
// The page-table entries of a sweep: found by page and ASID, by page alone, and by ASID.
#include "lab/sweep_private.h"

#include <string.h>

#define LISTS (SWEEP_GLOBAL + 1)

void *sweep_need_ids(void *array, uint32_t *room, uint32_t n, size_t size)
{
    if (n < *room)
        return array;
    uint32_t more = MAX(n + n / 2 + 1, 1024);
    array = g_realloc_n(array, more, size);
    memset((char *)array + *room * size, 0, (more - *room) * size);
    *room = more;
    return array;
}

void sweep_pages_init(SweepPages *p, unsigned sample)
{
    *p = (SweepPages){.bits = 12, .sample = sample};
    p->table = g_new0(SweepSlot, (size_t)1 << p->bits);
    p->same = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    p->lists = g_new0(uint32_t, LISTS);
}

void sweep_pages_deinit(SweepPages *p)
{
    g_free(p->page);
    g_free(p->table);
    g_free(p->lists);
    g_hash_table_unref(p->same);
}

static uint64_t page_of(gva_t va, unsigned size)
{
    return va >> lab_size_bits[size] << 3 | size;
}

static size_t slot_of(const SweepPages *p, uint64_t page, uint32_t asid)
{
    return (page ^ (uint64_t)asid << 40) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - p->bits);
}

static SweepSlot *search(const SweepPages *p, uint64_t page, uint32_t asid)
{
    size_t mask = ((size_t)1 << p->bits) - 1;
    for (size_t i = slot_of(p, page, asid);; i = (i + 1) & mask) {
        SweepSlot *s = &p->table[i];
        if (!s->id || (s->page == page && s->asid == asid))
            return s;
    }
}

static void grow(SweepPages *p)
{
    g_free(p->table);
    p->bits++;
    p->table = g_new0(SweepSlot, (size_t)1 << p->bits);
    for (uint32_t id = 1; id <= p->n; id++)
        *search(p, p->page[id].page, p->page[id].asid) = (SweepSlot){p->page[id].page, p->page[id].asid, id};
}

static uint32_t add(SweepPages *p, uint64_t page, uint32_t asid)
{
    if (((uint64_t)p->n + 1) * 2 > UINT64_C(1) << p->bits)
        grow(p);
    uint32_t id = ++p->n;
    p->page = sweep_need_ids(p->page, &p->room, id, sizeof *p->page);
    uint64_t hash = sweep_hash(page * LISTS + asid);
    bool sampled = p->sample > 1 && hash % p->sample == 0;
    p->page[id] = (SweepPage){.page = page, .asid = asid,
                              .next = GPOINTER_TO_UINT(g_hash_table_lookup(p->same, &page)),
                              .group = sampled ? (uint8_t)(1 + (hash >> 40) % SWEEP_GROUPS) : 0};
    g_hash_table_insert(p->same, g_memdup2(&page, sizeof page), GUINT_TO_POINTER(id));
    *search(p, page, asid) = (SweepSlot){page, asid, id};
    return id;
}

uint32_t sweep_pages_find(SweepPages *p, gva_t va, unsigned size, uint32_t asid)
{
    uint64_t page = page_of(va, size);
    const SweepSlot *s = search(p, page, asid);
    return s->id ? s->id : add(p, page, asid);
}

uint32_t sweep_pages_first(const SweepPages *p, gva_t va, unsigned size)
{
    uint64_t page = page_of(va, size);
    return GPOINTER_TO_UINT(g_hash_table_lookup(p->same, &page));
}

void sweep_pages_validate(SweepPages *p, uint32_t id, SweepSide side)
{
    SweepPage *e = &p->page[id];
    if (!e->valid) {
        e->list_before = 0;
        e->list_next = p->lists[e->asid];
        if (e->list_next)
            p->page[e->list_next].list_before = id;
        p->lists[e->asid] = id;
    }
    e->valid |= (uint8_t)(1u << side);
}

void sweep_pages_invalidate(SweepPages *p, uint32_t id)
{
    SweepPage *e = &p->page[id];
    if (!e->valid)
        return;
    e->valid = 0;
    if (e->list_before)
        p->page[e->list_before].list_next = e->list_next;
    else
        p->lists[e->asid] = e->list_next;
    if (e->list_next)
        p->page[e->list_next].list_before = e->list_before;
}

void sweep_pages_invalidate_all(SweepPages *p)
{
    for (uint32_t asid = 0; asid < LISTS; asid++)
        while (p->lists[asid])
            sweep_pages_invalidate(p, p->lists[asid]);
}
