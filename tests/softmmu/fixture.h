// SPDX-License-Identifier: GPL-3.0-or-later
// What the tests of the region tree share: regions by the dozen, views as text, a device that records.
#pragma once
#include "tests/test.h"
// then
#include "softmmu/memory.h"
#include <inttypes.h>

#define SPACE UINT64_MAX // 2^64

// --- regions: owned by the list, freed together by regions_free ------------------------------------------
static GPtrArray *regions;

static inline MemoryRegion *region_alloc(void)
{
    if (!regions) {
        regions = g_ptr_array_new();
    }
    MemoryRegion *mr = g_new0(MemoryRegion, 1);
    g_ptr_array_add(regions, mr);
    return mr;
}

static inline MemoryRegion *container(const char *name, uint64_t size)
{
    MemoryRegion *mr = region_alloc();
    memory_region_init(mr, name, size);
    return mr;
}

static inline MemoryRegion *io(const char *name, uint64_t size) // a reservation
{
    MemoryRegion *mr = region_alloc();
    memory_region_init_io(mr, NULL, NULL, name, size);
    return mr;
}

static inline MemoryRegion *device(const MemoryRegionOps *ops, void *opaque, const char *name, uint64_t size)
{
    MemoryRegion *mr = region_alloc();
    memory_region_init_io(mr, ops, opaque, name, size);
    return mr;
}

static inline MemoryRegion *ram(const char *name, uint64_t size)
{
    MemoryRegion *mr = region_alloc();
    assert_true(memory_region_init_ram(mr, name, size, NULL));
    return mr;
}

static inline MemoryRegion *rom(const char *name, uint64_t size)
{
    MemoryRegion *mr = region_alloc();
    assert_true(memory_region_init_rom(mr, name, size, NULL));
    return mr;
}

static inline MemoryRegion *alias(const char *name, MemoryRegion *target, uint64_t offset, uint64_t size)
{
    MemoryRegion *mr = region_alloc();
    memory_region_init_alias(mr, name, target, offset, size);
    return mr;
}

static inline MemoryRegion *add(MemoryRegion *c, uint64_t addr, MemoryRegion *child)
{
    memory_region_add_subregion(c, addr, child);
    return child;
}

static inline MemoryRegion *add_prio(MemoryRegion *c, uint64_t addr, MemoryRegion *child, int32_t priority)
{
    memory_region_add_subregion_overlap(c, addr, child, priority);
    return child;
}

static inline void regions_free(void)
{
    for (guint i = 0; regions && i < regions->len; i++) {
        MemoryRegion *mr = regions->pdata[i];
        if (mr->container) {
            memory_region_del_subregion(mr->container, mr);
        }
    }
    for (guint i = 0; regions && i < regions->len; i++) {
        memory_region_deinit(regions->pdata[i]);
        g_free(regions->pdata[i]);
    }
    g_clear_pointer(&regions, g_ptr_array_unref);
}

// --- one address space per test: `as` over `sys`, a container of 2^64 ------------------------------------
static AddressSpace as;
static MemoryRegion *sys;

static inline int setup(void **state)
{
    (void)state;
    sys = container("system", SPACE);
    address_space_init(&as, sys, "memory");
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    memory_set_commit_hook(NULL, NULL);
    memory_set_ram_written_hook(NULL, NULL);
    address_space_deinit(&as);
    regions_free();
    return 0;
}

// "0-1fff C | 3000-3fff ram@1000 ro": every range of the view.
static inline char *view_text(const AddressSpace *space)
{
    GString *s = g_string_new(NULL);
    for (unsigned i = 0; i < space->view->n; i++) {
        const FlatRange *r = &space->view->ranges[i];
        g_string_append_printf(s, "%s%" PRIx64 "-%" PRIx64 " %s", i ? " | " : "", (uint64_t)r->start,
                               (uint64_t)(r->start + r->size - 1), r->mr->name);
        if (r->offset_in_region) {
            g_string_append_printf(s, "@%" PRIx64, r->offset_in_region);
        }
        g_string_append(s, r->readonly ? " ro" : "");
    }
    return g_string_free(s, FALSE);
}

#define assert_view(space, text) \
    do { \
        g_autofree char *view_text_ = view_text(space); \
        assert_string_equal(view_text_, text); \
    } while (0)

// --- the recorder: an MMIO device that logs its callbacks as "R(0x0,4) W(0x8,1,0x11)" --------------------
typedef struct {
    GString *log;
    MemTxResult fail; // returned for accesses at fail_at
    uint64_t fail_at;
    bool big; // byte k of its registers is k; big-endian devices return big-endian integers
} Recorder;

static inline MemTxResult recorder_read(void *opaque, uint64_t addr, uint64_t *data, unsigned size,
                                        MemTxAttrs a)
{
    (void)a;
    Recorder *r = opaque;
    g_string_append_printf(r->log, "%sR(0x%" PRIx64 ",%u)", r->log->len ? " " : "", addr, size);
    *data = 0;
    for (unsigned k = 0; k < size; k++) {
        *data |= (uint64_t)(uint8_t)(addr + k) << 8 * (r->big ? size - 1 - k : k);
    }
    return addr == r->fail_at ? r->fail : MEMTX_OK;
}

static inline MemTxResult recorder_write(void *opaque, uint64_t addr, uint64_t data, unsigned size,
                                         MemTxAttrs a)
{
    (void)a;
    Recorder *r = opaque;
    g_string_append_printf(r->log, "%sW(0x%" PRIx64 ",%u,0x%" PRIx64 ")", r->log->len ? " " : "", addr, size,
                           data);
    return addr == r->fail_at ? r->fail : MEMTX_OK;
}

static const MemoryRegionOps recorder_ops = { // takes every access as it is
    .read_with_attrs = recorder_read,
    .write_with_attrs = recorder_write,
    .valid = {1, 8, true, NULL},
    .impl = {1, 8, true},
};

static inline void recorder_init(Recorder *r)
{
    *r = (Recorder){.log = g_string_new(NULL)};
}

static inline void recorder_deinit(Recorder *r)
{
    g_string_free(r->log, TRUE);
}

// The log since the last call.
#define assert_calls(r, text) \
    do { \
        assert_string_equal((r)->log->str, text); \
        g_string_truncate((r)->log, 0); \
    } while (0)
