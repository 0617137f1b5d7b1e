// SPDX-License-Identifier: GPL-3.0-or-later
// See the header.
#include "machine/guest_line.h"

#include <string.h>

char *guest_line(const Options *o)
{
    const char *guest = o->kernel ? o->kernel : o->bios && strcmp(o->bios, "none") ? o->bios : NULL;
    if (o->command == COMMAND_DEMO || o->blocks_demo)
        return g_strdup("demo");
    g_autofree char *name = guest ? g_path_get_basename(guest) : g_strdup("");
    GString *s = g_string_new(name);
    for (unsigned i = 1; i < o->guest_args->len; i++)
        g_string_append_printf(s, " %s", (const char *)o->guest_args->pdata[i]);
    return g_string_free(s, FALSE);
}
