// SPDX-License-Identifier: GPL-3.0-or-later
// Assembly text of guest instructions, as objdump -M no-aliases prints it.
#pragma once
#include "frontend/decode.h"
#include <stddef.h>

// Writes the text of one instruction at address pc into buf of size bytes, always terminated (64 bytes are
// enough): the mnemonic, a tab if there are operands, and the operands ("addi\ta0,a0,1"). Branch targets
// are absolute hex addresses; compressed instructions have their own names ("c.addi\ta0,1"). What decodes
// to nothing becomes ".2byte\t0x..." or ".4byte\t0x...". Only the low 16 bits count when they say that the
// instruction is compressed. Needs decode_init. Returns the length of the instruction in bytes (2 or 4).
unsigned disas(char *buf, size_t size, uint64_t pc, uint32_t bits);

// The same as a line of a listing, without a newline: the address and the bits come before the text. 128 bytes are
// enough.
unsigned disas_line(char *buf, size_t size, uint64_t pc, uint32_t bits);
