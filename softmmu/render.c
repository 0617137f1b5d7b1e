// SPDX-License-Identifier: GPL-3.0-or-later
// Rendering of region trees into sorted, disjoint ranges (spec 1.3, 1.4).
//
// Two steps. A walk in depth first, topmost first order writes down what each region would like to show: its window,
// and as rank the place in that order. Then a sweep over the addresses gives each one to the lowest rank among the
// claims that hold it. n claims take n log n, however they lie over one another.
//
// The position of a region's offset 0 may lie below 0 (an alias shows the middle of its target) and above 2^64, hence
// signed 128-bit positions. The root's own address field plays no part: a space shows its root from offset 0, and so
// does every alias.
#include "softmmu/flatview.h"
#include "softmmu/dirty.h"
#include "softmmu/region.h"

typedef __int128 Position; // of a byte in the space; in [0, SPACE_END) where it is visible

#define SPACE_END ((Position)1 << 64)

typedef struct { // what a region inherits from the path to it
    Position base;   // of its offset 0
    Position lo, hi; // all its ancestors let it show
    bool readonly, nonvolatile, unmergeable;
} Window;

typedef struct { // in the order of their ranks
    MemoryRegion *mr;
    Window w;
} Claim;

// --- root reduction (R1.31) --------------------------------------------------------------------------------

static bool is_container(const MemoryRegion *mr)
{
    return !mr->terminates && !mr->alias;
}

// The child that a container shows exactly, or the container itself, or NULL if it shows nothing.
static MemoryRegion *only_child(MemoryRegion *mr)
{
    MemoryRegion *only = NULL;
    for (guint i = 0; i < mr->subregions->len; i++) {
        MemoryRegion *child = mr->subregions->pdata[i];
        if (child->enabled) {
            if (only) {
                return mr;
            }
            only = child;
        }
    }
    return only && (only->addr || only->size > mr->size) ? mr : only;
}

MemoryRegion *flatview_reduce_root(MemoryRegion *root)
{
    MemoryRegion *mr = root;
    while (mr && mr->enabled) {
        MemoryRegion *next = mr;
        // A flag that the ranges inherit from mr would get lost on the way down; the empty view has none.
        bool flags = mr->readonly || mr->nonvolatile || mr->unmergeable;
        if (mr->alias && !mr->alias_offset && mr->size >= mr->alias->size && !flags) {
            next = mr->alias;
        } else if (is_container(mr)) {
            next = only_child(mr);
            if (next && flags) {
                next = mr;
            }
        }
        if (next == mr) {
            return mr;
        }
        mr = next;
    }
    return NULL;
}

// --- the walk ----------------------------------------------------------------------------------------------

static void walk(GArray *claims, MemoryRegion *mr, Window w)
{
    if (!mr->enabled) {
        return;
    }
    w.lo = MAX(w.lo, w.base);
    w.hi = MIN(w.hi, w.base + (Position)mr->size);
    w.readonly |= mr->readonly;
    w.nonvolatile |= mr->nonvolatile;
    w.unmergeable |= mr->unmergeable;
    if (w.lo >= w.hi) {
        return;
    }
    if (mr->alias) {
        w.base -= mr->alias_offset;
        walk(claims, mr->alias, w);
        return;
    }
    for (guint i = 0; i < mr->subregions->len; i++) {
        MemoryRegion *child = mr->subregions->pdata[i];
        Window cw = w;
        cw.base += child->addr;
        walk(claims, child, cw);
    }
    if (mr->terminates) {
        g_array_set_size(claims, claims->len + 1);
        g_array_index(claims, Claim, claims->len - 1) = (Claim){mr, w};
    }
}

// --- the sweep ---------------------------------------------------------------------------------------------

typedef struct {
    uint64_t start;
    unsigned rank;
} Key;

// Merges of runs of 1, 2, 4, ... keys; where starts are equal the lower rank, which came first, stays first.
static Key *sort(Key *keys, Key *spare, unsigned n)
{
    for (unsigned run = 1; run < n; run *= 2) {
        unsigned out = 0;
        for (unsigned lo = 0; lo < n; lo += 2 * run) {
            unsigned mid = MIN(lo + run, n), hi = MIN(mid + run, n), a = lo, b = mid;
            while (a < mid && b < hi) {
                spare[out++] = keys[b].start < keys[a].start ? keys[b++] : keys[a++];
            }
            while (a < mid) {
                spare[out++] = keys[a++];
            }
            while (b < hi) {
                spare[out++] = keys[b++];
            }
        }
        Key *other = keys;
        keys = spare;
        spare = other;
    }
    return keys;
}

