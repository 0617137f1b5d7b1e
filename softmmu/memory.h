// SPDX-License-Identifier: GPL-3.0-or-later
// Memory regions and address spaces: the memory API that boards and devices use (memory/spec.md 1 and 2).
//
// A board builds a tree of MemoryRegions under a root and hands the root to an AddressSpace. The tree is
// rendered into a flat view: sorted, non-overlapping ranges. All accesses go through the flat view. Topology
// changes happen inside a transaction and under the big lock (memory_lock), which they take themselves.
//
// Who may look when. Readers never lock: a view is freed only after every thread that may be reading it has
// left (softmmu/grace.h), which covers address_space_* and memory_region_dispatch_*. A MemorySection outlives
// that; it is valid while the caller holds the big lock, or until the commit hook has told the caller to
// forget it. A hart that goes from address_space_lookup to a device therefore takes memory_lock around lookup
// and dispatch, or looks the address up again under the lock.
#pragma once
#include "util/access.h"
#include <glib.h>
#include <stdio.h>

typedef struct MemoryRegion MemoryRegion;
typedef struct AddressSpace AddressSpace;
typedef struct FlatView FlatView;
typedef struct RamBlock RamBlock;

typedef enum { // spec 2.1; a set, OR-ed over the pieces of an access
    MEMTX_OK = 0,
    MEMTX_ERROR = 1,
    MEMTX_DECODE_ERROR = 2,
    MEMTX_ACCESS_ERROR = 4,
} MemTxResult;

typedef struct {
    unsigned memory : 1; // only RAM may be touched (R2.25)
    unsigned debug : 1;  // writes reach ROM
} MemTxAttrs;
#define MEMTXATTRS_NONE ((MemTxAttrs){0})

typedef enum { DEVICE_NATIVE_ENDIAN, DEVICE_BIG_ENDIAN, DEVICE_LITTLE_ENDIAN } DeviceEndian;

typedef struct { // spec 2.2, 2.3
    uint64_t (*read)(void *opaque, uint64_t addr, unsigned size);
    void (*write)(void *opaque, uint64_t addr, uint64_t data, unsigned size);
    // Used where the plain one is NULL. If both are, accesses of that direction are rejected.
    MemTxResult (*read_with_attrs)(void *opaque, uint64_t addr, uint64_t *data, unsigned size,
                                   MemTxAttrs attrs);
    MemTxResult (*write_with_attrs)(void *opaque, uint64_t addr, uint64_t data, unsigned size,
                                    MemTxAttrs attrs);
    DeviceEndian endianness;
    struct {
        unsigned min_access_size, max_access_size;
        bool unaligned;
        bool (*accepts)(void *opaque, uint64_t addr, unsigned size, bool is_write, MemTxAttrs attrs);
    } valid;
    struct {
        unsigned min_access_size, max_access_size;
        bool unaligned;
    } impl;
} MemoryRegionOps;

struct RamBlock { // host memory behind a RAM or ROM region
    uint8_t *host;
    uint64_t size; // rounded up to pages
    ram_t offset;  // place in the global RAM-offset space
    char *name;
};

struct MemoryRegion {
    const char *name; // owned
    const MemoryRegionOps *ops;
    void *opaque;
    void *owner; // device object for the re-entrancy guard, or NULL
    MemoryRegion *container;
    GPtrArray *subregions; // descending priority, newest first among equals
    MemoryRegion *alias;
    uint64_t alias_offset;
    uint64_t addr;
    __uint128_t size;
    int32_t priority;
    RamBlock *ram; // owned; not NULL: RAM or ROM
    bool enabled, terminates, readonly, unmergeable;
};

typedef struct { // one range of a flat view
    MemoryRegion *mr;
    __uint128_t start, size;
    uint64_t offset_in_region;
    bool readonly, unmergeable; // or-ed over the path from the root (R1.25)
} FlatRange;

