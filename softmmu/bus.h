// SPDX-License-Identifier: GPL-3.0-or-later
// Of transfers: which section an access meets, and whether it may touch host memory directly.
#pragma once
#include "softmmu/memory.h"

typedef struct {
    MemTxAttrs attrs;
    bool is_write;
    bool into_rom; // a direct write may change read-only memory
    bool ram_only; // skip the rest without a word
} BusAccess;

// What lies at addr of the view behind all translations; unassigned if one of them does not permit the access. Between
// space_enter and space_leave.
MemorySection bus_section(const FlatView *view, gpa_t addr, const BusAccess *a);
bool bus_direct(const MemorySection *s, const BusAccess *a);
