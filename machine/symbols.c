// SPDX-License-Identifier: GPL-3.0-or-later
// The symbol table: an array sorted by address on first use, and a hash by name.
#include "machine/symbols.h"

struct Symbols {
    GArray *all; // of Symbol
    GHashTable *by_name; // name -> own copy of the Symbol
    GStringChunk *names;
    bool sorted;
};

Symbols *symbols_new(void)
{
    Symbols *s = g_new0(Symbols, 1);
    s->all = g_array_new(FALSE, FALSE, sizeof(Symbol));
    s->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    s->names = g_string_chunk_new(4096);
    return s;
}

void symbols_free(Symbols *s)
{
    if (!s)
        return;
    g_array_free(s->all, TRUE);
    g_hash_table_destroy(s->by_name);
    g_string_chunk_free(s->names);
    g_free(s);
}

void symbols_add(Symbols *s, const Symbol *symbol)
{
    g_assert(!s->sorted);
    Symbol copy = *symbol;
    copy.name = g_string_chunk_insert(s->names, symbol->name);
    g_array_append_val(s->all, copy);
    const Symbol *old = g_hash_table_lookup(s->by_name, copy.name);
    // Within one file a global name hides a local one.
    if (!old || old->image != copy.image || copy.global || !old->global)
        g_hash_table_insert(s->by_name, (char *)copy.name, g_memdup2(&copy, sizeof copy));
}

const Symbol *symbols_by_name(const Symbols *s, const char *name)
{
    return g_hash_table_lookup(s->by_name, name);
}

void symbols_each(const Symbols *s, void (*fn)(const Symbol *s, void *opaque), void *opaque)
{
    for (unsigned i = 0; i < s->all->len; i++)
        fn(&g_array_index(s->all, Symbol, i), opaque);
}

void symbols_each_function(const Symbols *s, void (*fn)(const Symbol *s, void *opaque), void *opaque)
{
    for (unsigned i = 0; i < s->all->len; i++)
        if (g_array_index(s->all, Symbol, i).function)
            fn(&g_array_index(s->all, Symbol, i), opaque);
}

// Ascending address; at one address the best name last.
static int compare(const void *left, const void *right)
{
    const Symbol *a = left, *b = right;
    if (a->addr != b->addr)
        return a->addr < b->addr ? -1 : 1;
    if (a->function != b->function)
        return a->function ? 1 : -1;
    if (a->global != b->global)
        return a->global ? 1 : -1;
    return g_strcmp0(b->name, a->name);
}

const Symbol *symbols_by_addr(Symbols *s, uint64_t addr)
{
    if (!s->sorted) {
        g_array_sort(s->all, compare);
        s->sorted = true;
    }
    unsigned lo = 0, hi = s->all->len; // the symbols before lo are at or below addr
    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;
        if (g_array_index(s->all, Symbol, mid).addr <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    // A sized symbol may end before addr while an outer one goes on; a few steps back find that one.
    for (unsigned back = 0; back < 8 && lo > back; back++) {
        const Symbol *sym = &g_array_index(s->all, Symbol, lo - 1 - back);
        if (sym->size == 0 || addr - sym->addr < sym->size)
            return sym;
    }
    return NULL;
}
