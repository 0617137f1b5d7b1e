// SPDX-License-Identifier: GPL-3.0-or-later
// Traces of all instructions that harts execute (--trace-insns): a hart's side, which codes what it runs, and the file,
// which a thread of its own compresses. docs/debugging.md has the format of the file; itrace_read.h reads it.
#pragma once
#include "machine/log/insn.h"
#include "machine/options.h"

typedef struct InsnTrace InsnTrace; // the file
typedef struct HartTrace HartTrace; // one hart's side

// The options' file, begun. NULL: *error names it.
InsnTrace *insn_trace_open(const Options *o, unsigned harts, GError **error);
// Between open and the run: what start= and stop= are, if they were given.
void insn_trace_set_range(InsnTrace *t, const uint64_t *start, const uint64_t *stop);
// Completes it, and frees it. False: *error (may be NULL) says what is not there. t may be NULL.
bool insn_trace_close(InsnTrace *t, GError **error);
void insn_trace_abandon(InsnTrace *t); // frees it; the file is not complete

// NULL: that hart is not traced. It lives as long as t.
HartTrace *insn_trace_hart(InsnTrace *t, unsigned hart);

// All on the hart's thread. A block gets a number, has an execution of so many instructions from its first on (effects,
// of one instruction, where values are traced, else NULL), or no number is good any more.
void hart_trace_define(HartTrace *h, uint32_t number, uint64_t pc, const IrBlock *ir);
void hart_trace_run(HartTrace *h, uint32_t number, unsigned retired, const LogEffects *effects);
void hart_trace_drop(HartTrace *h);
void hart_trace_trap(HartTrace *h, uint64_t cause, uint64_t epc, uint64_t tval); // cause as in mcause
void hart_trace_flush(HartTrace *h); // so that what other harts do next comes behind it in the file
bool hart_trace_failed(HartTrace *h); // the file cannot be written any more