struct FlatView { // immutable once an address space shows it
    unsigned refs;      // address spaces that show it; under the big lock
    MemoryRegion *root; // reduced root (R1.31), NULL for the empty view
    FlatRange *ranges;  // sorted, disjoint, maximally merged
    unsigned n;
};

struct AddressSpace {
    char *name;
    MemoryRegion *root;
    FlatView *view;
};

// The part of a flat range found for an address.
typedef struct {
    MemoryRegion *mr;  // NULL: unassigned
    gpa_t addr;        // the address
    uint64_t offset;   // of the address, in the region
    uint64_t len;      // bytes from the address to the end of the range (UINT64_MAX caps)
    uint64_t before;   // bytes of the range before the address
    bool readonly;     // RAM whose writes by the CPU are dropped (ROM, or RAM behind a read-only alias)
    uint8_t *host;     // directly readable host memory at the address, or NULL
    bool direct_write; // host may also be written
} MemorySection;

// The big lock: held around MMIO callbacks, topology changes and device timers. Recursive.
void memory_lock(void);
void memory_unlock(void);

// --- regions: embedded in their device or board; names are copied. Size UINT64_MAX means 2^64 (R1.3). ---
// A pure container: shows its children only.
void memory_region_init(MemoryRegion *mr, const char *name, uint64_t size);
// MMIO. ops and opaque belong to the caller and outlive the region. ops NULL: a reservation, which claims its
// addresses and rejects every access.
void memory_region_init_io(MemoryRegion *mr, const MemoryRegionOps *ops, void *opaque, const char *name,
                           uint64_t size);
// RAM is reserved lazily with mmap(MAP_NORESERVE): any size the host can reserve. Error: the host refused;
// the region is then not initialised.
bool memory_region_init_ram(MemoryRegion *mr, const char *name, uint64_t size, GError **error);
bool memory_region_init_rom(MemoryRegion *mr, const char *name, uint64_t size, GError **error);
// Shows [offset, offset + size) of target, which outlives the alias. May hold no children (R1.2).
void memory_region_init_alias(MemoryRegion *mr, const char *name, MemoryRegion *target, uint64_t offset,
                              uint64_t size);
// Detaches remaining children and frees what the region owns. It must be in no container and visible nowhere.
// Waits for readers of old views, and lets go of the big lock meanwhile; so not from a device callback, and
// not inside a transaction.
void memory_region_deinit(MemoryRegion *mr);

// The device that the re-entrancy guard (R1.15) counts the region to; NULL (the default) means no guard.
// While a callback of one of a device's regions runs, its other accesses to any of them get
// MEMTX_ACCESS_ERROR.
void memory_region_set_owner(MemoryRegion *mr, void *owner);
// Between these the calling thread acts for a device outside a callback of its regions, as a timer of the device does:
// the guard holds there too. They nest; actor is the caller's, on its stack.
typedef struct MemoryActor {
    const void *owner;
    struct MemoryActor *up;
} MemoryActor;
void memory_actor_begin(MemoryActor *actor, const void *owner);
void memory_actor_end(MemoryActor *actor);
uint64_t memory_region_size(const MemoryRegion *mr); // UINT64_MAX for 2^64

// Every change of the tree is a transaction of its own, or part of the one that is open (spec 1.5). Changes
// to the present value do nothing. A region is in at most one container, and in no cycle.
void memory_region_add_subregion(MemoryRegion *container, uint64_t addr, MemoryRegion *child); // priority 0
void memory_region_add_subregion_overlap(MemoryRegion *container, uint64_t addr, MemoryRegion *child,
                                         int32_t priority);
