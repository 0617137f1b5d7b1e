// SPDX-License-Identifier: GPL-3.0-or-later
// What a model counts by ASID, by site and by page.
#pragma once
#include "lab/model.h"

#define MODEL_BYS 3
#define MODEL_HIT MODEL_CAUSES // in place of a cause

typedef struct {
    uint64_t accesses, cause[MODEL_CAUSES];
} RowCounts;

typedef struct Row {
    uint64_t key;
    uint32_t space;
    RowCounts *kind[ACCESS_KINDS]; // NULL: nothing yet
} Row;

typedef struct Rows Rows;
Rows *rows_new(void);
void rows_free(Rows *r);
// The row, which stays where it is; a new one if there is none.
Row *rows_of_asid(Rows *r, uint64_t key);
Row *rows_of_site(Rows *r, uint32_t site);
Row *rows_of_page(Rows *r, gva_t first, uint32_t space);
RowCounts *rows_new_counts(Rows *r, Row *row, MemAccess kind);
ModelRow *rows_sorted(const Rows *r, ModelBy by, size_t *n);

static inline RowCounts *rows_counts(Rows *r, Row *row, MemAccess kind)
{
    return row->kind[kind] ? row->kind[kind] : rows_new_counts(r, row, kind);
}
