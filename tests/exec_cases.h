// SPDX-License-Identifier: GPL-3.0-or-later
// Case files that say what single guest instructions do, run on any engine. The format is at the top of each
// tests/exec/*.cases file.
#pragma once
#include "frontend/hart.h"
#include "frontend/lift.h"
#include "ir/ir.h"

#define EXEC_RAM_BASE UINT64_C(0x80000000)
#define EXEC_RAM_SIZE 0x10000u

typedef struct {
    Hart hart;
    uint8_t ram[EXEC_RAM_SIZE]; // at EXEC_RAM_BASE; there is nothing else
} ExecMachine;

typedef struct {
    const char *name;
    void *opaque;
    // Runs the hart from its pc until hart.trap_count is not 0 any more. env.left is 1000 at first; an engine
    // gives up when it is used up.
    void (*run)(void *opaque, ExecMachine *m);
} ExecEngine;

// The engine that lifts block by block, verifies and evaluates.
extern const ExecEngine exec_engine_eval;
// The same with the optimising passes in between.
extern const ExecEngine exec_engine_passes;

#define EXEC_TIME UINT64_C(0x123456789) // what the time CSR reads
uint64_t exec_time(void *opaque);

// exec_machine.c: a hart in M-mode, PMP open, registers full of junk and memory of c.ebreak, so that stray reads and
// writes show and every way out of a case ends.
void exec_reset(ExecMachine *m);
bool exec_store_physical(ExecMachine *m, uint64_t pa, unsigned size, uint64_t value);

// The machine as lifter and evaluator see it; opaque is the ExecMachine.
bool exec_fetch(void *opaque, uint64_t pc, uint16_t *parcel, MemFault *fault);
bool exec_load(void *opaque, uint64_t addr, unsigned size, uint64_t *value, MemFault *fault);
bool exec_store(void *opaque, uint64_t addr, unsigned size, uint64_t value, MemFault *fault);

// Runs every case of the file at path. Prints each failure to stderr; returns how many there were, and the
// number of cases in *cases.
unsigned exec_cases_run(const char *path, const ExecEngine *engine, unsigned *cases);
