// SPDX-License-Identifier: GPL-3.0-or-later
// Random loops over memory.
#pragma once
#include "ir/ir.h"
#include "tests/ir/gen.h"

// IR at `base` that counts down and moves pointers near the ends of [ram, ram + size), mostly inside, by constants.
// Owned by the caller.
IrCode *loop_code(GenRng *rng, uint64_t base, uint64_t ram, unsigned size);
