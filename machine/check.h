// SPDX-License-Identifier: GPL-3.0-or-later
// -accel check: compiled code and interpreter side by side, compared after every stretch of compiled code.
//
// The checked processor interprets and is the one that counts: only it touches devices and takes traps. The mirror is a
// second hart whose TLB points into a copy of RAM and which runs compiled code only. Where the mirror has code at the
// pc it runs first; then the processor interprets as many instructions, and registers, pc and every byte stored
// are compared. Compiled code leaves before anything with an effect outside RAM, so nothing happens twice.
#pragma once
#include "backend/cut.h"
#include "machine/cpu.h"

typedef struct Check Check;

// NULL: there is no memory for the copy of RAM.
Check *check_new(Cpu *cpu, Cpu *mirror, GError **error);
void check_free(Check *c); // NULL allowed
// Runs the processor until its slice is over. NULL if all was equal, else a message that the caller frees; the
// details (states, block in every form) have gone to the log then.
char *check_run(Check *c);
// At the end of a run that went well: all of RAM against the copy, which shows stores of compiled code that the
// interpreter did not do. NULL if equal (or the hart has Svadu, which lets A bits differ), else a message as above.
char *check_memory(Check *c);
// RAM was written by a device or loader: the copy follows.
void check_ram_written(Check *c, ram_t start, uint64_t len);
// Stretches compared, and instructions in them.
void check_counts(const Check *c, uint64_t *stretches, uint64_t *insns);

// --- cutting out what differs, for addend blocks reduce (check_cut.c) ---

typedef struct { // the piece of compiled code that did something else, and the state that it was entered in
    CutPiece piece;
    uint64_t pc, r[IR_NREGS], frm, fflags, fp_off, res_addr, res_value;
    uint64_t insns; // that it ran
    char *what;     // what differed
} CheckPiece;

// Before the run: keeps RAM as it was when a stretch began, so that the difference, if there is one, can be cut out
// before check_run says so. Costs as much memory again; false: there is not so much. Details do not go to the log then.
bool check_keep(Check *c, GError **error);
// NULL: there was no difference, or none of the pieces differs alone.
const CheckPiece *check_piece(const Check *c);
// Bytes of one page of DRAM at va, as they were when the piece was entered and the hart may access them. False: it may
// not, or that is no DRAM.
bool check_piece_read(const Check *c, uint64_t va, MemAccess access, void *to, unsigned size);
void check_dram(const Check *c, uint64_t *base, uint64_t *size);
