// SPDX-License-Identifier: GPL-3.0-or-later
// Host code as text, with what its operands refer to.
#pragma once
#include "backend/code_cache.h"
#include "backend/inspect.h"

typedef struct { // what is known about some host code
    bool cold, baseline; // of a cold part; of the baseline tier, which has the hart elsewhere than regions
    const GArray *lines; // UnitLine, those of the other part too; or NULL
} HostCode;

// Appends the instructions (CodeHost, of no guest instruction) of size bytes of host code, as if they lay at addr.
void host_code_read(GArray *out, const uint8_t *code, size_t size, uint64_t addr, const HostCode *what);
void host_code_clear(CodeHost *h); // a GDestroyNotify of such an array
