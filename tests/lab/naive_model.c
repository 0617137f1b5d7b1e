// SPDX-License-Identifier: GPL-3.0-or-later
// The plain model (naive_model.h).
#include "tests/lab/naive_model.h"
#include <glib.h>
#include <string.h>

typedef struct {
    uint64_t page; // in pages of its size
    unsigned bits;
    int asid; // -1: global
} Id;

typedef struct {
    bool valid, writable, prefetched;
    Id id;
    uint64_t used, written;
} Entry;

typedef struct { // what was there and went
    Id id;
    ModelCause why;
    bool writable;
} Gone;

typedef struct {
    ModelPart spec;
    Entry *entry; // set * ways + way
    Entry *shadow;
    unsigned shadows;
    GArray *gone; // Gone
    int *toward;  // PLRU: by set * ways + inner node: the half in which the victim is
    uint64_t random, clock;
} Structure;

typedef struct {
    bool valid;
    unsigned level;
    uint64_t range;
    int asid;
    uint64_t used;
} Pointer;

struct Naive {
    ModelSpec spec;
    ModelTotals t;
    Structure s[MODEL_UNITS][MODEL_PARTS];
    Pointer *pointers; // walk_cache of each level 1..4
    uint64_t clock;
    GArray *rows[3];
};

static const unsigned sizes[MODEL_SIZES] = {12, 16, 21, 30, 39, 48};

static unsigned size_index(unsigned bits)
{
    unsigned i = 0;
    while (sizes[i] != bits)
        i++;
    return i;
}

static bool same(Id a, Id b)
{
    return a.page == b.page && a.bits == b.bits && a.asid == b.asid;
}

Naive *naive_new(const ModelSpec *spec)
{
    Naive *n = g_new0(Naive, 1);
    n->spec = *spec;
    for (unsigned u = 0; u < MODEL_UNITS; u++) {
        for (unsigned k = 0; k < MODEL_PARTS; k++) {
            Structure *s = &n->s[u][k];
            s->spec = spec->part[u][k];
            unsigned entries = s->spec.sets * s->spec.ways;
            s->entry = g_new0(Entry, entries + 1);
            s->shadow = g_new0(Entry, entries + 1);
            s->toward = g_new0(int, entries + 1);
            s->gone = g_array_new(FALSE, FALSE, sizeof(Gone));
            s->random = spec->seed + u * MODEL_PARTS + k;
        }
    }
    n->pointers = g_new0(Pointer, 4 * spec->walk_cache + 1);
    for (unsigned by = 0; by < 3; by++)
        n->rows[by] = g_array_new(FALSE, TRUE, sizeof(ModelRow));
    return n;
}

void naive_free(Naive *n)
{
    for (unsigned u = 0; u < MODEL_UNITS; u++) {
        for (unsigned k = 0; k < MODEL_PARTS; k++) {
            g_free(n->s[u][k].entry);
            g_free(n->s[u][k].shadow);
            g_free(n->s[u][k].toward);
            g_array_free(n->s[u][k].gone, TRUE);
        }
    }
    for (unsigned by = 0; by < 3; by++)
        g_array_free(n->rows[by], TRUE);
    g_free(n->pointers);
    g_free(n);
}

const ModelTotals *naive_totals(const Naive *n)
{
    return &n->t;
}

const ModelRow *naive_rows(const Naive *n, ModelBy by, size_t *count)
{
    *count = n->rows[by]->len;
    return (const ModelRow *)(void *)n->rows[by]->data;
}

static Structure *structure_of(Naive *n, unsigned unit, unsigned bits)
{
    for (unsigned k = 0; k < MODEL_PARTS; k++)
        if (n->s[unit][k].spec.ways && n->s[unit][k].spec.sizes >> bits & 1)
            return &n->s[unit][k];
    return NULL;
}

// --- one structure

static Gone *gone_of(Structure *s, Id id)
{
    for (unsigned i = 0; i < s->gone->len; i++)
        if (same(g_array_index(s->gone, Gone, i).id, id))
            return &g_array_index(s->gone, Gone, i);
    return NULL;
}

static void remember(Structure *s, const Entry *e, ModelCause why)
{
    Gone *g = gone_of(s, e->id);
    if (g) {
        g->why = why;
        g->writable = e->writable;
    } else {
        g_array_append_val(s->gone, ((Gone){e->id, why, e->writable}));
    }
}

