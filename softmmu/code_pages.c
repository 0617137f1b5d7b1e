// SPDX-License-Identifier: GPL-3.0-or-later
// The set of RAM pages that hold translated code.
//
// RAM may be terabytes of reserved address space of which little is code, so the set is a hash table: page number ->
// a bit for each view with code there. The locks cover tables only: they are never held over a call out.
#include "softmmu/code_pages.h"

#include "softmmu/dirty.h"
#include "softmmu/tlb.h"
#include <glib.h>

#define GRANULE_BITS 6 // what other harts wrote is remembered in 64-byte pieces: a word per page
_Static_assert(PAGE_BITS - GRANULE_BITS == 6, "the granules of a page are the bits of a word");

typedef struct {
    GMutex lock;
    GHashTable *pages; // page number -> views, a bit each
    int n;             // its size, readable without the lock
    GPtrArray *views;  // CodePages
    CodePagesHooks hooks;
} CodeSet;

struct CodePages {
    CodeSet *set;
    unsigned index; // in set->views
    void (*invalidate)(void *opaque, ram_t start, uint64_t len);
    void *opaque;
    GPtrArray *tlbs;
    GMutex lock;         // for what follows
    GHashTable *pending; // page number -> granules that others have written, a bit each
    int n_pending;       // its size, readable without the lock
    void (*stored)(void *opaque, ram_t start, uint64_t len); // NULL: nobody watches
    void *stored_opaque;
};

static void *page_key(ram_t addr)
{
    return GSIZE_TO_POINTER(addr >> PAGE_BITS);
}

static ram_t key_page(const void *key)
{
    return (ram_t)GPOINTER_TO_SIZE(key) << PAGE_BITS;
}

static uint64_t bits_of(GHashTable *table, ram_t addr)
{
    return GPOINTER_TO_SIZE(g_hash_table_lookup(table, page_key(addr)));
}

static void set_bits(GHashTable *table, ram_t addr, uint64_t bits)
{
    if (bits)
        g_hash_table_insert(table, page_key(addr), GSIZE_TO_POINTER(bits));
    else
        g_hash_table_remove(table, page_key(addr));
}

static uint64_t own_bit(const CodePages *cp)
{
    return UINT64_C(1) << cp->index;
}

static CodePages *new_view(CodeSet *set, void (*invalidate)(void *opaque, ram_t start, uint64_t len), void *opaque)
{
    g_assert(set->views->len < CODE_PAGES_VIEWS);
    CodePages *cp = g_new0(CodePages, 1);
    cp->set = set;
    cp->index = set->views->len;
    cp->invalidate = invalidate;
    cp->opaque = opaque;
    cp->tlbs = g_ptr_array_new();
    g_mutex_init(&cp->lock);
    cp->pending = g_hash_table_new(g_direct_hash, g_direct_equal);
    g_ptr_array_add(set->views, cp);
    return cp;
}

CodePages *code_pages_new(void (*invalidate)(void *opaque, ram_t start, uint64_t len), void *opaque)
{
    CodeSet *set = g_new0(CodeSet, 1);
    g_mutex_init(&set->lock);
    set->pages = g_hash_table_new(g_direct_hash, g_direct_equal);
    set->views = g_ptr_array_new();
    return new_view(set, invalidate, opaque);
}

CodePages *code_pages_new_view(CodePages *other, void (*invalidate)(void *opaque, ram_t start, uint64_t len),
                               void *opaque)
{
    return new_view(other->set, invalidate, opaque);
}

static void forget_code(CodeSet *set)
{
    GHashTableIter it;
    void *key;
    g_hash_table_iter_init(&it, set->pages);
    while (g_hash_table_iter_next(&it, &key, NULL))
        dirty_set_code(key_page(key), false);
}

void code_pages_free(CodePages *cp)
{
    if (!cp)
        return;
    CodeSet *set = cp->set;
    bool last = true;
    set->views->pdata[cp->index] = NULL;
    for (unsigned i = 0; i < set->views->len; i++)
        last &= !set->views->pdata[i];
    if (last) {
        forget_code(set);
        g_ptr_array_free(set->views, TRUE);
        g_hash_table_destroy(set->pages);
        g_mutex_clear(&set->lock);
        g_free(set);
    }
    g_ptr_array_free(cp->tlbs, TRUE);
    g_hash_table_destroy(cp->pending);
    g_mutex_clear(&cp->lock);
    g_free(cp);
}

