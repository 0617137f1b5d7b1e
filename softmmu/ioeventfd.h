// SPDX-License-Identifier: GPL-3.0-or-later
// Writes that signal an eventfd in place of calling the device (R2.9).
#pragma once
#include "softmmu/memory.h"

struct IoEventfd {
    uint64_t addr; // offset in the region
    unsigned size; // of the access; 0: any
    bool match_data;
    uint64_t data; // in the guest's byte order, if match_data
    int fd;        // of eventfd(2); the caller's
};

// Deleting one that is not there, and adding one that is, are programming errors. No view changes; listeners are told.
void memory_region_add_eventfd(MemoryRegion *mr, const IoEventfd *e);
void memory_region_del_eventfd(MemoryRegion *mr, const IoEventfd *e);

// True if the write (value in the guest's byte order) has one; it is signalled then. Under the big lock.
bool ioeventfd_signal(const MemoryRegion *mr, uint64_t addr, unsigned size, uint64_t value);
bool ioeventfd_same(const IoEventfd *a, const IoEventfd *b);
void ioeventfds_free(MemoryRegion *mr);
