// SPDX-License-Identifier: GPL-3.0-or-later
// Bits of a page-table entry (privileged manual, Sv39).
#pragma once

#define PTE_V 1u
#define PTE_R 2u
#define PTE_W 4u
#define PTE_X 8u
#define PTE_U 16u
#define PTE_G 32u
#define PTE_A 64u
#define PTE_D 128u
#define PTE_AD (PTE_A | PTE_D)
