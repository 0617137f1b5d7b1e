// SPDX-License-Identifier: GPL-3.0-or-later
// The system calls that a guest passes to its host through HTIF (memory/spec.md R6.13, R6.17, R6.18).
#pragma once
#include "machine/hostfs.h"
#include "softmmu/memory.h"

typedef struct { // all borrowed
    AddressSpace *memory;
    HostFs *fs;
    const GPtrArray *args; // of char *: getmainvars; may be NULL
    gpa_t break_start, break_limit; // brk moves between these
    gpa_t brk; // the current break; break_start at first
    void *opaque;
    void (*exit)(void *opaque, uint64_t code);
    uint64_t (*clock_ns)(void *opaque); // CLOCK_MONOTONIC
} HtifProxy;

// Does the call in the block of eight words at addr (number, seven arguments; all addresses physical) and
// puts the result or -errno into word 0. Arguments are those that the Spike simulator's front-end takes: a
// path is an address and a size. An unreadable block does nothing. Under the big lock; a console read may
// block.
void htif_syscall(HtifProxy *proxy, gpa_t addr);
