// SPDX-License-Identifier: GPL-3.0-or-later
// Address spaces and topology transactions (spec 1.5).
//
// Changes only mark; the outermost commit renders every distinct reduced root afresh, tells the listeners space by
// space while it installs the views, and calls the commit hook. Spaces with the same reduced root share one view
// (R1.32). Views are counted by the spaces that show them; the last one retires them, so a reader that is still inside
// keeps the old view.
#include "softmmu/space.h"
#include "softmmu/bus.h"
#include "softmmu/flatview.h"
#include "softmmu/grace.h"
#include "softmmu/listener.h"
#include "softmmu/memory_map.h"

static unsigned depth; // of open transactions; this and the following under the big lock
static bool pending, eventfds_pending;
static GPtrArray *spaces;
static void (*commit_hook)(void *opaque);
static void *commit_opaque;
static void (*clean_hook)(void *opaque, ram_t start, uint64_t len);
static void *clean_opaque;

GPtrArray *space_list(void)
{
    if (!spaces) {
        spaces = g_ptr_array_new();
    }
    return spaces;
}

// A new reference to the view of root: one of those if it can be shared, else a fresh one.
static FlatView *view_for(MemoryRegion *root, const GPtrArray *views)
{
    MemoryRegion *reduced = flatview_reduce_root(root);
    for (guint i = 0; reduced && i < views->len; i++) {
        FlatView *view = views->pdata[i];
        if (view->root == reduced) {
            return flatview_ref(view);
        }
    }
    return flatview_new(reduced);
}

static void update_eventfds(void)
{
    eventfds_pending = false;
    for (guint i = 0; i < space_list()->len; i++) {
        listeners_update_eventfds(spaces->pdata[i]);
    }
}

// R1.42. The listeners are done before the hook, which may let other threads change the map. A TLB may point into what
// only an old view keeps alive, so those go when the hook has flushed it.
static void commit(void)
{
    g_autoptr(GPtrArray) views = g_ptr_array_new(); // new ones, later the old ones
    for (guint i = 0; i < space_list()->len; i++) {
        AddressSpace *as = spaces->pdata[i];
        g_ptr_array_add(views, view_for(as->root, views));
    }
    listeners_begin();
    for (guint i = 0; i < spaces->len; i++) {
        AddressSpace *as = spaces->pdata[i];
        FlatView *old = as->view;
        listeners_update(as, old, views->pdata[i]);
        __atomic_store_n(&as->view, views->pdata[i], __ATOMIC_SEQ_CST);
        views->pdata[i] = old;
    }
    update_eventfds();
    listeners_commit();
    space_forget_translations();
    for (guint i = 0; i < views->len; i++) {
        flatview_unref(views->pdata[i]);
    }
    grace_collect();
}

void space_forget_translations(void)
{
    if (commit_hook) {
        commit_hook(commit_opaque);
    }
}

void space_pages_clean(ram_t start, uint64_t len)
{
    if (clean_hook) {
        clean_hook(clean_opaque, start, len);
    } else {
        space_forget_translations();
    }
}

void memory_transaction_begin(void)
{
    memory_lock();
    depth++;
}

void memory_transaction_commit(void)
{
    g_assert(depth);
    if (--depth == 0 && pending) {
        pending = false;
        commit();
    } else if (depth == 0 && eventfds_pending) {
        update_eventfds();
    }
    memory_unlock();
}

void space_mark_pending(void)
{
    g_assert(depth && !listeners_busy());
    pending = true;
}

void space_mark_eventfds_pending(void)
{
    g_assert(depth && !listeners_busy());
    eventfds_pending = true;
}

bool space_is_pending(void)
{
    return pending || eventfds_pending;
}

void memory_set_commit_hook(void (*hook)(void *opaque), void *opaque)
{
    memory_lock();
    commit_hook = hook;
    commit_opaque = opaque;
    memory_unlock();
}

void memory_set_clean_hook(void (*hook)(void *opaque, ram_t start, uint64_t len), void *opaque)
{
    memory_lock();
    clean_hook = hook;
    clean_opaque = opaque;
    memory_unlock();
}

void address_space_init(AddressSpace *as, MemoryRegion *root, const char *name)
{
    memory_lock();
    *as = (AddressSpace){.name = g_strdup(name ? name : "anonymous"), .root = root};
    as->maps = map_state_new();
    g_autoptr(GPtrArray) views = g_ptr_array_new();
    for (guint i = 0; i < space_list()->len; i++) {
        g_ptr_array_add(views, ((AddressSpace *)spaces->pdata[i])->view);
    }
    as->view = view_for(root, views);
    g_ptr_array_add(spaces, as);
    listeners_update_eventfds(as);
    memory_unlock();
}

void address_space_deinit(AddressSpace *as)
{
    // Shown to be empty first, so that whoever follows the commits sees everything go.
    memory_transaction_begin();
    as->root = NULL;
    space_mark_pending();
    memory_transaction_commit();
    memory_lock();
    listeners_forget(as);
    g_ptr_array_remove(spaces, as);
    flatview_unref(as->view);
    grace_wait();
    memory_unlock();
    map_state_free(as->maps);
    g_clear_pointer(&as->eventfds, g_array_unref);
    g_free(as->name);
    *as = (AddressSpace){0};
}

const FlatView *space_enter(AddressSpace *as)
{
    grace_enter();
    return __atomic_load_n(&as->view, __ATOMIC_SEQ_CST);
}

void space_leave(void)
{
    grace_leave();
}

MemorySection address_space_lookup(AddressSpace *as, gpa_t addr)
{
    MemorySection s = flatview_section(space_enter(as), addr);
    space_leave();
    return s;
}

MemorySection address_space_translate(AddressSpace *as, gpa_t addr, bool is_write, MemTxAttrs attrs)
{
    MemorySection s = bus_section(space_enter(as), addr, &(BusAccess){.attrs = attrs, .is_write = is_write});
    space_leave();
    return s;
}

// The view of the first space with that root, or NULL.
static const FlatView *view_of_root(const MemoryRegion *root)
{
    for (guint i = 0; i < space_list()->len; i++) {
        const AddressSpace *as = spaces->pdata[i];
        if (as->root == root) {
            return as->view;
        }
    }
    return NULL;
}

MemorySection memory_region_find(MemoryRegion *mr, uint64_t addr, uint64_t size)
{
    MemorySection s = {0};
    memory_lock();
    __uint128_t at = addr;
    const MemoryRegion *root = mr;
    for (; root->container; root = root->container) {
        at += root->addr;
    }
    const FlatView *view = at > UINT64_MAX ? NULL : view_of_root(root);
    const FlatRange *r = view ? flatview_find(view, (gpa_t)at) : NULL;
    if (r && r->start < at + size) {
        s = flatview_section(view, (gpa_t)MAX(at, r->start));
        s.len = (uint64_t)MIN((__uint128_t)s.len, at + size - s.addr);
        memory_region_ref(s.mr);
    }
    memory_unlock();
    return s;
}

bool memory_region_present(MemoryRegion *container, uint64_t addr)
{
    MemorySection s = memory_region_find(container, addr, 1);
    if (s.mr) {
        memory_region_unref(s.mr); // still in the view
    }
    return s.mr && s.mr != container;
}
