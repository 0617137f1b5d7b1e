// SPDX-License-Identifier: GPL-3.0-or-later
// Does a hart seem to wait for another one in a small loop?
#pragma once
#include "ir/env.h"
#include <stdbool.h>

typedef struct {
    uint64_t last_pc;         // at the end of the slice before
    unsigned near;            // slices in a row that ended near the one before and were not caught waiting
    uint64_t pc, r[IR_NREGS]; // of the end of an earlier slice
    unsigned age;             // slices since then
    bool spins;               // it got nowhere until then
} SpinWatch;

// The hart of env has run a slice. True: it shall yield the host's core, since it goes round in a few instructions. If
// it gets nowhere, being where it was at the end of an earlier slice with hardly another register changed, that is true
// each time. One that gets on may still hand something to and fro with another hart, so it is true for some slices,
// then seldom: what computes in a small loop looks alike. w is zero at first; by the thread that runs the hart.
bool spin_watch(SpinWatch *w, const IrEnv *env);
