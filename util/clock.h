// SPDX-License-Identifier: GPL-3.0-or-later
// The host's clocks.
#pragma once
#include <stdint.h>
#include <time.h>

// Nanoseconds of a clock of clock_gettime(2), such as CLOCK_MONOTONIC.
static inline uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
