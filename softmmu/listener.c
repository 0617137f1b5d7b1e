// SPDX-License-Identifier: GPL-3.0-or-later
// Listeners: the list, the comparison of an old and a new view, replay (memory/spec.md 3.1, 3.2).
//
// One list serves all address spaces: who listens to a space is found by walking it. There are few listeners and few
// spaces.
#include "softmmu/listener.h"
#include "softmmu/dirty.h"
#include "softmmu/space.h"

static GPtrArray *listeners; // ascending priority; this and the following under the big lock
static unsigned busy;        // callbacks that are running

typedef enum { ASCENDING, DESCENDING } Order;

static guint count(void)
{
    return listeners ? listeners->len : 0;
}

static MemoryListener *nth(guint i, Order order)
{
    return listeners->pdata[order == ASCENDING ? i : listeners->len - 1 - i];
}

// Calls a callback of one listener, if it has it.
#define TELL(l, callback, ...) \
    do { \
        if ((l)->callback) { \
            busy++; \
            (l)->callback(l, ##__VA_ARGS__); \
            busy--; \
        } \
    } while (0)

// ... of all listeners of the space; as NULL: of all there are.
#define TELL_ALL(space, order, callback, ...) \
    do { \
        for (guint i_ = 0; i_ < count(); i_++) { \
            MemoryListener *l_ = nth(i_, order); \
            if (!(space) || l_->as == (space)) { \
                TELL(l_, callback, ##__VA_ARGS__); \
            } \
        } \
    } while (0)

bool listeners_busy(void)
{
    return busy;
}

void listeners_begin(void)
{
    TELL_ALL((AddressSpace *)NULL, ASCENDING, begin);
}

void listeners_commit(void)
{
    TELL_ALL((AddressSpace *)NULL, ASCENDING, commit);
}

// --- the two passes ----------------------------------------------------------------------------------------

// R3.11: the dirty clients do not count.
static bool same_range(const FlatRange *a, const FlatRange *b)
{
    return a->mr == b->mr && a->start == b->start && a->size == b->size &&
           a->offset_in_region == b->offset_in_region && a->romd == b->romd && a->readonly == b->readonly &&
           a->nonvolatile == b->nonvolatile && a->unmergeable == b->unmergeable;
}

static void tell_same(const AddressSpace *as, const FlatRange *old, const FlatRange *new)
{
    TELL_ALL(as, ASCENDING, region_nop, new);
    if (new->log_mask & ~old->log_mask) {
        TELL_ALL(as, ASCENDING, log_start, new, old->log_mask, new->log_mask);
    }
    if (old->log_mask & ~new->log_mask) {
        TELL_ALL(as, DESCENDING, log_stop, new, old->log_mask, new->log_mask);
    }
}

// Both views ascend, so the ranges that stay are found by walking them side by side.
static void pass(const AddressSpace *as, const FlatView *old, const FlatView *new, bool adding)
{
    for (unsigned o = 0, n = 0; o < old->n || n < new->n;) {
        const FlatRange *a = o < old->n ? &old->ranges[o] : NULL, *b = n < new->n ? &new->ranges[n] : NULL;
        if (a && b && same_range(a, b)) {
            if (adding) {
                tell_same(as, a, b);
            }
            o++;
            n++;
        } else if (a && (!b || a->start <= b->start)) {
            if (!adding) {
                TELL_ALL(as, DESCENDING, region_del, a);
            }
            o++;
        } else {
            if (adding) {
                TELL_ALL(as, ASCENDING, region_add, b);
            }
            n++;
        }
    }
}

static bool has_listener(const AddressSpace *as)
{
    for (guint i = 0; i < count(); i++) {
        if (nth(i, ASCENDING)->as == as) {
            return true;
        }
    }
    return false;
}

void listeners_update(const AddressSpace *as, const FlatView *old, const FlatView *new)
{
    if (old != new && has_listener(as)) {
        pass(as, old, new, false);
        pass(as, old, new, true);
    }
}

// --- eventfds ----------------------------------------------------------------------------------------------

typedef struct {
    gpa_t addr; // in the space
    IoEventfd e;
} Shown;

static bool same_shown(const Shown *a, const Shown *b)
{
    return a->addr == b->addr && ioeventfd_same(&a->e, &b->e);
}

static bool holds(const GArray *all, const Shown *s)
{
    for (guint i = 0; i < all->len; i++) {
        if (same_shown(&g_array_index(all, Shown, i), s)) {
            return true;
        }
    }
    return false;
}

// Ascending by range; one that lies wholly in what the range shows.
static GArray *shown_eventfds(const FlatView *view)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(Shown));
    for (unsigned i = 0; i < view->n; i++) {
        const FlatRange *r = &view->ranges[i];
        const GArray *list = r->mr->eventfds;
        for (guint k = 0; list && k < list->len; k++) {
            IoEventfd e = g_array_index(list, IoEventfd, k);
            uint64_t at = e.addr - r->offset_in_region, bytes = MAX(e.size, 1);
            if (e.addr >= r->offset_in_region && at < r->size && bytes <= r->size - at) {
                Shown s = {(gpa_t)r->start + at, e};
                g_array_append_val(out, s);
            }
        }
    }
    return out;
}

