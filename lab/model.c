// SPDX-License-Identifier: GPL-3.0-or-later
// The model: each look-up of a hart's stream through the structures, counted.
#include "lab/model_private.h"

Model *model_new(const ModelSpec *spec)
{
    Model *m = g_new0(Model, 1);
    m->spec = *spec;
    for (unsigned unit = 0; unit < MODEL_UNITS; unit++) {
        for (unsigned n = 0; n < MODEL_PARTS; n++) {
            const ModelPart *part = &spec->part[unit][n];
            if (!part->ways)
                continue;
            part_init(&m->part[unit][n], part, spec->seed + unit * MODEL_PARTS + n);
            for (unsigned size = 0; size < LAB_SIZES; size++)
                if (part->sizes >> lab_size_bits[size] & 1)
                    m->of_size[unit][size] = &m->part[unit][n];
            m->has_l2 |= unit == MODEL_L2;
        }
    }
    walk_init(&m->walk, spec->walk_cache);
    m->rows = rows_new();
    return m;
}

void model_free(Model *m)
{
    if (!m)
        return;
    for (unsigned unit = 0; unit < MODEL_UNITS; unit++)
        for (unsigned n = 0; n < MODEL_PARTS; n++)
            part_deinit(&m->part[unit][n]);
    walk_deinit(&m->walk);
    rows_free(m->rows);
    g_free(m);
}

// --- look-ups

static inline void count(ModelCounts *c, unsigned cause)
{
    c->accesses++;
    if (cause == MODEL_HIT) {
        c->hits++;
    } else {
        c->misses++;
        c->cause[cause]++;
    }
}

// A hit, or why not. *way: the entry, if it is there. p: NULL if pages of this size are not kept.
static inline unsigned ask(Model *m, Part *p, uint64_t key, const LabAccess *a, Way **way)
{
    *way = NULL;
    if (a->fault)
        return CAUSE_FAULT;
    if (!p)
        return CAUSE_SIZE;
    uint32_t n = part_lookup(p, key);
    if (n == NO_WAY)
        return part_why(p, key);
    Way *w = *way = &p->way[n];
    if (a->kind == ACCESS_WRITE && !w->writable) {
        w->writable = true;
        w->prefetched = false;
        part_renew(p, n);
        return CAUSE_UPGRADE;
    }
    if (w->prefetched) {
        w->prefetched = false;
        m->totals.prefetch_hits++;
    }
    part_touch(p, n);
    return MODEL_HIT;
}

static void prefetch(Model *m, ModelUnit unit, const LabAccess *a, unsigned size)
{
    Part *p = m->of_size[m->has_l2 ? MODEL_L2 : unit][size];
    bool global = a->global || !a->translated;
    for (unsigned n = 1; p && n <= m->spec.prefetch; n++) {
        gva_t va = a->va + ((uint64_t)n << a->bits);
        m->totals.prefetches += part_prefetch(p, part_key(va, a->bits, a->asid, global), part_set(p, va, a->bits));
    }
}

static void last_level_missed(Model *m, const LabAccess *a)
{
    bool hit;
    if (!a->translated) {
        m->totals.untranslated_misses++;
        return;
    }
    m->totals.walks++;
    m->totals.walk_reads += walk_do(&m->walk, a, &hit);
    m->totals.walk_cache_hits += hit;
}

// The first level missed. A structure that has no entry for the page, and may, gets one.
static void miss(Model *m, ModelUnit unit, unsigned cause, uint64_t key, const LabAccess *a, unsigned size)
{
    Part *first = m->of_size[unit][size], *second = m->of_size[MODEL_L2][size];
    Way *there = NULL;
    unsigned below = cause;
    if (m->has_l2) {
        below = ask(m, second, key, a, &there);
        count(&m->totals.unit[MODEL_L2][a->kind][a->priv][size], below);
    }
    if (below != MODEL_HIT)
        last_level_missed(m, a);
    if (a->fault)
        return;
    if (m->spec.prefetch && cause != CAUSE_UPGRADE)
        prefetch(m, unit, a, size);
    if (second && !there)
        part_fill(second, key, part_set(second, a->va, a->bits), a->writable);
    if (cause != CAUSE_UPGRADE)
        part_fill(first, key, part_set(first, a->va, a->bits), a->writable);
}

static void count_rows(Model *m, const LabAccess *a, unsigned cause, Way *way)
{
    bool fetch = a->kind == ACCESS_FETCH;
    uint32_t space = a->global ? 0 : a->space;
    uint64_t asid = !a->translated ? MODEL_BARE : a->global ? UINT64_MAX : a->asid;
    Row **last = m->last[fetch];
    if (!last[MODEL_BY_ASID] || last[MODEL_BY_ASID]->key != asid)
        last[MODEL_BY_ASID] = rows_of_asid(m->rows, asid);
    last[MODEL_BY_SITE] = rows_of_site(m->rows, a->site);
    if (way && way->row && way->row->space == space)
        last[MODEL_BY_PAGE] = way->row;
    else
        last[MODEL_BY_PAGE] = rows_of_page(m->rows, a->va >> a->bits << a->bits, space);
    if (way)
        way->row = last[MODEL_BY_PAGE];
    for (unsigned by = 0; by < MODEL_BYS; by++)
        rows_count(m->rows, last[by], a->kind, cause);
}

