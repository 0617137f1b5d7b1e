// SPDX-License-Identifier: GPL-3.0-or-later
// Tables in memory: what is in a cell, and the text for people. Other formats: lab/table_formats.c.
#include "lab/table_private.h"

#include <inttypes.h>
#include <string.h>

Table *table_new(const char *id, const char *title)
{
    Table *t = g_new0(Table, 1);
    t->text = g_string_chunk_new(1024);
    t->id = g_string_chunk_insert(t->text, id);
    t->title = g_string_chunk_insert(t->text, title);
    t->columns = g_array_new(FALSE, FALSE, sizeof(TableColumn));
    t->cells = g_array_new(FALSE, FALSE, sizeof(TableCell));
    t->rules = g_array_new(FALSE, FALSE, sizeof(unsigned));
    t->notes = g_ptr_array_new();
    t->shown = G_MAXUINT;
    return t;
}

void table_free(Table *t)
{
    if (!t)
        return;
    g_string_chunk_free(t->text);
    g_array_free(t->columns, TRUE);
    g_array_free(t->cells, TRUE);
    g_array_free(t->rules, TRUE);
    g_ptr_array_free(t->notes, TRUE);
    g_free(t);
}

const char *table_id(const Table *t)
{
    return t->id;
}

void table_show(Table *t, unsigned rows)
{
    t->shown = rows;
}

void table_note(Table *t, const char *text)
{
    g_ptr_array_add(t->notes, g_string_chunk_insert(t->text, text));
}

void table_column(Table *t, const char *key, const char *heading, TableKind kind)
{
    g_assert(!t->cells->len);
    TableColumn c = {g_string_chunk_insert(t->text, key), g_string_chunk_insert(t->text, heading), kind & 15,
                     !(kind & TABLE_DATA), !(kind & TABLE_PEOPLE), kind & TABLE_SPARSE};
    g_assert(c.kind < TABLE_KINDS);
    g_array_append_val(t->columns, c);
}

// The column of the next cell.
static const TableColumn *next_column(const Table *t)
{
    return &g_array_index(t->columns, TableColumn, t->cells->len % t->columns->len);
}

static void add(Table *t, TableCell cell)
{
    g_array_append_val(t->cells, cell);
}

