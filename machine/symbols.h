// SPDX-License-Identifier: GPL-3.0-or-later
// Symbols of the loaded ELF files: name to address, and address to name for dumps.
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Symbols Symbols;

typedef struct {
    uint64_t addr, size;  // size 0: unknown
    const char *name;     // owned by the table
    unsigned image;       // which loaded file it came from, counted from 0
    bool function, global;
} Symbol;

Symbols *symbols_new(void);
void symbols_free(Symbols *symbols);

// Copies the symbol (name too). Not after the first lookup by address.
void symbols_add(Symbols *symbols, const Symbol *symbol);

// The symbol of that name, the one of the image loaded last; NULL if there is none.
const Symbol *symbols_by_name(const Symbols *symbols, const char *name);

// Calls fn for each symbol, in no particular order.
void symbols_each(const Symbols *symbols, void (*fn)(const Symbol *s, void *opaque), void *opaque);
// The same for functions alone.
void symbols_each_function(const Symbols *symbols, void (*fn)(const Symbol *s, void *opaque), void *opaque);

// The symbol that addr lies in: the nearest one at or below it whose size, if known, reaches addr. Functions
// and global names win over others at the same address. NULL if there is none.
const Symbol *symbols_by_addr(Symbols *symbols, uint64_t addr);
