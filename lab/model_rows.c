// SPDX-License-Identifier: GPL-3.0-or-later
// Rows: found by number where the keys are dense (ASIDs, sites), by hash where they are not (pages).
#include "lab/model_rows.h"
#include <string.h>

#define CHUNK 1024u // rows and counts are made so many at a time, and never move

#define SITE_BITS 12
#define SITE_PAGES (1u << (32 - TAP_SHIFT - SITE_BITS))

struct Rows {
    Row **asid;                // 2^16 ASIDs, then global, then not translated
    Row **site[SITE_PAGES + 1]; // the last: LAB_NO_SITE
    Row **page;                // hash table
    uint64_t page_mask, pages;
    GPtrArray *row[MODEL_BYS]; // chunks
    size_t rows[MODEL_BYS];
    GPtrArray *misses;
    size_t used;
};

Rows *rows_new(void)
{
    Rows *r = g_new0(Rows, 1);
    r->asid = g_new0(Row *, 65538);
    r->page_mask = 1023;
    r->page = g_new0(Row *, r->page_mask + 1);
    for (unsigned by = 0; by < MODEL_BYS; by++)
        r->row[by] = g_ptr_array_new_with_free_func(g_aligned_free);
    r->misses = g_ptr_array_new_with_free_func(g_free);
    return r;
}

void rows_free(Rows *r)
{
    if (!r)
        return;
    g_free(r->asid);
    for (unsigned i = 0; i <= SITE_PAGES; i++)
        g_free(r->site[i]);
    g_free(r->page);
    for (unsigned by = 0; by < MODEL_BYS; by++)
        g_ptr_array_free(r->row[by], TRUE);
    g_ptr_array_free(r->misses, TRUE);
    g_free(r);
}

static Row *new_row(Rows *r, ModelBy by, uint64_t key, uint32_t space)
{
    size_t n = r->rows[by]++;
    if (n % CHUNK == 0) {
        Row *chunk = g_aligned_alloc0(CHUNK, sizeof(Row), 64);
        g_ptr_array_add(r->row[by], chunk);
    }
    Row *row = (Row *)g_ptr_array_index(r->row[by], n / CHUNK) + n % CHUNK;
    row->key = key;
    row->space = space;
    return row;
}

RowMisses *rows_new_misses(Rows *r, Row *row, MemAccess kind)
{
    size_t n = r->used++;
    if (n % CHUNK == 0)
        g_ptr_array_add(r->misses, g_new0(RowMisses, CHUNK));
    return row->misses[kind] = (RowMisses *)g_ptr_array_index(r->misses, n / CHUNK) + n % CHUNK;
}

Row *rows_of_asid(Rows *r, uint64_t key)
{
    Row **at = &r->asid[key == UINT64_MAX ? 65536 : key == MODEL_BARE ? 65537 : key & 0xffff];
    if (!*at)
        *at = new_row(r, MODEL_BY_ASID, key, 0);
    return *at;
}

Row *rows_of_site(Rows *r, uint32_t site)
{
    unsigned n = site == LAB_NO_SITE ? SITE_PAGES : (site >> SITE_BITS) % SITE_PAGES;
    if (!r->site[n])
        r->site[n] = g_new0(Row *, 1u << SITE_BITS);
    Row **at = &r->site[n][site & ((1u << SITE_BITS) - 1)];
    if (!*at)
        *at = new_row(r, MODEL_BY_SITE, site, 0);
    return *at;
}

static Row **page_place(const Rows *r, gva_t first, uint32_t space)
{
    uint64_t i = ((first >> PAGE_BITS) + (uint64_t)space * 0x51ed27) * UINT64_C(0x9e3779b97f4a7c15) >> 20;
    for (;; i++) {
        Row **at = &r->page[i & r->page_mask];
        if (!*at || ((*at)->key == first && (*at)->space == space))
            return at;
    }
}

static void grow_pages(Rows *r)
{
    Row **old = r->page;
    uint64_t old_mask = r->page_mask;
    r->page_mask = old_mask * 2 + 1;
    r->page = g_new0(Row *, r->page_mask + 1);
    for (uint64_t i = 0; i <= old_mask; i++)
        if (old[i])
            *page_place(r, old[i]->key, old[i]->space) = old[i];
    g_free(old);
}

Row *rows_of_page(Rows *r, gva_t first, uint32_t space)
{
    Row **at = page_place(r, first, space);
    if (*at)
        return *at;
    Row *row = *at = new_row(r, MODEL_BY_PAGE, first, space);
    if (++r->pages * 2 > r->page_mask)
        grow_pages(r);
    return row;
}

// --- sorted

static uint64_t misses_of(const ModelRow *row)
{
    uint64_t misses = 0;
    for (unsigned kind = 0; kind < ACCESS_KINDS; kind++)
        misses += row->kind[kind].misses;
    return misses;
}

static int by_misses(const void *a, const void *b)
{
    const ModelRow *x = a, *y = b;
    uint64_t mx = misses_of(x), my = misses_of(y);
    if (mx != my)
        return mx < my ? 1 : -1;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->space < y->space ? -1 : x->space > y->space;
}

ModelRow *rows_sorted(const Rows *r, ModelBy by, size_t *n)
{
    *n = r->rows[by];
    ModelRow *out = g_new0(ModelRow, *n + 1);
    for (size_t i = 0; i < *n; i++) {
        const Row *row = (const Row *)g_ptr_array_index(r->row[by], i / CHUNK) + i % CHUNK;
        out[i].key = row->key;
        out[i].space = row->space;
        for (unsigned kind = 0; kind < ACCESS_KINDS; kind++) {
            ModelCounts *c = &out[i].kind[kind];
            c->hits = row->hits[kind];
            if (row->misses[kind])
                memcpy(c->cause, row->misses[kind]->cause, sizeof(c->cause));
            for (unsigned cause = 0; cause < MODEL_CAUSES; cause++)
                c->misses += c->cause[cause];
            c->accesses = c->hits + c->misses;
        }
    }
    qsort(out, *n, sizeof(*out), by_misses);
    return out;
}
