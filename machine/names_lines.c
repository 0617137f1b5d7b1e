// SPDX-License-Identifier: GPL-3.0-or-later
// Source lines of ELF files, through libdw. Units are read as they are needed: a kernel has thousands.
#include "machine/names_private.h"

#include <dwarf.h>
#include <string.h>

typedef struct { // a piece of a compilation unit's code
    uint64_t start, end;
    Dwarf_Off die; // the unit's
} Unit;

static int by_start(const void *left, const void *right)
{
    const Unit *a = left, *b = right;
    return a->start < b->start ? -1 : a->start > b->start;
}

static void add_unit(GArray *units, Dwarf_Die *die)
{
    Dwarf_Addr base, start, end;
    for (ptrdiff_t next = 0; (next = dwarf_ranges(die, next, &base, &start, &end)) > 0;) {
        Unit u = {start, end, dwarf_dieoffset(die)};
        if (start < end)
            g_array_append_val(units, u);
    }
}

typedef void UnitFn(void *opaque, Dwarf_Die *die);

static void each_unit(Dwarf *dwarf, UnitFn *fn, void *opaque)
{
    Dwarf_CU *cu = NULL;
    Dwarf_Die die;
    uint8_t kind;
    while (dwarf_get_units(dwarf, cu, &cu, NULL, &kind, &die, NULL) == 0)
        fn(opaque, &die);
}

static void add_ranges(void *opaque, Dwarf_Die *die)
{
    add_unit(opaque, die);
}

static GArray *units_of(NameImage *image)
{
    Dwarf *dwarf = name_image_dwarf(image);
    if (!image->units) {
        image->units = g_array_new(FALSE, FALSE, sizeof(Unit));
        if (dwarf)
            each_unit(dwarf, add_ranges, image->units);
        g_array_sort(image->units, by_start);
    }
    return image->units;
}

static const Unit *unit_at(NameImage *image, uint64_t addr)
{
    const GArray *units = units_of(image);
    unsigned lo = 0, hi = units->len; // those before lo begin at or below addr
    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;
        if (g_array_index(units, Unit, mid).start <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    const Unit *u = lo ? &g_array_index(units, Unit, lo - 1) : NULL;
    return u && addr < u->end ? u : NULL;
}

// The whole path of a source file of a unit; path is libdw's.
static const char *source_path(NameImage *image, Dwarf_Die *die, const char *path)
{
    if (g_path_is_absolute(path) && !strstr(path, "/../"))
        return path;
    if (!image->sources)
        image->sources = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    char *whole = g_hash_table_lookup(image->sources, path);
    Dwarf_Attribute attribute;
    if (!whole) {
        const char *folder = dwarf_formstring(dwarf_attr(die, DW_AT_comp_dir, &attribute));
        if (!folder || !g_path_is_absolute(folder)) // such as libgcc's, "./riscv64-unknown-elf"
            folder = g_path_is_absolute(path) ? "/" : NULL;
        whole = folder ? g_canonicalize_filename(path, folder) : g_strdup(path);
        g_hash_table_insert(image->sources, (char *)path, whole);
    }
    return whole;
}

bool name_image_line(NameImage *image, uint64_t addr, const char **file, unsigned *line)
{
    const Unit *u = unit_at(image, addr);
    Dwarf_Die die;
    Dwarf_Line *row = u && dwarf_offdie(image->dwarf, u->die, &die) ? dwarf_getsrc_die(&die, addr) : NULL;
    int number;
    const char *name = row ? dwarf_linesrc(row, NULL, NULL) : NULL;
    if (!name || dwarf_lineno(row, &number) || number <= 0)
        return false;
    *file = source_path(image, &die, name);
    *line = (unsigned)number;
    return true;
}

typedef struct {
    const char *file;
    unsigned line, best; // best: nearest line so far, 0: none
    uint64_t addr;
} LineSearch;

// name is path, or its last parts.
static bool is_file(const char *path, const char *name)
{
    size_t n = strlen(path), m = strlen(name);
    return n >= m && !strcmp(path + n - m, name) && (n == m || path[n - m - 1] == '/');
}

static void search_unit(void *opaque, Dwarf_Die *die)
{
    LineSearch *s = opaque;
    Dwarf_Lines *lines;
    size_t n = 0;
    if (dwarf_getsrclines(die, &lines, &n))
        return;
    for (size_t i = 0; i < n; i++) {
        Dwarf_Line *row = dwarf_onesrcline(lines, i);
        int number;
        bool end, stmt;
        Dwarf_Addr addr;
        const char *name;
        if (dwarf_lineno(row, &number) || number < (int)s->line || (s->best && number > (int)s->best) ||
            dwarf_lineendsequence(row, &end) || end || dwarf_linebeginstatement(row, &stmt) || !stmt ||
            dwarf_lineaddr(row, &addr) || !(name = dwarf_linesrc(row, NULL, NULL)) || !is_file(name, s->file))
            continue;
        if (!s->best || number < (int)s->best || addr < s->addr) {
            s->best = (unsigned)number;
            s->addr = addr;
        }
    }
}

bool name_image_line_address(NameImage *image, const char *file, unsigned line, uint64_t *addr)
{
    LineSearch s = {.file = file, .line = line};
    Dwarf *dwarf = name_image_dwarf(image);
    if (dwarf)
        each_unit(dwarf, search_unit, &s);
    *addr = s.addr;
    return s.best;
}
