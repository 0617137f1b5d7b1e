// SPDX-License-Identifier: GPL-3.0-or-later
// A slot backend without a kernel: the kernel's rules, and a log of what was asked (memory/spec.md 3.4).
#include "softmmu/slots.h"
#include "util/bits.h"
#include <errno.h>
#include <inttypes.h>

#define HOST_END (UINT64_C(1) << 47) // where user addresses end
#define MAX_PAGES ((UINT64_C(1) << 31) - 1) // of a slot

typedef struct {
    SlotRegion r;
    uint64_t *dirty; // while it logs
} SlotRecord;

static void record_free(gpointer p)
{
    SlotRecord *s = p;
    g_free(s->dirty);
    g_free(s);
}

static SlotRecord *find(const SlotRecorder *s, uint32_t id)
{
    for (guint i = 0; i < s->slots->len; i++) {
        SlotRecord *x = s->slots->pdata[i];
        if (x->r.slot == id) {
            return x;
        }
    }
    return NULL;
}

static uint64_t words(uint64_t size)
{
    return (size / PAGE_SIZE + 63) / 64;
}

static bool well_formed(const SlotRecorder *s, const SlotRegion *r)
{
    uint64_t mask = PAGE_SIZE - 1, known = SLOT_LOG_DIRTY | (s->b.readonly_ok ? SLOT_READONLY : 0);
    return !(r->flags & ~known) && !((r->guest_phys_addr | r->memory_size | r->userspace_addr) & mask) &&
           (r->slot >> 16) < s->as_count && (r->slot & 0xffff) < s->b.nr_slots &&
           r->guest_phys_addr + r->memory_size >= r->guest_phys_addr && r->memory_size / PAGE_SIZE <= MAX_PAGES &&
           r->userspace_addr <= HOST_END && r->memory_size <= HOST_END - r->userspace_addr;
}

static bool overlaps_another(const SlotRecorder *s, const SlotRegion *r)
{
    for (guint i = 0; i < s->slots->len; i++) {
        const SlotRegion *x = &((SlotRecord *)s->slots->pdata[i])->r;
        if (x->slot != r->slot && x->slot >> 16 == r->slot >> 16 &&
            x->guest_phys_addr < r->guest_phys_addr + r->memory_size &&
            r->guest_phys_addr < x->guest_phys_addr + x->memory_size) {
            return true;
        }
    }
    return false;
}

static void change(SlotRecord *x, const SlotRegion *r)
{
    if (!(r->flags & SLOT_LOG_DIRTY)) {
        g_clear_pointer(&x->dirty, g_free);
    } else if (!x->dirty) {
        x->dirty = g_new0(uint64_t, words(r->memory_size));
    }
    x->r = *r;
}

static int apply(SlotRecorder *s, const SlotRegion *r)
{
    if (!well_formed(s, r)) {
        return -EINVAL;
    }
    SlotRecord *x = find(s, r->slot);
    if (!r->memory_size) {
        return x && g_ptr_array_remove(s->slots, x) ? 0 : -EINVAL;
    }
    if (x) {
        const SlotRegion *old = &x->r;
        if (r->memory_size != old->memory_size || r->userspace_addr != old->userspace_addr ||
            ((r->flags ^ old->flags) & SLOT_READONLY)) {
            return -EINVAL;
        }
        if (r->guest_phys_addr == old->guest_phys_addr) { // nothing can be in the way
            change(x, r);
            return 0;
        }
    }
    if (overlaps_another(s, r)) {
        return -EEXIST;
    }
    if (!x) {
        x = g_new0(SlotRecord, 1);
        g_ptr_array_add(s->slots, x);
    }
    change(x, r);
    return 0;
}

static void print_region(const SlotRecorder *s, GString *out, const SlotRegion *r)
{
    g_string_append_printf(out, "slot=%u flags=%#x gpa=%#" PRIx64 " size=%#" PRIx64 " ua=base+%#" PRIx64,
                           r->slot, r->flags, r->guest_phys_addr, r->memory_size, r->userspace_addr - s->base);
}

static int set_region(SlotBackend *b, const SlotRegion *r)
{
    SlotRecorder *s = (SlotRecorder *)(void *)b;
    int ret = apply(s, r);
    print_region(s, s->log, r);
    g_string_append_printf(s->log, " ret=%d\n", ret);
    return ret;
}

static int get_dirty(SlotBackend *b, uint32_t slot, uint64_t size, uint64_t *bitmap)
{
    const SlotRecorder *s = (SlotRecorder *)(void *)b;
    if (slot >> 16 >= s->as_count || (slot & 0xffff) >= s->b.nr_slots) {
        return -EINVAL;
    }
    const SlotRecord *x = find(s, slot);
    if (!x || !x->dirty) {
        return -ENOENT;
    }
    g_assert(size == x->r.memory_size);
    for (uint64_t i = 0; i < words(size); i++) {
        bitmap[i] = x->dirty[i];
        x->dirty[i] = 0;
    }
    return 0;
}

SlotRecorder *slot_recorder_new(void)
{
    SlotRecorder *s = g_new0(SlotRecorder, 1);
    s->b = (SlotBackend){
        .set_region = set_region, .get_dirty = get_dirty, .nr_slots = SLOT_RECORDER_SLOTS, .readonly_ok = true};
    s->slots = g_ptr_array_new_with_free_func(record_free);
    s->log = g_string_new(NULL);
    s->as_count = 1;
    return s;
}

void slot_recorder_free(SlotRecorder *s)
{
    g_ptr_array_free(s->slots, TRUE);
    g_string_free(s->log, TRUE);
    g_free(s);
}

void slot_recorder_touch(SlotRecorder *s, uint64_t gpa, uint64_t len)
{
    for (uint64_t page = align_down(gpa, PAGE_SIZE); page < gpa + len; page += PAGE_SIZE) {
        for (guint i = 0; i < s->slots->len; i++) {
            SlotRecord *x = s->slots->pdata[i];
            uint64_t n = (page - x->r.guest_phys_addr) / PAGE_SIZE;
            if (x->dirty && page - x->r.guest_phys_addr < x->r.memory_size) {
                x->dirty[n / 64] |= UINT64_C(1) << (n % 64);
            }
        }
    }
}

static gint by_id(gconstpointer a, gconstpointer b)
{
    const SlotRecord *x = *(SlotRecord *const *)a, *y = *(SlotRecord *const *)b;
    return x->r.slot < y->r.slot ? -1 : 1;
}

void slot_recorder_print(const SlotRecorder *s, GString *out)
{
    g_autoptr(GPtrArray) sorted = g_ptr_array_copy(s->slots, NULL, NULL);
    g_ptr_array_set_free_func(sorted, NULL);
    g_ptr_array_sort(sorted, by_id);
    for (guint i = 0; i < sorted->len; i++) {
        print_region(s, out, &((SlotRecord *)sorted->pdata[i])->r);
        g_string_append_c(out, '\n');
    }
}
