// SPDX-License-Identifier: GPL-3.0-or-later
// The CLINT: software interrupts and timers of all harts (memory/spec.md 6.6).
#pragma once
#include "machine/devices/device.h"

typedef struct Clint Clint;

#define CLINT_TICK_NS 100 // 10 MHz

// Row: size of the window as the device tree has it; it holds the region riscv.aclint.swi and, 0x4000 behind,
// riscv.aclint.mtimer.
extern const DeviceType device_clint;

// mtime now; any thread, no lock.
uint64_t clint_mtime(const Clint *clint);
// The supervisor timer of a hart (Sstc): while enabled its line is up when mtime >= value. Under the big lock.
void clint_set_stimecmp(Clint *clint, unsigned hart, bool enabled, uint64_t value);

// The earliest time at which a timer of these harts fires (UINT64_MAX: never) and the update of their timer lines at a
// time. Under the big lock.
uint64_t clint_next_deadline_ns(const Clint *clint, unsigned first, unsigned harts);
void clint_run(Clint *clint, unsigned first, unsigned harts, uint64_t now_ns);
