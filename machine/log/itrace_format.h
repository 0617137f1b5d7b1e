// SPDX-License-Identifier: GPL-3.0-or-later
// The binary form of a trace of instructions, as it lies in the zstd frame (docs/debugging.md). Little-endian.
#pragma once
#include <stdint.h>

#define ITRACE_MAGIC "ADDENDIT"
#define ITRACE_VERSION 1
#define ITRACE_CHUNK (256u << 10)  // bytes of a chunk at most
#define ITRACE_BLOCK_INSNS 64        // of a block at most
#define ITRACE_MAX_NUMBERS (1u << 26)
#define ITRACE_MAX_HARTS 4096

enum { ITRACE_VALUES = 1, ITRACE_REGS = 2, ITRACE_MEM = 4 }; // flags; VALUES: each execution has them behind it

typedef struct {
    char magic[8];
    uint32_t version, flags, harts, zero;
} ItraceHeader;

typedef struct { // then size bytes of records of that hart; those of a hart go on from chunk to chunk
    uint32_t hart, size;
} ItraceChunk;

#define ITRACE_END UINT32_MAX // hart of the last chunk, whose 8 bytes are the number of instructions

// A record is a number in 7-bit groups, low first: block + 1 for a whole execution, or 0, and a byte that says what it
// is.
enum {
    ITRACE_BLOCK = 1, // number, pc, instructions, and the 2 or 4 bytes of each. Numbers of a hart rise by ones from 1;
                      // 0 may come again and again
    ITRACE_PART,      // number, first instruction, how many
    ITRACE_TRAP,      // cause * 2 (+ 1: interrupt), epc, tval
    ITRACE_DROP,      // no number is good any more
};

// Values behind an execution, of one instruction then: a byte, then the writes (key << 1, of LogEffects; value as the
// difference to the last one of that key, signed) and the address (likewise) and data.
enum { ITRACE_N_WRITES = 7, ITRACE_LOAD = 8, ITRACE_STORE = 16, ITRACE_SIZE_SHIFT = 5 }; // size: log2
