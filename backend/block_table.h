// SPDX-License-Identifier: GPL-3.0-or-later
// Blocks by guest pc, RAM address and translation mode.
//
// An open hash table whose rows hold the hash beside the block: however many there are, a search looks at one line of
// the table and at the block that it finds.
#pragma once
#include "backend/code_cache.h"

typedef struct BlockTable BlockTable;

BlockTable *block_table_new(void);
void block_table_free(BlockTable *t); // not the blocks
// The block at pc, made from RAM at ram in that mode; NULL if there is none.
Block *block_table_find(const BlockTable *t, uint64_t pc, ram_t ram, unsigned mode);
// Adds b, which stays the caller's, by its pc, first span and mode: there must not be such a block yet.
void block_table_add(BlockTable *t, Block *b);
void block_table_remove(BlockTable *t, const Block *b); // if it is in there
void block_table_clear(BlockTable *t);
