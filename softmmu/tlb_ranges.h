// SPDX-License-Identifier: GPL-3.0-or-later
// A small set of address ranges that may grow wider than what was put in: where a TLB has large pages.
#pragma once
#include "util/access.h"

// Ranges of addresses, each 2^bits bytes from a multiple of that, that hold every address noted; the set may be wider
// than what was noted.
#define TLB_RANGES 16
typedef struct {
    gva_t base[TLB_RANGES];
    uint8_t bits[TLB_RANGES];
    unsigned n;
} TlbRanges;

// Do a and b lie in the same block of 2^bits bytes?
static inline bool tlb_same_block(gva_t a, gva_t b, unsigned bits)
{
    return bits >= 64 || (a ^ b) >> bits == 0;
}

// Notes the block of 2^bits bytes that va lies in.
void tlb_ranges_add(TlbRanges *r, gva_t va, unsigned bits);
// False: nothing that was noted holds va.
bool tlb_ranges_has(const TlbRanges *r, gva_t va);