typedef struct { // a heap of claims of one array, the lowest rank first
    const Claim **at;
    unsigned n;
} Heap;

static void heap_push(Heap *h, const Claim *c)
{
    unsigned i = h->n++;
    for (; i && h->at[(i - 1) / 2] > c; i = (i - 1) / 2) {
        h->at[i] = h->at[(i - 1) / 2];
    }
    h->at[i] = c;
}

static void heap_pop(Heap *h)
{
    const Claim *c = h->at[--h->n];
    unsigned i = 0, child;
    while ((child = 2 * i + 1) < h->n) {
        child += child + 1 < h->n && h->at[child + 1] < h->at[child];
        if (h->at[child] > c) {
            break;
        }
        h->at[i] = h->at[child];
        i = child;
    }
    h->at[i] = c;
}

static void emit(GArray *out, const Claim *c, Position lo, Position hi)
{
    const MemoryRegion *mr = c->mr;
    FlatRange r = {
        .mr = c->mr,
        .start = (__uint128_t)lo,
        .size = (__uint128_t)(hi - lo),
        .offset_in_region = (uint64_t)(lo - c->w.base),
        .log_mask = dirty_region_mask(mr),
        .romd = mr->romd,
        .readonly = c->w.readonly,
        .nonvolatile = c->w.nonvolatile,
        .unmergeable = c->w.unmergeable,
    };
    if (region_reads_directly(mr)) {
        r.host = mr->ram->host + r.offset_in_region;
        r.writable = !r.readonly && mr->kind != REGION_ROM_DEVICE;
        r.drops = r.readonly && mr->kind != REGION_ROM_DEVICE;
    }
    g_array_append_val(out, r);
}

// The keys are sorted by start. room: for n pointers.
static void sweep(GArray *out, const Claim *claims, const Key *keys, unsigned n, const Claim **room)
{
    Heap heap = {room, 0};
    const Claim *last = NULL; // whose range was emitted last
    Position at = 0;
    for (unsigned next = 0; next < n || heap.n;) {
        if (heap.n && heap.at[0]->w.hi <= at) {
            heap_pop(&heap);
            continue;
        }
        if (!heap.n) {
            at = (Position)keys[next].start;
        }
        while (next < n && keys[next].start <= at) {
            heap_push(&heap, &claims[keys[next++].rank]);
        }
        const Claim *top = heap.at[0];
        if (top->w.hi <= at) {
            continue;
        }
        Position stop = next < n ? MIN(top->w.hi, (Position)keys[next].start) : top->w.hi;
        FlatRange *r = out->len ? &g_array_index(out, FlatRange, out->len - 1) : NULL;
        if (top == last && (Position)(r->start + r->size) == at) {
            r->size += (__uint128_t)(stop - at);
        } else {
            emit(out, top, at, stop);
        }
        last = top;
        at = stop;
    }
}

// --- merging (R1.30) ---------------------------------------------------------------------------------------

bool flatview_can_merge(const FlatRange *a, const FlatRange *b)
{
    return a->mr == b->mr && a->start + a->size == b->start && a->offset_in_region + a->size == b->offset_in_region &&
           a->log_mask == b->log_mask && a->romd == b->romd && a->readonly == b->readonly &&
           a->nonvolatile == b->nonvolatile && !a->unmergeable && !b->unmergeable;
}

static void merge(GArray *out)
{
    guint n = 0; // ranges kept
    FlatRange *r = (FlatRange *)(void *)out->data;
    for (guint i = 0; i < out->len; i++) {
        if (n && flatview_can_merge(&r[n - 1], &r[i])) {
            r[n - 1].size += r[i].size;
        } else {
            r[n++] = r[i];
        }
    }
    g_array_set_size(out, n);
}

GArray *flatview_render(MemoryRegion *root)
{
    g_autoptr(GArray) claims = g_array_sized_new(FALSE, FALSE, sizeof(Claim), 64);
    walk(claims, root, (Window){.lo = 0, .hi = SPACE_END});
    unsigned n = claims->len;
    GArray *out = g_array_sized_new(FALSE, FALSE, sizeof(FlatRange), n + n / 4);
    const Claim *claim = (const Claim *)(void *)claims->data;
    g_autofree Key *keys = g_new(Key, 2 * (gsize)n);
    for (unsigned i = 0; i < n; i++) {
        keys[i] = (Key){(uint64_t)claim[i].w.lo, i};
    }
    g_autofree const Claim **room = g_new(const Claim *, n);
    sweep(out, claim, sort(keys, keys + n, n), n, room);
    merge(out);
    return out;
}
