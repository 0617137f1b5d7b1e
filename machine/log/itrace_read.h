// SPDX-License-Identifier: GPL-3.0-or-later
// Reads the records of a trace of instructions, in pieces.
#pragma once
#include "machine/log/insn.h"
#include "machine/log/itrace_format.h"

typedef struct ItraceReader ItraceReader;

typedef struct { // of what is found, in order
    void *opaque;
    // An instruction that retired. effects: NULL if there are no values.
    void (*insn)(void *opaque, unsigned hart, uint64_t pc, uint32_t bits, const LogEffects *effects);
    void (*trap)(void *opaque, unsigned hart, uint64_t cause, uint64_t epc, uint64_t tval); // cause as in mcause
} ItraceListener;

ItraceReader *itrace_reader_new(unsigned flags, unsigned harts, const ItraceListener *listener);
void itrace_reader_free(ItraceReader *r);
// One chunk. False: *error says in words what is wrong with it; nothing is read after that.
bool itrace_reader_chunk(ItraceReader *r, const ItraceChunk *head, const uint8_t *bytes, GError **error);
// The instructions read so far.
uint64_t itrace_reader_insns(const ItraceReader *r);

// --- lines (itrace_text.c)

#define TRACE_LINE 1024 // bytes that a line needs at most

typedef struct ItraceText ItraceText; // remembers how instructions are written
ItraceText *itrace_text_new(unsigned flags); // ITRACE_REGS, ITRACE_MEM: what else is in a line
void itrace_text_free(ItraceText *t);
// Each writes a line at out and returns its end.
char *itrace_text_insn(ItraceText *t, char *out, unsigned hart, uint64_t pc, uint32_t bits, const LogEffects *effects);
char *itrace_text_trap(char *out, unsigned hart, uint64_t cause, uint64_t epc, uint64_t tval);
