// SPDX-License-Identifier: GPL-3.0-or-later
// The slot table: ranges of host memory become slots, in one go at each commit (memory/spec.md 3.4).
//
// A range is cut to whole pages of the guest, and to pieces of the backend's largest slot; the same range is always cut
// in the same way, so that what a removal looks for is what an addition made.
#include "softmmu/slots.h"
#include "softmmu/dirty.h"
#include "util/bits.h"
#include <inttypes.h>
#include <string.h>

static GPtrArray *tables; // of SlotTable, for listings; under the big lock

// --- ranges -------------------------------------------------------------------------------------------------------

// The part of a range that can have slots; size 0: none.
static Slot whole_pages(const SlotTable *t, const FlatRange *r)
{
    Slot s = {0};
    uint64_t start = align_up((uint64_t)r->start, PAGE_SIZE);
    __uint128_t end = (r->start + r->size) & ~(__uint128_t)(PAGE_SIZE - 1);
    bool readonly = !r->writable;
    if (!r->host || start < (uint64_t)r->start || start >= end || (readonly && !t->backend->readonly_ok)) {
        return s;
    }
    uint64_t skipped = start - (uint64_t)r->start;
    uint64_t host = (uint64_t)(uintptr_t)r->host + skipped;
    if (host & (PAGE_SIZE - 1)) {
        return s;
    }
    bool logged = r->log_mask & ~DIRTY_BIT(DIRTY_CODE);
    s.r.flags = (logged ? SLOT_LOG_DIRTY : 0) | (readonly ? SLOT_READONLY : 0);
    s.r.guest_phys_addr = start;
    s.r.memory_size = (uint64_t)(end - start);
    s.r.userspace_addr = host;
    s.ram = r->mr->ram->offset + r->offset_in_region + skipped;
    return s;
}

// Cuts the next piece off what is left of a range; false: nothing is.
static bool next_piece(const SlotTable *t, Slot *left, Slot *piece)
{
    uint64_t max = t->backend->max_slot_size, size = left->r.memory_size;
    if (!size) {
        return false;
    }
    *piece = *left;
    piece->r.memory_size = max ? MIN(size, max) : size;
    left->r.guest_phys_addr += piece->r.memory_size;
    left->r.userspace_addr += piece->r.memory_size;
    left->ram += piece->r.memory_size;
    left->r.memory_size -= piece->r.memory_size;
    return true;
}

// --- slots --------------------------------------------------------------------------------------------------------

static uint32_t slot_id(const SlotTable *t, unsigned i)
{
    return i | t->as_id << 16;
}

// The slot of exactly these guest addresses, or NULL.
static Slot *find(const SlotTable *t, const Slot *piece)
{
    for (unsigned i = 0; i < t->n; i++) {
        Slot *s = &t->slots[i];
        if (s->r.memory_size == piece->r.memory_size && s->r.guest_phys_addr == piece->r.guest_phys_addr) {
            return s;
        }
    }
    return NULL;
}

// The lowest free one; NULL: the backend takes no more.
static Slot *take_free(SlotTable *t)
{
    for (unsigned i = 0;; i++) {
        if (i == t->n) {
            unsigned more = MIN(MAX(2 * t->n, SLOTS_AT_FIRST), t->backend->nr_slots);
            if (more == t->n) {
                return NULL;
            }
            t->slots = g_renew(Slot, t->slots, more);
            memset(t->slots + t->n, 0, (more - t->n) * sizeof *t->slots);
            t->n = more;
        }
        if (!t->slots[i].r.memory_size) {
            t->slots[i].r.slot = slot_id(t, i);
            return &t->slots[i];
        }
    }
}

// What the guest wrote there goes to the dirty log.
static void fetch_dirty(SlotTable *t, const Slot *s)
{
    uint64_t words = (s->r.memory_size / PAGE_SIZE + 63) / 64;
    g_autofree uint64_t *bits = g_new0(uint64_t, words);
    if (t->backend->get_dirty(t->backend, s->r.slot, s->r.memory_size, bits)) {
        return;
    }
    for (uint64_t w = 0; w < words; w++) {
        for (uint64_t left = bits[w]; left; left &= left - 1) {
            dirty_mark(s->ram + (w * 64 + (unsigned)__builtin_ctzll(left)) * PAGE_SIZE, PAGE_SIZE);
        }
    }
}

static void add_range(SlotTable *t, const FlatRange *r)
{
    Slot left = whole_pages(t, r), piece;
    while (next_piece(t, &left, &piece)) {
        Slot *s = take_free(t);
        if (!s) {
            t->refused++;
            continue;
        }
        piece.r.slot = s->r.slot;
        if (t->backend->set_region(t->backend, &piece.r)) {
            t->refused++;
        } else {
            *s = piece;
        }
    }
}

// R3.32.
static void remove_range(SlotTable *t, const FlatRange *r)
{
    Slot left = whole_pages(t, r), piece;
    while (next_piece(t, &left, &piece)) {
        Slot *s = find(t, &piece);
        if (!s) {
            continue;
        }
        if (s->r.flags & SLOT_LOG_DIRTY) {
            fetch_dirty(t, s);
        }
        SlotRegion gone = s->r;
        gone.memory_size = 0;
        int err = t->backend->set_region(t->backend, &gone);
        g_assert(!err);
        *s = (Slot){0};
    }
}

