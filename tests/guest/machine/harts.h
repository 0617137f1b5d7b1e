// SPDX-License-Identifier: GPL-3.0-or-later
// Programs for HARTS harts: hart 0 runs main, which calls harts_run; the others wait for it.
#pragma once
#include "rt.h"

#ifndef HARTS
#define HARTS 2
#endif

// All harts call f(hartid) at about the same time; returns when all have come back. From hart 0.
void harts_run(void (*f)(unsigned hart));
void harts_barrier(void); // all harts, inside such a function

#define MSIP(hart) (((volatile uint32_t *)0x2000000)[hart])
#define MSI (UINT64_C(1) << 3)
#define FENCE(before, after) __asm__ volatile("fence " #before ", " #after ::: "memory")
#define LOCATION __attribute__((aligned(64))) // a cache line of its own
