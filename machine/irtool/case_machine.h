// SPDX-License-Identifier: GPL-3.0-or-later
// A hart without an architecture, in front of the memory of an IR case: what its code is run on.
#pragma once
#include "backend/engine.h"
#include "machine/irtool/ir_case.h"
#include "softmmu/memory.h"

typedef enum {
    STOP_NONE,
    STOP_OUT,     // at env.pc there is no block
    STOP_LEFT,    // the instructions are used up
    STOP_FAULT,   // before an instruction whose access faults
    STOP_SYSTEM,  // before a sys op
    STOP_DENIED,  // before an fpcheck that does not pass
    STOP_BEFORE,  // compiled code left before an instruction, for the interpreter to do it
    STOP_REFUSED, // the same, at its entry
} CaseStop;
extern const char *const case_stop_words[]; // "left the code", ...

typedef struct {
    IrEnv env; // first: the hart
    CaseStop stop;
    int64_t at_left; // what env.left was there
    MemFault fault;
    MemoryRegion root, *ram;
    unsigned n_ram;
    AddressSpace as;
    CodePages *pages;
    Tlb *tlb;
    Engine *engine; // only serves compiled code
    bool paged;
    IrMem mem;
} CaseMachine;

// In the state of c. NULL: no memory.
CaseMachine *case_machine_new(const IrCase *c, GError **error);
void case_machine_free(CaseMachine *m);
// The next instructions: left of them, counted from icount on.
void case_machine_budget(CaseMachine *m, int64_t left);
uint64_t case_machine_done(const CaseMachine *m); // instructions retired
// Behind a stop by fault, sys or fpcheck: the state as it was told.
void case_machine_settle(CaseMachine *m);

// Where two machines of one case have other bytes: calls fn for each, ascending.
void case_machine_compare(CaseMachine *a, CaseMachine *b,
                          void (*fn)(void *opaque, uint64_t addr, uint8_t in_a, uint8_t in_b), void *opaque);
// A byte of its RAM, or 0.
uint8_t case_machine_byte(const CaseMachine *m, uint64_t addr);
