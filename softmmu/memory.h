// SPDX-License-Identifier: GPL-3.0-or-later
// Memory regions and address spaces: the memory API that boards and devices use (memory/spec.md 1 and 2).
//
// A board builds a tree of MemoryRegions under a root and hands the root to an AddressSpace. The tree is
// rendered into a flat view: sorted, non-overlapping ranges. All accesses go through the flat view. Topology
// changes happen inside a transaction and under the big lock (memory_lock), which they take themselves.
// softmmu/iommu.h has regions that translate, softmmu/memory_map.h buffers mapped for devices,
// softmmu/memory_ldst.h single values by size and byte order, softmmu/listener.h who follows the changes,
// softmmu/dirty.h which pages were written.
//
// Who lives how long (R1.13, R1.14). A region is part of its device or board; it counts its references. Flat views
// hold one for each range, found sections and mapped buffers one each. memory_region_deinit waits until the last is
// gone. A device that removes itself cannot wait: it gives its regions an owner, whose release function frees the
// device when nobody refers to any of them any more.
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
typedef struct IommuOps IommuOps;
typedef struct IommuNotifier IommuNotifier;
typedef struct IoEventfd IoEventfd;
typedef struct MapState MapState;

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

typedef struct MemoryOwner MemoryOwner;
struct MemoryOwner { // a device or another object that regions belong to; part of it
    const char *id;   // what the user called the device, or NULL
    const char *path; // where it is among all objects, or NULL
    const char *type; // what it is; for listings that have neither id nor path
    bool device;      // guarded against re-entrancy (R1.15), as opposed to an object without callbacks
    unsigned refs;    // its own, and those of its regions
    void (*release)(MemoryOwner *owner); // with the last of refs; under the big lock, no reader inside. May be NULL
};

struct RamBlock { // host memory behind a RAM or ROM region
    uint8_t *host;
    uint64_t size;     // as the guest may see it at most, rounded up to pages
    uint64_t reserved; // bytes that were mapped for it here; 0: the host memory belongs to the caller
    ram_t offset;      // place in the global RAM-offset space
    char *name;
    bool fixed; // nobody may write it: mapped read-only
};

typedef enum { // what a region is beside what its pointers say
    REGION_PLAIN,
    REGION_ROM_DEVICE, // RAM that is read directly (in romd mode) and written by callbacks
    REGION_RAM_DEVICE, // RAM that transfers touch in single accesses of the size asked for, never by memcpy
} RegionKind;

struct MemoryRegion {
    const char *name; // owned
    const MemoryRegionOps *ops;
    void *opaque;
    MemoryOwner *owner;  // the device or object it belongs to, or NULL
    MemoryOwner *parent; // for listings: the object that it hangs on where that is not the owner, or NULL
    MemoryRegion *container;
    GPtrArray *subregions; // descending priority, newest first among equals
    MemoryRegion *alias;
    uint64_t alias_offset;
    uint64_t addr;
    __uint128_t size;
    int32_t priority;
    RegionKind kind;
    RamBlock *ram; // owned; not NULL: RAM, ROM, ROM device or RAM device
    void (*resized)(void *opaque, uint64_t size); // of resizeable RAM, with opaque; or NULL
    const IommuOps *iommu;    // not NULL: a region that translates
    IommuNotifier *notifiers; // of that
    GArray *eventfds;         // of IoEventfd; NULL: none
    unsigned refs;            // held by views, sections, buffers
    unsigned mapped_by_alias; // how many aliases in containers come to it (R1.11)
    unsigned log_users;       // of VGA's dirty log (R3.21)
    bool enabled, terminates, readonly, nonvolatile, unmergeable;
    bool romd;      // mode of a ROM device
    bool resizeable;
    bool reentrant; // opted out of the guard
};

typedef struct { // one range of a flat view
    MemoryRegion *mr;
    __uint128_t start, size;
    uint64_t offset_in_region;
    uint8_t log_mask; // dirty clients (R3.21)
    bool romd;        // of mr
    bool readonly, nonvolatile, unmergeable; // or-ed over the path from the root (R1.25)
    bool writable; // host may be written by transfers and the CPU
    bool drops;    // host's writes by the CPU are dropped
    uint8_t *host; // of the first byte if reads go straight there, else NULL
} FlatRange;