// R3.33: only the log flag can change while a slot lives. Read-only, romd and the rest make it another range (R3.11).
static void update_flags(SlotTable *t, const FlatRange *r)
{
    Slot left = whole_pages(t, r), piece;
    while (next_piece(t, &left, &piece)) {
        Slot *s = find(t, &piece);
        if (!s || s->r.flags == piece.r.flags) {
            continue;
        }
        if (s->r.flags & SLOT_LOG_DIRTY) {
            fetch_dirty(t, s);
        }
        piece.r.slot = s->r.slot;
        int err = t->backend->set_region(t->backend, &piece.r);
        g_assert(!err);
        *s = piece;
    }
}

// --- the listener ---------------------------------------------------------------------------------------------------

static SlotTable *table_of(MemoryListener *l)
{
    return (SlotTable *)(void *)l;
}

static void region_add(MemoryListener *l, const FlatRange *r)
{
    g_array_append_val(table_of(l)->adds, *r);
}

static void region_del(MemoryListener *l, const FlatRange *r)
{
    g_array_append_val(table_of(l)->dels, *r);
}

static void commit(MemoryListener *l)
{
    SlotTable *t = table_of(l);
    for (guint i = 0; i < t->dels->len; i++) {
        remove_range(t, &g_array_index(t->dels, FlatRange, i));
    }
    for (guint i = 0; i < t->adds->len; i++) {
        add_range(t, &g_array_index(t->adds, FlatRange, i));
    }
    g_array_set_size(t->dels, 0);
    g_array_set_size(t->adds, 0);
}

static void log_changed(MemoryListener *l, const FlatRange *r, unsigned old G_GNUC_UNUSED, unsigned new G_GNUC_UNUSED)
{
    update_flags(table_of(l), r);
}

static void log_sync(MemoryListener *l, const FlatRange *r)
{
    SlotTable *t = table_of(l);
    Slot left = whole_pages(t, r), piece;
    while (next_piece(t, &left, &piece)) {
        const Slot *s = find(t, &piece);
        if (s && s->r.flags & SLOT_LOG_DIRTY) {
            fetch_dirty(t, s);
        }
    }
}

void slot_table_init(SlotTable *t, SlotBackend *backend, unsigned as_id, AddressSpace *as, const char *name)
{
    *t = (SlotTable){
        .listener = {.name = name,
                     .priority = LISTENER_PRIORITY_ACCEL,
                     .commit = commit,
                     .region_add = region_add,
                     .region_del = region_del,
                     .log_start = log_changed,
                     .log_stop = log_changed,
                     .log_sync = log_sync},
        .backend = backend,
        .as_id = as_id,
        .adds = g_array_new(FALSE, FALSE, sizeof(FlatRange)),
        .dels = g_array_new(FALSE, FALSE, sizeof(FlatRange)),
    };
    memory_lock();
    if (!tables) {
        tables = g_ptr_array_new();
    }
    g_ptr_array_add(tables, t);
    memory_listener_register(&t->listener, as);
    memory_unlock();
}

void slot_table_deinit(SlotTable *t)
{
    memory_lock();
    memory_listener_unregister(&t->listener);
    g_ptr_array_remove(tables, t);
    memory_unlock();
    g_array_free(t->adds, TRUE);
    g_array_free(t->dels, TRUE);
    g_free(t->slots);
    *t = (SlotTable){0};
}

// --- listings -------------------------------------------------------------------------------------------------------

static gint by_address(gconstpointer a, gconstpointer b)
{
    const Slot *x = *(Slot *const *)a, *y = *(Slot *const *)b;
    return x->r.guest_phys_addr < y->r.guest_phys_addr ? -1 : 1;
}

void slot_table_print(const SlotTable *t, GString *out)
{
    g_autoptr(GPtrArray) live = g_ptr_array_new();
    for (unsigned i = 0; i < t->n; i++) {
        if (t->slots[i].r.memory_size) {
            g_ptr_array_add(live, &t->slots[i]);
        }
    }
    g_ptr_array_sort(live, by_address);
    for (guint i = 0; i < live->len; i++) {
        const Slot *s = live->pdata[i];
        g_string_append_printf(out, "slot=%u flags=%#x gpa=%#" PRIx64 " size=%#" PRIx64 " ram+%#" PRIx64 "\n",
                               s->r.slot, s->r.flags, s->r.guest_phys_addr, s->r.memory_size, s->ram);
    }
}

static bool holds(const SlotTable *t, const FlatRange *r)
{
    Slot left = whole_pages(t, r), piece;
    bool any = false;
    while (next_piece(t, &left, &piece)) {
        if (!find(t, &piece)) {
            return false;
        }
        any = true;
    }
    return any;
}

void slots_print_holders(GString *out, const AddressSpace *as, const FlatRange *r)
{
    for (guint i = 0; tables && i < tables->len; i++) {
        const SlotTable *t = tables->pdata[i];
        if (t->listener.as == as && holds(t, r)) {
            g_string_append_printf(out, " %s", t->listener.name);
        }
    }
}
