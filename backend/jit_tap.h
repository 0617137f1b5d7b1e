// SPDX-License-Identifier: GPL-3.0-or-later
// Baseline code with a tap (util/tap.h): what it calls for records and slow accesses.
//
// The data accesses of a block are counted when it is entered, so a record takes off those that are still to come.
// Every miss of the TLB is done by the slow path, whatever lies there, so that no access is begun twice.
#pragma once
#include "backend/code_cache.h"
#include "backend/jit_call.h"

typedef struct JitTapSite { // one data access of a block; it lies in the arena
    uint32_t tag;           // TapRecord.tag without the kind
    uint32_t loads, stores; // of the block: this one and those behind it
    uint32_t kind;          // of an atomic access as for atomic_slow
    const Block *block;
    unsigned insn;
} JitTapSite;

// Behind IrEnv.tap_full: calls Tap.full. Behind IrEnv.tap_fetch: records the fetch at r9 with the tag in eax, `left` in
// rdx; rax, r10 and r11 are lost. The hart is in rdi, STENCIL_NEAR into it. Every other register is as before, of the
// SSE registers xmm0; the flags are not.
void jit_tap_fetch(void);

// Sets these, jit_access and tap_atomic in a hart's environment. jit_access gets a site in place of slots, and does all
// accesses; tap_atomic is told `left` by env->left and says as atomic_slow does that it took a fault.
void jit_tap_init(IrEnv *env);

// For the assembler.
JitAccess jit_tap_access_slow(IrEnv *env, uint64_t va, uint64_t kind, uint64_t value, int64_t left,
                              const JitTapSite *site);
void jit_tap_full(IrEnv *env);
