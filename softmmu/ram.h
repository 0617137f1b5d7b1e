// SPDX-License-Identifier: GPL-3.0-or-later
// RAM blocks: host memory and its place in the global RAM-offset space.
#pragma once
#include "softmmu/memory.h"

// Reserves size bytes, rounded up to pages (at least one); they read as zero and cost host memory when
// touched. Offsets are multiples of 256 KiB. NULL: the host refused, *error names the block and the size.
RamBlock *ram_block_new(const char *name, uint64_t size, GError **error);
void ram_block_free(RamBlock *block); // NULL allowed
