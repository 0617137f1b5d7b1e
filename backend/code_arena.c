// SPDX-License-Identifier: GPL-3.0-or-later
// An arena of chunks. malloc serves threads other than the first from heaps that grow by a page, and a system call, at
// a time, and takes longer to free a million pieces than to hand them out.
#include "backend/code_arena.h"

#include "util/bits.h"
#include <glib.h>
#include <stdint.h>
#include <sys/mman.h>

#define CHUNK ((size_t)1 << 20)

struct CodeArena {
    GArray *chunks; // Chunk
    uint8_t *next, *end;
};

typedef struct {
    uint8_t *start;
    size_t size;
} Chunk;

CodeArena *code_arena_new(void)
{
    CodeArena *a = g_new0(CodeArena, 1);
    a->chunks = g_array_new(FALSE, FALSE, sizeof(Chunk));
    return a;
}

void code_arena_reset(CodeArena *a)
{
    for (unsigned i = 0; i < a->chunks->len; i++) {
        Chunk c = g_array_index(a->chunks, Chunk, i);
        munmap(c.start, c.size);
    }
    g_array_set_size(a->chunks, 0);
    a->next = a->end = NULL;
}

void code_arena_free(CodeArena *a)
{
    code_arena_reset(a);
    g_array_free(a->chunks, TRUE);
    g_free(a);
}

static void add_chunk(CodeArena *a, size_t size)
{
    Chunk c = {.size = MAX(size, CHUNK)};
    c.start = mmap(NULL, c.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (c.start == MAP_FAILED)
        g_error("no memory for %zu bytes that describe translated code", c.size);
    g_array_append_val(a->chunks, c);
    a->next = c.start;
    a->end = c.start + c.size;
}

void *code_arena_alloc(CodeArena *a, size_t size)
{
    size = align_up(size, CODE_ARENA_ALIGN);
    if ((size_t)(a->end - a->next) < size)
        add_chunk(a, size);
    void *p = a->next;
    a->next += size;
    return p;
}