static void plru_used(Structure *s, unsigned set, unsigned node, unsigned low, unsigned high, unsigned way)
{
    if (high - low == 1)
        return;
    unsigned middle = (low + high) / 2;
    bool right = way >= middle;
    s->toward[set * s->spec.ways + node] = !right;
    plru_used(s, set, node * 2 + right, right ? middle : low, right ? high : middle, way);
}

static unsigned plru_victim(Structure *s, unsigned set, unsigned node, unsigned low, unsigned high)
{
    if (high - low == 1)
        return low;
    unsigned middle = (low + high) / 2;
    bool right = s->toward[set * s->spec.ways + node];
    return plru_victim(s, set, node * 2 + right, right ? middle : low, right ? high : middle);
}

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void shadow_use(Structure *s, Id id)
{
    unsigned entries = s->spec.sets * s->spec.ways, at = entries;
    for (unsigned i = 0; i < entries; i++)
        if (s->shadow[i].valid && same(s->shadow[i].id, id))
            at = i;
    for (unsigned i = 0; i < entries && at == entries; i++)
        if (!s->shadow[i].valid)
            at = i;
    if (at == entries) {
        at = 0;
        for (unsigned i = 1; i < entries; i++)
            if (s->shadow[i].used < s->shadow[at].used)
                at = i;
    }
    s->shadow[at] = (Entry){.valid = true, .id = id, .used = ++s->clock};
}

static void use(Structure *s, unsigned at)
{
    unsigned ways = s->spec.ways;
    s->entry[at].used = ++s->clock;
    if (s->spec.policy == POLICY_PLRU)
        plru_used(s, at / ways, 1, 0, ways, at % ways);
    shadow_use(s, s->entry[at].id);
}

static unsigned victim(Structure *s, unsigned set)
{
    unsigned ways = s->spec.ways, best = 0;
    Entry *e = s->entry + set * ways;
    if (s->spec.policy == POLICY_PLRU)
        return plru_victim(s, set, 1, 0, ways);
    if (s->spec.policy == POLICY_RANDOM)
        return (unsigned)((double)ways * (double)(splitmix(&s->random) >> 11) / 9007199254740992.0);
    for (unsigned w = 1; w < ways; w++)
        if (s->spec.policy == POLICY_LRU ? e[w].used < e[best].used : e[w].written < e[best].written)
            best = w;
    return best;
}

static void fill(Structure *s, Id id, bool writable, bool prefetched)
{
    unsigned ways = s->spec.ways, set = id.page % s->spec.sets, way = ways;
    for (unsigned w = ways; w-- > 0;)
        if (!s->entry[set * ways + w].valid)
            way = w;
    if (way == ways) {
        way = victim(s, set);
        remember(s, &s->entry[set * ways + way], CAUSE_CAPACITY);
    }
    s->entry[set * ways + way] = (Entry){true, writable, prefetched, id, 0, ++s->clock};
    use(s, set * ways + way);
}

// MODEL_CAUSES: a hit.
static unsigned ask(Naive *n, Structure *s, Id id, const LabAccess *a, bool *there)
{
    *there = false;
    if (a->fault)
        return CAUSE_FAULT;
    if (!s)
        return CAUSE_SIZE;
    unsigned entries = s->spec.sets * s->spec.ways;
    for (unsigned i = 0; i < entries; i++) {
        Entry *e = &s->entry[i];
        if (!e->valid || !same(e->id, id))
            continue;
        *there = true;
        bool upgrade = a->kind == ACCESS_WRITE && !e->writable;
        if (upgrade) {
            e->writable = true;
            e->written = ++s->clock;
        } else {
            n->t.prefetch_hits += e->prefetched;
        }
        e->prefetched = false;
        use(s, i);
        return upgrade ? CAUSE_UPGRADE : MODEL_CAUSES;
    }
    Gone *g = gone_of(s, id);
    if (!g)
        return CAUSE_COLD;
    for (unsigned i = 0; i < entries && g->why == CAUSE_CAPACITY; i++)
        if (s->shadow[i].valid && same(s->shadow[i].id, id))
            return CAUSE_CONFLICT;
    return g->why;
}

