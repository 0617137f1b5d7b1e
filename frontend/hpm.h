// SPDX-License-Identifier: GPL-3.0-or-later
// Event counters mhpmcounter3..31 and their selectors (privileged spec 3.1.10): n counts from 0 for number 3.
#pragma once
#include "frontend/hart.h"

// What mhpmevent selects: the event numbers of QEMU, which are those of the SBI's PMU extension, then our own.
// Other values count nothing.
enum {
    HPM_CYCLES = 0x1,
    HPM_INSTRUCTIONS = 0x2,
    HPM_DTLB_READ_MISS = 0x10019,
    HPM_DTLB_WRITE_MISS = 0x1001b,
    HPM_ITLB_MISS = 0x10021,
    HPM_EXCEPTIONS = 0x20000,
    HPM_INTERRUPTS = 0x20001,
};

uint64_t hpm_read(const Hart *hart, unsigned n);
void hpm_write(Hart *hart, unsigned n, uint64_t value);
void hpm_select(Hart *hart, unsigned n, uint64_t event); // the counter keeps its value
void hpm_inhibit(Hart *hart, uint64_t mask);             // a new mcountinhibit, before it is stored
