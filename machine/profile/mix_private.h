// SPDX-License-Identifier: GPL-3.0-or-later
// The counts of an instruction mix, shared by mix.c (counting) and mix_print.c (output).
#pragma once
#include "frontend/decode.h"
#include "machine/profile/mix.h"

typedef enum {
    MIX_ALU, MIX_MULDIV, MIX_LOAD, MIX_STORE, MIX_BRANCH, MIX_JUMP, MIX_FP, MIX_ATOMIC, MIX_CSR, MIX_SYSTEM,
    MIX_CLASSES
} MixClass;
typedef enum { MIX_USER, MIX_SUPERVISOR, MIX_MACHINE, MIX_PRIVS } MixPriv;
extern const char *const mix_class_names[MIX_CLASSES], *const mix_priv_names[MIX_PRIVS], *const mix_ext_names[EXTS];

typedef struct { // words of 64 bits, summed as such
    uint64_t all, compressed, blocks; // instructions, of them compressed ones, entries of blocks
    uint64_t insn[INSNS], priv[MIX_PRIVS][INSNS];
} MixCounts;

MixClass mix_class(InsnId id); // loads and stores of f registers are among loads and stores

GString *mix_table(const MixCounts *c);
GString *mix_json(const MixCounts *c);
GString *mix_csv(const MixCounts *c);