void code_pages_set_hooks(CodePages *cp, const CodePagesHooks *hooks)
{
    cp->set->hooks = *hooks;
}

void code_pages_add_tlb(CodePages *cp, struct Tlb *tlb)
{
    CodeSet *set = cp->set;
    if (g_ptr_array_find(cp->tlbs, tlb, NULL))
        return;
    g_ptr_array_add(cp->tlbs, tlb);
    GHashTableIter it;
    void *key;
    g_mutex_lock(&set->lock);
    g_hash_table_iter_init(&it, set->pages);
    while (g_hash_table_iter_next(&it, &key, NULL))
        tlb_mark(tlb, key_page(key), PAGE_SIZE);
    g_mutex_unlock(&set->lock);
}

void code_pages_remove_tlb(CodePages *cp, struct Tlb *tlb)
{
    g_ptr_array_remove(cp->tlbs, tlb);
}

static void mark_tlbs(const CodeSet *set, ram_t page)
{
    for (unsigned i = 0; i < set->views->len; i++) {
        const CodePages *view = set->views->pdata[i];
        for (unsigned k = 0; view && k < view->tlbs->len; k++)
            tlb_mark(view->tlbs->pdata[k], page, PAGE_SIZE);
    }
}

// Adds the view to the page's, unless it would be the first one and first is false: then false.
static bool add_view(CodePages *cp, ram_t addr, bool first)
{
    CodeSet *set = cp->set;
    g_mutex_lock(&set->lock);
    uint64_t views = bits_of(set->pages, addr);
    bool add = views || first;
    if (add && !(views & own_bit(cp))) {
        set_bits(set->pages, addr, views | own_bit(cp));
        dirty_set_code(addr, true);
        g_atomic_int_set(&set->n, (int)g_hash_table_size(set->pages));
    }
    g_mutex_unlock(&set->lock);
    return add;
}

bool code_pages_mark(CodePages *cp, ram_t addr)
{
    const CodePagesHooks *hooks = &cp->set->hooks;
    if (add_view(cp, addr, false))
        return false; // the invariant: all entries have the flag already
    if (hooks->begin)
        hooks->begin(hooks->opaque);
    add_view(cp, addr, true);
    mark_tlbs(cp->set, addr & PAGE_MASK);
    if (hooks->end)
        hooks->end(hooks->opaque);
    return hooks->begin;
}

void code_pages_clear(CodePages *cp, ram_t addr)
{
    CodeSet *set = cp->set;
    g_mutex_lock(&set->lock);
    uint64_t left = bits_of(set->pages, addr) & ~own_bit(cp);
    set_bits(set->pages, addr, left);
    dirty_set_code(addr, left != 0);
    g_atomic_int_set(&set->n, (int)g_hash_table_size(set->pages));
    g_mutex_unlock(&set->lock);
}

// The views with code on the page of addr.
static uint64_t views_of(const CodePages *cp, ram_t addr)
{
    CodeSet *set = cp->set;
    if (g_atomic_int_get(&set->n) == 0)
        return 0;
    g_mutex_lock(&set->lock);
    uint64_t views = bits_of(set->pages, addr);
    g_mutex_unlock(&set->lock);
    return views;
}

bool code_pages_test(const CodePages *cp, ram_t addr)
{
    return cp->stored || views_of(cp, addr);
}

void code_pages_gap(const CodePages *cp, ram_t addr, ram_t *start, ram_t *end)
{
    CodeSet *set = cp->set;
    GHashTableIter it;
    void *key;
    g_mutex_lock(&set->lock);
    g_hash_table_iter_init(&it, set->pages);
    while (g_hash_table_iter_next(&it, &key, NULL)) {
        ram_t page = key_page(key);
        if (page < addr)
            *start = MAX(*start, page + PAGE_SIZE);
        else
            *end = MIN(*end, page);
    }
    g_mutex_unlock(&set->lock);
}

// --- writes ------------------------------------------------------------------------------------------------

