// SPDX-License-Identifier: GPL-3.0-or-later
// Who is told how the flat view of an address space changes (memory/spec.md 3.1, 3.2).
//
// A listener is embedded in its owner, who fills in the callbacks it wants (NULL: not interested) and registers it. All
// callbacks run under the big lock, in one piece from begin to commit, while the memory map is being changed: they
// change no region and no address space, and neither register nor unregister. They may look up memory; a space shows
// its old view until its adds have been told. The ranges they get are good until commit returns (R1.13).
#pragma once
#include "softmmu/ioeventfd.h"
#include "softmmu/memory.h"

#define LISTENER_PRIORITY_MIN 0
#define LISTENER_PRIORITY_ACCEL 10 // accelerators and device back-ends (R3.1)

typedef struct MemoryListener MemoryListener;
struct MemoryListener { // zeroed but for what the owner sets
    const char *name;   // the owner's string
    unsigned priority;  // ascending order; equals in the order of their registration
    // Around all the rest, whatever the address space: every listener of the process gets these in each commit.
    void (*begin)(MemoryListener *l);
    void (*commit)(MemoryListener *l);
    // All dels of a space come before its adds (R3.13), each ascending by address. Listeners of higher priority are
    // told of adds later and of dels earlier. nop: the range is as it was. An add's r->log_mask may have clients
    // already (R3.12): no log_start follows.
    void (*region_add)(MemoryListener *l, const FlatRange *r);
    void (*region_del)(MemoryListener *l, const FlatRange *r);
    void (*region_nop)(MemoryListener *l, const FlatRange *r);
    // The dirty clients (DirtyClient bits) of a range that else stays: some came, some went.
    void (*log_start)(MemoryListener *l, const FlatRange *r, unsigned old, unsigned new);
    void (*log_stop)(MemoryListener *l, const FlatRange *r, unsigned old, unsigned new);
    // Somebody is about to read dirty bits: what the listener knows of the range's pages (of all pages) goes to
    // dirty_mark now. A listener has one of the two (R3.3).
    void (*log_sync)(MemoryListener *l, const FlatRange *r);
    void (*log_sync_global)(MemoryListener *l);
    // The bits of these bytes were read and cleared.
    void (*log_clear)(MemoryListener *l, const FlatRange *r);
    // Logging of everything begins; false and *error: it cannot, and those that were told before get log_global_stop.
    bool (*log_global_start)(MemoryListener *l, GError **error);
    void (*log_global_stop)(MemoryListener *l);
    void (*log_global_after_sync)(MemoryListener *l);
    // A write to addr of the space signals e (e->addr is the offset in its region).
    void (*eventfd_add)(MemoryListener *l, gpa_t addr, const IoEventfd *e);
    void (*eventfd_del)(MemoryListener *l, gpa_t addr, const IoEventfd *e);
    AddressSpace *as; // whose listener it is; NULL: not registered
};

// The listener, and nobody else, is told of everything that the space shows now, as if it were all new (R3.2);
// unregistering tells it that everything goes. Unregistering one that is not registered does nothing. Both take the big
// lock; outside transactions that have changed something. If it cannot start to log while everything is being logged,
// that is a programming error: such a listener is registered before.
void memory_listener_register(MemoryListener *l, AddressSpace *as);
void memory_listener_unregister(MemoryListener *l);

// --- for space.c and dirty.c, under the big lock -----------------------------------------------------------
void listeners_begin(void);
void listeners_commit(void);
// What changes in as, whose old view is still shown. The same view: nothing.
void listeners_update(const AddressSpace *as, const FlatView *old, const FlatView *new);
// Eventfds as the view that as shows now has them.
void listeners_update_eventfds(AddressSpace *as);
void listeners_forget(const AddressSpace *as); // it shows nothing any more
bool listeners_busy(void); // a callback is running
bool listeners_global_start(GError **error); // ascending, with rollback
void listeners_global_stop(void);            // descending
// log_sync for each logged range that is of mr (NULL: any), or log_sync_global.
void listeners_sync(const MemoryRegion *mr);
// log_clear for each range that shows some of [offset, offset + len) of mr, cut to that.
void listeners_clear(const MemoryRegion *mr, uint64_t offset, uint64_t len);
void listeners_after_sync(void);
