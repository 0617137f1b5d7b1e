// SPDX-License-Identifier: GPL-3.0-or-later
// A structure's entries: look-up, filling, flushing.
//
// A look-up tries a table of ways where keys were found before; what that says counts only if the way has the key.
// Behind it is a hash table of everything that was ever asked for, each with the way where it is: so the cost does not
// depend on the associativity, and a miss finds its cause at the same place.
#include "lab/model_part.h"
#include <string.h>

void part_init(Part *p, const ModelPart *spec, uint64_t seed)
{
    *p = (Part){.spec = *spec, .entries = spec->sets * spec->ways};
    p->way = g_new0(Way, p->entries);
    p->set = g_new(WaySet, spec->sets);
    for (uint32_t i = 0; i < spec->sets; i++)
        p->set[i] = (WaySet){0, 0, NO_WAY, NO_WAY};
    unsigned front_bits = 6;
    while (1u << front_bits < p->entries * 4)
        front_bits++;
    p->front_shift = 64 - front_bits;
    p->front = g_new0(uint32_t, (size_t)1 << front_bits);
    p->room = 64;
    p->node = g_new(Node, p->room);
    p->table_mask = 127;
    p->table = g_new0(uint64_t, p->table_mask + 1);
    policy_init(p, seed);
    shadow_init(p);
}

void part_deinit(Part *p)
{
    g_free(p->way);
    g_free(p->set);
    g_free(p->front);
    g_free(p->node);
    g_free(p->table);
    g_free(p->tree);
    g_free(p->shadow);
}

// --- nodes

static void grow_table(Part *p)
{
    uint64_t old_mask = p->table_mask;
    uint64_t *old = p->table;
    p->table_mask = old_mask * 2 + 1;
    p->table = g_new0(uint64_t, p->table_mask + 1);
    for (uint64_t i = 0; i <= old_mask; i++) {
        if (!old[i])
            continue;
        uint64_t k = part_hash(p->node[(uint32_t)old[i] - 1].key) >> 20;
        while (p->table[k & p->table_mask])
            k++;
        p->table[k & p->table_mask] = old[i];
    }
    g_free(old);
}

// The node of key; a new one if there is none and `make`, else NO_WAY.
static uint32_t node_of(Part *p, uint64_t key, bool make)
{
    uint64_t hash = part_hash(key), i = hash >> 20;
    for (;; i++) {
        uint64_t word = p->table[i & p->table_mask];
        if (!word)
            break;
        if (word >> 32 == hash >> 32 && p->node[(uint32_t)word - 1].key == key)
            return (uint32_t)word - 1;
    }
    if (!make)
        return NO_WAY;
    if (p->nodes == p->room) {
        p->room *= 2;
        p->node = g_renew(Node, p->node, p->room);
    }
    p->node[p->nodes] = (Node){.key = key, .way = NO_WAY, .shadow = NO_WAY, .gone = CAUSE_COLD};
    p->table[i & p->table_mask] = hash >> 32 << 32 | ++p->nodes;
    if ((uint64_t)p->nodes * 2 > p->table_mask)
        grow_table(p);
    return p->nodes - 1;
}

// --- look-up and filling

uint32_t part_find(Part *p, uint64_t key)
{
    uint32_t node = node_of(p, key, false);
    if (node == NO_WAY || p->node[node].way == NO_WAY)
        return NO_WAY;
    return p->front[part_hash(key) >> p->front_shift] = p->node[node].way;
}

void part_renew(Part *p, uint32_t way)
{
    if (p->spec.policy == POLICY_FIFO)
        policy_newest(p, way);
    part_touch(p, way);
}

static void remove_way(Part *p, uint32_t way, ModelCause cause)
{
    Way *w = &p->way[way];
    WaySet *s = &p->set[way / p->spec.ways];
    policy_removed(p, way);
    p->node[w->node].way = NO_WAY;
    p->node[w->node].gone = cause;
    p->node[w->node].writable = w->writable;
    w->key = 0;
    s->used--;
    s->hole = MIN(s->hole, way % p->spec.ways);
    if (cause == CAUSE_CAPACITY)
        p->replaced++;
    else
        p->flushed++;
}

