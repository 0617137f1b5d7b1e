// SPDX-License-Identifier: GPL-3.0-or-later
// A quick 64-bit digest of what files hold: against damage, not against malice.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t digest_mix(uint64_t h, uint64_t w)
{
    h = (h ^ w) * UINT64_C(0x9fb21c651e98df25);
    return h ^ h >> 29;
}

// Of whole words of eight bytes, four of them side by side; what is left over at the end is not looked at.
static inline uint64_t digest_of(uint64_t seed, const void *bytes, size_t size)
{
    uint64_t h[4] = {seed, seed ^ 1, seed ^ 2, seed ^ 3}, w[4];
    const uint8_t *p = (const uint8_t *)bytes;
    for (; size >= sizeof w; p += sizeof w, size -= sizeof w) {
        memcpy(w, p, sizeof w);
        for (unsigned i = 0; i < 4; i++)
            h[i] = digest_mix(h[i], w[i]);
    }
    for (; size >= 8; p += 8, size -= 8) {
        memcpy(w, p, 8);
        h[0] = digest_mix(h[0], w[0]);
    }
    return digest_mix(digest_mix(digest_mix(h[0], h[1]), h[2]), h[3]);
}