static void flush(Structure *s, bool by_va, uint64_t va, int asid, bool globals, ModelCause why)
{
    unsigned entries = s->spec.sets * s->spec.ways;
    for (unsigned i = 0; i < entries; i++) {
        for (unsigned k = 0; k < 2; k++) {
            Entry *e = k ? &s->shadow[i] : &s->entry[i];
            if (!e->valid || (by_va && va >> e->id.bits != e->id.page) ||
                (e->id.asid < 0 ? !globals : asid >= 0 && e->id.asid != asid))
                continue;
            e->valid = false;
            if (!k)
                remember(s, e, why);
        }
    }
}

// --- walks

static Pointer *pointer_of(Naive *n, unsigned level, const LabAccess *a)
{
    Pointer *p = n->pointers + (level - 1) * n->spec.walk_cache;
    for (unsigned i = 0; i < n->spec.walk_cache; i++)
        if (p[i].valid && p[i].range == a->va >> (12 + 9 * level) && p[i].asid == a->asid)
            return &p[i];
    return NULL;
}

static void point(Naive *n, unsigned level, const LabAccess *a)
{
    Pointer *p = n->pointers + (level - 1) * n->spec.walk_cache, *best = p;
    for (unsigned i = 0; i < n->spec.walk_cache; i++)
        if (best->valid && (!p[i].valid || p[i].used < best->used))
            best = &p[i];
    if (n->spec.walk_cache)
        *best = (Pointer){true, level, a->va >> (12 + 9 * level), a->asid, ++n->clock};
}

static void walk(Naive *n, const LabAccess *a)
{
    unsigned leaf = a->fault || a->bits == 12 || a->bits == 16 ? 0 : a->bits == 21 ? 1 : a->bits == 30 ? 2
                    : a->bits == 39 ? 3 : 4;
    unsigned begin = a->levels;
    n->t.walks++;
    for (unsigned level = a->levels - 1; level > leaf; level--) {
        Pointer *p = pointer_of(n, level, a);
        if (p)
            begin = level;
    }
    if (begin < a->levels) {
        n->t.walk_cache_hits++;
        pointer_of(n, begin, a)->used = ++n->clock;
    }
    n->t.walk_reads += begin - leaf;
    for (unsigned level = begin - 1; !a->fault && level > leaf; level--)
        point(n, level, a);
}

// --- counting

static void count(ModelCounts *c, unsigned cause, uint64_t times)
{
    c->accesses += times;
    if (cause == MODEL_CAUSES) {
        c->hits += times;
        return;
    }
    c->misses += times;
    c->cause[cause] += times;
}

static void count_row(Naive *n, ModelBy by, uint64_t key, uint32_t space, MemAccess kind, unsigned cause,
                      uint64_t times)
{
    GArray *rows = n->rows[by];
    unsigned i = 0;
    while (i < rows->len && (g_array_index(rows, ModelRow, i).key != key ||
                             g_array_index(rows, ModelRow, i).space != space))
        i++;
    if (i == rows->len)
        g_array_append_val(rows, ((ModelRow){.key = key, .space = space}));
    count(&g_array_index(rows, ModelRow, i).kind[kind], cause, times);
}

static void count_all(Naive *n, const LabAccess *a, MemAccess kind, unsigned cause, uint64_t times)
{
    unsigned unit = kind == ACCESS_FETCH ? MODEL_L1I : MODEL_L1D;
    count(&n->t.unit[unit][kind][a->priv][size_index(a->bits)], cause, times);
    count_row(n, MODEL_BY_ASID, !a->translated ? MODEL_BARE : a->global ? UINT64_MAX : a->asid, 0, kind, cause, times);
    count_row(n, MODEL_BY_SITE, a->site, 0, kind, cause, times);
    count_row(n, MODEL_BY_PAGE, a->va >> a->bits << a->bits, a->global ? 0 : a->space, kind, cause, times);
}