void listeners_update_eventfds(AddressSpace *as)
{
    GArray *old = as->eventfds, *new = shown_eventfds(as->view);
    if (!old && !new->len) { // the usual case
        g_array_unref(new);
        return;
    }
    old = old ? old : g_array_new(FALSE, FALSE, sizeof(Shown));
    for (guint i = 0; i < old->len; i++) {
        const Shown *s = &g_array_index(old, Shown, i);
        if (!holds(new, s)) {
            TELL_ALL(as, DESCENDING, eventfd_del, s->addr, &s->e);
        }
    }
    for (guint i = 0; i < new->len; i++) {
        const Shown *s = &g_array_index(new, Shown, i);
        if (!holds(old, s)) {
            TELL_ALL(as, ASCENDING, eventfd_add, s->addr, &s->e);
        }
    }
    g_array_unref(old);
    as->eventfds = new;
}

// --- registration (R3.2) -----------------------------------------------------------------------------------

static guint place_of(const MemoryListener *l)
{
    guint i = 0;
    while (i < listeners->len && nth(i, ASCENDING)->priority <= l->priority) {
        i++;
    }
    return i;
}

static void replay(MemoryListener *l)
{
    const FlatView *view = l->as->view;
    TELL(l, begin);
    if (dirty_global_users() && l->log_global_start) {
        GError *error = NULL;
        bool ok = l->log_global_start(l, &error);
        g_assert(ok);
    }
    for (unsigned i = 0; i < view->n; i++) {
        const FlatRange *r = &view->ranges[i];
        TELL(l, region_add, r);
        if (r->log_mask) {
            TELL(l, log_start, r, 0, r->log_mask);
        }
    }
    for (guint i = 0; l->as->eventfds && i < l->as->eventfds->len; i++) {
        const Shown *s = &g_array_index(l->as->eventfds, Shown, i);
        TELL(l, eventfd_add, s->addr, &s->e);
    }
    TELL(l, commit);
}

void memory_listener_register(MemoryListener *l, AddressSpace *as)
{
    g_assert(!(l->log_sync && l->log_sync_global));
    memory_lock();
    g_assert(!l->as && !busy && !space_is_pending());
    l->as = as;
    if (!listeners) {
        listeners = g_ptr_array_new();
    }
    g_ptr_array_insert(listeners, (gint)place_of(l), l);
    replay(l);
    memory_unlock();
}

void memory_listener_unregister(MemoryListener *l)
{
    memory_lock();
    if (l->as) {
        g_assert(!busy && !space_is_pending());
        const FlatView *view = l->as->view;
        TELL(l, begin);
        for (unsigned i = 0; i < view->n; i++) {
            const FlatRange *r = &view->ranges[i];
            if (r->log_mask) {
                TELL(l, log_stop, r, r->log_mask, 0);
            }
            TELL(l, region_del, r);
        }
        for (guint i = 0; l->as->eventfds && i < l->as->eventfds->len; i++) {
            const Shown *s = &g_array_index(l->as->eventfds, Shown, i);
            TELL(l, eventfd_del, s->addr, &s->e);
        }
        TELL(l, commit);
        g_ptr_array_remove(listeners, l);
        l->as = NULL;
    }
    memory_unlock();
}

void listeners_forget(const AddressSpace *as)
{
    for (guint i = count(); i-- > 0;) {
        MemoryListener *l = nth(i, ASCENDING);
        if (l->as == as) {
            l->as = NULL;
            g_ptr_array_remove_index(listeners, i);
        }
    }
}

// --- dirty logs (3.3) --------------------------------------------------------------------------------------

bool listeners_global_start(GError **error)
{
    for (guint i = 0; i < count(); i++) {
        MemoryListener *l = nth(i, ASCENDING);
        if (!l->log_global_start || l->log_global_start(l, error)) {
            continue;
        }
        while (i-- > 0) {
            TELL(nth(i, ASCENDING), log_global_stop);
        }
        return false;
    }
    return true;
}

void listeners_global_stop(void)
{
    TELL_ALL((AddressSpace *)NULL, DESCENDING, log_global_stop);
}

void listeners_after_sync(void)
{
    TELL_ALL((AddressSpace *)NULL, ASCENDING, log_global_after_sync);
}

void listeners_sync(const MemoryRegion *mr)
{
    for (guint i = 0; i < count(); i++) {
        MemoryListener *l = nth(i, ASCENDING);
        const FlatView *view = l->as->view;
        TELL(l, log_sync_global);
        for (unsigned k = 0; l->log_sync && k < view->n; k++) {
            const FlatRange *r = &view->ranges[k];
            if (r->log_mask && (!mr || r->mr == mr)) {
                TELL(l, log_sync, r);
            }
        }
    }
}

// [lo, hi) of the range, as offsets in its region.
static FlatRange cut(const FlatRange *r, uint64_t lo, __uint128_t hi)
{
    FlatRange part = *r;
    uint64_t skipped = lo - r->offset_in_region;
    part.start += skipped;
    part.offset_in_region = lo;
    part.size = hi - lo;
    part.host = r->host ? r->host + skipped : NULL;
    return part;
}

void listeners_clear(const MemoryRegion *mr, uint64_t offset, uint64_t len)
{
    for (guint i = 0; i < count(); i++) {
        MemoryListener *l = nth(i, ASCENDING);
        const FlatView *view = l->as->view;
        for (unsigned k = 0; l->log_clear && k < view->n; k++) {
            const FlatRange *r = &view->ranges[k];
            uint64_t lo = MAX(r->offset_in_region, offset);
            __uint128_t hi = MIN(r->offset_in_region + r->size, (__uint128_t)offset + len);
            if (r->mr == mr && lo < hi) {
                FlatRange part = cut(r, lo, hi);
                TELL(l, log_clear, &part);
            }
        }
    }
}
