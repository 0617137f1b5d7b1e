// SPDX-License-Identifier: GPL-3.0-or-later
// Guest RAM as memory slots of the kernel, as KVM wants it (memory/spec.md 3.4): a listener that keeps the slot table
// equal to the page-aligned RAM of a flat view, and what it hands the slots to.
//
// Host memory at a place that is no whole page has no slot (the kernel would refuse it); accesses to it are emulated.
#pragma once
#include "softmmu/listener.h"
#include <stddef.h>

// As the kernel's kvm_userspace_memory_region; softmmu/slots_kvm.c compares them.
typedef struct {
    uint32_t slot; // low half: the slot; high half: the address space
    uint32_t flags;
    uint64_t guest_phys_addr;
    uint64_t memory_size; // 0: the slot goes
    uint64_t userspace_addr;
} SlotRegion;
_Static_assert(offsetof(SlotRegion, slot) == 0 && offsetof(SlotRegion, flags) == 4, "the kernel's layout");
_Static_assert(offsetof(SlotRegion, guest_phys_addr) == 8 && offsetof(SlotRegion, memory_size) == 16,
               "the kernel's layout");
_Static_assert(offsetof(SlotRegion, userspace_addr) == 24 && sizeof(SlotRegion) == 32, "the kernel's layout");

#define SLOT_LOG_DIRTY 1u // flags
#define SLOT_READONLY  2u

typedef struct SlotBackend SlotBackend;
struct SlotBackend {
    // Makes, moves, changes or deletes a slot. 0 or a negative errno (the kernel's table).
    int (*set_region)(SlotBackend *b, const SlotRegion *r);
    // The pages of the slot that the guest wrote since the last call, a bit each; size is that of the slot, bitmap has
    // whole words of 64 bits. 0 or a negative errno.
    int (*get_dirty)(SlotBackend *b, uint32_t slot, uint64_t size, uint64_t *bitmap);
    unsigned nr_slots;      // of one address space
    bool readonly_ok;       // it takes SLOT_READONLY
    uint64_t max_slot_size; // larger ranges are cut into several; whole pages; 0: any
};

typedef struct { // a slot of the table
    SlotRegion r;     // size 0: free
    ram_t ram;        // of its first byte
} Slot;

typedef struct SlotTable SlotTable;
struct SlotTable { // of one address space; part of its owner
    MemoryListener listener;
    SlotBackend *backend;
    unsigned as_id;
    Slot *slots;
    unsigned n;    // allocated: SLOTS_AT_FIRST, doubled up to backend->nr_slots
    GArray *adds, *dels; // FlatRange, between begin and commit
    unsigned refused;    // ranges, or parts, that the backend refused or that found no free slot: they have none
};
#define SLOTS_AT_FIRST 16
#define SLOTS_UNKNOWN  32 // nr_slots where the kernel does not say

// Registers a listener of priority LISTENER_PRIORITY_ACCEL on as: RAM gets slots now, and follows every commit, all
// removals before all additions (R3.34). name (the caller's string) stands behind the ranges in flat listings. as_id:
// 0, or which address space of the backend's. Several tables may share a backend with different as_id.
void slot_table_init(SlotTable *t, SlotBackend *backend, unsigned as_id, AddressSpace *as, const char *name);
void slot_table_deinit(SlotTable *t); // takes all slots back
// For each slot of the table, ascending by guest address: "slot=0 flags=0x2 gpa=0x1000 size=0xf000 ram+0x0\n".
void slot_table_print(const SlotTable *t, GString *out);
// Names of the tables on as that hold slots for all whole pages of the range, each behind a space (R4.10).
void slots_print_holders(GString *out, const AddressSpace *as, const FlatRange *r);

// --- the recording backend: enforces the kernel's rules, and writes down every call --------------------------
typedef struct {
    SlotBackend b;
    GPtrArray *slots;  // SlotRecord
    GString *log;      // "slot=0 flags=0 gpa=0x1000 size=0xf000 ua=base+0x0 ret=0\n"
    uint64_t base;     // what ua= counts from
    unsigned as_count; // address spaces that it has: ids below that are taken
} SlotRecorder;
#define SLOT_RECORDER_SLOTS 32764

SlotRecorder *slot_recorder_new(void); // base 0, one address space
void slot_recorder_free(SlotRecorder *s);
// The guest wrote a page, or several.
void slot_recorder_touch(SlotRecorder *s, uint64_t gpa, uint64_t len);
// Its slots, ascending by number: as slot_table_print but for "ua=base+0x0" in place of "ram+0x0".
void slot_recorder_print(const SlotRecorder *s, GString *out);

// --- the kernel ------------------------------------------------------------------------------------------------
// A new, empty virtual machine of /dev/kvm. NULL: there is no KVM here that may be used; *error says why.
SlotBackend *slot_kvm_new(GError **error);
void slot_kvm_free(SlotBackend *b);
int slot_kvm_vm(const SlotBackend *b);     // the machine's file descriptor
int slot_kvm_system(const SlotBackend *b); // that of /dev/kvm
