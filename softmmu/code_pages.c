// SPDX-License-Identifier: GPL-3.0-or-later
// The set of RAM pages that hold translated code.
//
// RAM may be terabytes of reserved address space of which little is code, so the set is a hash table of page
// numbers. The lock covers the set only: it is never held over a call out.
#include "softmmu/code_pages.h"

#include "softmmu/tlb.h"
#include <glib.h>

struct CodePages {
    void (*invalidate)(void *opaque, ram_t start, uint64_t len);
    void *opaque;
    GMutex lock;
    GHashTable *pages; // a set of page numbers
    int n;             // its size, readable without the lock
    GPtrArray *tlbs;
    void (*stored)(void *opaque, ram_t start, uint64_t len); // NULL: nobody watches
    void *stored_opaque;
};

static void *page_key(ram_t addr)
{
    return GSIZE_TO_POINTER(addr >> PAGE_BITS);
}

CodePages *code_pages_new(void (*invalidate)(void *opaque, ram_t start, uint64_t len), void *opaque)
{
    CodePages *cp = g_new0(CodePages, 1);
    cp->invalidate = invalidate;
    cp->opaque = opaque;
    g_mutex_init(&cp->lock);
    cp->pages = g_hash_table_new(g_direct_hash, g_direct_equal);
    cp->tlbs = g_ptr_array_new();
    return cp;
}

void code_pages_free(CodePages *cp)
{
    if (!cp)
        return;
    g_ptr_array_free(cp->tlbs, TRUE);
    g_hash_table_destroy(cp->pages);
    g_mutex_clear(&cp->lock);
    g_free(cp);
}

void code_pages_add_tlb(CodePages *cp, struct Tlb *tlb)
{
    if (g_ptr_array_find(cp->tlbs, tlb, NULL))
        return;
    g_ptr_array_add(cp->tlbs, tlb);
    GHashTableIter it;
    void *key;
    g_mutex_lock(&cp->lock);
    g_hash_table_iter_init(&it, cp->pages);
    while (g_hash_table_iter_next(&it, &key, NULL))
        tlb_mark_code(tlb, (ram_t)GPOINTER_TO_SIZE(key) << PAGE_BITS);
    g_mutex_unlock(&cp->lock);
}

void code_pages_remove_tlb(CodePages *cp, struct Tlb *tlb)
{
    g_ptr_array_remove(cp->tlbs, tlb);
}

void code_pages_mark(CodePages *cp, ram_t addr)
{
    g_mutex_lock(&cp->lock);
    bool added = g_hash_table_add(cp->pages, page_key(addr));
    g_atomic_int_set(&cp->n, (int)g_hash_table_size(cp->pages));
    g_mutex_unlock(&cp->lock);
    if (!added)
        return; // the invariant: all entries have the flag already
    for (unsigned i = 0; i < cp->tlbs->len; i++)
        tlb_mark_code(cp->tlbs->pdata[i], addr & PAGE_MASK);
}

void code_pages_clear(CodePages *cp, ram_t addr)
{
    g_mutex_lock(&cp->lock);
    g_hash_table_remove(cp->pages, page_key(addr));
    g_atomic_int_set(&cp->n, (int)g_hash_table_size(cp->pages));
    g_mutex_unlock(&cp->lock);
}

static bool marked(const CodePages *cp, ram_t addr)
{
    CodePages *c = (CodePages *)cp; // the lock is no part of the value
    if (g_atomic_int_get(&c->n) == 0)
        return false;
    g_mutex_lock(&c->lock);
    bool is = g_hash_table_contains(c->pages, page_key(addr));
    g_mutex_unlock(&c->lock);
    return is;
}

bool code_pages_test(const CodePages *cp, ram_t addr)
{
    return cp->stored || marked(cp, addr);
}

// The marked pages among [first, last] (addresses of pages), by whichever walk is shorter.
static GArray *marked_pages(CodePages *cp, ram_t first, ram_t last)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(ram_t));
    g_mutex_lock(&cp->lock);
    if ((last - first) >> PAGE_BITS > g_hash_table_size(cp->pages)) {
        GHashTableIter it;
        void *key;
        g_hash_table_iter_init(&it, cp->pages);
        while (g_hash_table_iter_next(&it, &key, NULL)) {
            ram_t page = (ram_t)GPOINTER_TO_SIZE(key) << PAGE_BITS;
            if (page >= first && page <= last)
                g_array_append_val(out, page);
        }
    } else {
        for (ram_t page = first; page <= last; page += PAGE_SIZE) {
            if (g_hash_table_contains(cp->pages, page_key(page)))
                g_array_append_val(out, page);
        }
    }
    g_mutex_unlock(&cp->lock);
    return out;
}

void code_pages_written(CodePages *cp, ram_t start, uint64_t len)
{
    if (len && cp->stored)
        cp->stored(cp->stored_opaque, start, len);
    if (len == 0 || g_atomic_int_get(&cp->n) == 0)
        return;
    ram_t end = start + len;
    ram_t first = start & PAGE_MASK, last = (end - 1) & PAGE_MASK;
    g_assert(end > start);
    if (first == last) { // every store of a hart comes this way
        if (marked(cp, start))
            cp->invalidate(cp->opaque, start, len);
        return;
    }
    g_autoptr(GArray) pages = marked_pages(cp, first, last);
    for (unsigned i = 0; i < pages->len; i++) {
        ram_t page = g_array_index(pages, ram_t, i);
        ram_t from = MAX(page, start), to = MIN(page + PAGE_SIZE, end);
        cp->invalidate(cp->opaque, from, to - from);
    }
}

void code_pages_watch(CodePages *cp, void (*stored)(void *opaque, ram_t start, uint64_t len), void *opaque)
{
    cp->stored = stored;
    cp->stored_opaque = opaque;
}
