// SPDX-License-Identifier: GPL-3.0-or-later
// Blocks by guest pc, RAM address and translation mode: open addressing, linear probing, at most half full.
#include "backend/block_table.h"

#define FIRST_BITS 10

typedef struct {
    uint64_t hash;
    Block *block; // NULL: empty; &gone: was one
} Row;

struct BlockTable {
    Row *rows;
    unsigned bits;
    size_t used; // rows that are not empty
    size_t n;    // ... of them, blocks
};

static Block gone;

static uint64_t hash_of(uint64_t pc, ram_t ram, unsigned mode)
{
    return (pc ^ ram * 31 ^ (uint64_t)mode << 60) * UINT64_C(0x9e3779b97f4a7c15);
}

BlockTable *block_table_new(void)
{
    BlockTable *t = g_new0(BlockTable, 1);
    t->bits = FIRST_BITS;
    t->rows = g_new0(Row, (size_t)1 << t->bits);
    return t;
}

void block_table_free(BlockTable *t)
{
    g_free(t->rows);
    g_free(t);
}

static size_t first_row(const BlockTable *t, uint64_t hash)
{
    return hash >> (64 - t->bits);
}

static size_t next_row(const BlockTable *t, size_t i)
{
    return (i + 1) & (((size_t)1 << t->bits) - 1);
}

Block *block_table_find(const BlockTable *t, uint64_t pc, ram_t ram, unsigned mode)
{
    uint64_t hash = hash_of(pc, ram, mode);
    for (size_t i = first_row(t, hash); t->rows[i].block; i = next_row(t, i)) {
        Block *b = t->rows[i].block;
        if (t->rows[i].hash == hash && b != &gone && b->pc == pc && b->span[0].start == ram && b->mode == mode)
            return b;
    }
    return NULL;
}

static void put(BlockTable *t, uint64_t hash, Block *b)
{
    size_t i = first_row(t, hash);
    while (t->rows[i].block)
        i = next_row(t, i);
    t->rows[i] = (Row){hash, b};
    t->used++;
    t->n++;
}

// Makes room for one more, and gets rid of what was removed.
static void make_room(BlockTable *t)
{
    size_t size = (size_t)1 << t->bits;
    if (t->used < size / 2)
        return;
    Row *old = t->rows;
    while (t->n * 4 >= (size_t)1 << t->bits)
        t->bits++;
    t->rows = g_new0(Row, (size_t)1 << t->bits);
    t->used = t->n = 0;
    for (size_t i = 0; i < size; i++)
        if (old[i].block && old[i].block != &gone)
            put(t, old[i].hash, old[i].block);
    g_free(old);
}

void block_table_add(BlockTable *t, Block *b)
{
    make_room(t);
    put(t, hash_of(b->pc, b->span[0].start, b->mode), b);
}

void block_table_remove(BlockTable *t, const Block *b)
{
    uint64_t hash = hash_of(b->pc, b->span[0].start, b->mode);
    for (size_t i = first_row(t, hash); t->rows[i].block; i = next_row(t, i)) {
        if (t->rows[i].block == b) {
            t->rows[i].block = &gone;
            t->n--;
            return;
        }
    }
}

void block_table_clear(BlockTable *t)
{
    g_free(t->rows);
    t->bits = FIRST_BITS;
    t->rows = g_new0(Row, (size_t)1 << t->bits);
    t->used = t->n = 0;
}
