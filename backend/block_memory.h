// SPDX-License-Identifier: GPL-3.0-or-later
// Memory for blocks, which come one by one and go all at once.
#pragma once
#include <stddef.h>

typedef struct BlockMemory BlockMemory;

BlockMemory *block_memory_new(void);
void block_memory_free(BlockMemory *m); // and all that came from it
// size bytes, not zeroed, aligned for anything, good until the next reset. Ends the program if the host has none.
void *block_memory_alloc(BlockMemory *m, size_t size);
// Frees all that came from it.
void block_memory_reset(BlockMemory *m);
