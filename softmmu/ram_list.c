// SPDX-License-Identifier: GPL-3.0-or-later
// `info ramblock`: the blocks of host memory as text.
#include "softmmu/ram.h"
#include "softmmu/space.h"

#include <inttypes.h>

// The region of a block, if some address space shows it.
static const MemoryRegion *region_of(const RamBlock *block)
{
    const GPtrArray *spaces = space_list();
    for (guint i = 0; i < spaces->len; i++) {
        const FlatView *view = ((const AddressSpace *)spaces->pdata[i])->view;
        for (unsigned k = 0; k < view->n; k++) {
            if (view->ranges[k].mr->ram == block) {
                return view->ranges[k].mr;
            }
        }
    }
    return NULL;
}

static gint larger_first(gconstpointer a, gconstpointer b)
{
    const RamBlock *const *x = a, *const *y = b;
    if ((*x)->size != (*y)->size) {
        return (*x)->size > (*y)->size ? -1 : 1;
    }
    return (*x)->offset < (*y)->offset ? -1 : (*x)->offset > (*y)->offset;
}

static void print_block(GString *out, const RamBlock *block)
{
    const MemoryRegion *mr = region_of(block);
    uint64_t used = mr ? MIN(memory_region_size(mr), block->size) : block->size;
    bool readonly = block->fixed || (mr && mr->readonly);
    g_string_append_printf(out, "%24s %8s  0x%016" PRIx64 " 0x%016" PRIx64 " 0x%016" PRIx64 " 0x%016" PRIxPTR " %3s\n",
                           block->name, "4 KiB", block->offset, used, block->size, (uintptr_t)block->host,
                           readonly ? "ro" : "rw");
}

void memory_print_ram_blocks(GString *out)
{
    memory_lock();
    g_autoptr(GPtrArray) blocks = ram_blocks();
    g_ptr_array_sort(blocks, larger_first);
    g_string_append_printf(out, "%24s %8s  %18s %18s %18s %18s %3s\n", "Block Name", "PSize", "Offset", "Used", "Total",
                           "HVA", "RO");
    for (guint i = 0; i < blocks->len; i++) {
        print_block(out, blocks->pdata[i]);
    }
    memory_unlock();
}
