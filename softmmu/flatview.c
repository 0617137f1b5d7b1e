// SPDX-License-Identifier: GPL-3.0-or-later
// Rendering of region trees into flat views (spec 1.3, 1.4).
//
// Depth first, the topmost region first: what has claimed an address keeps it, so a range is never cut after
// it was inserted. The position of a region's offset 0 may lie below 0 (an alias shows the middle of its
// target) and above 2^64, hence signed 128-bit positions. The root's own address field plays no part: a space
// shows its root from offset 0, and so does every alias.
#include "softmmu/flatview.h"
#include "softmmu/grace.h"

typedef __int128 Position; // of a byte in the space; in [0, SPACE_END) where it is visible

#define SPACE_END ((Position)1 << 64)

typedef struct { // what a region inherits from the path to it
    Position base;   // of its offset 0
    Position lo, hi; // all its ancestors let it show
    bool readonly, unmergeable;
} Window;

static FlatView empty_view = {.refs = 1};

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
        bool flags = mr->readonly || mr->unmergeable;
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

static FlatRange *range_at(GArray *out, guint i)
{
    return &g_array_index(out, FlatRange, i);
}

static Position range_end(const FlatRange *r)
{
    return (Position)(r->start + r->size);
}

// The first of n ranges that ends above pos, n if there is none.
static guint first_above(const FlatRange *ranges, guint n, Position pos)
{
    guint lo = 0, hi = n;
    while (lo < hi) {
        guint mid = lo + (hi - lo) / 2;
        if (range_end(&ranges[mid]) > pos) {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    return lo;
}

// Gives mr what nobody has claimed yet in its window.
static void claim(GArray *out, MemoryRegion *mr, const Window *w)
{
    Position lo = w->lo;
    for (guint i = first_above((FlatRange *)(void *)out->data, out->len, lo); lo < w->hi; i++) {
        Position stop = i < out->len ? MIN(w->hi, (Position)range_at(out, i)->start) : w->hi;
        if (lo < stop) {
            FlatRange r = {
                .mr = mr,
                .start = (__uint128_t)lo,
                .size = (__uint128_t)(stop - lo),
                .offset_in_region = (uint64_t)(lo - w->base),
                .readonly = w->readonly,
                .unmergeable = w->unmergeable,
            };
            g_array_insert_val(out, i, r);
            i++;
        }
        lo = i < out->len ? range_end(range_at(out, i)) : stop;
    }
}

static void render(GArray *out, MemoryRegion *mr, Window w)
{
    if (!mr->enabled) {
        return;
    }
    w.lo = MAX(w.lo, w.base);
    w.hi = MIN(w.hi, w.base + (Position)mr->size);
    w.readonly |= mr->readonly;
    w.unmergeable |= mr->unmergeable;
    if (w.lo >= w.hi) {
        return;
    }
    if (mr->alias) {
        w.base -= mr->alias_offset;
        render(out, mr->alias, w);
        return;
    }
    for (guint i = 0; i < mr->subregions->len; i++) {
        MemoryRegion *child = mr->subregions->pdata[i];
        Window cw = w;
        cw.base += child->addr;
        render(out, child, cw);
    }
    if (mr->terminates) {
        claim(out, mr, &w);
    }
}

// R1.30.
static bool mergeable(const FlatRange *a, const FlatRange *b)
{
    return a->mr == b->mr && a->start + a->size == b->start &&
           a->offset_in_region + a->size == b->offset_in_region && a->readonly == b->readonly &&
           !a->unmergeable && !b->unmergeable;
}

static void merge(GArray *out)
{
    guint n = 0; // ranges kept
    for (guint i = 0; i < out->len; i++) {
        if (n && mergeable(range_at(out, n - 1), range_at(out, i))) {
            range_at(out, n - 1)->size += range_at(out, i)->size;
        } else {
            *range_at(out, n++) = *range_at(out, i);
        }
    }
    g_array_set_size(out, n);
}

FlatView *flatview_new(MemoryRegion *root)
{
    if (!root) {
        return flatview_ref(&empty_view);
    }
    GArray *out = g_array_new(FALSE, FALSE, sizeof(FlatRange));
    render(out, root, (Window){.lo = 0, .hi = SPACE_END});
    merge(out);
    FlatView *view = g_new(FlatView, 1);
    *view = (FlatView){.refs = 1, .root = root, .n = out->len};
    view->ranges = (FlatRange *)(void *)g_array_free(out, FALSE);
    return view;
}

FlatView *flatview_ref(FlatView *view)
{
    view->refs++;
    return view;
}

static void release(void *thing)
{
    FlatView *view = thing;
    g_free(view->ranges);
    g_free(view);
}

void flatview_unref(FlatView *view)
{
    if (--view->refs == 0) {
        grace_retire(view, release);
    }
}

const FlatRange *flatview_find(const FlatView *view, gpa_t addr)
{
    guint i = first_above(view->ranges, view->n, addr);
    return i < view->n ? &view->ranges[i] : NULL;
}

MemorySection flatview_section(const FlatView *view, gpa_t addr)
{
    const FlatRange *r = flatview_find(view, addr);
    MemorySection s = {.addr = addr};
    Position end = SPACE_END;
    if (r && r->start <= addr) {
        end = range_end(r);
        s.mr = r->mr;
        s.before = addr - (uint64_t)r->start;
        s.offset = r->offset_in_region + s.before;
        if (r->mr->ram) {
            s.host = r->mr->ram->host + s.offset;
            s.readonly = r->readonly;
            s.direct_write = !r->readonly;
        }
    } else if (r) {
        end = (Position)r->start;
    }
    s.len = (uint64_t)MIN(end - addr, (Position)UINT64_MAX);
    return s;
}
