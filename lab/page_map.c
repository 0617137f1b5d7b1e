// SPDX-License-Identifier: GPL-3.0-or-later
// The map from page-table entries to what translation said: a hash table with open addressing for each address space,
// and one for global entries, which hold in all of them.
//
// A word is the number of the saying (so that the last one can be found among entries of several sizes that contain an
// address, the present space's and global ones), and what was said. A large entry that is said again in the same words
// changes nothing in the front unless others were said about parts of it, or all, since: SHADOWED notes that of the
// same table's, and of those of spaces that lie in global ones; for the rest there is the last number of each size.
#include "lab/page_map.h"
#include "util/tap.h"
#include <glib.h>
#include <string.h>

const uint8_t lab_size_bits[LAB_SIZES] = {12, 16, 21, 30, 39, 48};
const uint8_t lab_size_index[64] = {
    [0 ... 11] = LAB_SIZES, [12] = 0, [13 ... 15] = LAB_SIZES, [16] = 1, [17 ... 20] = LAB_SIZES, [21] = 2,
    [22 ... 29] = LAB_SIZES, [30] = 3, [31 ... 38] = LAB_SIZES, [39] = 4, [40 ... 47] = LAB_SIZES, [48] = 5,
    [49 ... 63] = LAB_SIZES,
};

typedef struct {
    uint64_t key;  // page number in pages of its own size << 3 | size + 1; 0: free
    uint64_t word; // number of the saying << 8 | SHADOWED | allow
} Page;

#define SHADOWED 0x10u
#define ALLOW 0x0fu
#define WORD_SHIFT 8

typedef struct {
    Page *page;
    uint64_t mask; // size - 1
    uint64_t used;
} Space;

#define GLOBAL 0u // in place of a space's number
struct PageSpaces {
    GArray *of;     // Space, by number
    unsigned sizes; // bit n: pages of size n were seen
    uint64_t said;
    uint64_t last[2][LAB_SIZES]; // sayings about pages of that size that are not global, and that are
};

PageMap *page_map_new(void)
{
    PageMap *m = g_new0(PageMap, 1);
    m->epoch = 1;
    m->spaces = g_new0(struct PageSpaces, 1);
    m->spaces->of = g_array_new(FALSE, TRUE, sizeof(Space));
    return m;
}

void page_map_free(PageMap *m)
{
    if (!m)
        return;
    for (unsigned i = 0; i < m->spaces->of->len; i++)
        g_free(g_array_index(m->spaces->of, Space, i).page);
    g_array_free(m->spaces->of, TRUE);
    g_free(m->spaces);
    g_free(m);
}

static uint64_t key_of(gva_t va, unsigned size)
{
    return va >> lab_size_bits[size] << 3 | (size + 1);
}

// The key's place, or the free one where it belongs.
static Page *place(const Space *s, uint64_t key)
{
    uint64_t i = (key * UINT64_C(0x9e3779b97f4a7c15)) >> 20 & s->mask;
    while (s->page[i].key && s->page[i].key != key)
        i = (i + 1) & s->mask;
    return &s->page[i];
}

static void grow(Space *s)
{
    Space old = *s;
    s->mask = old.page ? old.mask * 2 + 1 : 63;
    s->page = g_new0(Page, s->mask + 1);
    for (uint64_t i = 0; old.page && i <= old.mask; i++)
        if (old.page[i].key)
            *place(s, old.page[i].key) = old.page[i];
    g_free(old.page);
}

// NULL: nothing is known there.
static Space *space_at(const PageMap *m, uint32_t space)
{
    if (space >= m->spaces->of->len)
        return NULL;
    Space *s = &g_array_index(m->spaces->of, Space, space);
    return s->page ? s : NULL;
}

// Entries of the size or larger that contain va are no longer the last word on all of their pages. True if one of them
// was said after `before`.
static bool shadow(PageMap *m, uint32_t space, gva_t va, unsigned size, uint64_t before)
{
    const Space *s = space_at(m, space);
    bool later = false;
    for (; s && size < LAB_SIZES; size++) {
        if (!(m->spaces->sizes >> size & 1))
            continue;
        Page *p = place(s, key_of(va, size));
        if (!p->key)
            continue;
        later |= p->word >> WORD_SHIFT > before;
        p->word |= SHADOWED;
    }
    return later;
}

static void new_epoch(PageMap *m)
{
    if (++m->epoch == 0) { // after 2^32 of them: none of the fronts may look like one of today
        memset(m->front, 0, sizeof(m->front));
        m->epoch = 1;
    }
}

static void fill_front(PageMap *m, uint32_t space, gva_t va, PageInfo info)
{
    gva_t page = va >> PAGE_BITS;
    *page_front(m, page) = (PageFront){page, space, m->epoch, info};
}

void page_map_put(PageMap *m, uint32_t space, gva_t va, unsigned size, unsigned allow)
{
    bool global = allow & TAP_PAGE_GLOBAL;
    uint32_t table = global ? GLOBAL : space;
    if (table >= m->spaces->of->len)
        g_array_set_size(m->spaces->of, table + 1);
    Space *s = &g_array_index(m->spaces->of, Space, table);
    if (!s->page || s->used * 4 > s->mask * 3)
        grow(s);
    m->spaces->sizes |= 1u << size;
    Page *p = place(s, key_of(va, size));
    uint64_t before = p->key ? p->word : SHADOWED, said = ++m->spaces->said;
    s->used += !p->key;
    p->key = key_of(va, size);
    p->word = said << WORD_SHIFT | (allow & ALLOW);
    bool news = (before & (SHADOWED | ALLOW)) != (allow & ALLOW);
    before >>= WORD_SHIFT;
    news |= shadow(m, table, va, size + 1, before);
    if (!global)
        news |= shadow(m, GLOBAL, va, size, before);
    // Parts of it that are global now; or, if it is that itself, all of it not in some space.
    for (unsigned other = global ? size + 1 : 0; other < (global ? LAB_SIZES : size); other++)
        news |= m->spaces->last[!global][other] > before;
    m->spaces->last[global][size] = said;
    if (size > 0 && news)
        new_epoch(m);
    if (size == 0) // the only front that may know the page
        fill_front(m, space, va, (PageInfo){PAGE_BITS, (uint8_t)(allow & ALLOW), true});
}

PageInfo page_map_find(PageMap *m, uint32_t space, gva_t va)
{
    PageInfo info = {PAGE_BITS, TAP_PAGE_READ | TAP_PAGE_WRITE | TAP_PAGE_EXEC, false};
    uint64_t last = 0;
    for (unsigned global = 0; global < 2; global++) {
        const Space *s = space_at(m, global ? GLOBAL : space);
        for (unsigned size = 0; s && size < LAB_SIZES; size++) {
            if (!(m->spaces->sizes >> size & 1))
                continue;
            const Page *p = place(s, key_of(va, size));
            if (!p->key || p->word >> WORD_SHIFT <= last)
                continue;
            last = p->word >> WORD_SHIFT;
            info = (PageInfo){lab_size_bits[size], p->word & ALLOW, true};
        }
    }
    fill_front(m, space, va, info);
    return info;
}
