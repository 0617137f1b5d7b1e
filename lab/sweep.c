// SPDX-License-Identifier: GPL-3.0-or-later
// The front of a sweep: says of each access which page-table entry it needs, and of each flush which entries it takes
// away. Units count that, for both sides, for one set and for more, each in a thread of its own a batch behind.
#include "lab/sweep_private.h"

#include <string.h>

#define BATCH 16384 // items of a side

typedef struct {
    SweepItem items[SWEEP_SIDES][BATCH];
    size_t n[SWEEP_SIDES];
    uint32_t ids;
} Batch;

typedef struct {
    Sweep *sweep;
    const Batch *batch;
    SweepSide side;
    bool full; // the unit for one set, else that for more
} Task;

struct Sweep {
    SweepConfig config;
    SweepPages pages;
    SweepFull *full[SWEEP_SIDES];
    SweepSets *sets[SWEEP_SIDES];
    uint64_t accesses[SWEEP_SIDES][ACCESS_KINDS], faults[SWEEP_SIDES][ACCESS_KINDS];
    uint64_t refs[SWEEP_SIDES][ACCESS_KINDS]; // that units got
    Batch batch[2], *filling;                 // the other one is being counted
    Task tasks[2 * SWEEP_SIDES];
    GMutex lock;
    GCond done;
    unsigned running; // tasks. Under lock
};

// --- threads ---------------------------------------------------------------------------------------------------

static void do_job(gpointer data, gpointer user)
{
    Task *t = data;
    (void)user;
    const SweepItem *items = t->batch->items[t->side];
    size_t n = t->batch->n[t->side];
    if (t->full)
        sweep_full_feed(t->sweep->full[t->side], items, n, t->batch->ids);
    else
        sweep_sets_feed(t->sweep->sets[t->side], items, n, t->batch->ids);
    g_mutex_lock(&t->sweep->lock);
    t->sweep->running--;
    g_cond_signal(&t->sweep->done);
    g_mutex_unlock(&t->sweep->lock);
}

// For all sweeps together.
static GThreadPool *need_pool(void)
{
    static gsize pool;
    if (g_once_init_enter(&pool))
        g_once_init_leave(&pool, (gsize)g_thread_pool_new(do_job, NULL, (gint)g_get_num_processors(), FALSE, NULL));
    return (GThreadPool *)pool;
}

static void wait_units(Sweep *s)
{
    g_mutex_lock(&s->lock);
    while (s->running)
        g_cond_wait(&s->done, &s->lock);
    g_mutex_unlock(&s->lock);
}

// Gives the batch to the units, when they are done with the one before.
static void hand_over(Sweep *s)
{
    Batch *b = s->filling;
    wait_units(s);
    b->ids = s->pages.n;
    for (unsigned i = 0; i < G_N_ELEMENTS(s->tasks); i++) {
        Task *t = &s->tasks[i];
        *t = (Task){s, b, (SweepSide)(i / 2), i % 2};
        if (!b->n[t->side])
            continue;
        g_mutex_lock(&s->lock);
        s->running++;
        g_mutex_unlock(&s->lock);
        g_thread_pool_push(need_pool(), t, NULL);
    }
    s->filling = &s->batch[b == s->batch];
    memset(s->filling->n, 0, sizeof s->filling->n);
}

static void put(Sweep *s, SweepSide side, uint32_t id, uint32_t what)
{
    if (s->filling->n[side] == BATCH)
        hand_over(s);
    uint32_t index = (uint32_t)(id ? s->pages.page[id].page >> 3 : 0);
    s->filling->items[side][s->filling->n[side]++] = (SweepItem){id, index, what};
}

// Everything that was put is counted.
static void finish(Sweep *s)
{
    hand_over(s);
    wait_units(s);
}

// --- the stream ------------------------------------------------------------------------------------------------

static SweepSide side_of(MemAccess kind)
{
    return kind == ACCESS_FETCH ? SWEEP_FETCH : SWEEP_DATA;
}

static bool looked_up(const Sweep *s, const LabAccess *a)
{
    return (a->translated || s->config.bare) && (s->config.sizes >> a->bits & 1);
}

static void on_access(void *opaque, const LabAccess *a)
{
    Sweep *s = opaque;
    SweepSide side = side_of(a->kind);
    if (!looked_up(s, a))
        return;
    s->accesses[side][a->kind]++;
    if (a->fault) {
        s->faults[side][a->kind]++;
        return;
    }
    s->refs[side][a->kind]++;
    uint32_t asid = a->global || !a->translated ? SWEEP_GLOBAL : s->config.asid ? a->asid : 0;
    uint32_t id = sweep_pages_find(&s->pages, a->va, lab_size_of(a->bits), asid);
    const SweepPage *p = &s->pages.page[id];
    bool new = !(p->valid >> side & 1), writable = a->writable || !a->translated || a->kind == ACCESS_WRITE;
    if (new)
        sweep_pages_validate(&s->pages, id, side);
    put(s, side, id, (uint32_t)a->kind | (new ? SWEEP_NEW : 0) | (writable ? SWEEP_WRITABLE : 0) |
                         (uint32_t)p->group << SWEEP_GROUP_SHIFT);
}

