// SPDX-License-Identifier: GPL-3.0-or-later
// See the header.
#include "machine/blocks/json_out.h"

#include <inttypes.h>
#include <string.h>

static void put_text(GString *s, const char *text)
{
    g_autofree char *valid = g_utf8_validate(text, -1, NULL) ? NULL : g_utf8_make_valid(text, -1);
    g_string_append_c(s, '"');
    for (const char *c = valid ? valid : text; *c; c++) {
        if (*c == '\n' || *c == '\t' || *c == '"' || *c == '\\') {
            g_string_append_c(s, '\\');
            g_string_append_c(s, *c == '\n' ? 'n' : *c == '\t' ? 't' : *c);
        } else if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            g_string_append_printf(s, "\\u%04x", (unsigned)*c);
        } else {
            g_string_append_c(s, *c);
        }
    }
    g_string_append_c(s, '"');
}

static void put_name(JsonOut *j, const char *name)
{
    if (j->comma)
        g_string_append_c(j->out, ',');
    j->comma = true;
    if (!name)
        return;
    put_text(j->out, name);
    g_string_append_c(j->out, ':');
}

void json_begin(JsonOut *j, const char *name, char bracket)
{
    put_name(j, name);
    g_string_append_c(j->out, bracket);
    j->comma = false;
}

void json_end(JsonOut *j, char bracket)
{
    g_string_append_c(j->out, bracket);
    j->comma = true;
}

void json_text(JsonOut *j, const char *name, const char *text)
{
    put_name(j, name);
    if (text)
        put_text(j->out, text);
    else
        g_string_append(j->out, "null");
}

void json_count(JsonOut *j, const char *name, uint64_t n)
{
    put_name(j, name);
    g_string_append_printf(j->out, "%" PRIu64, n);
}

void json_int(JsonOut *j, const char *name, int64_t n)
{
    put_name(j, name);
    g_string_append_printf(j->out, "%" PRId64, n);
}

void json_hex(JsonOut *j, const char *name, uint64_t n)
{
    put_name(j, name);
    g_string_append_printf(j->out, "\"0x%" PRIx64 "\"", n);
}

void json_real(JsonOut *j, const char *name, double x, unsigned digits)
{
    char text[64], format[16];
    g_snprintf(format, sizeof format, "%%.%uf", digits);
    put_name(j, name);
    g_string_append(j->out, g_ascii_formatd(text, sizeof text, format, x));
}

void json_bool(JsonOut *j, const char *name, bool b)
{
    put_name(j, name);
    g_string_append(j->out, b ? "true" : "false");
}

void json_null(JsonOut *j, const char *name)
{
    json_text(j, name, NULL);
}
