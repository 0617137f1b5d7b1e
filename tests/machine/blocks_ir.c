// SPDX-License-Identifier: GPL-3.0-or-later
// Reads the text of addend blocks from standard input and gives each IR in it to ir_parse: prints how many there were,
// or what is wrong with status 1.
#include "ir/ir.h"
#include <stdio.h>
#include <string.h>

// What is behind the line that text begins with, up to an empty line.
static char *body_of(const char *text)
{
    const char *start = strchr(text, '\n') + 1, *end = strstr(start, "\n\n");
    return end ? g_strndup(start, (gsize)(end + 1 - start)) : g_strdup(start);
}

int main(void)
{
    g_autoptr(GString) text = g_string_new("\n");
    char part[65536];
    for (size_t n; (n = fread(part, 1, sizeof part, stdin));)
        g_string_append_len(text, part, (gssize)n);
    unsigned parsed = 0;
    for (const char *at = text->str; (at = strstr(at, "\nOP: "));) {
        at++;
        if (strcspn(at, "\n") >= 11 && !strncmp(strchr(at, '\n') - 11, ", as before", 11))
            continue;
        g_autofree char *body = body_of(at);
        g_autoptr(GError) error = NULL;
        g_autoptr(IrCode) code = ir_parse(body, &error);
        if (!code) {
            printf("%.*s: %s\n", (int)strcspn(at, "\n"), at, error->message);
            return 1;
        }
        parsed++;
    }
    printf("%u\n", parsed);
    return 0;
}
