// SPDX-License-Identifier: GPL-3.0-or-later
// What a model counts by ASID, by site and by page.
#pragma once
#include "lab/model.h"

#define MODEL_BYS 3
#define MODEL_HIT MODEL_CAUSES // in place of a cause

typedef struct {
    uint64_t cause[MODEL_CAUSES];
} RowMisses;

typedef struct Row { // a cache line: hits are counted there, and are most of what is
    uint64_t key;
    uint64_t hits[ACCESS_KINDS];
    RowMisses *misses[ACCESS_KINDS]; // NULL: none yet
    uint32_t space;
} Row;
_Static_assert(sizeof(Row) == 64, "a cache line");

typedef struct Rows Rows;
Rows *rows_new(void);
void rows_free(Rows *r);
// The row, which stays where it is; a new one if there is none.
Row *rows_of_asid(Rows *r, uint64_t key);
Row *rows_of_site(Rows *r, uint32_t site);
Row *rows_of_page(Rows *r, gva_t first, uint32_t space);
RowMisses *rows_new_misses(Rows *r, Row *row, MemAccess kind);
ModelRow *rows_sorted(const Rows *r, ModelBy by, size_t *n);

static inline void rows_count(Rows *r, Row *row, MemAccess kind, unsigned cause)
{
    if (cause == MODEL_HIT)
        row->hits[kind]++;
    else
        (row->misses[kind] ? row->misses[kind] : rows_new_misses(r, row, kind))->cause[cause]++;
}
