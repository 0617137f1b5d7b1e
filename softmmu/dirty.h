// SPDX-License-Identifier: GPL-3.0-or-later
// Dirty logs: which pages of RAM were written since somebody asked (memory/spec.md 3.3).
//
// Each client has a bit for every page of the RAM-offset space. All are set at first. Whoever reads a client's bits
// clears them (memory_region_snapshot_and_clear_dirty); a page whose VGA or MIGRATION bit is clear is clean: the next
// store to it through a TLB takes the slow path, sets the bits, and later ones are fast again. Nothing is slower
// while no page is clean.
#pragma once
#include "softmmu/memory.h"

typedef enum {
    DIRTY_VGA,       // displays: what must be drawn again
    DIRTY_CODE,      // clear while the page holds translated code (softmmu/code_pages.h); read-only for others
    DIRTY_MIGRATION, // everything, while global logging is on
    DIRTY_CLIENTS
} DirtyClient;
#define DIRTY_BIT(client) (1u << (client))

// --- who logs what (R3.21, R3.22). Each takes the big lock; outside callbacks of listeners. -----------------
// One user more or less of the region's log; an alias stands for its target. client: DIRTY_VGA.
void memory_region_set_log(MemoryRegion *mr, bool on, DirtyClient client);
// Code is being translated: CODE is among the clients of all RAM.
void memory_set_translator(bool in_use);

typedef enum { // a set: users of global logging
    DIRTY_USER_MIGRATION = 1,
    DIRTY_USER_RATE = 2,
    DIRTY_USER_LIMIT = 4,
} DirtyUsers;
// With the first user logging begins: listeners are told, then all ranges get MIGRATION. False, *error: a listener
// refused, and nothing has changed. Users that are there already count once.
bool memory_global_dirty_log_start(unsigned users, GError **error);
// With the last user it ends. While the machine is paused that is put off until it runs.
void memory_global_dirty_log_stop(unsigned users);
void memory_set_paused(bool paused); // the machine; at first it is not

// --- reading (R3.23) ----------------------------------------------------------------------------------------
typedef struct DirtySnapshot DirtySnapshot;
// The client's bits for the pages that hold [offset, offset + len) of RAM, which are clear afterwards. Listeners
// contribute theirs before and are told after. All harts stop for a moment if a bit was set. The caller frees it with
// dirty_snapshot_free. Big lock held: it may be let go of for a while. client: VGA or MIGRATION.
DirtySnapshot *memory_region_snapshot_and_clear_dirty(MemoryRegion *mr, uint64_t offset, uint64_t len,
                                                      DirtyClient client);
// True if one of the bytes is on a page that was dirty; they are inside what was asked for.
bool dirty_snapshot_get(const DirtySnapshot *s, uint64_t offset, uint64_t len);
void dirty_snapshot_free(DirtySnapshot *s);
// The same without a snapshot; without clearing. The second does not ask the listeners.
void memory_region_reset_dirty(MemoryRegion *mr, uint64_t offset, uint64_t len, DirtyClient client);
bool memory_region_get_dirty(const MemoryRegion *mr, uint64_t offset, uint64_t len, DirtyClient client);
// Listeners contribute what they know of all RAM (memory_region_sync: of one region); and afterwards, all harts finish
// what they are doing.
void memory_global_dirty_log_sync(void);
void memory_region_sync_dirty(MemoryRegion *mr);
void memory_global_after_dirty_log_sync(void);

// --- writing -------------------------------------------------------------------------------------------------
// RAM bytes were written, or will be by a hart that does nothing else before: their pages' VGA and MIGRATION bits are
// set (R3.24). From any thread.
void dirty_mark(ram_t start, uint64_t len);

// --- for softmmu/: the TLB, code pages, rendering --------------------------------------------------------------
extern uint64_t dirty_n_clean; // private
static inline bool dirty_any_clean(void)
{
    return __builtin_expect(__atomic_load_n(&dirty_n_clean, __ATOMIC_RELAXED) != 0, 0);
}
bool dirty_page_is_clean(ram_t page); // for VGA or MIGRATION
// The bytes around addr, [*start, *end) at first, up to the next clean pages: narrows them. addr's own page is not.
void dirty_gap(ram_t addr, ram_t *start, ram_t *end);
void dirty_set_code(ram_t page, bool has_code); // the CODE bit
uint8_t dirty_region_mask(const MemoryRegion *mr); // the clients of its ranges
unsigned dirty_global_users(void);                 // under the big lock
