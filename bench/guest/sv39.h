// SPDX-License-Identifier: GPL-3.0-or-later
// Paging for bench programs: what sv39.c has set up when main starts, in S-mode.
#pragma once
#include "rt.h"

#define PTE_V  1u
#define PTE_R  2u
#define PTE_W  4u
#define PTE_X  8u
#define PTE_U  16u
#define PTE_AD 192u

#define SATP_SV39 (UINT64_C(8) << 60)

// The entry of the 4 KiB page at va, which lies in RAM. Changes need an sfence.vma.
uint64_t *sv39_entry(uint64_t va);
// A program may define this: called in M-mode, on the way to S-mode (delegation).
void sv39_machine_mode(void);
