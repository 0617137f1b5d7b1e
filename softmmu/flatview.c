// SPDX-License-Identifier: GPL-3.0-or-later
// Flat views: life, and lookups by bisection (R1.40, R1.50 to R1.52 in our way).
//
// A view is an array of ranges and, beside it, one of their last addresses, which is all that bisection reads: eight
// to a cache line. That is fast for maps of some dozen ranges, and needs neither nodes nor pages of sections; ranges
// that share a page need nothing either, since addresses, not pages, are looked up.
#include "softmmu/flatview.h"
#include "softmmu/grace.h"

static FlatView empty_view = {.refs = 1};

FlatView *flatview_new(MemoryRegion *root)
{
    if (!root) {
        return flatview_ref(&empty_view);
    }
    GArray *ranges = flatview_render(root);
    FlatView *view = g_new(FlatView, 1);
    *view = (FlatView){.refs = 1, .root = root, .n = ranges->len};
    view->ranges = (FlatRange *)(void *)g_array_free(ranges, FALSE);
    view->last = g_new(uint64_t, view->n);
    for (unsigned i = 0; i < view->n; i++) {
        const FlatRange *r = &view->ranges[i];
        view->last[i] = (uint64_t)(r->start + r->size - 1);
        memory_region_ref(r->mr);
    }
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
    for (unsigned i = 0; i < view->n; i++) {
        memory_region_unref(view->ranges[i].mr);
    }
    g_free(view->ranges);
    g_free(view->last);
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
    unsigned lo = 0, n = view->n;
    while (n) { // the range is among the n from lo on, or behind them
        unsigned half = n / 2;
        bool above = view->last[lo + half] < addr;
        lo += above ? half + 1 : 0;
        n = above ? n - half - 1 : half;
    }
    return lo < view->n ? &view->ranges[lo] : NULL;
}

MemorySection flatview_section(const FlatView *view, gpa_t addr)
{
    const FlatRange *r = flatview_find(view, addr);
    MemorySection s = {.addr = addr};
    __uint128_t end = (__uint128_t)1 << 64;
    if (r && r->start <= addr) {
        end = r->start + r->size;
        s.mr = r->mr;
        s.before = addr - (uint64_t)r->start;
        s.offset = r->offset_in_region + s.before;
        if (r->host) {
            s.host = r->host + s.before;
            s.readonly = r->readonly && r->mr->kind != REGION_ROM_DEVICE;
            s.direct_write = r->writable;
        }
    } else if (r) {
        end = r->start;
    }
    s.len = (uint64_t)MIN(end - addr, (__uint128_t)UINT64_MAX);
    return s;
}