// The marked pages among [first, last] (addresses of pages), by whichever walk is shorter.
static GArray *marked_pages(CodeSet *set, ram_t first, ram_t last)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(ram_t));
    g_mutex_lock(&set->lock);
    if ((last - first) >> PAGE_BITS > g_hash_table_size(set->pages)) {
        GHashTableIter it;
        void *key;
        g_hash_table_iter_init(&it, set->pages);
        while (g_hash_table_iter_next(&it, &key, NULL)) {
            ram_t page = key_page(key);
            if (page >= first && page <= last)
                g_array_append_val(out, page);
        }
    } else {
        for (ram_t page = first; page <= last; page += PAGE_SIZE) {
            if (bits_of(set->pages, page))
                g_array_append_val(out, page);
        }
    }
    g_mutex_unlock(&set->lock);
    return out;
}

// Bytes of one page were written by another hart than the view's.
static void note(CodePages *cp, ram_t start, uint64_t len)
{
    unsigned first = (unsigned)((start & ~PAGE_MASK) >> GRANULE_BITS);
    unsigned last = (unsigned)(((start + len - 1) & ~PAGE_MASK) >> GRANULE_BITS);
    uint64_t granules = UINT64_MAX >> (63 - (last - first)) << first;
    g_mutex_lock(&cp->lock);
    set_bits(cp->pending, start, bits_of(cp->pending, start) | granules);
    g_atomic_int_set(&cp->n_pending, (int)g_hash_table_size(cp->pending));
    g_mutex_unlock(&cp->lock);
}

// Bytes of one page were written by the hart of view `by`, or NULL.
static void page_written(CodeSet *set, CodePages *by, uint64_t views, ram_t start, uint64_t len)
{
    for (; views; views &= views - 1) {
        CodePages *cp = set->views->pdata[__builtin_ctzll(views)];
        if (cp == by)
            cp->invalidate(cp->opaque, start, len);
        else
            note(cp, start, len);
    }
}

static void written(CodePages *cp, CodePages *by, ram_t start, uint64_t len)
{
    if (len == 0 || g_atomic_int_get(&cp->set->n) == 0)
        return;
    ram_t end = start + len;
    ram_t first = start & PAGE_MASK, last = (end - 1) & PAGE_MASK;
    g_assert(end > start);
    if (first == last) { // every store of a hart comes this way
        page_written(cp->set, by, views_of(cp, start), start, len);
        return;
    }
    g_autoptr(GArray) pages = marked_pages(cp->set, first, last);
    for (unsigned i = 0; i < pages->len; i++) {
        ram_t page = g_array_index(pages, ram_t, i);
        ram_t from = MAX(page, start), to = MIN(page + PAGE_SIZE, end);
        page_written(cp->set, by, views_of(cp, page), from, to - from);
    }
}

void code_pages_written(CodePages *cp, ram_t start, uint64_t len)
{
    if (len && cp->stored)
        cp->stored(cp->stored_opaque, start, len);
    written(cp, cp, start, len);
}

void code_pages_written_by_other(CodePages *cp, ram_t start, uint64_t len)
{
    written(cp, NULL, start, len);
}

// Runs of granules, one call each.
static void drop_granules(CodePages *cp, ram_t page, uint64_t granules)
{
    while (granules) {
        unsigned first = (unsigned)__builtin_ctzll(granules);
        uint64_t rest = ~(granules >> first);
        unsigned n = rest ? (unsigned)__builtin_ctzll(rest) : 64;
        cp->invalidate(cp->opaque, page + ((ram_t)first << GRANULE_BITS), (uint64_t)n << GRANULE_BITS);
        granules &= ~(UINT64_MAX >> (64 - n) << first);
    }
}

void code_pages_drain(CodePages *cp)
{
    if (g_atomic_int_get(&cp->n_pending) == 0)
        return;
    g_mutex_lock(&cp->lock);
    GHashTable *pending = cp->pending;
    cp->pending = g_hash_table_new(g_direct_hash, g_direct_equal);
    g_atomic_int_set(&cp->n_pending, 0);
    g_mutex_unlock(&cp->lock);
    GHashTableIter it;
    void *key, *granules;
    g_hash_table_iter_init(&it, pending);
    while (g_hash_table_iter_next(&it, &key, &granules))
        drop_granules(cp, key_page(key), GPOINTER_TO_SIZE(granules));
    g_hash_table_destroy(pending);
}

void code_pages_watch(CodePages *cp, void (*stored)(void *opaque, ram_t start, uint64_t len), void *opaque)
{
    cp->stored = stored;
    cp->stored_opaque = opaque;
}
