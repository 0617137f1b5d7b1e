// SPDX-License-Identifier: GPL-3.0-or-later
// LR, SC and AMO on guest memory, the same for every tier.
#pragma once
#include "backend/jit_abi.h"
#include "ir/ir.h"
#include "softmmu/tlb.h"

// Does the atomic access `kind` (the argument of env->atomic_slow, jit_abi.h) at va. True: *out is the op's value.
// False: *fault. ram_only: refuse anything but plain RAM without side effects; then fault->kind is FAULT_NONE.
bool atomic_access(IrEnv *env, Tlb *tlb, uint64_t kind, gva_t va, uint64_t value, bool ram_only, uint64_t *out,
                   MemFault *fault);

// Before one with a tap: counts and records it, by the instruction with that tag.
void atomic_tap(Tap *tap, uint64_t kind, gva_t va, uint32_t tag);
