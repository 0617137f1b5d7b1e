// SPDX-License-Identifier: GPL-3.0-or-later
// Tables as CSV (RFC 4180, lines end with \n), JSON and HTML.
#include "lab/table_private.h"

#include <inttypes.h>
#include <string.h>

static const TableColumn *column(const Table *t, unsigned c)
{
    return &g_array_index(t->columns, TableColumn, c);
}

static const TableCell *cell_at(const Table *t, unsigned row, unsigned c)
{
    return &g_array_index(t->cells, TableCell, row * t->columns->len + c);
}

static void append_real(GString *out, double v)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append(out, g_ascii_formatd(text, sizeof text, "%.9g", v));
}

static void csv_text(GString *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        g_string_append(out, text);
        return;
    }
    g_string_append_c(out, '"');
    for (; *text; text++) {
        if (*text == '"')
            g_string_append_c(out, '"');
        g_string_append_c(out, *text);
    }
    g_string_append_c(out, '"');
}

static void csv_cell(GString *out, const TableColumn *c, const TableCell *cell)
{
    if (!cell->filled)
        return;
    if (c->kind == TABLE_TEXT)
        csv_text(out, cell->text);
    else if (c->kind == TABLE_COUNT)
        g_string_append_printf(out, "%" PRIu64, cell->count);
    else if (c->kind == TABLE_ADDRESS)
        g_string_append_printf(out, "0x%" PRIx64, cell->count);
    else
        append_real(out, cell->real);
}

void table_write_csv(const Table *t, GString *out)
{
    const char *comma = "";
    for (unsigned c = 0; c < t->columns->len; c++) {
        if (!column(t, c)->data)
            continue;
        g_string_append(out, comma);
        csv_text(out, column(t, c)->key);
        comma = ",";
    }
    g_string_append_c(out, '\n');
    for (unsigned row = 0; row < table_rows(t); row++) {
        comma = "";
        for (unsigned c = 0; c < t->columns->len; c++) {
            if (!column(t, c)->data)
                continue;
            g_string_append(out, comma);
            csv_cell(out, column(t, c), cell_at(t, row, c));
            comma = ",";
        }
        g_string_append_c(out, '\n');
    }
}

void json_append_string(GString *out, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_string_append_c(out, '"');
    for (const char *s = valid; *s; s++) {
        if (*s == '"' || *s == '\\')
            g_string_append_printf(out, "\\%c", *s);
        else if ((unsigned char)*s < 0x20 || *s == 0x7f)
            g_string_append_printf(out, "\\u%04x", *s);
        else
            g_string_append_c(out, *s);
    }
    g_string_append_c(out, '"');
}

static void json_cell(GString *out, const TableColumn *c, const TableCell *cell)
{
    if (!cell->filled)
        g_string_append(out, "null");
    else if (c->kind == TABLE_TEXT)
        json_append_string(out, cell->text);
    else if (c->kind == TABLE_COUNT)
        g_string_append_printf(out, "%" PRIu64, cell->count);
    else if (c->kind == TABLE_ADDRESS)
        g_string_append_printf(out, "\"0x%" PRIx64 "\"", cell->count);
    else
        append_real(out, cell->real);
}

void table_write_json(const Table *t, GString *out, unsigned indent)
{
    g_string_append_c(out, '[');
    for (unsigned row = 0; row < table_rows(t); row++) {
        g_string_append_printf(out, "%s\n%*s{", row ? "," : "", (int)indent + 2, "");
        const char *comma = "";
        for (unsigned c = 0; c < t->columns->len; c++) {
            if (!column(t, c)->data)
                continue;
            g_string_append(out, comma);
            json_append_string(out, column(t, c)->key);
            g_string_append(out, ": ");
            json_cell(out, column(t, c), cell_at(t, row, c));
            comma = ", ";
        }
        g_string_append_c(out, '}');
    }
    if (table_rows(t))
        g_string_append_printf(out, "\n%*s", (int)indent, "");
    g_string_append_c(out, ']');
}

void xml_append_string(GString *out, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    for (const char *s = valid; *s; s++) {
        if (*s == '&')
            g_string_append(out, "&amp;");
        else if (*s == '<')
            g_string_append(out, "&lt;");
        else if (*s == '>')
            g_string_append(out, "&gt;");
        else if (*s == '"')
            g_string_append(out, "&quot;");
        else
            g_string_append_c(out, (unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s);
    }
}

static void html_row(const Table *t, unsigned row, const bool *seen, GString *out)
{
    g_string_append(out, table_ruled(t, row) ? "<tr class=\"rule\">" : "<tr>");
    for (unsigned c = 0; c < t->columns->len; c++) {
        const TableColumn *col = column(t, c);
        if (!seen[c])
            continue;
        g_string_append(out, col->kind == TABLE_TEXT ? "<td>" : "<td class=\"n\">");
        g_autofree char *text = table_cell_text(col, cell_at(t, row, c));
        xml_append_string(out, text);
        g_string_append(out, "</td>");
    }
    g_string_append(out, "</tr>\n");
}

void table_write_html(const Table *t, GString *out)
{
    unsigned rows = MIN(table_rows(t), t->shown);
    g_autofree bool *seen = g_new0(bool, t->columns->len + 1);
    g_string_append(out, "<h2>");
    xml_append_string(out, t->title);
    g_string_append(out, "</h2>\n");
    for (unsigned i = 0; i < t->notes->len; i++) {
        g_string_append(out, "<p>");
        xml_append_string(out, t->notes->pdata[i]);
        g_string_append(out, "</p>\n");
    }
    g_string_append(out, "<div class=\"table\"><table>\n<thead><tr>");
    for (unsigned c = 0; c < t->columns->len; c++) {
        seen[c] = table_seen(t, c);
        if (!seen[c])
            continue;
        g_string_append(out, column(t, c)->kind == TABLE_TEXT ? "<th>" : "<th class=\"n\">");
        xml_append_string(out, column(t, c)->heading);
        g_string_append(out, "</th>");
    }
    g_string_append(out, "</tr></thead>\n<tbody>\n");
    for (unsigned row = 0; row < rows; row++)
        html_row(t, row, seen, out);
    g_string_append(out, "</tbody></table></div>\n");
    if (table_rows(t) > rows)
        g_string_append_printf(out, "<p>... and %s more</p>\n", table_number(table_rows(t) - rows));
}
