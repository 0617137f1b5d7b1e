// SPDX-License-Identifier: GPL-3.0-or-later
// Side tables: where a region keeps the guest's registers at each place where it may stop.
//
// An asm statement of a region that may leave it names the changed registers as operands and writes a record into the
// section ".addend" of the object (others of a batch: jit_abi.h): the distance (4 bytes) of the return address of its
// call of env->jit_stop from the function `region`, then a text "SITE;REG=OPERAND;...;" ended by a zero
// byte. Operands are as GCC prints them, with
// a letter in front if that is not yet what the guest has: s, the low word is to be sign-extended; d, a double of which
// any NaN is to be the canonical one; l, the low word is a single to be boxed; n, the same, any NaN being the canonical
// one.
#pragma once
#include "backend/jit_call.h"
#include <glib.h>

#define EXIT_LEFT IR_NREGS // REG of env->left

typedef struct {
    uint8_t reg;  // guest register or EXIT_LEFT
    uint8_t kind; // ExitPlace
    uint8_t base; // host register
    uint8_t index, scale; // of EXIT_IN_MEMORY: the index register counts so often
    char form;    // letter in front, or 0
    int32_t value; // displacement or constant
} ExitLoc;

typedef enum { EXIT_IN_GPR, EXIT_IN_XMM, EXIT_IN_MEMORY, EXIT_IS_CONSTANT } ExitPlace;

typedef struct ExitTable ExitTable;

// The section of an object's region out of the file, empty if there is none; the caller owns the result. NULL: *error.
GByteArray *exits_section(const void *object, size_t size, unsigned index, GError **error);
// Reads the records of a section, from GCC or from a file; sites have numbers below n_sites. The caller owns the result
// and frees it with exits_free. NULL and an error if something is not understood.
ExitTable *exits_parse(const void *section, size_t size, unsigned n_sites, GError **error);
void exits_free(ExitTable *t);
// One operand as GCC prints it; false if it is of no known form. reg is left alone.
bool exits_parse_operand(const char *text, size_t len, ExitLoc *out);

// What jit_stop calls; xmm: the SSE registers, 16 bytes each. True: frame->kind is an addend, the region goes on.
bool exits_stop(IrEnv *env, JitFrame *frame, const uint64_t (*xmm)[2]);
