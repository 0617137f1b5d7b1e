// SPDX-License-Identifier: GPL-3.0-or-later
// Jump caches by translation mode and address space.
#include "backend/jump_tables.h"

#include "backend/code_cache.h"
#include <string.h>

// Of paged modes; then the one left longest ago is given up. A table is more than a megabyte, which a space that lives
// shortly does not pay back: beyond a few, those that were not entered for so many changes are given up first.
#define MAX_TABLES 32
#define FEW_TABLES 6
#define STALE 2000

struct JumpTables {
    JumpTable *current;
    JumpTable *recent[CODE_MODES]; // where the search starts: the last one of each mode, or NULL
    GPtrArray *tables;             // JumpTable
    bool by_space; // supervisors have a table for each space
    uint64_t epochs, entered;
    Block none; // what empty rows point at: dead, with an impossible pc
};

JumpTables *jump_tables_new(void)
{
    JumpTables *t = g_new0(JumpTables, 1);
    t->tables = g_ptr_array_new_with_free_func(g_free);
    t->none = (Block){.pc = 1, .dead = true};
    return t;
}

void jump_tables_free(JumpTables *t)
{
    g_ptr_array_free(t->tables, TRUE);
    g_free(t);
}

static void empty(JumpTables *t, JumpTable *table)
{
    for (unsigned g = 0; g < (1u << JIT_JUMP_BITS) / JUMP_GROUP; g++) {
        for (unsigned i = g * JUMP_GROUP; table->used[g / 64] >> g % 64 & 1 && i < (g + 1) * JUMP_GROUP; i++) {
            table->code[i] = (JumpEntry){.pc = 1};
            table->blocks[i] = &t->none;
        }
    }
    memset(table->used, 0, sizeof table->used);
    memset(table->pages, 0, sizeof table->pages);
    table->large.n = 0;
    table->epoch = ++t->epochs;
    table->forgotten = false;
}

// Does what a mode's table holds depend on the space?
static bool has_spaces(const JumpTables *t, unsigned mode)
{
    return mode & CODE_PAGED && (mode == CODE_PAGED || t->by_space);
}

static bool is_for(const JumpTables *t, const JumpTable *table, unsigned mode, uint64_t space)
{
    return table && table->mode == mode && (!has_spaces(t, mode) || table->space == space);
}

static JumpTable *find(const JumpTables *t, unsigned mode, uint64_t space)
{
    for (unsigned i = 0; i < t->tables->len; i++)
        if (is_for(t, g_ptr_array_index(t->tables, i), mode, space))
            return g_ptr_array_index(t->tables, i);
    return NULL;
}

static JumpTable *make(JumpTables *t)
{
    JumpTable *oldest = NULL;
    for (unsigned i = 0; i < t->tables->len; i++) {
        JumpTable *table = g_ptr_array_index(t->tables, i);
        if (table->mode & CODE_PAGED && table != t->current && (!oldest || table->left_at < oldest->left_at))
            oldest = table;
    }
    bool stale = oldest && t->tables->len >= FEW_TABLES && t->entered - oldest->left_at > STALE;
    if (!oldest || (t->tables->len < MAX_TABLES && !stale)) {
        oldest = g_new0(JumpTable, 1);
        memset(oldest->used, 0xff, sizeof oldest->used);
        g_ptr_array_add(t->tables, oldest);
    }
    oldest->forgotten = true;
    return oldest;
}

JumpTable *jump_tables_enter(JumpTables *t, unsigned mode, uint64_t space, unsigned asid)
{
    JumpTable *table = t->recent[mode];
    if (!is_for(t, table, mode, space))
        table = find(t, mode, space);
    if (!table) {
        table = make(t);
        table->mode = mode;
    }
    table->space = space;
    table->asid = asid;
    if (t->current)
        t->current->left_at = ++t->entered;
    if (table->forgotten)
        empty(t, table);
    t->recent[mode] = t->current = table;
    return table;
}

JumpTable *jump_tables_current(const JumpTables *t)
{
    return t->current;
}

// What is global is not meant by an asid.
static bool is_meant(const JumpTables *t, const JumpTable *table, unsigned asid)
{
    return asid == CODE_ANY_ASID ? table->mode & CODE_PAGED : has_spaces(t, table->mode) && table->asid == asid;
}

void jump_tables_forget_spaces(JumpTables *t, unsigned asid)
{
    for (unsigned i = 0; i < t->tables->len; i++) {
        JumpTable *table = g_ptr_array_index(t->tables, i);
        table->forgotten |= is_meant(t, table, asid);
    }
}

static unsigned filter_bit(uint64_t va)
{
    return (unsigned)((va >> PAGE_BITS) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - JUMP_FILTER_BITS));
}

static bool has_page(const JumpTable *table, uint64_t va)
{
    unsigned bit = filter_bit(va);
    return (table->pages[bit / 64] >> bit % 64 & 1) || addr_ranges_has(&table->large, va);
}

void jump_tables_forget_page(JumpTables *t, uint64_t va, unsigned asid)
{
    for (unsigned i = 0; i < t->tables->len; i++) {
        JumpTable *table = g_ptr_array_index(t->tables, i);
        table->forgotten |= is_meant(t, table, asid) && has_page(table, va);
    }
}

bool jump_tables_note_page(JumpTables *t, uint64_t va, bool global, unsigned large_bits)
{
    if (!(t->current->mode & CODE_PAGED))
        return false;
    unsigned bit = filter_bit(va);
    if (large_bits)
        addr_ranges_add(&t->current->large, va, large_bits);
    else
        t->current->pages[bit / 64] |= UINT64_C(1) << bit % 64;
    if (global || has_spaces(t, t->current->mode))
        return false;
    t->by_space = true;
    jump_tables_forget_spaces(t, CODE_ANY_ASID);
    return true;
}

void jump_tables_forget_all(JumpTables *t)
{
    for (unsigned i = 0; i < t->tables->len; i++)
        ((JumpTable *)g_ptr_array_index(t->tables, i))->forgotten = true;
}

void jump_tables_drop(JumpTables *t, uint64_t pc, const JitSlot *slots)
{
    for (unsigned i = 0; i < t->tables->len; i++) {
        JumpTable *table = g_ptr_array_index(t->tables, i);
        for (unsigned k = 0; k < 2; k++) {
            JumpEntry *j = &table->code[jit_jump_row(pc) ^ k];
            if (j->slots == slots)
                j->pc = 1;
        }
    }
}