static void on_repeat(void *opaque, const LabAccess *a, uint64_t loads, uint64_t stores)
{
    Sweep *s = opaque;
    if (!looked_up(s, a))
        return;
    if (a->kind == ACCESS_FETCH) {
        s->accesses[SWEEP_FETCH][ACCESS_FETCH] += loads;
    } else {
        s->accesses[SWEEP_DATA][ACCESS_READ] += loads;
        s->accesses[SWEEP_DATA][ACCESS_WRITE] += stores;
    }
}

static void drop(Sweep *s, uint32_t id)
{
    for (unsigned side = 0; side < SWEEP_SIDES; side++)
        if (s->pages.page[id].valid >> side & 1)
            put(s, side, id, SWEEP_GONE);
    sweep_pages_invalidate(&s->pages, id);
}

static void drop_asid(Sweep *s, uint32_t asid)
{
    while (s->pages.lists[asid])
        drop(s, s->pages.lists[asid]);
}

static void drop_all(Sweep *s)
{
    sweep_pages_invalidate_all(&s->pages);
    for (unsigned side = 0; side < SWEEP_SIDES; side++)
        put(s, side, 0, SWEEP_RESET);
}

// The entries that contain va; asid: only those of it, and no global one; or UINT32_MAX: all.
static void drop_va(Sweep *s, gva_t va, uint32_t asid)
{
    for (unsigned size = 0; size < LAB_SIZES; size++)
        for (uint32_t id = sweep_pages_first(&s->pages, va, size); id; id = s->pages.page[id].next)
            if (asid == UINT32_MAX || s->pages.page[id].asid == asid)
                drop(s, id);
}

static void on_flush(void *opaque, LabFlush what, gva_t va, uint16_t asid)
{
    Sweep *s = opaque;
    uint32_t tag = s->config.asid ? asid : 0;
    switch (what) {
    case LAB_FLUSH_VA:
        drop_va(s, va, UINT32_MAX);
        break;
    case LAB_FLUSH_ASID:
        drop_asid(s, tag);
        break;
    case LAB_FLUSH_VA_ASID:
        drop_va(s, va, tag);
        break;
    default:
        drop_all(s);
    }
}

static void on_space(void *opaque, uint32_t space, uint16_t asid)
{
    Sweep *s = opaque;
    (void)space;
    (void)asid;
    if (!s->config.asid)
        drop_asid(s, 0);
}

// --- the sweep -------------------------------------------------------------------------------------------------

Sweep *sweep_new(const SweepConfig *config)
{
    Sweep *s = g_new0(Sweep, 1);
    g_assert(config->max_set_bits <= SWEEP_MAX_SET_BITS && config->max_ways && config->max_ways <= SWEEP_MAX_WAYS &&
             config->max_entries && config->sample);
    s->config = *config;
    s->config.sizes = 0;
    for (unsigned i = 0; i < LAB_SIZES; i++)
        s->config.sizes |= config->sizes & UINT64_C(1) << lab_size_bits[i];
    s->filling = s->batch;
    g_mutex_init(&s->lock);
    g_cond_init(&s->done);
    sweep_pages_init(&s->pages, config->sample);
    for (unsigned side = 0; side < SWEEP_SIDES; side++) {
        s->full[side] = sweep_full_new(config, side);
        s->sets[side] = sweep_sets_new(config, side);
    }
    return s;
}

void sweep_free(Sweep *s)
{
    if (!s)
        return;
    wait_units(s);
    for (unsigned side = 0; side < SWEEP_SIDES; side++) {
        sweep_full_free(s->full[side]);
        sweep_sets_free(s->sets[side]);
    }
    sweep_pages_deinit(&s->pages);
    g_mutex_clear(&s->lock);
    g_cond_clear(&s->done);
    g_free(s);
}

LabListener sweep_listener(Sweep *s)
{
    return (LabListener){.opaque = s, .access = on_access, .repeat = on_repeat, .flush = on_flush, .space = on_space};
}

uint64_t sweep_accesses(Sweep *s, SweepSide side, MemAccess kind)
{
    return s->accesses[side][kind];
}

uint64_t sweep_misses(Sweep *s, SweepSide side, MemAccess kind, unsigned sets, unsigned ways)
{
    finish(s);
    unsigned set_bits = (unsigned)__builtin_ctz(sets);
    uint64_t misses = set_bits ? sweep_sets_misses(s->sets[side], kind, set_bits, ways)
                               : sweep_full_misses(s->full[side], kind, ways);
    return s->faults[side][kind] + MIN(misses, s->refs[side][kind]);
}

double sweep_error(Sweep *s, SweepSide side, unsigned sets, unsigned ways)
{
    finish(s);
    uint64_t refs = 0;
    for (unsigned k = 0; k < ACCESS_KINDS; k++)
        refs += s->refs[side][k];
    return sets > 1 ? sweep_sets_error(s->sets[side], (unsigned)__builtin_ctz(sets), ways)
                    : sweep_full_error(s->full[side], refs, ways);
}