struct FlatView { // immutable once an address space shows it
    unsigned refs;      // address spaces that show it; under the big lock
    MemoryRegion *root; // reduced root (R1.31), NULL for the empty view
    FlatRange *ranges;  // sorted, disjoint, maximally merged; each holds a reference to its region
    uint64_t *last;     // the last address of each range, for bisection
    unsigned n;
    unsigned main; // the largest range of host memory, which is looked at first, from main_start on
    uint64_t main_start, main_size; // size 0: there is none
};

struct AddressSpace {
    char *name;
    MemoryRegion *root;
    FlatView *view;
    MapState *maps;   // softmmu/map.c
    GArray *eventfds; // softmmu/listener.c: as the listeners know them
};

// The part of a flat range found for an address.
typedef struct {
    MemoryRegion *mr;  // NULL: unassigned
    gpa_t addr;        // the address, in the space that the range was found in
    uint64_t offset;   // of the address, in the region
    uint64_t len;      // bytes from the address to the end of the range (UINT64_MAX caps)
    uint64_t before;   // bytes of the range before the address
    bool readonly;     // of host: writes by the CPU are dropped (ROM, or RAM behind a read-only alias)
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
// RAM in host memory of the caller, which is aligned to 16 bytes and outlives the region.
void memory_region_init_ram_ptr(MemoryRegion *mr, const char *name, uint64_t size, void *host);
// RAM in a file. shared: stores go to the file; else they stay in this process. readonly: the guest sees a ROM, and if
// it is shared nobody can write it, not even a loader. A file that is not there or empty is made of the size, unless
// readonly. Error: names the file; the region is then not initialised.
typedef struct {
    bool shared, readonly;
} RamFileFlags;
bool memory_region_init_ram_from_file(MemoryRegion *mr, const char *name, uint64_t size, RamFileFlags flags,
                                      const char *path, GError **error);
// The same with an open file, from a multiple of the page size on. The descriptor stays the caller's, who may close it.
bool memory_region_init_ram_from_fd(MemoryRegion *mr, const char *name, uint64_t size, RamFileFlags flags, int fd,
                                    uint64_t offset, GError **error);
// RAM whose size may change later, up to max_size (R1.5). After a change resized(opaque, size) is called, if it is not
// NULL, under the big lock and behind the transaction.
bool memory_region_init_resizeable_ram(MemoryRegion *mr, const char *name, uint64_t size, uint64_t max_size,
                                       void (*resized)(void *opaque, uint64_t size), void *opaque, GError **error);
// Error: not resizeable, or more than max_size rounded up to pages.
bool memory_region_ram_resize(MemoryRegion *mr, uint64_t size, GError **error);
// Host memory that the guest reads directly while romd mode is on (as it is at first), and ops.read answers for while
// it is off; writes always go to ops.write. The device writes the memory (memory_region_ram_ptr) itself and then says
// so with memory_region_flush_rom_device.
bool memory_region_init_rom_device(MemoryRegion *mr, const MemoryRegionOps *ops, void *opaque, const char *name,
                                   uint64_t size, GError **error);
void memory_region_rom_device_set_romd(MemoryRegion *mr, bool on);
void memory_region_flush_rom_device(MemoryRegion *mr, uint64_t offset, uint64_t len); // translated code goes
// Registers of a host device at host: the CPU uses them as RAM, transfers access them one by one in sizes of 1 to 8
// bytes, with any alignment.
void memory_region_init_ram_device_ptr(MemoryRegion *mr, const char *name, uint64_t size, void *host);
// Shows [offset, offset + size) of target, which outlives the alias. May hold no children (R1.2).
void memory_region_init_alias(MemoryRegion *mr, const char *name, MemoryRegion *target, uint64_t offset,
                              uint64_t size);
// Detaches remaining children and frees what the region owns. It must be in no container, and no alias in a container
// may come to it. Waits until nobody refers to it, and lets go of the big lock meanwhile; so, unless nobody does, not
// from a device callback, not inside a transaction, and not by who holds a reference.
void memory_region_deinit(MemoryRegion *mr);

// One more reference to the region and to its owner, one less (R1.14). From any thread.
void memory_region_ref(MemoryRegion *mr);
void memory_region_unref(MemoryRegion *mr);
// An owner begins with one reference, for its creator, who sets id afterwards. Release runs when the last is dropped,
// in the thread that does so. Strings stay the callers.
void memory_owner_init(MemoryOwner *owner, const char *type, const char *path, bool device,
                       void (*release)(MemoryOwner *owner));
void memory_owner_unref(MemoryOwner *owner);

// What the region belongs to; NULL (the default): nothing. Before it is mapped. While a callback of one of a device's
// regions runs, its other accesses to any of them get MEMTX_ACCESS_ERROR (R1.15), unless the region opted out.
void memory_region_set_owner(MemoryRegion *mr, MemoryOwner *owner);
void memory_region_set_parent(MemoryRegion *mr, MemoryOwner *parent); // for listings only
void memory_region_set_reentrant(MemoryRegion *mr, bool reentrant);
// Between these the calling thread acts for a device outside a callback of its regions, as a timer of the device does:
// the guard holds there too. They nest; actor is the caller's, on its stack. owner NULL: for nobody.
typedef struct MemoryActor {
    const MemoryOwner *owner;
    struct MemoryActor *up;
} MemoryActor;
void memory_actor_begin(MemoryActor *actor, const MemoryOwner *owner);
void memory_actor_end(MemoryActor *actor);
uint64_t memory_region_size(const MemoryRegion *mr); // UINT64_MAX for 2^64
uint8_t *memory_region_ram_ptr(const MemoryRegion *mr); // the host memory of anything that has some
bool memory_region_is_mapped(const MemoryRegion *mr);   // in a container, or through an alias that is (R1.11)

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
void memory_region_set_nonvolatile(MemoryRegion *mr, bool nonvolatile); // told by listings (nv-)
void memory_region_set_unmergeable(MemoryRegion *mr, bool unmergeable);
// Nest; the outermost commit renders the views anew if anything visible changed. The big lock is held
// between.
void memory_transaction_begin(void);
void memory_transaction_commit(void);
// First flat range that intersects [addr, addr + size) of mr, in the space whose root tops mr's container
// chain, clipped to the intersection; mr NULL and len 0 if there is none (R1.28). The caller owns a reference to the
// section's region, which keeps it and its memory alive, wherever it is mapped later.
MemorySection memory_region_find(MemoryRegion *mr, uint64_t addr, uint64_t size);
// True if something other than container itself is visible at addr of container (R1.28).
bool memory_region_present(MemoryRegion *container, uint64_t addr);

// --- address spaces --------------------------------------------------------------------------------------
// Renders at once; no commit hook. name NULL: "anonymous". root outlives the space.
void address_space_init(AddressSpace *as, MemoryRegion *root, const char *name);
// Not from a device callback, and when no other thread uses the space any more. Its listeners are told that everything
// goes, and are not registered any more.
void address_space_deinit(AddressSpace *as);
// What lies at addr, now; a region that translates is shown as itself. Lifetime: see the top of this file.
MemorySection address_space_lookup(AddressSpace *as, gpa_t addr);
// The same behind translations; unassigned if one does not permit the access.
MemorySection address_space_translate(AddressSpace *as, gpa_t addr, bool is_write, MemTxAttrs attrs);
// Called under the big lock after each commit that rendered the views anew; the TLBs flush there. It may let go of
// the lock for a while.
void memory_set_commit_hook(void (*hook)(void *opaque), void *opaque);
// Called likewise after bits of a dirty log were cleared (softmmu/dirty.h), in place of the commit hook: when it is
// back, stores to these pages of RAM are over or will be reported. NULL: the commit hook it is.
void memory_set_clean_hook(void (*hook)(void *opaque, ram_t start, uint64_t len), void *opaque);
// Called after RAM was written other than by a CPU store through its TLB (spec R2.26, R5.63).
void memory_set_ram_written_hook(void (*hook)(void *opaque, ram_t start, uint64_t len), void *opaque);
void memory_ram_written(ram_t start, uint64_t len); // marks the pages dirty (R2.26) and calls the hook

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
typedef enum { // a set
    MTREE_DISABLED = 1, // disabled regions too (-D)
    MTREE_OWNER = 2,    // who regions belong to (-o)
    MTREE_DISPATCH = 4, // how addresses are looked up (-d), of flat listings
} MtreeFlags;
void memory_print_tree(GString *out, unsigned flags); // every address space in creation order, then alias targets
void memory_print_flat(GString *out, unsigned flags); // the rendered views
void memory_print_ram_blocks(GString *out); // host memory, the largest block first (spec 4)
