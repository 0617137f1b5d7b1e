// SPDX-License-Identifier: GPL-3.0-or-later
// Looks at where harts are, every so many instructions. Slices of harts end there, so a sample is at a block's end and
// costs what the listener does; under -icount runs repeat exactly, samples included.
#pragma once
#include "machine/exec.h"

typedef struct {
    void *opaque;
    // insns have run since the last sample of this hart; it is stopped at cpu->hart.env.pc. On the hart's thread; those
    // of several harts call it side by side.
    void (*sample)(void *opaque, Cpu *cpu, uint64_t insns);
} SampleListener;

#define SAMPLER_PERIOD 10007 // instructions, on average: a prime, and each slice is drawn around it, so that loops do
                             // not keep step with it

// Before machine_run; several listeners share the smallest period. *listener is copied.
void machine_add_sampler(Machine *m, uint64_t period, const SampleListener *listener);