uint32_t part_fill(Part *p, uint64_t key, uint32_t set, bool writable)
{
    WaySet *s = &p->set[set];
    uint32_t node = node_of(p, key, true), way;
    if (s->used == p->spec.ways) {
        way = policy_victim(p, set);
        remove_way(p, way, CAUSE_CAPACITY);
    } else {
        way = set * p->spec.ways + s->hole;
        while (p->way[way].key)
            way++;
    }
    s->used++;
    s->hole = way % p->spec.ways + 1;
    Way *w = &p->way[way];
    *w = (Way){.key = key, .node = node, .writable = writable};
    p->node[node].way = way;
    p->front[part_hash(key) >> p->front_shift] = way;
    p->filled++;
    policy_filled(p, way);
    if (p->shadow)
        shadow_touch(p, node);
    return way;
}

bool part_prefetch(Part *p, uint64_t key, uint32_t set)
{
    uint32_t node = node_of(p, key, false);
    if (node == NO_WAY || p->node[node].way != NO_WAY || p->node[node].gone != CAUSE_CAPACITY)
        return false;
    p->way[part_fill(p, key, set, p->node[node].writable)].prefetched = true;
    return true;
}

// --- flushes

typedef struct {
    bool any_va;
    uint64_t page; // of the address << 1 | 1, as in keys
    int asid;      // < 0: any
    bool globals;
} Filter;

static bool matches(const Filter *f, uint64_t key)
{
    if (!key)
        return false;
    if (key & KEY_GLOBAL) {
        if (!f->globals)
            return false;
    } else if (f->asid >= 0 && (key >> 1 & 0xffff) != (unsigned)f->asid) {
        return false;
    }
    uint64_t page = key >> KEY_SHIFT;
    return f->any_va || (page ^ f->page) << KEY_SHIFT >> KEY_SHIFT >> (__builtin_ctzll(page) + 1) == 0;
}

static void flush_ways(Part *p, uint32_t first, uint32_t n, const Filter *f, ModelCause cause)
{
    for (uint32_t way = first; way < first + n; way++)
        if (matches(f, p->way[way].key))
            remove_way(p, way, cause);
}

static void flush_shadow(Part *p, const Filter *f)
{
    if (!p->shadow || p->shadow_newest == NO_WAY)
        return;
    for (uint32_t slot = 0; slot < p->shadow_used; slot++)
        if (matches(f, p->shadow[slot].key))
            shadow_remove(p, slot);
}

void part_flush_all(Part *p, bool globals, ModelCause cause)
{
    Filter f = {.any_va = true, .asid = -1, .globals = globals};
    if (p->filled != p->replaced + p->flushed)
        flush_ways(p, 0, p->entries, &f, cause);
    flush_shadow(p, &f);
}

void part_flush_asid(Part *p, uint16_t asid, ModelCause cause)
{
    Filter f = {.any_va = true, .asid = asid};
    flush_ways(p, 0, p->entries, &f, cause);
    flush_shadow(p, &f);
}

void part_flush_va(Part *p, gva_t va, int asid, bool globals, ModelCause cause)
{
    Filter f = {.page = va >> PAGE_BITS << 1 | 1, .asid = asid, .globals = globals};
    for (unsigned size = 0; size < LAB_SIZES; size++) {
        if (!(p->spec.sizes >> lab_size_bits[size] & 1))
            continue;
        flush_ways(p, part_set(p, va, lab_size_bits[size]) * p->spec.ways, p->spec.ways, &f, cause);
        if (p->spec.sets == 1)
            break;
    }
    flush_shadow(p, &f);
}

// --- checks

const char *part_check(const Part *p)
{
    uint64_t valid = 0;
    for (uint32_t set = 0; set < p->spec.sets; set++) {
        uint32_t used = 0;
        for (uint32_t k = 0; k < p->spec.ways; k++) {
            const Way *w = &p->way[set * p->spec.ways + k];
            used += w->key != 0;
            if (w->key && (p->node[w->node].key != w->key || p->node[w->node].way != set * p->spec.ways + k))
                return "an entry is not where it is said to be";
            if (!w->key && k < p->set[set].hole)
                return "a free way is not known";
        }
        if (used != p->set[set].used)
            return "a set counts its entries wrongly";
        valid += used;
    }
    if (p->filled != p->replaced + p->flushed + valid)
        return "entries were lost";
    return NULL;
}
