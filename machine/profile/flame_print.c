// SPDX-License-Identifier: GPL-3.0-or-later
// Stacks as lines, and for speedscope.
#include "machine/profile/flame_private.h"

#include "machine/profile/quote.h"
#include <inttypes.h>

GString *flame_folded(const FlameStack *stacks, unsigned n)
{
    GString *s = g_string_new(NULL);
    for (unsigned i = 0; i < n; i++)
        g_string_append_printf(s, "%s %" PRIu64 "\n", stacks[i].frames, stacks[i].count);
    return s;
}

static unsigned number_of(GHashTable *numbers, GPtrArray *names, const char *frame)
{
    gpointer number;
    if (g_hash_table_lookup_extended(numbers, frame, NULL, &number))
        return GPOINTER_TO_UINT(number);
    g_ptr_array_add(names, g_strdup(frame));
    g_hash_table_insert(numbers, names->pdata[names->len - 1], GUINT_TO_POINTER(names->len - 1));
    return names->len - 1;
}

static void add_samples(GString *s, const FlameStack *stacks, unsigned n, GHashTable *numbers, GPtrArray *names)
{
    for (unsigned i = 0; i < n; i++) {
        g_auto(GStrv) frames = g_strsplit(stacks[i].frames, ";", -1);
        g_string_append(s, i ? ",\n[" : "\n[");
        for (unsigned k = 0; frames[k]; k++)
            g_string_append_printf(s, "%s%u", k ? "," : "", number_of(numbers, names, frames[k]));
        g_string_append_c(s, ']');
    }
}

GString *flame_speedscope(const FlameStack *stacks, unsigned n)
{
    g_autoptr(GHashTable) numbers = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    uint64_t total = 0;
    for (unsigned i = 0; i < n; i++)
        total += stacks[i].count;
    GString *s = g_string_new("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",");
    g_string_append_printf(s, "\"exporter\":\"addend\",\"profiles\":[{\"type\":\"sampled\",\"name\":\"guest "
                              "instructions\",\"unit\":\"none\",\"startValue\":0,\"endValue\":%" PRIu64
                              ",\"samples\":[",
                           total);
    add_samples(s, stacks, n, numbers, names);
    g_string_append(s, "],\"weights\":[");
    for (unsigned i = 0; i < n; i++)
        g_string_append_printf(s, "%s%" PRIu64, i ? "," : "", stacks[i].count);
    g_string_append(s, "]}],\"shared\":{\"frames\":[");
    for (unsigned i = 0; i < names->len; i++) {
        g_string_append(s, i ? ",\n{\"name\":" : "\n{\"name\":");
        quote_json(s, names->pdata[i]);
        g_string_append_c(s, '}');
    }
    g_string_append(s, "]}}\n");
    return s;
}
