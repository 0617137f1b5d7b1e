// SPDX-License-Identifier: GPL-3.0-or-later
// RAM blocks: host memory and its place in the global RAM-offset space.
#pragma once
#include "softmmu/memory.h"

// Reserves size bytes, rounded up to pages (at least one); they read as zero and cost host memory when
// touched. Offsets are multiples of 256 KiB. NULL: the host refused, *error names the block and the size.
RamBlock *ram_block_new(const char *name, uint64_t size, GError **error);
// The same for size bytes of the caller's that outlive the block.
RamBlock *ram_block_new_ptr(const char *name, uint64_t size, void *host);
// The same for a file from offset on (memory_region_init_ram_from_fd); errors call it file.
RamBlock *ram_block_new_file(const char *name, uint64_t size, RamFileFlags flags, int fd, uint64_t offset,
                             const char *file, GError **error);
void ram_block_free(RamBlock *block); // NULL allowed
// All blocks, ascending by offset; the caller frees the list. Under the big lock.
GPtrArray *ram_blocks(void);
// *error becomes "cannot WHAT for 'name': " and what errno says; the format is that of WHAT.
void ram_set_errno_error(GError **error, const char *name, const char *format, ...) G_GNUC_PRINTF(3, 4);
