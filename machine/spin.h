// SPDX-License-Identifier: GPL-3.0-or-later
// Does a hart seem to wait for another one in a small loop?
#pragma once
#include "ir/env.h"
#include <stdbool.h>

typedef struct {
    uint64_t last_pc;         // at the end of the slice before
    unsigned near;            // slices in a row that ended near the one before
    uint64_t pc, r[IR_NREGS]; // of the end of an earlier slice
    unsigned age;             // slices since then
    bool spins;               // it got nowhere until then
} SpinWatch;

// SURE: the hart goes round in a few instructions and gets nowhere: it is where it was at the end of an earlier slice,
// with hardly another register changed. MAYBE: it goes round, which a loop that computes does too, and it is time to
// yield the host's core once, in case another hart needs that.
typedef enum { SPIN_NO, SPIN_MAYBE, SPIN_SURE } Spin;

// The hart of env has run a slice. w is zero at first; by the thread that runs the hart.
Spin spin_watch(SpinWatch *w, const IrEnv *env);
