// SPDX-License-Identifier: GPL-3.0-or-later
// `info mtree`: the configured trees and the rendered views as text (spec 4.1).
//
// Groups and views come in the order in which their first address space was created, where QEMU's order is
// that of a hash table (R4.2).
#include "softmmu/mtree.h"
#include "softmmu/region.h"
#include "softmmu/slots.h"
#include "softmmu/space.h"
#include <inttypes.h>

typedef struct {
    GString *out;
    unsigned flags; // MtreeFlags
    GPtrArray *targets; // of aliases, in order of first appearance
} Listing;

// The distance from the first to the last byte; 0 for an empty region too (R4.1).
static uint64_t extent(const MemoryRegion *mr)
{
    return mr->size ? (uint64_t)(mr->size - 1) : 0;
}

static const char *type_name(const MemoryRegion *mr)
{
    while (mr->alias) {
        mr = mr->alias;
    }
    if (mr->kind == REGION_RAM_DEVICE) {
        return "ramd";
    }
    if (mr->kind == REGION_ROM_DEVICE) {
        return mr->romd ? "romd" : "i/o";
    }
    return !mr->ram ? "i/o" : mr->readonly ? "rom" : "ram";
}

static void print_owner(GString *out, const char *label, const MemoryOwner *o)
{
    const char *key = o->id ? "id" : o->path ? "path" : "type";
    g_string_append_printf(out, " %s:{%s %s=%s}", label, o->device ? "dev" : "obj", key,
                           o->id ? o->id : o->path ? o->path : o->type);
}

static void print_owners(GString *out, unsigned flags, const MemoryRegion *mr)
{
    if (!(flags & MTREE_OWNER)) {
        return;
    }
    if (mr->owner) {
        print_owner(out, "owner", mr->owner);
    }
    if (mr->parent && mr->parent != mr->owner) {
        print_owner(out, "parent", mr->parent);
    }
    if (!mr->owner && !mr->parent) {
        g_string_append(out, " orphan");
    }
}

// R4.3. The sort is stable, and children are listed by priority and age already.
static gint by_address(gconstpointer a, gconstpointer b)
{
    const MemoryRegion *x = *(MemoryRegion *const *)a, *y = *(MemoryRegion *const *)b;
    if (x->addr != y->addr) {
        return x->addr < y->addr ? -1 : 1;
    }
    return 0;
}

static void print_line(Listing *l, const MemoryRegion *mr, unsigned level, uint64_t base)
{
    uint64_t start = base + mr->addr, end = start + extent(mr);
    if (start < base || end < start) {
        g_string_append(l->out, "[DETECTED OVERFLOW!] ");
    }
    g_string_append_printf(l->out, "%*s%016" PRIx64 "-%016" PRIx64 " (prio %" PRId32 ", %s%s): ",
                           (int)(2 * level), "", start, end, mr->priority, mr->nonvolatile ? "nv-" : "",
                           type_name(mr));
    if (mr->alias) {
        g_string_append_printf(l->out, "alias %s @%s %016" PRIx64 "-%016" PRIx64, mr->name, mr->alias->name,
                               mr->alias_offset, mr->alias_offset + extent(mr));
    } else {
        g_string_append(l->out, mr->name);
    }
    g_string_append(l->out, mr->enabled ? "" : " [disabled]");
    print_owners(l->out, l->flags, mr);
    g_string_append_c(l->out, '\n');
}

