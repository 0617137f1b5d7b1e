// SPDX-License-Identifier: GPL-3.0-or-later
// Source files, each read once and split into lines.
#include "machine/blocks/source_text.h"

#include <string.h>
#include <sys/stat.h>

#define SIZE_MAX_READ (16 << 20) // bytes: no source file is larger

struct SourceText {
    GHashTable *files; // path -> GPtrArray of char *, or NULL: cannot be read
};

static void free_lines(gpointer lines)
{
    if (lines)
        g_ptr_array_free(lines, TRUE);
}

SourceText *source_text_new(void)
{
    SourceText *s = g_new0(SourceText, 1);
    s->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_lines);
    return s;
}

void source_text_free(SourceText *s)
{
    g_hash_table_destroy(s->files);
    g_free(s);
}

// A guest's file may name anything, so only plain files are opened.
static GPtrArray *read_lines(const char *file)
{
    struct stat st;
    g_autofree char *text = NULL;
    if (stat(file, &st) || !S_ISREG(st.st_mode) || st.st_size > SIZE_MAX_READ ||
        !g_file_get_contents(file, &text, NULL, NULL))
        return NULL;
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    for (char *at = text; *at;) {
        size_t n = strcspn(at, "\n");
        g_autofree char *line = g_strndup(at, n);
        g_ptr_array_add(lines, g_utf8_make_valid(g_strstrip(line), -1));
        at += n + (at[n] == '\n');
    }
    return lines;
}

const char *source_text_line(SourceText *s, const char *file, unsigned line)
{
    gpointer lines;
    if (!g_hash_table_lookup_extended(s->files, file, NULL, &lines)) {
        lines = read_lines(file);
        g_hash_table_insert(s->files, g_strdup(file), lines);
    }
    const GPtrArray *all = lines;
    return all && line && line <= all->len ? all->pdata[line - 1] : NULL;
}
