// SPDX-License-Identifier: GPL-3.0-or-later
// Looks at where harts are, every so many instructions. Under -icount runs repeat exactly, samples included.
//
// Slices of harts end there. Compiled regions test for that on ways around only, so a sample where they leave would
// never see some of their code. From there on blocks are interpreted up to an instruction drawn before: a block is met
// as often as the instructions in it have run, at its first instruction.
#pragma once
#include "machine/exec.h"

typedef struct {
    void *opaque;
    // insns have run since the last sample of this hart; it is stopped at cpu->hart.env.pc, the beginning of a block.
    // On the hart's thread; those of several harts call it side by side.
    void (*sample)(void *opaque, Cpu *cpu, uint64_t insns);
} SampleListener;

#define SAMPLER_PERIOD 200003 // instructions, on average: some 10000 times a second. A prime, and each slice is drawn
                              // around it, so that loops do not keep step with it
#define SAMPLER_MIN_PERIOD 100

// Before machine_run; several listeners share the smallest period. *listener is copied.
void machine_add_sampler(Machine *m, uint64_t period, const SampleListener *listener);
