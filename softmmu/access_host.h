// SPDX-License-Identifier: GPL-3.0-or-later
// Guest values in host memory: in one piece where they are aligned, so that others see all of it or nothing (R5.52).
#pragma once
#include <glib.h>
#include <stdint.h>
#include <string.h>

_Static_assert(G_BYTE_ORDER == G_LITTLE_ENDIAN, "guest values are moved to and from host memory as they are");

// size bytes (1..8) as a number; one host access if aligned to a size that is a power of two.
static inline uint64_t host_load(const uint8_t *p, unsigned size)
{
    uint64_t v = 0;
    uintptr_t low = (uintptr_t)p & (size - 1);
    if (size == 8 && !low)
        return __atomic_load_n((const uint64_t *)(const void *)p, __ATOMIC_RELAXED);
    if (size == 4 && !low)
        return __atomic_load_n((const uint32_t *)(const void *)p, __ATOMIC_RELAXED);
    if (size == 2 && !low)
        return __atomic_load_n((const uint16_t *)(const void *)p, __ATOMIC_RELAXED);
    if (size == 1)
        return __atomic_load_n(p, __ATOMIC_RELAXED);
    memcpy(&v, p, size);
    return v;
}

static inline void host_store(uint8_t *p, unsigned size, uint64_t v)
{
    uintptr_t low = (uintptr_t)p & (size - 1);
    if (size == 8 && !low)
        __atomic_store_n((uint64_t *)(void *)p, v, __ATOMIC_RELAXED);
    else if (size == 4 && !low)
        __atomic_store_n((uint32_t *)(void *)p, (uint32_t)v, __ATOMIC_RELAXED);
    else if (size == 2 && !low)
        __atomic_store_n((uint16_t *)(void *)p, (uint16_t)v, __ATOMIC_RELAXED);
    else if (size == 1)
        __atomic_store_n(p, (uint8_t)v, __ATOMIC_RELAXED);
    else
        memcpy(p, &v, size);
}
