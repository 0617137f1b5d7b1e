// SPDX-License-Identifier: GPL-3.0-or-later
// The inside of -accel check, shared by check.c (comparing) and check_cut.c (cutting out what differs).
#pragma once
#include "machine/check.h"

typedef struct {
    ram_t start;
    uint64_t len;
} Stored;

typedef struct CheckCut CheckCut;

// Memory for a copy of RAM, all zero. NULL: the host has not so much.
uint8_t *check_map(size_t size, GError **error);

struct Check {
    Cpu *cpu, *mirror;
    gpa_t base;     // of DRAM
    RamBlock *ram;  // DRAM
    uint8_t *copy;  // what the mirror sees instead
    GArray *stored; // Stored: by the processor since the last comparison
    uint64_t stretches, insns;
    bool failed; // a difference was reported
    CheckCut *cut; // NULL: nothing is cut out
};

// The part of a range that lies in DRAM, as an offset into it; false if there is none.
bool check_in_ram(const Check *c, Stored s, uint64_t *at, uint64_t *len);
// A byte for each page of memory: 1 if it exists.
void check_find_resident(uint8_t *host, uint64_t len, unsigned char *resident);
// Compiled code on the mirror from the processor's state, for `ahead` instructions. How many it did.
uint64_t check_enter(Check *c, int64_t ahead);
char *check_compare(const Check *c); // what differs, or NULL
void check_forget_stored(Check *c);  // both sides are equal now

// check_cut.c. DRAM has other bytes there; a stretch begins; it differs: the message about it.
void check_cut_follow(Check *c, Stored s);
void check_cut_start(Check *c);
char *check_cut_out(Check *c, uint64_t pc, uint64_t insns, const char *what);
void check_cut_free(CheckCut *cut); // NULL allowed