void memory_region_del_subregion(MemoryRegion *container, MemoryRegion *child);
void memory_region_set_enabled(MemoryRegion *mr, bool enabled);
void memory_region_set_address(MemoryRegion *mr, uint64_t addr); // goes on top of its equals (R1.21)
void memory_region_set_size(MemoryRegion *mr, uint64_t size);    // RAM: at most the size it was made with
void memory_region_set_readonly(MemoryRegion *mr, bool readonly);
void memory_region_set_alias_offset(MemoryRegion *mr, uint64_t offset);
void memory_region_set_unmergeable(MemoryRegion *mr, bool unmergeable);
// Nest; the outermost commit renders the views anew if anything visible changed. The big lock is held
// between.
void memory_transaction_begin(void);
void memory_transaction_commit(void);
// First flat range that intersects [addr, addr + size) of mr, in the space whose root tops mr's container
// chain, clipped to the intersection; mr NULL and len 0 if there is none (R1.28). Call it under the big lock.
MemorySection memory_region_find(MemoryRegion *mr, uint64_t addr, uint64_t size);
// True if something other than container itself is visible at addr of container (R1.28).
bool memory_region_present(MemoryRegion *container, uint64_t addr);

// --- address spaces --------------------------------------------------------------------------------------
// Renders at once; no commit hook. name NULL: "anonymous". root outlives the space.
void address_space_init(AddressSpace *as, MemoryRegion *root, const char *name);
// Not from a device callback, and when no other thread uses the space any more.
void address_space_deinit(AddressSpace *as);
// What lies at addr, now. Lifetime: see the top of this file.
MemorySection address_space_lookup(AddressSpace *as, gpa_t addr);
// Called under the big lock after each commit that rendered the views anew; the TLBs flush there. It may let go of
// the lock for a while.
void memory_set_commit_hook(void (*hook)(void *opaque), void *opaque);
// Called after RAM was written other than by a CPU store through its TLB (spec R2.26, R5.63).
void memory_set_ram_written_hook(void (*hook)(void *opaque, ram_t start, uint64_t len), void *opaque);
void memory_ram_written(ram_t start, uint64_t len); // calls the hook

// Spec 2.5; len 0 is OK. Unread bytes are 0. After 2^64 - 1 comes address 0.
MemTxResult address_space_rw(AddressSpace *as, gpa_t addr, MemTxAttrs attrs, void *buf, uint64_t len,
                             bool is_write);
MemTxResult address_space_read(AddressSpace *as, gpa_t addr, MemTxAttrs attrs, void *buf, uint64_t len);
MemTxResult address_space_write(AddressSpace *as, gpa_t addr, MemTxAttrs attrs, const void *buf,
                                uint64_t len);
// Writes RAM and ROM, skips everything else (loaders). Always OK.
MemTxResult address_space_write_rom(AddressSpace *as, gpa_t addr, const void *buf, uint64_t len);
// Spec 2.6: one access of 1, 2, 4 or 8 bytes, little-endian, never split over regions; result may be NULL.
uint64_t address_space_ld(AddressSpace *as, gpa_t addr, unsigned size, MemTxResult *result);
void address_space_st(AddressSpace *as, gpa_t addr, unsigned size, uint64_t value, MemTxResult *result);

// One access of 1, 2, 4 or 8 bytes at an offset of an MMIO region, validated, split and merged as spec 2.2
// and 2.3 say, in little-endian order. Takes the big lock. Rejected (MEMTX_DECODE_ERROR, *value 0, device not
// called) if mr is NULL (unassigned), RAM, ROM or a reservation, or if the access passes the end of the
// region; the caller sees to it that the access stays inside its MemorySection (R2.12).
MemTxResult memory_region_dispatch_read(MemoryRegion *mr, uint64_t offset, uint64_t *value, unsigned size,
                                        MemTxAttrs attrs);
MemTxResult memory_region_dispatch_write(MemoryRegion *mr, uint64_t offset, uint64_t value, unsigned size,
                                         MemTxAttrs attrs);

// --- listings (spec 4), byte-exact in shape; appended to out ---------------------------------------------
// Every address space in creation order, then alias targets; flat: the rendered views.
void memory_print_tree(GString *out, bool disabled_too);
void memory_print_flat(GString *out);
