// SPDX-License-Identifier: GPL-3.0-or-later
// Open addressing, one after the other; at most three quarters full.
#include "lab/pair_map.h"

#include <stdlib.h>

void pair_map_init(PairMap *m)
{
    *m = (PairMap){.slots = g_new0(PairSlot, 64), .size = 64};
}

void pair_map_deinit(PairMap *m)
{
    g_free(m->slots);
    *m = (PairMap){.n = 0};
}

static PairSlot *find(const PairMap *m, uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ (b << 32 | b >> 32)) * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ h >> 29 ^ b) * UINT64_C(0xbf58476d1ce4e5b9);
    for (uint64_t i = h ^ h >> 32;; i++) {
        PairSlot *s = &m->slots[i & (m->size - 1)];
        if (!s->used || (s->a == a && s->b == b))
            return s;
    }
}

static void grow(PairMap *m)
{
    PairMap old = *m;
    m->size *= 2;
    m->slots = g_new0(PairSlot, m->size);
    for (uint64_t i = 0; i < old.size; i++)
        if (old.slots[i].used)
            *find(m, old.slots[i].a, old.slots[i].b) = old.slots[i];
    g_free(old.slots);
}

uint64_t *pair_map_at(PairMap *m, uint64_t a, uint64_t b)
{
    PairSlot *s = find(m, a, b);
    if (!s->used) {
        if (m->n >= m->size / 4 * 3) {
            grow(m);
            s = find(m, a, b);
        }
        *s = (PairSlot){a, b, 0, 1};
        m->n++;
    }
    return &s->value;
}

static int compare(const void *left, const void *right)
{
    const PairSlot *x = left, *y = right;
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    return x->b < y->b ? -1 : x->b > y->b;
}

PairSlot *pair_map_sorted(const PairMap *m, uint64_t *n)
{
    PairSlot *all = g_new(PairSlot, m->n + 1);
    *n = 0;
    for (uint64_t i = 0; i < m->size; i++)
        if (m->slots[i].used)
            all[(*n)++] = m->slots[i];
    qsort(all, *n, sizeof *all, compare);
    return all;
}
