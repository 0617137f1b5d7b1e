// SPDX-License-Identifier: GPL-3.0-or-later
// What --symbols names: FILE[@ADDRESS], and lists of symbols as Linux has them.
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *path;
    bool moved;       // @ADDRESS is there
    uint64_t address;
} SymbolSpec;

// FILE[@ADDRESS]. A file of the whole name counts first. False: *error, the address is no number; nothing to free.
bool symbol_spec_parse(const char *text, SymbolSpec *out, GError **error);
void symbol_spec_clear(SymbolSpec *spec);

// A code symbol; rank: of several at one address the highest has it (4: global function ... 1: label).
typedef void SymbolFileFn(void *opaque, uint64_t addr, uint64_t size, const char *name, unsigned rank);

// Lines of a System.map or of /proc/kallsyms: hexadecimal address, kind, name. Calls fn for code, in ascending order;
// size reaches to the next address with any symbol, 0 for the last one. text is overwritten. False: *error names path
// and line, which is none of those.
bool symbol_file_map(const char *path, char *text, SymbolFileFn *fn, void *opaque, GError **error);
