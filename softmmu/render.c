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
#include "softmmu/region.h"

typedef __int128 Position; // of a byte in the space; in [0, SPACE_END) where it is visible

#define SPACE_END ((Position)1 << 64)

typedef struct { // what a region inherits from the path to it
    Position base;   // of its offset 0
    Position lo, hi; // all its ancestors let it show
    bool readonly, nonvolatile, unmergeable;
} Window;

typedef struct {
    MemoryRegion *mr;
    Window w;
    unsigned rank;
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
        Claim c = {mr, w, claims->len};
        g_array_append_val(claims, c);
    }
}

// --- the sweep ---------------------------------------------------------------------------------------------

static int by_start(const void *a, const void *b)
{
    const Claim *x = a, *y = b;
    if (x->w.lo != y->w.lo) {
        return x->w.lo < y->w.lo ? -1 : 1;
    }
    return x->rank < y->rank ? -1 : 1;
}

typedef struct { // a heap of claims, the lowest rank first
    const Claim **at;
    unsigned n;
} Heap;

static void heap_push(Heap *h, const Claim *c)
{
    unsigned i = h->n++;
    for (; i && h->at[(i - 1) / 2]->rank > c->rank; i = (i - 1) / 2) {
        h->at[i] = h->at[(i - 1) / 2];
    }
    h->at[i] = c;
}

static void heap_pop(Heap *h)
{
    const Claim *c = h->at[--h->n];
    unsigned i = 0, child;
    while ((child = 2 * i + 1) < h->n) {
        child += child + 1 < h->n && h->at[child + 1]->rank < h->at[child]->rank;
        if (h->at[child]->rank > c->rank) {
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
        .log_mask = mr->log_mask,
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

// The claims are sorted by start.
static void sweep(GArray *out, const Claim *claims, unsigned n)
{
    Heap heap = {g_new(const Claim *, n), 0};
    const Claim *last = NULL; // whose range was emitted last
    Position at = 0;
    for (unsigned next = 0; next < n || heap.n;) {
        if (heap.n && heap.at[0]->w.hi <= at) {
            heap_pop(&heap);
            continue;
        }
        if (!heap.n) {
            at = claims[next].w.lo;
        }
        while (next < n && claims[next].w.lo <= at) {
            heap_push(&heap, &claims[next++]);
        }
        const Claim *top = heap.at[0];
        if (top->w.hi <= at) {
            continue;
        }
        Position stop = next < n ? MIN(top->w.hi, claims[next].w.lo) : top->w.hi;
        FlatRange *r = out->len ? &g_array_index(out, FlatRange, out->len - 1) : NULL;
        if (top == last && (Position)(r->start + r->size) == at) {
            r->size += (__uint128_t)(stop - at);
        } else {
            emit(out, top, at, stop);
        }
        last = top;
        at = stop;
    }
    g_free(heap.at);
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
    GArray *out = g_array_new(FALSE, FALSE, sizeof(FlatRange));
    g_autoptr(GArray) claims = g_array_new(FALSE, FALSE, sizeof(Claim));
    walk(claims, root, (Window){.lo = 0, .hi = SPACE_END});
    if (claims->len) {
        qsort(claims->data, claims->len, sizeof(Claim), by_start);
        sweep(out, (const Claim *)(void *)claims->data, claims->len);
        merge(out);
    }
    return out;
}
