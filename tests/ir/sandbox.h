// SPDX-License-Identifier: GPL-3.0-or-later
// A hart without an architecture to run IR on: registers, a window of memory, and a record of everything an
// engine does to the outside, so that two runs can be compared.
#pragma once
#include "ir/ir.h"

#define SANDBOX_BASE UINT64_C(0x80000000)
#define SANDBOX_SIZE 1024u
#define SANDBOX_TRAP UINT64_C(0x7000) // pc after a fault
#define SANDBOX_HELPERS 3u

typedef struct {
    IrEnv env; // first, as in a frontend's hart
    uint8_t ram[SANDBOX_SIZE]; // guest memory at SANDBOX_BASE; accesses elsewhere fault
    IrMem mem;
    uint64_t trace; // hash over all accesses, faults and helper calls in order
    unsigned n_accesses, n_faults, n_helpers, n_denied;
    // of the last fault or helper call
    MemFault fault;
    uint64_t at_pc, helper_a, helper_b;
    int64_t at_left;
} Sandbox;

// Registers and memory get numbers made from the seed; no reservation; pc is 0.
void sandbox_init(Sandbox *s, uint64_t seed, int64_t left);

// Sets frm, clears some of fflags and sets fp_off, by `what`. Helpers of the sandbox do this.
void sandbox_change_fp(Sandbox *s, uint64_t what);
// What fp_denied decides: every other time fp_off loses mask and the answer is true.
bool sandbox_lets_pass(Sandbox *s, unsigned mask);

// Whether everything the guest can see, and the traces, are the same. If not, *where says what differs.
bool sandbox_equal(const Sandbox *a, const Sandbox *b, const char **where);

// The registers' and memory's hash.
uint64_t sandbox_hash(const Sandbox *s);