static void on_access(void *opaque, const LabAccess *a)
{
    Model *m = opaque;
    ModelTotals *t = &m->totals;
    if (a->cross)
        t->crossings[a->kind]++;
    else if (a->kind == ACCESS_FETCH)
        t->fetches++;
    else
        *(a->kind == ACCESS_READ ? &t->loads : &t->stores) += 1;
    if (!a->translated) {
        t->untranslated[a->kind][a->priv]++;
        if (!m->spec.bare)
            return;
    }
    unsigned size = lab_size_index[a->bits];
    ModelUnit unit = a->kind == ACCESS_FETCH ? MODEL_L1I : MODEL_L1D;
    uint64_t key = part_key(a->va, a->bits, a->asid, a->global || !a->translated);
    Way *way;
    unsigned cause = ask(m, m->of_size[unit][size], key, a, &way);
    count(&t->unit[unit][a->kind][a->priv][size], cause);
    count_rows(m, a, cause, way);
    if (cause != MODEL_HIT)
        miss(m, unit, cause, key, a, size);
}

// More of the same: hits, whatever the structure.
static void repeats(Model *m, const LabAccess *a, MemAccess kind, uint64_t n)
{
    if (!a->translated) {
        m->totals.untranslated[kind][a->priv] += n;
        if (!m->spec.bare)
            return;
    }
    ModelUnit unit = kind == ACCESS_FETCH ? MODEL_L1I : MODEL_L1D;
    ModelCounts *c = &m->totals.unit[unit][kind][a->priv][lab_size_index[a->bits]];
    c->accesses += n;
    c->hits += n;
    for (unsigned by = 0; by < MODEL_BYS; by++)
        m->last[kind == ACCESS_FETCH][by]->hits[kind] += n;
}

static void on_repeat(void *opaque, const LabAccess *a, uint64_t loads, uint64_t stores)
{
    Model *m = opaque;
    if (a->kind == ACCESS_FETCH) {
        m->totals.fetches += loads;
        repeats(m, a, ACCESS_FETCH, loads);
        return;
    }
    m->totals.loads += loads;
    m->totals.stores += stores;
    if (loads)
        repeats(m, a, ACCESS_READ, loads);
    if (stores)
        repeats(m, a, ACCESS_WRITE, stores);
}

// --- flushes

static void flush_part(const Model *m, Part *p, LabFlush what, gva_t va, uint16_t asid)
{
    switch (what) {
    case LAB_FLUSH_ALL:
        part_flush_all(p, true, CAUSE_FLUSH_ALL);
        break;
    case LAB_FLUSH_VA:
        part_flush_va(p, va, -1, true, CAUSE_FLUSH_VA);
        break;
    case LAB_FLUSH_ASID:
        if (m->spec.asid)
            part_flush_asid(p, asid, CAUSE_FLUSH_ASID);
        else
            part_flush_all(p, false, CAUSE_FLUSH_ASID);
        break;
    case LAB_FLUSH_VA_ASID:
        part_flush_va(p, va, m->spec.asid ? asid : -1, false, CAUSE_FLUSH_VA);
        break;
    case LAB_FLUSH_RESET:
    case LAB_FLUSH_PMP:
        part_flush_all(p, true, CAUSE_OTHER);
        break;
    }
}

static void on_flush(void *opaque, LabFlush what, gva_t va, uint16_t asid)
{
    Model *m = opaque;
    m->totals.flushes[what]++;
    for (unsigned unit = 0; unit < MODEL_UNITS; unit++)
        for (unsigned n = 0; n < MODEL_PARTS; n++)
            if (m->part[unit][n].entries)
                flush_part(m, &m->part[unit][n], what, va, asid);
    if (what == LAB_FLUSH_ASID && m->spec.asid)
        walk_flush_asid(&m->walk, asid);
    else if (what != LAB_FLUSH_VA && what != LAB_FLUSH_VA_ASID)
        walk_flush_all(&m->walk);
}

static void on_space(void *opaque, uint32_t space, uint16_t asid)
{
    Model *m = opaque;
    (void)space, (void)asid;
    m->totals.space_changes++;
    if (m->spec.asid)
        return;
    for (unsigned unit = 0; unit < MODEL_UNITS; unit++)
        for (unsigned n = 0; n < MODEL_PARTS; n++)
            if (m->part[unit][n].entries)
                part_flush_all(&m->part[unit][n], false, CAUSE_SATP);
    walk_flush_all(&m->walk);
}

// --- time

static void on_time(void *opaque, uint64_t insns)
{
    Model *m = opaque;
    if (!m->timed) {
        m->timed = true;
        m->begin = insns;
    }
    m->totals.insns = insns - m->begin;
}

static void on_end(void *opaque, uint64_t insns, uint64_t loads, uint64_t stores)
{
    Model *m = opaque;
    on_time(m, insns);
    m->ended = true;
    m->end_loads = loads;
    m->end_stores = stores;
}

LabListener model_listener(Model *m)
{
    return (LabListener){.opaque = m, .access = on_access, .repeat = on_repeat, .flush = on_flush, .space = on_space,
                         .time = on_time, .end = on_end};
}

const ModelTotals *model_totals(const Model *m)
{
    return &m->totals;
}

ModelRow *model_rows(const Model *m, ModelBy by, size_t *n)
{
    return rows_sorted(m->rows, by, n);
}
