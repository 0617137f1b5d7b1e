// SPDX-License-Identifier: GPL-3.0-or-later
// What the tests of names out of guest memory share: a hart with page tables, libraries in a process, a kernel's table.
#pragma once
#include "machine/cpu.h"
#include "machine/names.h"
#include "tests/machine/fixture.h"

#define RAM   UINT64_C(0x80000000)
#define ROOT  (RAM + 0x7000000) // page tables
#define USER  UINT64_C(0x3fc0000000)
#define KERNEL UINT64_C(0xffffffff80000000)
#define SATP  (UINT64_C(8) << 60 | ROOT >> 12)
#define RIG_TABLE (RAM + 0x300000)
#define PTE(pa, flags) ((pa) >> 12 << 10 | (flags))

#define MANY 700 // symbols of a kernel, more than two markers

extern const char *rig_folder; // of the libraries

typedef struct {
    Fixture *f;
    Cpu *cpu;
    Names *names;
    uint64_t tables; // next free page
} Rig;

Rig rig_new(void **state); // of the Fixture; its names are asked for U-mode
void rig_free(Rig *r);

void rig_map(Rig *r, uint64_t va, uint64_t pa, unsigned flags);
// Maps a file's segments at va; its bytes go to pa on.
void rig_map_library(Rig *r, const char *name, uint64_t va, uint64_t pa);
// All of the kernel's half is the RAM, as if the kernel lay at its beginning; S-mode.
void rig_map_kernel(Rig *r);
void rig_put_table(Rig *r, const GByteArray *table); // the same, with a kallsyms table in it, at RIG_TABLE

// What is at pc, and at what offset, and the beginning of what the image is called; NULL: nothing.
void rig_check(Rig *r, uint64_t pc, const char *name, uint64_t offset, const char *image);

void rig_put32(GByteArray *out, uint32_t v);
void rig_align8(GByteArray *out);
// A symbol's kind and name.
const char *rig_kernel_name(unsigned i, char text[32]);
// A table as scripts/kallsyms.c of Linux writes it, of n symbols, each `step` bytes behind the one before, the first
// one 0x1000 behind KERNEL. old: as before 6.4. *tokens (may be NULL): where the tokens begin.
GByteArray *rig_kallsyms(unsigned n, unsigned step, bool old, unsigned *tokens);
