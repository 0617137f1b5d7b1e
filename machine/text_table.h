// SPDX-License-Identifier: GPL-3.0-or-later
// Tables for people: a label and numbers in each row, columns aligned, what is zero everywhere left out.
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct TextTable TextTable;

// corner: above the labels. A title may be of several words; it is printed as it is.
TextTable *text_table_new(const char *corner);
void text_table_column(TextTable *t, const char *title); // one more; all of them before the first row
void text_table_row(TextTable *t, const char *label);    // then as many cells as there are columns
void text_table_int(TextTable *t, uint64_t v);
void text_table_double(TextTable *t, double v, unsigned digits);
void text_table_percent(TextTable *t, uint64_t part, uint64_t whole, unsigned digits); // whole 0: an empty cell
// Appends it, indented by so many spaces, without rows and columns where all is zero or empty, and frees it. Nothing
// if that leaves no row. label: the least width of the first column.
void text_table_print(TextTable *t, GString *out, unsigned indent, unsigned label);
