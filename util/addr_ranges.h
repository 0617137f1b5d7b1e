// SPDX-License-Identifier: GPL-3.0-or-later
// A small set of address ranges that may grow wider than what was put in.
#pragma once
#include "util/access.h"

// Ranges of addresses, each 2^bits bytes from a multiple of that, that hold every address noted; the set may be wider
// than what was noted.
#define ADDR_RANGES 16
typedef struct {
    gva_t base[ADDR_RANGES];
    uint8_t bits[ADDR_RANGES];
    unsigned n;
} AddrRanges;

// Do a and b lie in the same block of 2^bits bytes?
static inline bool addr_same_block(gva_t a, gva_t b, unsigned bits)
{
    return bits >= 64 || (a ^ b) >> bits == 0;
}

// Notes the block of 2^bits bytes that va lies in.
void addr_ranges_add(AddrRanges *r, gva_t va, unsigned bits);
// False: nothing that was noted holds va.
bool addr_ranges_has(const AddrRanges *r, gva_t va);