static void on_access(void *opaque, const LabAccess *a)
{
    Naive *n = opaque;
    unsigned unit = a->kind == ACCESS_FETCH ? MODEL_L1I : MODEL_L1D;
    if (a->cross)
        n->t.crossings[a->kind]++;
    else if (a->kind == ACCESS_READ)
        n->t.loads++;
    else if (a->kind == ACCESS_WRITE)
        n->t.stores++;
    else
        n->t.fetches++;
    n->t.untranslated[a->kind][a->priv] += !a->translated;
    if (!a->translated && !n->spec.bare)
        return;
    Id id = {a->va >> a->bits, a->bits, a->global || !a->translated ? -1 : a->asid};
    Structure *s1 = structure_of(n, unit, a->bits), *s2 = structure_of(n, MODEL_L2, a->bits);
    bool l2 = n->spec.part[MODEL_L2][0].ways, there1, there2 = false;
    unsigned cause = ask(n, s1, id, a, &there1), last = cause;
    count_all(n, a, a->kind, cause, 1);
    if (cause == MODEL_CAUSES)
        return;
    if (l2) {
        last = ask(n, s2, id, a, &there2);
        count(&n->t.unit[MODEL_L2][a->kind][a->priv][size_index(a->bits)], last, 1);
    }
    if (last != MODEL_CAUSES && !a->translated)
        n->t.untranslated_misses++;
    else if (last != MODEL_CAUSES)
        walk(n, a);
    if (a->fault)
        return;
    Structure *target = l2 ? s2 : s1;
    for (unsigned k = 1; target && cause != CAUSE_UPGRADE && k <= n->spec.prefetch; k++) {
        Id next = {id.page + k, id.bits, id.asid};
        Gone *g = gone_of(target, next);
        bool present = false;
        for (unsigned i = 0; i < target->spec.sets * target->spec.ways; i++)
            present |= target->entry[i].valid && same(target->entry[i].id, next);
        if (present || !g || g->why != CAUSE_CAPACITY)
            continue;
        n->t.prefetches++;
        fill(target, next, g->writable, true);
    }
    if (s2 && !there2)
        fill(s2, id, a->writable, false);
    if (!there1)
        fill(s1, id, a->writable, false);
}

static void on_repeat(void *opaque, const LabAccess *a, uint64_t loads, uint64_t stores)
{
    Naive *n = opaque;
    uint64_t times[ACCESS_KINDS] = {loads, stores, 0};
    if (a->kind == ACCESS_FETCH) {
        times[ACCESS_READ] = 0;
        times[ACCESS_FETCH] = loads;
    }
    n->t.loads += times[ACCESS_READ];
    n->t.stores += times[ACCESS_WRITE];
    n->t.fetches += times[ACCESS_FETCH];
    for (unsigned kind = 0; kind < ACCESS_KINDS; kind++) {
        if (!a->translated)
            n->t.untranslated[kind][a->priv] += times[kind];
        if (times[kind] && (a->translated || n->spec.bare))
            count_all(n, a, kind, MODEL_CAUSES, times[kind]);
    }
}

static void flush_pointers(Naive *n, int asid)
{
    for (unsigned i = 0; i < 4 * n->spec.walk_cache; i++)
        if (asid < 0 || n->pointers[i].asid == asid)
            n->pointers[i].valid = false;
}

static void on_flush(void *opaque, LabFlush what, gva_t va, uint16_t asid)
{
    Naive *n = opaque;
    bool by_va = what == LAB_FLUSH_VA || what == LAB_FLUSH_VA_ASID;
    bool by_asid = what == LAB_FLUSH_ASID || what == LAB_FLUSH_VA_ASID;
    ModelCause why = by_va ? CAUSE_FLUSH_VA : by_asid ? CAUSE_FLUSH_ASID
                     : what == LAB_FLUSH_ALL ? CAUSE_FLUSH_ALL : CAUSE_OTHER;
    n->t.flushes[what]++;
    for (unsigned u = 0; u < MODEL_UNITS; u++)
        for (unsigned k = 0; k < MODEL_PARTS; k++)
            flush(&n->s[u][k], by_va, va, by_asid && n->spec.asid ? asid : -1, !by_asid, why);
    if (!by_va)
        flush_pointers(n, by_asid && n->spec.asid ? asid : -1);
}

static void on_space(void *opaque, uint32_t space, uint16_t asid)
{
    Naive *n = opaque;
    (void)space, (void)asid;
    n->t.space_changes++;
    if (n->spec.asid)
        return;
    for (unsigned u = 0; u < MODEL_UNITS; u++)
        for (unsigned k = 0; k < MODEL_PARTS; k++)
            flush(&n->s[u][k], false, 0, -1, false, CAUSE_SATP);
    flush_pointers(n, -1);
}

LabListener naive_listener(Naive *n)
{
    return (LabListener){.opaque = n, .access = on_access, .repeat = on_repeat, .flush = on_flush, .space = on_space};
}
