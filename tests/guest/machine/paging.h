// SPDX-License-Identifier: GPL-3.0-or-later
// What the guest tests of paging share: page tables, and code that runs in S-mode or U-mode for a moment.
#pragma once
#include "pte.h"
#include "rt.h"

#define MSTATUS_SIE (UINT64_C(1) << 1)
#define MSTATUS_MPP (UINT64_C(3) << 11)
#define MSTATUS_MPRV (UINT64_C(1) << 17)
#define MSTATUS_SUM (UINT64_C(1) << 18)
#define MSTATUS_MXR (UINT64_C(1) << 19)
#define MSTATUS_TVM (UINT64_C(1) << 20)
#define MSTATUS_TW (UINT64_C(1) << 21)
#define MSTATUS_TSR (UINT64_C(1) << 22)

enum { MODE_U = 0, MODE_S = 1 };
enum { SV39 = 8, SV48 = 9, SV57 = 10 };

typedef struct {
    unsigned mode; // of satp
    unsigned asid;
    uint64_t *root;
} Space;

// An empty address space; its tables come from a pool that space_reset empties.
Space space_new(unsigned mode, unsigned asid);
void space_reset(void);
// The entry of va at a level, with the tables above it.
uint64_t *space_entry(const Space *s, uint64_t va, unsigned level);
// Sets the entry that maps va at a level (0: 4 KiB, 1: 2 MiB, ...); returns where it is. No fence.
uint64_t *space_map(const Space *s, uint64_t va, uint64_t pa, uint64_t flags, unsigned level);
unsigned space_levels(const Space *s);
void space_enter(const Space *s); // writes satp
// The 4 KiB pages of a pool: page_pa is its physical address, page_fill sets all its words.
#define PAGES 40
extern uint64_t pages[PAGES][512];

// Runs code at va in S-mode or U-mode with a0 and a1 until it traps to M-mode: trap_info tells. Returns a0 then.
uint64_t run_in(unsigned mode, uint64_t va, uint64_t a0, uint64_t a1);

// One page of position-independent code: PROBE_* are offsets in it. Each ends with an ecall, except fetch, which
// jumps to a0. Put it where the test wants it.
extern char probe_page[4096];
#define PROBE_LOAD 0   // a0 = the double word at a0
#define PROBE_STORE 16 // the double word at a0 = a1
#define PROBE_FETCH 32 // jump to a0
#define PROBE_AMO 48   // a0 = amoadd.d of a1 at a0
#define PROBE_ECALL 64 // just that
