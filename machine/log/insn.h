// SPDX-License-Identifier: GPL-3.0-or-later
// What one guest instruction writes and accesses: worked out from its IR once, and from the hart's state each time.
#pragma once
#include "machine/cpu.h"

typedef enum { LOG_NO_ACCESS, LOG_LOAD, LOG_STORE, LOG_LR, LOG_SC, LOG_AMO, LOG_ZERO_BLOCK } LogAccess;

typedef struct { // an instruction, as translated
    uint64_t pc;
    uint32_t bits;
    uint8_t len;     // bytes
    uint8_t rd;      // IR register that it writes; 0: none
    uint8_t access;  // LogAccess
    uint8_t size;    // bytes that it accesses
    uint8_t base, data; // IR registers: of the address, of what it stores; 0: none
    uint8_t slot;    // LR, SC, AMO: where in env->r the interpreter puts the result
    uint8_t amo;     // IrAmo
    bool floats;     // may change fflags or mstatus.FS
    bool system;     // a helper does it: may change CSRs
    int64_t offset;  // of the address
} LogInsn;

uint64_t log_block_pc(const struct Block *b);
// The only instruction of b, of ir which it was made from.
void log_insn_init(LogInsn *out, const struct Block *b, const IrBlock *ir);

// How Spike numbers registers, and sorts them: number << 4 | kind.
enum { LOG_KEY_X = 0, LOG_KEY_F = 1, LOG_KEY_CSR = 4 };
#define LOG_MAX_WRITES 6

typedef struct { // what it did
    unsigned n_writes;
    struct {
        uint32_t key;
        uint64_t value;
    } write[LOG_MAX_WRITES]; // ascending keys
    bool load, store;
    uint64_t address, data; // of both; data: what was stored
    unsigned size;          // HART_CACHE_BLOCK: that many zero bytes were stored
} LogEffects;

typedef struct { // of a hart, between the next two
    uint64_t address, data, mstatus, fflags;
} LogBefore;

// Around the instruction. A trapped one has no effects, but log_after is called all the same.
void log_before(LogBefore *w, const LogInsn *i, Hart *hart);
void log_after(LogEffects *out, const LogBefore *w, const LogInsn *i, Hart *hart, bool retired);
