// SPDX-License-Identifier: GPL-3.0-or-later
// Symbols of code from several places. Where two have one address, a function wins over a label, and a global name over
// a local one.
#include "machine/tlb_symbols.h"

#include "machine/elf_file.h"
#include "machine/image_file.h"
#include <gio/gio.h>
#include <string.h>

typedef struct {
    TraceSymbol s; // the name is in names
    unsigned rank; // higher ones win
} Ranked;

struct TlbSymbols {
    GArray *ranked; // of Ranked
    GArray *all;    // of TraceSymbol: the result
    GStringChunk *names;
};

TlbSymbols *tlb_symbols_new(void)
{
    TlbSymbols *t = g_new0(TlbSymbols, 1);
    t->ranked = g_array_new(FALSE, FALSE, sizeof(Ranked));
    t->all = g_array_new(FALSE, FALSE, sizeof(TraceSymbol));
    t->names = g_string_chunk_new(4096);
    return t;
}

void tlb_symbols_free(TlbSymbols *t)
{
    if (!t)
        return;
    g_array_free(t->ranked, TRUE);
    g_array_free(t->all, TRUE);
    g_string_chunk_free(t->names);
    g_free(t);
}

static void add(TlbSymbols *t, uint64_t addr, uint64_t size, const char *name, unsigned rank)
{
    Ranked r = {{addr, size, g_string_chunk_insert_const(t->names, name)}, rank};
    g_array_append_val(t->ranked, r);
}

static void add_symbol(const Symbol *s, void *opaque)
{
    if (s->function || (s->global && !s->size)) // data has sizes, labels of assembly code have none
        add(opaque, s->addr, s->size, s->name, 1 + 2 * s->function + s->global);
}

void tlb_symbols_add_board(TlbSymbols *t, Board *board)
{
    board_each_symbol(board, add_symbol, t);
}

void tlb_symbols_add_trace(TlbSymbols *t, const TraceSymbol *symbols, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add(t, symbols[i].addr, symbols[i].size, symbols[i].name, 0);
}

static bool add_elf(TlbSymbols *t, const char *path, const char *data, size_t size, GError **error)
{
    ElfFile f;
    if (!elf_file_open(&f, path, data, size, error))
        return false;
    Symbols *symbols = symbols_new();
    elf_file_symbols(&f, symbols, 0);
    symbols_each(symbols, add_symbol, t);
    symbols_free(symbols);
    elf_file_close(&f);
    return true;
}

// One line of a System.map; false: it is none. Data ends the code in front of it: *addr of any symbol is told.
static bool map_line(char *line, uint64_t *addr, char *kind, const char **name)
{
    char *end;
    *addr = g_ascii_strtoull(line, &end, 16);
    if (end == line || end[0] != ' ' || !end[1] || end[2] != ' ' || !end[3])
        return false;
    *kind = end[1];
    *name = end + 3;
    end[3 + strcspn(*name, " \t\r")] = 0; // kallsyms names the module behind a tab
    return true;
}

static int compare_ranked(const void *left, const void *right)
{
    const Ranked *a = left, *b = right;
    if (a->s.addr != b->s.addr)
        return a->s.addr < b->s.addr ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return strcmp(b->s.name, a->s.name);
}

static bool add_map(TlbSymbols *t, const char *path, char *text, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Ranked));
    for (char **l = lines; *l; l++) {
        uint64_t addr;
        char kind;
        const char *name;
        if (!**l)
            continue;
        if (!map_line(*l, &addr, &kind, &name)) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                        "%s: neither an ELF file nor a list of symbols (line %u)", path, (unsigned)(l - lines) + 1);
            return false;
        }
        Ranked r = {{addr, 0, name}, kind == 'T' ? 4 : strchr("tWw", kind) ? 3 : 0};
        g_array_append_val(all, r);
    }
    g_array_sort(all, compare_ranked);
    for (unsigned i = 0; i < all->len; i++) { // each goes on to the next address that has a name
        const Ranked *r = &g_array_index(all, Ranked, i);
        unsigned next = i + 1;
        while (next < all->len && g_array_index(all, Ranked, next).s.addr == r->s.addr)
            next++;
        if (r->rank)
            add(t, r->s.addr, next < all->len ? g_array_index(all, Ranked, next).s.addr - r->s.addr : 0, r->s.name,
                r->rank);
    }
    return true;
}

bool tlb_symbols_add_file(TlbSymbols *t, const char *path, GError **error)
{
    GMappedFile *file = image_file_map(path, error);
    if (!file)
        return false;
    const char *data = g_mapped_file_get_contents(file);
    size_t size = g_mapped_file_get_length(file);
    bool ok;
    if (size >= 4 && !memcmp(data, "\177ELF", 4)) {
        ok = add_elf(t, path, data, size, error);
    } else {
        g_autofree char *text = g_strndup(data ? data : "", size);
        ok = add_map(t, path, text, error);
    }
    g_mapped_file_unref(file);
    return ok;
}

const TraceSymbol *tlb_symbols_all(TlbSymbols *t, size_t *n)
{
    g_array_sort(t->ranked, compare_ranked);
    g_array_set_size(t->all, 0);
    for (unsigned i = 0; i < t->ranked->len; i++) {
        const Ranked *r = &g_array_index(t->ranked, Ranked, i);
        if (i + 1 == t->ranked->len || g_array_index(t->ranked, Ranked, i + 1).s.addr != r->s.addr)
            g_array_append_val(t->all, r->s);
    }
    *n = t->all->len;
    return (const TraceSymbol *)(const void *)t->all->data;
}
