// SPDX-License-Identifier: GPL-3.0-or-later
// A small set of address ranges: when it is full, the one that has to grow least takes the new one in.
#include "util/addr_ranges.h"

#include <glib.h>

bool addr_ranges_has(const AddrRanges *r, gva_t va)
{
    for (unsigned i = 0; i < r->n; i++)
        if (addr_same_block(r->base[i], va, r->bits[i]))
            return true;
    return false;
}

// The size that range i needs to hold the block of va too.
static unsigned widened(const AddrRanges *r, unsigned i, gva_t va, unsigned bits)
{
    gva_t differ = r->base[i] ^ va;
    return MAX(MAX(bits, r->bits[i]), differ ? 64 - (unsigned)__builtin_clzll(differ) : 0);
}

void addr_ranges_add(AddrRanges *r, gva_t va, unsigned bits)
{
    unsigned best = 0, best_bits = ~0u;
    for (unsigned i = 0; i < r->n; i++) {
        unsigned wide = widened(r, i, va, bits);
        if (wide == r->bits[i])
            return; // holds it
        if (wide < best_bits) {
            best = i;
            best_bits = wide;
        }
    }
    if (r->n < ADDR_RANGES) {
        best = r->n++;
        best_bits = bits;
    }
    r->base[best] = va;
    r->bits[best] = (uint8_t)best_bits;
}
