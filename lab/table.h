// SPDX-License-Identifier: GPL-3.0-or-later
// Tables of reports: filled in once, written as text for people, CSV, JSON and HTML, so that all say the same.
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum {
    TABLE_TEXT,    // left
    TABLE_COUNT,   // right; for people with commas
    TABLE_ADDRESS, // hexadecimal
    TABLE_RATIO,   // of 1; for people in percent
    TABLE_REAL,    // for people with three decimals
    TABLE_KINDS,
    TABLE_PEOPLE = 16, // or-ed to the kind: text and HTML only
    TABLE_DATA = 32,   // likewise: CSV and JSON only
    TABLE_SPARSE = 64, // likewise: not for people where all counts are 0
} TableKind;

typedef struct Table Table;

// id: of letters, digits, '_': the name of the CSV file and of the JSON member. title: heading for people. Copied.
Table *table_new(const char *id, const char *title);
void table_free(Table *t);
const char *table_id(const Table *t);
// Text and HTML have at most this many rows, and say how many they leave out.
void table_show(Table *t, unsigned rows);
// A line of explanation for people, under the heading; may be called again. Copied.
void table_note(Table *t, const char *text);

// Columns come before rows. key: for CSV and JSON; heading: for people. Copied.
void table_column(Table *t, const char *key, const char *heading, TableKind kind);
// The cells of a row, from the left, each by the function of its column's kind. text is copied; NULL: an empty cell.
void table_text(Table *t, const char *text);
void table_count(Table *t, uint64_t v); // also for TABLE_ADDRESS
void table_real(Table *t, double v);    // also for TABLE_RATIO
// part / whole; an empty cell if whole is 0.
void table_ratio(Table *t, uint64_t part, uint64_t whole);
void table_empty(Table *t); // a cell with nothing in it: JSON null
void table_rule(Table *t);  // the next row begins a group: a line above it, for people
unsigned table_rows(const Table *t);

void table_write_text(const Table *t, GString *out);
void table_write_csv(const Table *t, GString *out);
void table_write_json(const Table *t, GString *out, unsigned indent); // an array of objects, a line each
void table_write_html(const Table *t, GString *out);

// A number with commas. Into a static place for each thread: good until the fourth call after it.
const char *table_number(uint64_t v);
// Escaped for JSON, with the quotes; for XML and HTML. Whatever is not UTF-8 is replaced.
void json_append_string(GString *out, const char *text);
void xml_append_string(GString *out, const char *text);
