// SPDX-License-Identifier: GPL-3.0-or-later
// What surrounds the random code: start, trap handler, final report.
#pragma once
#include "tests/diff/asm.h"

typedef struct {
    uint64_t finish; // jump here in any mode to print the state and exit
} Runtime;

// Emits the runtime; execution goes on at `start` with random registers. The random code begins in U-mode, confined by
// PMP to the code page at CODE_BASE and the data region, if user is set (byte fuzzing), and the program then ends after
// trap_limit traps; 0: no limit.
//
// The trap handler folds mcause, mepc, mtval and mstatus into a checksum and skips the instruction, but: a fetch that
// failed (cause 1) returns to ra; ecall from U-mode goes on in M-mode, unless there is a trap limit.
Runtime emit_runtime(Asm *a, uint64_t start, bool user, unsigned trap_limit);

// The two parts of it that privileged programs use as well.
// A function that prints x10 in hex and a newline; destroys x11..x16, returns to ra.
void emit_print_function(Asm *a);
// x10 := hash of memory; destroys x11..x14.
void emit_hash(Asm *a, uint64_t start, uint64_t size);
