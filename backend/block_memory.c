// SPDX-License-Identifier: GPL-3.0-or-later
// Pieces that double in size, from what small guests need to what lies in huge pages.
//
// malloc serves the threads of harts from heaps that it grows by a page and a system call at a time.
#include "backend/block_memory.h"

#include "util/bits.h"
#include <glib.h>
#include <stdint.h>
#include <sys/mman.h>

#define ALIGN 16
#define FIRST ((size_t)64 << 10)
#define LARGEST ((size_t)4 << 20)
#define HUGE_PAGE ((size_t)2 << 20)

struct BlockMemory {
    GPtrArray *pieces;
    uint8_t *at, *end; // what is left of the last one
    size_t next;       // size of the next one
};

BlockMemory *block_memory_new(void)
{
    BlockMemory *m = g_new0(BlockMemory, 1);
    m->pieces = g_ptr_array_new_with_free_func(g_aligned_free);
    m->next = FIRST;
    return m;
}

void block_memory_free(BlockMemory *m)
{
    g_ptr_array_free(m->pieces, TRUE);
    g_free(m);
}

void *block_memory_alloc(BlockMemory *m, size_t size)
{
    size = align_up(size, ALIGN);
    if ((size_t)(m->end - m->at) < size) {
        size_t room = MAX(size, m->next);
        m->at = g_aligned_alloc(room, 1, room < HUGE_PAGE ? ALIGN : HUGE_PAGE);
        m->end = m->at + room;
        if (room >= HUGE_PAGE)
            (void)madvise(m->at, room & ~(HUGE_PAGE - 1), MADV_HUGEPAGE); // a host that cannot do it is only slower
        g_ptr_array_add(m->pieces, m->at);
        m->next = MIN(2 * m->next, LARGEST);
    }
    void *p = m->at;
    m->at += size;
    return p;
}

void block_memory_reset(BlockMemory *m)
{
    g_ptr_array_set_size(m->pieces, 0);
    m->at = m->end = NULL;
    m->next = FIRST;
}
