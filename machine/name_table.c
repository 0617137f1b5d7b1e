// SPDX-License-Identifier: GPL-3.0-or-later
// A sorted array without overlaps: what lies inside something with a size and a better rank is dropped on first use.
#include "machine/name_table.h"

#include <string.h>

struct NameTable {
    GArray *all; // of NameEntry
    GHashTable *by_name; // of the best entry of each name, by address of its NameEntry; made when it is needed
    GStringChunk *text;
    bool ready;
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
    g_clear_pointer(&t->by_name, g_hash_table_destroy);
    g_string_chunk_free(t->text);
    g_free(t);
}

void name_table_add(NameTable *t, const NameEntry *entry)
{
    g_assert(!t->ready);
    NameEntry copy = *entry;
    copy.name = g_string_chunk_insert(t->text, entry->name);
    g_array_append_val(t->all, copy);
}

bool name_table_empty(const NameTable *t)
{
    return !t->all->len;
}

// By address; at one address the best one last.
static int compare(const void *left, const void *right)
{
    const NameEntry *a = left, *b = right;
    if (a->addr != b->addr)
        return a->addr < b->addr ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (!a->size != !b->size)
        return a->size ? 1 : -1;
    return strcmp(b->name, a->name);
}

// Keeps one entry for each address, and no labels inside of something that has a size.
static void drop_hidden(NameTable *t)
{
    NameEntry *e = (NameEntry *)(void *)t->all->data;
    unsigned kept = 0;
    for (unsigned i = 0; i < t->all->len; i++) {
        if (i + 1 < t->all->len && e[i + 1].addr == e[i].addr)
            continue;
        const NameEntry *before = kept ? &e[kept - 1] : NULL;
        if (before && e[i].addr - before->addr < before->size && e[i].rank < before->rank && !e[i].size)
            continue;
        e[kept++] = e[i];
    }
    g_array_set_size(t->all, kept);
}

static void give_sizes(NameTable *t)
{
    NameEntry *e = (NameEntry *)(void *)t->all->data;
    for (unsigned i = 0; i < t->all->len; i++) {
        uint64_t next = i + 1 < t->all->len ? e[i + 1].addr : 0;
        if (e[i].size)
            continue;
        uint64_t end = next && (!e[i].limit || next < e[i].limit) ? next : e[i].limit;
        e[i].size = end > e[i].addr ? end - e[i].addr : 0;
    }
}

static void prepare(NameTable *t)
{
    if (t->ready)
        return;
    g_array_sort(t->all, compare);
    drop_hidden(t);
    give_sizes(t);
    t->ready = true;
}

#define STEPS_BACK 8 // a short one may end before addr while an outer one goes on

const NameEntry *name_table_at(NameTable *t, uint64_t addr)
{
    prepare(t);
    const NameEntry *e = (const NameEntry *)(const void *)t->all->data;
    unsigned lo = 0, hi = t->all->len; // those before lo are at or below addr
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
