// SPDX-License-Identifier: GPL-3.0-or-later
// Names of pieces of code, found by address and by name.
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t addr, size; // size 0 when it is added: goes on to the next one, but not beyond limit
    uint64_t limit;      // 0: there is none
    const char *name;
    unsigned rank; // of several at one address the highest has it; 0: data, only where nothing else is
} NameEntry;

typedef struct NameTable NameTable;

NameTable *name_table_new(void);
void name_table_free(NameTable *t);

// Copies the name. Not once something was looked up.
void name_table_add(NameTable *t, const NameEntry *entry);
bool name_table_empty(const NameTable *t);

// Bytes of memory that it takes, or will once something was looked up (but for name_table_find's).
uint64_t name_table_bytes(const NameTable *t);
// Gives up all entries, but not the names that were copied. Nothing is found in it any more.
void name_table_retire(NameTable *t);

// The entry that addr lies in, with the size that it has; NULL: none. Owned by the table.
const NameEntry *name_table_at(NameTable *t, uint64_t addr);
// The best one of that name, as it was added; or NULL.
const NameEntry *name_table_find(NameTable *t, const char *name);