static void print_region(Listing *l, MemoryRegion *mr, unsigned level, uint64_t base)
{
    if (mr->alias && !g_ptr_array_find(l->targets, mr->alias, NULL)) {
        g_ptr_array_add(l->targets, mr->alias);
    }
    if (mr->enabled || (l->flags & MTREE_DISABLED)) {
        print_line(l, mr, level, base);
    }
    g_autoptr(GPtrArray) children = g_ptr_array_copy(mr->subregions, NULL, NULL);
    g_ptr_array_sort(children, by_address);
    for (guint i = 0; i < children->len; i++) {
        print_region(l, children->pdata[i], level + 1, base + mr->addr);
    }
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// The spaces from the i-th on that satisfy same(first, other); empty if an earlier one does too.
static GPtrArray *group_of(guint i, bool (*same)(const AddressSpace *a, const AddressSpace *b))
{
    GPtrArray *spaces = space_list(), *group = g_ptr_array_new();
    for (guint k = 0; k < i; k++) {
        if (same(spaces->pdata[k], spaces->pdata[i])) {
            return group;
        }
    }
    for (guint k = i; k < spaces->len; k++) {
        if (same(spaces->pdata[i], spaces->pdata[k])) {
            g_ptr_array_add(group, spaces->pdata[k]);
        }
    }
    return group;
}

static bool same_root(const AddressSpace *a, const AddressSpace *b)
{
    return a->root == b->root;
}

static bool same_view(const AddressSpace *a, const AddressSpace *b)
{
    return a->view == b->view;
}

static void print_tree_group(Listing *l, const GPtrArray *group)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < group->len; i++) {
        g_ptr_array_add(names, ((AddressSpace *)group->pdata[i])->name);
    }
    g_ptr_array_sort(names, by_name);
    for (guint i = 0; i < names->len; i++) {
        g_string_append_printf(l->out, "address-space: %s\n", (char *)names->pdata[i]);
    }
    print_region(l, ((AddressSpace *)group->pdata[0])->root, 1, 0);
    g_string_append_c(l->out, '\n');
}

void memory_print_tree(GString *out, unsigned flags)
{
    memory_lock();
    g_autoptr(GPtrArray) targets = g_ptr_array_new();
    Listing l = {out, flags, targets};
    for (guint i = 0; i < space_list()->len; i++) {
        g_autoptr(GPtrArray) group = group_of(i, same_root);
        if (group->len) {
            print_tree_group(&l, group);
        }
    }
    for (guint i = 0; i < targets->len; i++) { // grows while its targets are printed (R4.5)
        MemoryRegion *mr = targets->pdata[i];
        g_string_append_printf(out, "memory-region: %s\n", mr->name);
        print_region(&l, mr, 1, 0);
        g_string_append_c(out, '\n');
    }
    memory_unlock();
}

// group: the spaces that show it.
static void print_range(GString *out, unsigned flags, const FlatRange *r, const GPtrArray *group)
{
    g_string_append_printf(out, "  %016" PRIx64 "-%016" PRIx64 " (prio %" PRId32 ", %s%s): %s",
                           (uint64_t)r->start, (uint64_t)(r->start + r->size - 1), r->mr->priority,
                           r->nonvolatile ? "nv-" : "", r->readonly ? "rom" : type_name(r->mr), r->mr->name);
    if (r->offset_in_region) {
        g_string_append_printf(out, " @%016" PRIx64, r->offset_in_region);
    }
    print_owners(out, flags, r->mr);
    for (guint i = 0; i < group->len; i++) {
        slots_print_holders(out, group->pdata[i], r);
    }
    g_string_append_c(out, '\n');
}

static void print_view(GString *out, unsigned flags, const GPtrArray *group, unsigned number)
{
    const FlatView *view = ((AddressSpace *)group->pdata[0])->view;
    g_string_append_printf(out, "FlatView #%u\n", number);
    for (guint i = 0; i < group->len; i++) {
        const AddressSpace *as = group->pdata[i];
        g_string_append_printf(out, " AS \"%s\", root: %s", as->name, as->root->name);
        if (as->root->alias) {
            g_string_append_printf(out, ", alias %s", as->root->alias->name);
        }
        g_string_append_c(out, '\n');
    }
    g_string_append_printf(out, " Root memory region: %s\n", view->root ? view->root->name : "(none)");
    if (view->n == 0) {
        g_string_append(out, "  No rendered FlatView\n");
    }
    for (unsigned i = 0; i < view->n; i++) {
        print_range(out, flags, &view->ranges[i], group);
    }
    if (flags & MTREE_DISPATCH) {
        mtree_print_dispatch(out, view);
    }
    g_string_append_c(out, '\n');
}

void memory_print_flat(GString *out, unsigned flags)
{
    memory_lock();
    unsigned number = 0;
    for (guint i = 0; i < space_list()->len; i++) {
        g_autoptr(GPtrArray) group = group_of(i, same_view);
        if (group->len) {
            print_view(out, flags, group, number++);
        }
    }
    memory_unlock();
}
