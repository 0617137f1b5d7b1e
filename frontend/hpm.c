// SPDX-License-Identifier: GPL-3.0-or-later
// Event counters. Each counter is its event's total plus hpm_offset while it runs; while mcountinhibit stops it,
// or its event is none, hpm_offset is its value.
#include "frontend/hpm.h"

static uint64_t misses(const Hart *hart, MemAccess access)
{
    return hart->hooks.tlb_misses ? hart->hooks.tlb_misses(hart->hooks.opaque, access) : 0;
}

// How often the event has happened so far.
static uint64_t total(const Hart *hart, uint64_t event)
{
    switch (event) {
    case HPM_CYCLES:
    case HPM_INSTRUCTIONS:
        return ir_env_icount(&hart->env);
    case HPM_DTLB_READ_MISS:
        return misses(hart, ACCESS_READ);
    case HPM_DTLB_WRITE_MISS:
        return misses(hart, ACCESS_WRITE);
    case HPM_ITLB_MISS:
        return misses(hart, ACCESS_FETCH);
    case HPM_EXCEPTIONS:
        return hart->trap_count - hart->interrupt_count;
    case HPM_INTERRUPTS:
        return hart->interrupt_count;
    default:
        return 0;
    }
}

// The total that counts for counter n: 0 while it is stopped. ahead: as the next instruction sees it.
static uint64_t running(const Hart *hart, unsigned n, uint64_t inhibit, bool ahead)
{
    uint64_t event = hart->mhpmevent[n];
    if (inhibit >> (n + 3) & 1)
        return 0;
    return total(hart, event) + (ahead && (event == HPM_CYCLES || event == HPM_INSTRUCTIONS));
}

uint64_t hpm_read(const Hart *hart, unsigned n)
{
    return hart->hpm_offset[n] + running(hart, n, hart->mcountinhibit, false);
}

void hpm_write(Hart *hart, unsigned n, uint64_t value)
{
    hart->hpm_offset[n] = value - running(hart, n, hart->mcountinhibit, true);
}

void hpm_select(Hart *hart, unsigned n, uint64_t event)
{
    hart->hpm_offset[n] += running(hart, n, hart->mcountinhibit, true);
    hart->mhpmevent[n] = event;
    hart->hpm_offset[n] -= running(hart, n, hart->mcountinhibit, true);
}

void hpm_inhibit(Hart *hart, uint64_t mask)
{
    for (unsigned n = 0; n < HART_HPM_COUNTERS; n++)
        hart->hpm_offset[n] += running(hart, n, hart->mcountinhibit, true) - running(hart, n, mask, true);
}
