// SPDX-License-Identifier: GPL-3.0-or-later
// Warnings, each once.
#include "util/warn.h"

#include <stdio.h>

void warn_once(gint *said, const char *format, ...)
{
    if (!g_atomic_int_compare_and_exchange(said, 0, 1))
        return;
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    for (char *p = text; *p; p++) // text of other programs must not break the line
        if ((unsigned char)*p < 0x20)
            *p = ' ';
    fprintf(stderr, "addend: warning: %s\n", text);
}
