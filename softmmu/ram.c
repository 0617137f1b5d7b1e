// SPDX-License-Identifier: GPL-3.0-or-later
// RAM blocks: lazily reserved host memory, and offsets from the smallest gap that fits.
#include "softmmu/ram.h"
#include "util/bits.h"
#include <errno.h>
#include <sys/mman.h>

#define OFFSET_ALIGN (UINT64_C(256) << 10)

static GPtrArray *blocks; // ascending offsets; under the big lock

// Chooses block->offset: the start of the smallest gap it fits in, so that a freed place is taken again.
// Returns the index at which it belongs.
static guint place(RamBlock *block)
{
    guint best = 0;
    uint64_t best_gap = 0, start = 0;
    for (guint i = 0; i <= blocks->len; i++) {
        const RamBlock *next = i < blocks->len ? blocks->pdata[i] : NULL;
        uint64_t gap = (next ? next->offset : UINT64_MAX) - start;
        if (gap >= block->size && (!best_gap || gap < best_gap)) {
            best = i;
            best_gap = gap;
            block->offset = start;
        }
        if (next) {
            start = align_up(next->offset + next->size, OFFSET_ALIGN);
        }
    }
    g_assert(best_gap); // the host has less address space than there are offsets
    return best;
}

static void *reserve(uint64_t size)
{
    if (size > (uint64_t)INT64_MAX) {
        errno = ENOMEM; // also what was rounded up past 2^64
        return MAP_FAILED;
    }
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

RamBlock *ram_block_new(const char *name, uint64_t size, GError **error)
{
    uint64_t rounded = size == 0 ? PAGE_SIZE : size > PAGE_MASK ? UINT64_MAX : align_up(size, PAGE_SIZE);
    void *host = reserve(rounded);
    if (host == MAP_FAILED) {
        int saved = errno;
        g_autofree char *text = g_format_size_full(size, G_FORMAT_SIZE_IEC_UNITS);
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(saved),
                    "cannot reserve %s of host memory for '%s': %s", text, name, g_strerror(saved));
        return NULL;
    }
    // Fewer host TLB misses; a host that cannot do it is only slower.
    (void)madvise(host, rounded, MADV_HUGEPAGE);
    RamBlock *block = g_new(RamBlock, 1);
    *block = (RamBlock){.host = host, .size = rounded, .name = g_strdup(name)};
    memory_lock();
    if (!blocks) {
        blocks = g_ptr_array_new();
    }
    g_ptr_array_insert(blocks, (gint)place(block), block);
    memory_unlock();
    return block;
}

void ram_block_free(RamBlock *block)
{
    if (!block) {
        return;
    }
    memory_lock();
    g_ptr_array_remove(blocks, block);
    memory_unlock();
    munmap(block->host, block->size);
    g_free(block->name);
    g_free(block);
}
