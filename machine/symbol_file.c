// SPDX-License-Identifier: GPL-3.0-or-later
// Lists of symbols. Data ends the code in front of it, so all lines are looked at.
#include "machine/symbol_file.h"

#include <gio/gio.h>
#include <string.h>

bool symbol_spec_parse(const char *text, SymbolSpec *out, GError **error)
{
    *out = (SymbolSpec){0};
    const char *at = strrchr(text, '@');
    if (at && at > text && !g_file_test(text, G_FILE_TEST_EXISTS)) {
        if (!g_ascii_string_to_unsigned(g_str_has_prefix(at + 1, "0x") ? at + 3 : at + 1,
                                        g_str_has_prefix(at + 1, "0x") ? 16 : 10, 0, UINT64_MAX, &out->address, NULL)) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s: '%s' is no address", text, at + 1);
            return false;
        }
        out->moved = true;
    }
    out->path = out->moved ? g_strndup(text, (gsize)(at - text)) : g_strdup(text);
    return true;
}

void symbol_spec_clear(SymbolSpec *spec)
{
    g_clear_pointer(&spec->path, g_free);
}

typedef struct {
    uint64_t addr;
    const char *name;
    unsigned rank; // 0: no code
} Line;

// One line; false: it is none.
static bool map_line(char *text, Line *out)
{
    char *end;
    out->addr = g_ascii_strtoull(text, &end, 16);
    if (end == text || end[0] != ' ' || !end[1] || end[2] != ' ' || !end[3])
        return false;
    out->rank = end[1] == 'T' ? 4 : strchr("tWw", end[1]) ? 3 : 0;
    out->name = end + 3;
    end[3 + strcspn(out->name, " \t\r")] = 0; // kallsyms names the module behind a tab
    return true;
}

static int compare(const void *left, const void *right)
{
    const Line *a = left, *b = right;
    if (a->addr != b->addr)
        return a->addr < b->addr ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return strcmp(b->name, a->name);
}

bool symbol_file_map(const char *path, char *text, SymbolFileFn *fn, void *opaque, GError **error)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Line));
    unsigned number = 0;
    for (char *at = text, *next; at; at = next) {
        next = strchr(at, '\n');
        if (next)
            *next++ = 0;
        number++;
        Line line;
        if (!*at)
            continue;
        if (!map_line(at, &line)) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                        "%s: neither an ELF file nor a list of symbols (line %u)", path, number);
            return false;
        }
        g_array_append_val(all, line);
    }
    g_array_sort(all, compare);
    const Line *lines = (const Line *)(const void *)all->data;
    if (all->len && !lines[all->len - 1].addr) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "%s: all addresses are 0 (only root can read those of /proc/kallsyms)", path);
        return false;
    }
    for (unsigned i = 0, next = 0; i < all->len; i++) {
        while (next < all->len && lines[next].addr == lines[i].addr)
            next++;
        if (lines[i].rank)
            fn(opaque, lines[i].addr, next < all->len ? lines[next].addr - lines[i].addr : 0, lines[i].name,
               lines[i].rank);
    }
    return true;
}
