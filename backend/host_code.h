// SPDX-License-Identifier: GPL-3.0-or-later
// Host code as text, with what its operands refer to.
#pragma once
#include "backend/code_cache.h"
#include "backend/inspect.h"

// Appends the instructions (CodeHost, of no guest instruction) of size bytes of host code, shown as if they lay at addr.
// baseline: it is of that tier, which has the hart elsewhere than regions.
void host_code_read(GArray *out, const uint8_t *code, size_t size, uint64_t addr, bool cold, bool baseline);
void host_code_clear(CodeHost *h); // a GDestroyNotify of such an array
