// SPDX-License-Identifier: GPL-3.0-or-later
// Eventfds of regions: the list, and the match before a device is called (R2.9).
#include "softmmu/ioeventfd.h"
#include "softmmu/space.h"
#include <unistd.h>

bool ioeventfd_same(const IoEventfd *a, const IoEventfd *b)
{
    return a->addr == b->addr && a->size == b->size && a->match_data == b->match_data &&
           (!a->match_data || a->data == b->data) && a->fd == b->fd;
}

// The index in mr->eventfds, or its length.
static guint find(const MemoryRegion *mr, const IoEventfd *e)
{
    guint n = mr->eventfds ? mr->eventfds->len : 0;
    for (guint i = 0; i < n; i++) {
        if (ioeventfd_same(&g_array_index(mr->eventfds, IoEventfd, i), e)) {
            return i;
        }
    }
    return n;
}

static void mark_if_enabled(const MemoryRegion *mr)
{
    if (mr->enabled) {
        space_mark_eventfds_pending();
    }
}

void memory_region_add_eventfd(MemoryRegion *mr, const IoEventfd *e)
{
    memory_transaction_begin();
    if (!mr->eventfds) {
        mr->eventfds = g_array_new(FALSE, FALSE, sizeof(IoEventfd));
    }
    g_assert(find(mr, e) == mr->eventfds->len);
    g_array_append_val(mr->eventfds, *e);
    mark_if_enabled(mr);
    memory_transaction_commit();
}

void memory_region_del_eventfd(MemoryRegion *mr, const IoEventfd *e)
{
    memory_transaction_begin();
    guint i = find(mr, e);
    g_assert(mr->eventfds && i < mr->eventfds->len);
    g_array_remove_index(mr->eventfds, i);
    mark_if_enabled(mr);
    memory_transaction_commit();
}

void ioeventfds_free(MemoryRegion *mr)
{
    g_clear_pointer(&mr->eventfds, g_array_unref);
}

bool ioeventfd_signal(const MemoryRegion *mr, uint64_t addr, unsigned size, uint64_t value)
{
    for (guint i = 0; mr->eventfds && i < mr->eventfds->len; i++) {
        const IoEventfd *e = &g_array_index(mr->eventfds, IoEventfd, i);
        if (e->addr == addr && (!e->size || e->size == size) && (!e->match_data || e->data == value)) {
            uint64_t one = 1;
            // A counter that is full was signalled often enough.
            (void)!write(e->fd, &one, sizeof one);
            return true;
        }
    }
    return false;
}
