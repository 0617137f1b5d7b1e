// SPDX-License-Identifier: GPL-3.0-or-later
// Who knows a name: files at addresses of their own, lists of symbols.
#include "machine/names_private.h"

#include "machine/image_file.h"
#include "machine/symbol_file.h"
#include <string.h>

static void add_place(Names *n, NameImage *image, uint64_t shift)
{
    NamePlace place = {image, shift};
    g_array_append_val(n->places, place);
}

static void add_loaded(void *opaque, const char *path)
{
    add_place(opaque, name_image_new(path), 0);
}

Names *names_new(Board *board)
{
    Names *n = g_new0(Names, 1);
    g_mutex_init(&n->lock);
    n->board = board;
    n->places = g_array_new(FALSE, FALSE, sizeof(NamePlace));
    n->folders = g_ptr_array_new_with_free_func(g_free);
    board_each_elf(board, add_loaded, n);
    return n;
}

void names_free(Names *n)
{
    if (!n)
        return;
    for (unsigned i = 0; i < n->places->len; i++)
        name_image_free(g_array_index(n->places, NamePlace, i).image);
    g_array_free(n->places, TRUE);
    g_ptr_array_unref(n->folders);
    name_table_free(n->maps);
    name_kernel_free(&n->kernel);
    name_processes_free(&n->processes);
    g_clear_pointer(&n->builds, g_hash_table_destroy);
    g_clear_pointer(&n->rules, g_hash_table_destroy);
    g_mutex_clear(&n->lock);
    g_free(n);
}

static void add_line(void *opaque, uint64_t addr, uint64_t size, const char *name, unsigned rank)
{
    NameEntry e = {.addr = addr, .size = size, .name = name, .rank = rank};
    name_table_add(opaque, &e);
}

static bool add_file(Names *n, const SymbolSpec *spec, GError **error)
{
    GMappedFile *file = image_file_map(spec->path, error);
    if (!file)
        return false;
    const char *data = g_mapped_file_get_contents(file);
    size_t size = g_mapped_file_get_length(file);
    bool ok;
    if (size >= 4 && (!memcmp(data, "\177ELF", 4) || !memcmp(data, "\x1f\x8b", 2))) {
        NameImage *image = name_image_new(spec->path);
        ok = name_image_open(image, error);
        if (ok)
            add_place(n, image, spec->moved ? spec->address - image->low : 0);
        else
            name_image_free(image);
    } else {
        g_autofree char *text = g_strndup(data ? data : "", size);
        if (!n->maps)
            n->maps = name_table_new();
        ok = symbol_file_map(spec->path, text, add_line, n->maps, error);
    }
    g_mapped_file_unref(file);
    return ok;
}

bool names_add_file(Names *n, const char *text, GError **error)
{
    SymbolSpec spec;
    if (!symbol_spec_parse(text, &spec, error))
        return false;
    bool folder = g_file_test(spec.path, G_FILE_TEST_IS_DIR);
    bool ok = folder || add_file(n, &spec, error);
    if (folder)
        g_ptr_array_add(n->folders, g_strdup(spec.path));
    symbol_spec_clear(&spec);
    return ok;
}

void names_prepare(Names *n)
{
    g_mutex_lock(&n->lock);
    if (n->folders->len)
        name_builds_scan(n);
    g_mutex_unlock(&n->lock);
}

// What does not depend on what is mapped: the files named last come first.
static const NameEntry *fixed_at(Names *n, uint64_t pc, NameSpot *spot)
{
    for (unsigned i = n->places->len; i--;) {
        const NamePlace *p = &g_array_index(n->places, NamePlace, i);
        const NameEntry *e = name_image_at(p->image, pc - p->shift);
        if (e) {
            *spot = (NameSpot){p->image, p->shift, p->image->name, p->image};
            return e;
        }
    }
    return n->maps ? name_table_at(n->maps, pc) : NULL;
}

