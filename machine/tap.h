// SPDX-License-Identifier: GPL-3.0-or-later
// A machine's tap: hands what its harts' accesses look like to a TLB (util/tap.h) to somebody.
#pragma once
#include "machine/exec.h"
#include "util/tap.h"

typedef struct {
    void *opaque;
    // The next n records of a hart's stream, n <= TAP_BUFFER. They are good until it returns. It is called by the
    // thread that runs the hart (at a reset of the machine by another one, while no hart runs), which waits meanwhile;
    // harts of several threads call it side by side. A hart's last record is TAP_END, however the run ends.
    void (*records)(void *opaque, unsigned hart, const TapRecord *r, size_t n);
} TapListener;

#define TAP_BUFFER 16384 // records of a hart

// From machine_run on every access is recorded. Before machine_run. *listener is copied.
//
// There are no regions then, no persistent code cache and no kept blocks: -accel jit means baseline. -accel check is
// refused by machine_run. Slices are of TAP_SLICE instructions, so that no 16-bit count overflows in one.
void machine_set_tap(Machine *m, const TapListener *listener);

#define TAP_SLICE 32768
