// SPDX-License-Identifier: GPL-3.0-or-later
// The links by guest address alone: jump caches of the interpreter and of compiled code.
//
// A guest address means something else in another translation mode, and where page tables translate (CODE_PAGED) in
// another address space or after a fence. So there is one table for each mode and space that was used lately; going to
// another one and back loses nothing. Of a supervisor's mode there is one table for all spaces as long as it only runs
// from global pages. All other links between code stay inside of what one guest page says and hold for
// ever, or belong to modes without page tables.
#pragma once
#include "backend/jit_abi.h"
#include "util/addr_ranges.h"
#include <stdbool.h>

typedef struct Block Block;

#define CODE_MODES 8 // fetch MMU index, | CODE_PAGED where page tables translate
#define CODE_PAGED 4u
#define CODE_MMU 3u
#define CODE_ANY_ASID (~0u)
#define JUMP_FILTER_BITS 14
#define JUMP_GROUP 64u // rows that are emptied together

typedef struct {
    JumpEntry code[1u << JIT_JUMP_BITS]; // by jit_jump_row; an empty row has an odd pc
    Block *blocks[1u << JIT_JUMP_BITS];  // likewise, pairs too; never NULL: an empty row has a block with an odd pc
    uint64_t used[(1u << JIT_JUMP_BITS) / JUMP_GROUP / 64]; // bit set: some of those JUMP_GROUP rows may not be empty
    uint64_t pages[(1u << JUMP_FILTER_BITS) / 64]; // bit set: holds something that lies on a page with this hash
    AddrRanges large;                               // the same for page-table entries that map more
    uint64_t epoch; // another one each time the table is emptied, never 0
    unsigned mode, asid;
    uint64_t space, left_at;
    bool forgotten; // to be emptied before its next use
} JumpTable;

typedef struct JumpTables JumpTables;

// Before something is put into that row, or the other one of its pair.
static inline void jump_table_use(JumpTable *t, unsigned row)
{
    t->used[row / JUMP_GROUP / 64] |= UINT64_C(1) << row / JUMP_GROUP % 64;
}

JumpTables *jump_tables_new(void);
void jump_tables_free(JumpTables *t);

// The table of a mode and, if it is CODE_PAGED, of the address space with this number, which fences know by asid. Made
// or emptied if need be; stays where it is until another mode or space was entered.
JumpTable *jump_tables_enter(JumpTables *t, unsigned mode, uint64_t space, unsigned asid);
JumpTable *jump_tables_current(const JumpTables *t); // the one entered last
// The tables of paged modes with that asid, or CODE_ANY_ASID, hold no more. Enter the current one again.
void jump_tables_forget_spaces(JumpTables *t, unsigned asid);
// Of those, the ones that hold something of the page or large page of va.
void jump_tables_forget_page(JumpTables *t, uint64_t va, unsigned asid);
void jump_tables_forget_all(JumpTables *t);
// The current table is about to get something of the page of va, which is global or not and mapped by a page-table
// entry for 2^large_bits bytes, if for more than a page. True: enter its mode and space again.
bool jump_tables_note_page(JumpTables *t, uint64_t va, bool global, unsigned large_bits);
// Compiled code with these slots is not at pc any more.
void jump_tables_drop(JumpTables *t, uint64_t pc, const JitSlot *slots);
