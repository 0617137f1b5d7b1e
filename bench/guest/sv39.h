// SPDX-License-Identifier: GPL-3.0-or-later
// Paging for bench programs: what sv39.c has set up when main starts, in S-mode.
#pragma once
#include "pte.h"
#include "rt.h"

#define SATP_SV39 (UINT64_C(8) << 60)

// The entry of the 4 KiB page at va, which lies in RAM. Changes need an sfence.vma.
uint64_t *sv39_entry(uint64_t va);
// A program may define this: called in M-mode, on the way to S-mode (delegation).
void sv39_machine_mode(void);
