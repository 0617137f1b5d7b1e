// SPDX-License-Identifier: GPL-3.0-or-later
// `info mtree -f -d`: how a view finds the range of an address, and what an access does there (spec 1.6).
//
// QEMU prints a radix tree of pages and its sections. Here there is one array of last addresses (softmmu/flatview.c):
// the listing has its length, the steps of a search, and for each range: what loads and stores do, and which of its
// pages it shares with neighbours or with nothing (R1.51), which the CPU then accesses piece by piece (R1.52).
#include "softmmu/mtree.h"
#include <inttypes.h>

static const char *reads(const FlatRange *r)
{
    if (r->host) {
        return "direct";
    }
    return r->mr->iommu ? "translated" : r->mr->ops ? "call" : "rejected";
}

static const char *writes(const FlatRange *r)
{
    if (!r->host || r->mr->kind == REGION_ROM_DEVICE) {
        return r->mr->iommu ? "translated" : r->mr->ops ? "call" : "rejected";
    }
    return r->writable ? "direct" : "dropped";
}

static void print_section(GString *out, unsigned number, const FlatRange *r)
{
    uint64_t first = (uint64_t)r->start, last = (uint64_t)(r->start + r->size - 1);
    bool head = first & ~PAGE_MASK, tail = ~last & ~PAGE_MASK;
    g_string_append_printf(out, "    #%u @%016" PRIx64 "..%016" PRIx64 " %s [read %s, write %s]", number, first, last,
                           r->mr->name, reads(r), writes(r));
    if ((head || tail) && (first & PAGE_MASK) == (last & PAGE_MASK)) {
        g_string_append(out, " within a page");
    } else if (head || tail) {
        g_string_append_printf(out, " part of the %s page", head && tail ? "first and last" : head ? "first" : "last");
    }
    g_string_append_c(out, '\n');
}

void mtree_print_dispatch(GString *out, const FlatView *view)
{
    unsigned steps = 0;
    while (view->n >> steps) {
        steps++;
    }
    g_string_append(out, "  Dispatch\n");
    g_string_append_printf(out, "    %u ranges, found in at most %u steps; all else is unassigned\n", view->n, steps);
    for (unsigned i = 0; i < view->n; i++) {
        print_section(out, i, &view->ranges[i]);
    }
}
