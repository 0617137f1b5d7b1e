// SPDX-License-Identifier: GPL-3.0-or-later
// Page-table entries and satp (privileged spec 4.1.11, 4.3 to 4.5, chapters 5 and 6).
#pragma once
#include <stdint.h>

enum { PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_U = 16, PTE_G = 32, PTE_A = 64, PTE_D = 128 };
#define PTE_PPN_SHIFT  10
#define PTE_PPN_BITS   44
#define PTE_N          (UINT64_C(1) << 63)
#define NAPOT_BITS     16 // the one size there is: 64 KiB

#define SATP_MODE_SHIFT 60
#define SATP_ASID_SHIFT 44

// How many levels of page tables satp asks for; 0: Bare.
static inline unsigned satp_levels(uint64_t satp)
{
    unsigned mode = (unsigned)(satp >> SATP_MODE_SHIFT);
    return mode ? mode - 5 : 0; // Sv39 is 8, Sv48 is 9, Sv57 is 10
}
