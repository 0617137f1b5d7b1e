// SPDX-License-Identifier: GPL-3.0-or-later
// Tables for people: see the header.
#include "machine/text_table.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

typedef struct {
    char *text;
    bool zero;
} Cell;

struct TextTable {
    char *corner;
    GPtrArray *titles, *labels; // of char *
    GArray *cells;              // of Cell, row by row
};

static void clear_cell(void *cell)
{
    g_free(((Cell *)cell)->text);
}

TextTable *text_table_new(const char *corner)
{
    TextTable *t = g_new(TextTable, 1);
    *t = (TextTable){g_strdup(corner), g_ptr_array_new_with_free_func(g_free), g_ptr_array_new_with_free_func(g_free),
                     g_array_new(FALSE, FALSE, sizeof(Cell))};
    g_array_set_clear_func(t->cells, clear_cell);
    return t;
}

static void free_table(TextTable *t)
{
    g_free(t->corner);
    g_ptr_array_free(t->titles, TRUE);
    g_ptr_array_free(t->labels, TRUE);
    g_array_free(t->cells, TRUE);
    g_free(t);
}

void text_table_column(TextTable *t, const char *title)
{
    g_assert(!t->labels->len);
    g_ptr_array_add(t->titles, g_strdup(title));
}

void text_table_row(TextTable *t, const char *label)
{
    g_assert(t->cells->len == t->labels->len * t->titles->len);
    g_ptr_array_add(t->labels, g_strdup(label));
}

static void add_cell(TextTable *t, char *text, bool zero)
{
    Cell c = {text, zero};
    g_array_append_val(t->cells, c);
}

void text_table_int(TextTable *t, uint64_t v)
{
    add_cell(t, g_strdup_printf("%" PRIu64, v), !v);
}

void text_table_double(TextTable *t, double v, unsigned digits)
{
    add_cell(t, g_strdup_printf("%.*f", (int)digits, v), v == 0);
}

void text_table_percent(TextTable *t, uint64_t part, uint64_t whole, unsigned digits)
{
    double v = whole ? 100.0 * (double)part / (double)whole : 0;
    add_cell(t, whole ? g_strdup_printf("%.*f %%", (int)digits, v) : g_strdup(""), !part);
}

static const Cell *cell(const TextTable *t, unsigned row, unsigned column)
{
    return &g_array_index(t->cells, Cell, row * t->titles->len + column);
}

static bool row_is_zero(const TextTable *t, unsigned row)
{
    for (unsigned c = 0; c < t->titles->len; c++)
        if (!cell(t, row, c)->zero)
            return false;
    return true;
}

// The widest of its texts; 0 if all of the column is zero.
static unsigned column_width(const TextTable *t, unsigned column)
{
    bool zero = true;
    size_t width = strlen(g_ptr_array_index(t->titles, column));
    for (unsigned r = 0; r < t->labels->len; r++) {
        zero &= cell(t, r, column)->zero;
        if (!row_is_zero(t, r))
            width = MAX(width, strlen(cell(t, r, column)->text));
    }
    return zero ? 0 : (unsigned)width;
}

static void print_rows(const TextTable *t, GString *out, unsigned indent, unsigned label, const unsigned *width)
{
    g_string_append_printf(out, "%*s%-*s", (int)indent, "", (int)label, t->corner);
    for (unsigned c = 0; c < t->titles->len; c++)
        if (width[c])
            g_string_append_printf(out, "  %*s", (int)width[c], (const char *)g_ptr_array_index(t->titles, c));
    g_string_append_c(out, '\n');
    for (unsigned r = 0; r < t->labels->len; r++) {
        if (row_is_zero(t, r))
            continue;
        g_string_append_printf(out, "%*s%-*s", (int)indent, "", (int)label,
                               (const char *)g_ptr_array_index(t->labels, r));
        for (unsigned c = 0; c < t->titles->len; c++)
            if (width[c])
                g_string_append_printf(out, "  %*s", (int)width[c], cell(t, r, c)->text);
        g_string_append_c(out, '\n');
    }
}

void text_table_print(TextTable *t, GString *out, unsigned indent, unsigned label)
{
    g_autofree unsigned *width = g_new0(unsigned, t->titles->len);
    bool any = false;
    for (unsigned c = 0; c < t->titles->len; c++)
        any |= (width[c] = column_width(t, c)) != 0;
    label = MAX(label, (unsigned)strlen(t->corner));
    for (unsigned r = 0; r < t->labels->len; r++)
        label = MAX(label, (unsigned)strlen(g_ptr_array_index(t->labels, r)));
    if (any)
        print_rows(t, out, indent, label, width);
    free_table(t);
}
