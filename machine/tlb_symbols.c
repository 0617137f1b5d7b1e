// SPDX-License-Identifier: GPL-3.0-or-later
// Symbols of code from several places. Where two have one address, a function wins over a label, and a global name over
// a local one.
#include "machine/tlb_symbols.h"

#include "machine/elf_file.h"
#include "machine/image_file.h"
#include "machine/symbol_file.h"
#include <string.h>

typedef struct {
    TraceSymbol s; // the name is in names
    unsigned rank; // higher ones win
} Ranked;

struct TlbSymbols {
    GArray *ranked; // of Ranked
    GArray *all;    // of TraceSymbol: the result
    GStringChunk *names;
    uint64_t shift; // of the file that is being added
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
    TlbSymbols *t = opaque;
    if (s->function || (s->global && !s->size)) // data has sizes, labels of assembly code have none
        add(t, s->addr + t->shift, s->size, s->name, 1 + 2 * s->function + s->global);
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

static bool add_elf(TlbSymbols *t, const SymbolSpec *spec, const char *data, size_t size, GError **error)
{
    ElfFile f;
    if (!elf_file_open(&f, spec->path, data, size, error))
        return false;
    if (spec->moved)
        t->shift = spec->address - g_array_index(f.segments, ElfSegment, 0).paddr;
    Symbols *symbols = symbols_new();
    elf_file_symbols(&f, symbols, 0);
    symbols_each(symbols, add_symbol, t);
    t->shift = 0;
    symbols_free(symbols);
    elf_file_close(&f);
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

static void add_line(void *opaque, uint64_t addr, uint64_t size, const char *name, unsigned rank)
{
    add(opaque, addr, size, name, rank);
}

static bool add_file(TlbSymbols *t, const SymbolSpec *spec, GError **error)
{
    GMappedFile *file = image_file_map(spec->path, error);
    if (!file)
        return false;
    const char *data = g_mapped_file_get_contents(file);
    size_t size = g_mapped_file_get_length(file);
    bool ok;
    if (size >= 4 && !memcmp(data, "\177ELF", 4)) {
        ok = add_elf(t, spec, data, size, error);
    } else {
        g_autofree char *text = g_strndup(data ? data : "", size);
        ok = symbol_file_map(spec->path, text, add_line, t, error);
    }
    g_mapped_file_unref(file);
    return ok;
}

bool tlb_symbols_add_files(TlbSymbols *t, const GPtrArray *specs, GError **error)
{
    for (unsigned i = 0; i < specs->len; i++) {
        SymbolSpec spec;
        if (!symbol_spec_parse(specs->pdata[i], &spec, error))
            return false;
        bool ok = g_file_test(spec.path, G_FILE_TEST_IS_DIR) || add_file(t, &spec, error);
        symbol_spec_clear(&spec);
        if (!ok)
            return false;
    }
    return true;
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
