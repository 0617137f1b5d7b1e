// SPDX-License-Identifier: GPL-3.0-or-later
// The inside of a table, for the files that write it.
#pragma once
#include "lab/table.h"

typedef struct {
    const char *key, *heading;
    TableKind kind;
    bool people, data; // who sees it
    bool sparse;
} TableColumn;

typedef struct {
    union {
        const char *text;
        uint64_t count;
        double real;
    };
    bool filled;
} TableCell;

struct Table {
    const char *id, *title;
    GStringChunk *text;
    GArray *columns; // of TableColumn
    GArray *cells;   // of TableCell, row by row
    GArray *rules;   // of unsigned: rows with a line above
    GPtrArray *notes;
    unsigned shown;
};

char *table_cell_text(const TableColumn *c, const TableCell *cell); // for people; the caller frees it
bool table_seen(const Table *t, unsigned column); // by people
bool table_ruled(const Table *t, unsigned row);