void table_text(Table *t, const char *text)
{
    g_assert(next_column(t)->kind == TABLE_TEXT);
    if (!text) {
        table_empty(t);
        return;
    }
    g_autofree char *shown = g_utf8_make_valid(text, -1); // names come from guests: nothing for a terminal to obey
    for (char *c = shown; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    add(t, (TableCell){.text = g_string_chunk_insert_const(t->text, shown), .filled = true});
}

void table_count(Table *t, uint64_t v)
{
    g_assert(next_column(t)->kind == TABLE_COUNT || next_column(t)->kind == TABLE_ADDRESS);
    add(t, (TableCell){.count = v, .filled = true});
}

void table_real(Table *t, double v)
{
    g_assert(next_column(t)->kind == TABLE_RATIO || next_column(t)->kind == TABLE_REAL);
    add(t, (TableCell){.real = v, .filled = true});
}

void table_ratio(Table *t, uint64_t part, uint64_t whole)
{
    if (whole)
        table_real(t, (double)part / (double)whole);
    else
        table_empty(t);
}

void table_empty(Table *t)
{
    add(t, (TableCell){.filled = false});
}

void table_rule(Table *t)
{
    unsigned row = table_rows(t);
    g_array_append_val(t->rules, row);
}

unsigned table_rows(const Table *t)
{
    return t->columns->len ? t->cells->len / t->columns->len : 0;
}

const char *table_number(uint64_t v)
{
    static __thread char places[4][32];
    static __thread unsigned place;
    char *end = places[place++ % 4] + sizeof places[0] - 1, *at = end;
    *at = 0;
    for (unsigned digits = 0; v || !digits; v /= 10, digits++) {
        if (digits && digits % 3 == 0)
            *--at = ',';
        *--at = (char)('0' + v % 10);
    }
    return at;
}

char *table_cell_text(const TableColumn *c, const TableCell *cell)
{
    if (!cell->filled)
        return g_strdup(c->kind == TABLE_TEXT ? "" : "-");
    switch (c->kind) {
    case TABLE_TEXT:
        return g_strdup(cell->text);
    case TABLE_COUNT:
        return g_strdup(table_number(cell->count));
    case TABLE_ADDRESS:
        return g_strdup_printf("0x%" PRIx64, cell->count);
    case TABLE_RATIO:
        return g_strdup_printf("%.3f %%", 100 * cell->real);
    default:
        return g_strdup_printf("%.3f", cell->real);
    }
}

bool table_seen(const Table *t, unsigned column)
{
    const TableColumn *c = &g_array_index(t->columns, TableColumn, column);
    bool seen = c->people && !c->sparse;
    for (unsigned i = column; c->people && !seen && i < t->cells->len; i += t->columns->len)
        seen = g_array_index(t->cells, TableCell, i).filled && g_array_index(t->cells, TableCell, i).count;
    return seen;
}

bool table_ruled(const Table *t, unsigned row)
{
    for (unsigned i = 0; i < t->rules->len; i++)
        if (g_array_index(t->rules, unsigned, i) == row)
            return true;
    return false;
}

static void pad(GString *out, const char *text, unsigned width, bool left)
{
    int blanks = (int)width - (int)g_utf8_strlen(text, -1);
    g_string_append_printf(out, "%*s%s%*s", left ? 0 : blanks, "", text, left ? blanks : 0, "");
}

static void trim_line(GString *out)
{
    while (out->len && out->str[out->len - 1] == ' ')
        g_string_truncate(out, out->len - 1);
    g_string_append_c(out, '\n');
}

#define GAP "  "

// One line of cells; texts: of all columns, NULL where one is not shown.
static void write_line(const Table *t, char *const *texts, const bool *seen, const unsigned *width, GString *out)
{
    g_string_append(out, GAP);
    for (unsigned c = 0; c < t->columns->len; c++) {
        const TableColumn *col = &g_array_index(t->columns, TableColumn, c);
        if (!seen[c])
            continue;
        pad(out, texts[c], width[c], col->kind == TABLE_TEXT);
        g_string_append(out, GAP);
    }
    trim_line(out);
}

static void write_rule(const Table *t, const bool *seen, const unsigned *width, GString *out)
{
    g_string_append(out, GAP);
    for (unsigned c = 0; c < t->columns->len; c++) {
        if (!seen[c])
            continue;
        for (unsigned i = 0; i < width[c]; i++)
            g_string_append_c(out, '-');
        g_string_append(out, GAP);
    }
    trim_line(out);
}

void table_write_text(const Table *t, GString *out)
{
    unsigned n = t->columns->len, rows = MIN(table_rows(t), t->shown);
    g_string_append_printf(out, "%s\n", t->title);
    for (unsigned i = 0; i < t->notes->len; i++)
        g_string_append_printf(out, "  %s\n", (const char *)t->notes->pdata[i]);
    char **texts = g_new0(char *, (rows + 1) * n + 1); // the first n: headings
    g_autofree unsigned *width = g_new0(unsigned, n);
    g_autofree bool *seen = g_new0(bool, n);
    for (unsigned c = 0; c < n; c++)
        seen[c] = table_seen(t, c);
    for (unsigned i = 0; i < (rows + 1) * n; i++) {
        const TableColumn *col = &g_array_index(t->columns, TableColumn, i % n);
        texts[i] = i < n ? g_strdup(col->heading)
                         : table_cell_text(col, &g_array_index(t->cells, TableCell, i - n));
        width[i % n] = MAX(width[i % n], (unsigned)g_utf8_strlen(texts[i], -1));
    }
    for (unsigned row = 0; row <= rows; row++) {
        if (row == 1 || (row && table_ruled(t, row - 1)))
            write_rule(t, seen, width, out);
        write_line(t, texts + row * n, seen, width, out);
    }
    if (table_rows(t) > rows)
        g_string_append_printf(out, "  ... and %s more\n", table_number(table_rows(t) - rows));
    g_strfreev(texts);
}
