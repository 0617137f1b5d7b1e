// SPDX-License-Identifier: GPL-3.0-or-later
// The CLINT: software interrupts and timers of all harts (memory/spec.md 6.6).
#pragma once
#include "softmmu/memory.h"

typedef struct Clint Clint;

#define CLINT_TICK_NS 100 // 10 MHz

typedef struct {
    void *opaque;
    void (*set_irq)(void *opaque, unsigned hart, unsigned irq, bool level);
    void (*deadline_changed)(void *opaque, unsigned hart);
    uint64_t (*clock_ns)(void *opaque);
} ClintHooks;

// Maps the registers for harts harts at base in parent. hooks is copied. Free it when no address space shows
// parent.
Clint *clint_new(MemoryRegion *parent, gpa_t base, unsigned harts, const ClintHooks *hooks);
void clint_free(Clint *clint);

// Reset state: mtimecmp 0, so MTIP is pending; MSIP clear. Under the big lock.
void clint_reset(Clint *clint);

// mtime now; any thread, no lock.
uint64_t clint_mtime(const Clint *clint);
// The supervisor timer of a hart (Sstc): while enabled its line is up when mtime >= value. Under the big lock.
void clint_set_stimecmp(Clint *clint, unsigned hart, bool enabled, uint64_t value);

// The earliest time at which a timer of these harts fires (UINT64_MAX: never) and the update of their timer lines at a
// time. Under the big lock.
uint64_t clint_next_deadline_ns(const Clint *clint, unsigned first, unsigned harts);
void clint_run(Clint *clint, unsigned first, unsigned harts, uint64_t now_ns);
