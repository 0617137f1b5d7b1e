// SPDX-License-Identifier: GPL-3.0-or-later
// Test-only encoder: the inverse of decode(), driven by the bit strings of insns.def; and random words.
#pragma once
#include "frontend/decode.h"

// xorshift64*: the same numbers on every host. *state must not be 0.
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline uint32_t random_word(uint64_t *state)
{
    return (uint32_t)(random_next(state) >> 32);
}

// Random values in all bits that row leaves open.
static inline uint32_t random_operands(const InsnInfo *row, uint64_t *state)
{
    return (random_word(state) & ~row->mask) | row->match;
}

// The word for insn (id and operands count); the bits that hardware ignores come from noise.
uint32_t insn_encode(const Insn *insn, uint32_t noise);

// Immediate bit numbers in the order in which a format's letters i stand in the word, ended by -1.
const signed char *format_imm_bits(InsnFormat format);
