// SPDX-License-Identifier: GPL-3.0-or-later
// Flat views: life, and lookups by bisection (R1.40, R1.50 to R1.52 in our way).
//
// A view is an array of ranges and, beside it, one of their last addresses, which is all that bisection reads: eight
// to a cache line. The largest range of RAM is looked at first. That is fast for maps of some dozen ranges, and needs
// neither nodes nor pages of sections; ranges that share a page need nothing either, since addresses, not pages, are
// looked up.
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
        if (r->host && r->size > view->main_size) {
            view->main = i;
            view->main_start = (uint64_t)r->start;
            view->main_size = (uint64_t)r->size; // host memory has less than 2^64 bytes
        }
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
    if (addr - view->main_start < view->main_size) {
        return &view->ranges[view->main];
    }
    unsigned lo = 0, n = view->n;
    while (n) { // the range is among the n from lo on, or behind them
        unsigned half = n / 2;
        bool above = view->last[lo + half] < addr;
        lo += above ? half + 1 : 0;
        n = above ? n - half - 1 : half;
    }
    return lo < view->n ? &view->ranges[lo] : NULL;
}

// 0 stands for 2^64, which has no number: the largest there is.
static uint64_t length(uint64_t len)
{
    return len ? len : UINT64_MAX;
}

MemorySection flatview_section(const FlatView *view, gpa_t addr)
{
    const FlatRange *r = flatview_find(view, addr);
    if (!r || r->start > addr) {
        return (MemorySection){.addr = addr, .len = length((r ? (uint64_t)r->start : 0) - addr)};
    }
    uint64_t before = addr - (uint64_t)r->start;
    return (MemorySection){
        .mr = r->mr,
        .addr = addr,
        .offset = r->offset_in_region + before,
        .len = length((uint64_t)r->size - before),
        .before = before,
        .readonly = r->drops,
        .host = r->host ? r->host + before : NULL,
        .direct_write = r->writable,
    };
}