// Of a process, if one may run at pc.
static const NameEntry *process_at(Names *n, Cpu *cpu, uint64_t pc, NameSpot *spot)
{
    uint64_t shift;
    NameProgram *p = name_process_at(&n->processes, cpu, pc, &shift);
    if (!p)
        return NULL;
    if (!p->file_tried) {
        p->file_tried = true;
        p->file = p->id_size ? name_image_by_build_id(n, p->id, p->id_size) : NULL;
    }
    *spot = (NameSpot){.image = p->file, .shift = shift, .owner = p};
    const NameEntry *e = p->file ? name_image_at(p->file, pc - shift) : NULL;
    if (!e)
        e = name_program_at(&n->processes, p, cpu, shift, pc - shift);
    spot->name = p->soname ? p->soname : p->file ? p->file->name : p->id_size ? p->title : NULL;
    return e;
}

const NameEntry *names_find(Names *n, Cpu *cpu, uint64_t pc, NameSpot *spot)
{
    bool process = cpu && !(pc >> 63) && cpu->hart.satp >> 60 && cpu->hart.priv != PRV_M;
    bool user = process && cpu->hart.priv == PRV_U; // else the kernel may have addresses like that
    const NameEntry *e = NULL;
    *spot = (NameSpot){0};
    if (user)
        e = process_at(n, cpu, pc, spot);
    if (!e && (!spot->owner || !((const NameProgram *)spot->owner)->id_size)) { // a file may be that program's
        NameSpot fixed = {0};
        e = fixed_at(n, pc, &fixed);
        if (e)
            *spot = fixed;
    }
    if (!e && process && !user)
        e = process_at(n, cpu, pc, spot);
    if (!e && pc >> 63)
        e = name_kernel_at(&n->kernel, cpu, pc);
    if (!spot->name && e && pc >> 63)
        spot->name = "kernel";
    return e;
}

Name names_at(Names *n, Cpu *cpu, uint64_t pc, bool lines)
{
    NameSpot spot;
    Name name = {0};
    g_mutex_lock(&n->lock);
    const NameEntry *e = names_find(n, cpu, pc, &spot);
    name.image = spot.name;
    if (e) {
        name.function = e->name;
        name.start = e->addr + spot.shift;
        name.offset = pc - name.start;
        name.size = e->size;
    }
    if (lines && spot.image)
        name_image_line(spot.image, pc - spot.shift, &name.file, &name.line);
    g_mutex_unlock(&n->lock);
    return name;
}

static bool symbol_address(Names *n, const char *symbol, uint64_t *pc)
{
    for (unsigned i = n->places->len; i--;) {
        const NamePlace *p = &g_array_index(n->places, NamePlace, i);
        const NameEntry *e = name_image_find(p->image, symbol);
        if (e) {
            *pc = e->addr + p->shift;
            return true;
        }
    }
    const NameEntry *e = n->maps ? name_table_find(n->maps, symbol) : NULL;
    if (!e && n->kernel.table)
        e = name_table_find(n->kernel.table, symbol);
    if (e)
        *pc = e->addr;
    return e || board_symbol_address(n->board, symbol, pc);
}

// "file:line".
static bool line_address(Names *n, const char *text, uint64_t *pc)
{
    const char *colon = strrchr(text, ':');
    guint64 line;
    if (!colon || colon == text || !g_ascii_string_to_unsigned(colon + 1, 10, 1, G_MAXINT, &line, NULL))
        return false;
    g_autofree char *file = g_strndup(text, (gsize)(colon - text));
    for (unsigned i = n->places->len; i--;) {
        const NamePlace *p = &g_array_index(n->places, NamePlace, i);
        if (name_image_line_address(p->image, file, (unsigned)line, pc)) {
            *pc += p->shift;
            return true;
        }
    }
    return false;
}

bool names_address(Names *n, const char *symbol, uint64_t *pc)
{
    g_mutex_lock(&n->lock);
    bool found = symbol_address(n, symbol, pc) || line_address(n, symbol, pc);
    g_mutex_unlock(&n->lock);
    return found;
}
