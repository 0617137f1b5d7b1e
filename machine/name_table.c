// SPDX-License-Identifier: GPL-3.0-or-later
// Two arrays: of all names, and, made on first use, of those that count at their address.
#include "machine/name_table.h"

#include <string.h>

struct NameTable {
    GArray *all;     // of NameEntry
    GArray *by_addr; // ... the best of each address, ascending; NULL: not made yet
    GHashTable *by_name; // the best entry of each name; made when it is needed
    GStringChunk *text;
    uint64_t text_bytes;
};

NameTable *name_table_new(void)
{
    NameTable *t = g_new0(NameTable, 1);
    t->all = g_array_new(FALSE, FALSE, sizeof(NameEntry));
    t->text = g_string_chunk_new(4096);
    return t;
}

void name_table_free(NameTable *t)
{
    if (!t)
        return;
    g_array_free(t->all, TRUE);
    g_clear_pointer(&t->by_addr, g_array_unref);
    g_clear_pointer(&t->by_name, g_hash_table_destroy);
    g_string_chunk_free(t->text);
    g_free(t);
}

void name_table_add(NameTable *t, const NameEntry *entry)
{
    g_assert(!t->by_addr);
    NameEntry copy = *entry;
    copy.name = g_string_chunk_insert(t->text, entry->name);
    t->text_bytes += strlen(entry->name) + 1;
    g_array_append_val(t->all, copy);
}

bool name_table_empty(const NameTable *t)
{
    return !t->all->len;
}

uint64_t name_table_bytes(const NameTable *t)
{
    return t->text_bytes + UINT64_C(2) * sizeof(NameEntry) * t->all->len;
}

void name_table_retire(NameTable *t)
{
    g_clear_pointer(&t->by_name, g_hash_table_destroy);
    g_clear_pointer(&t->by_addr, g_array_unref);
    g_array_unref(t->all);
    t->all = g_array_new(FALSE, FALSE, sizeof(NameEntry));
}

// Linux has names for the bounds of sections, where the first function of the next one may begin.
static bool is_bound(const char *name)
{
    return g_str_has_suffix(name, "_end") || (g_str_has_suffix(name, "_start") && strcmp(name, "_start"));
}

// By address; at one address the best one last.
static int compare(const void *left, const void *right)
{
    const NameEntry *a = left, *b = right;
    if (a->addr != b->addr)
        return a->addr < b->addr ? -1 : 1;
    if (is_bound(a->name) != is_bound(b->name))
        return is_bound(a->name) ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (!a->size != !b->size)
        return a->size ? 1 : -1;
    return strcmp(b->name, a->name);
}

// One entry for each address, and no labels inside of something that has a size.
static void pick(NameTable *t)
{
    const NameEntry *e = (const NameEntry *)(const void *)t->all->data, *before = NULL;
    for (unsigned i = 0; i < t->all->len; i++) {
        if (i + 1 < t->all->len && e[i + 1].addr == e[i].addr)
            continue;
        if (before && e[i].addr - before->addr < before->size && e[i].rank < before->rank && !e[i].size)
            continue;
        g_array_append_val(t->by_addr, e[i]);
        before = &e[i];
    }
}

static void give_sizes(NameTable *t)
{
    NameEntry *e = (NameEntry *)(void *)t->by_addr->data;
    for (unsigned i = 0; i < t->by_addr->len; i++) {
        uint64_t next = i + 1 < t->by_addr->len ? e[i + 1].addr : 0;
        if (e[i].size)
            continue;
        uint64_t end = next && (!e[i].limit || next < e[i].limit) ? next : e[i].limit;
        e[i].size = end > e[i].addr ? end - e[i].addr : 0;
    }
}

static void prepare(NameTable *t)
{
    if (t->by_addr)
        return;
    t->by_addr = g_array_new(FALSE, FALSE, sizeof(NameEntry));
    g_array_sort(t->all, compare);
    pick(t);
    give_sizes(t);
}

#define STEPS_BACK 8 // a short one may end before addr while an outer one goes on

const NameEntry *name_table_at(NameTable *t, uint64_t addr)
{
    prepare(t);
    const NameEntry *e = (const NameEntry *)(const void *)t->by_addr->data;
    unsigned lo = 0, hi = t->by_addr->len; // those before lo are at or below addr
    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;
        if (e[mid].addr <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (unsigned back = 1; back <= STEPS_BACK && back <= lo; back++)
        if (addr - e[lo - back].addr < e[lo - back].size)
            return &e[lo - back];
    return NULL;
}

const NameEntry *name_table_find(NameTable *t, const char *name)
{
    prepare(t);
    if (!t->by_name) {
        t->by_name = g_hash_table_new(g_str_hash, g_str_equal);
        for (unsigned i = 0; i < t->all->len; i++) {
            NameEntry *e = &g_array_index(t->all, NameEntry, i);
            const NameEntry *old = g_hash_table_lookup(t->by_name, e->name);
            if (!old || old->rank < e->rank)
                g_hash_table_insert(t->by_name, (char *)e->name, e);
        }
    }
    return g_hash_table_lookup(t->by_name, name);
}
