// SPDX-License-Identifier: GPL-3.0-or-later
// Quoting for JSON and XML.
#include "machine/profile/quote.h"

void quote_json(GString *s, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_string_append_c(s, '"');
    for (const char *c = valid; *c; c++) {
        if (*c == '"' || *c == '\\')
            g_string_append_printf(s, "\\%c", *c);
        else if ((unsigned char)*c < ' ')
            g_string_append_printf(s, "\\u%04x", (unsigned)*c);
        else
            g_string_append_c(s, *c);
    }
    g_string_append_c(s, '"');
}

void quote_xml(GString *s, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    for (const char *c = valid; *c; c++) {
        if (*c == '"' || *c == '<' || *c == '>' || *c == '&')
            g_string_append_printf(s, "&#%d;", *c);
        else
            g_string_append_c(s, (unsigned char)*c < ' ' ? '?' : *c);
    }
}
