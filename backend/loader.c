// SPDX-License-Identifier: GPL-3.0-or-later
// The object loader: a function of an x86-64 ELF object, its section and what that refers to, becomes one piece of
// position-independent code.
#include "backend/loader.h"

#include "util/bits.h"
#include <gelf.h>
#include <gio/gio.h>
#include <libelf.h>
#include <stdint.h>
#include <string.h>

#define MAX_ALIGN 4096

typedef struct {
    Elf *elf;
    GByteArray *out;
    size_t *place; // where each section landed in out, SIZE_MAX if nowhere
    size_t n_sections, n_placed;
    Elf_Data *symbols;
    size_t n_symbols, names;
} Load;

static bool fail(GError **error, const char *what)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "object file from GCC: %s", what);
    return false;
}

static bool find_symbols(Load *l, GError **error)
{
    for (Elf_Scn *s = NULL; (s = elf_nextscn(l->elf, s));) {
        GElf_Shdr h;
        if (!gelf_getshdr(s, &h))
            return fail(error, "bad section");
        if (h.sh_type != SHT_SYMTAB)
            continue;
        l->symbols = elf_getdata(s, NULL);
        l->n_symbols = h.sh_entsize ? h.sh_size / h.sh_entsize : 0;
        l->names = h.sh_link;
    }
    return l->symbols || fail(error, "no symbol table");
}

// Copies section i behind what is there, if it is not there yet.
static bool place_section(Load *l, size_t i, GError **error)
{
    GElf_Shdr h;
    if (i < l->n_sections && l->place[i] != SIZE_MAX)
        return true;
    Elf_Scn *s = i == SHN_UNDEF || i >= l->n_sections ? NULL : elf_getscn(l->elf, i);
    if (!s || !gelf_getshdr(s, &h) || !(h.sh_flags & SHF_ALLOC) || !h.sh_size)
        return fail(error, "it refers to something outside itself");
    if (h.sh_type != SHT_PROGBITS || (h.sh_flags & SHF_WRITE))
        return fail(error, "it has writable data");
    Elf_Data *d = elf_getdata(s, NULL);
    if (!d || !d->d_buf || h.sh_addralign > MAX_ALIGN)
        return fail(error, "unreadable section");
    guint start = (guint)align_up(l->out->len, MAX(h.sh_addralign, 16));
    g_byte_array_set_size(l->out, start);
    l->place[i] = start;
    l->n_placed++;
    g_byte_array_append(l->out, d->d_buf, (guint)d->d_size);
    return true;
}

typedef bool (*EachRelocation)(Load *l, size_t target, const GElf_Rela *r, GError **error);

// Calls fn for each relocation of the sections that are placed.
static bool each_relocation(Load *l, EachRelocation fn, GError **error)
{
    for (Elf_Scn *s = NULL; (s = elf_nextscn(l->elf, s));) {
        GElf_Shdr h;
        if (!gelf_getshdr(s, &h) || h.sh_type != SHT_RELA || h.sh_info >= l->n_sections ||
            l->place[h.sh_info] == SIZE_MAX)
            continue;
        Elf_Data *d = elf_getdata(s, NULL);
        GElf_Rela r;
        for (int i = 0; d && gelf_getrela(d, i, &r); i++)
            if (!fn(l, h.sh_info, &r, error))
                return false;
    }
    return true;
}

static bool place_target(Load *l, size_t target, const GElf_Rela *r, GError **error)
{
    GElf_Sym sym;
    (void)target;
    return gelf_getsym(l->symbols, (int)GELF_R_SYM(r->r_info), &sym)
               ? place_section(l, sym.st_shndx, error)
               : fail(error, "it refers to something outside itself");
}

static bool relocate(Load *l, size_t target, const GElf_Rela *r, GError **error)
{
    GElf_Sym sym;
    if (!gelf_getsym(l->symbols, (int)GELF_R_SYM(r->r_info), &sym) || sym.st_shndx >= l->n_sections ||
        l->place[sym.st_shndx] == SIZE_MAX)
        return fail(error, "it refers to something outside itself");
    unsigned type = GELF_R_TYPE(r->r_info);
    if (type != R_X86_64_PC32 && type != R_X86_64_PLT32)
        return fail(error, "relocation of an unexpected type");
    size_t at = l->place[target] + r->r_offset;
    if (r->r_offset > l->out->len || at + 4 > l->out->len)
        return fail(error, "relocation outside its section");
    int64_t value = (int64_t)(l->place[sym.st_shndx] + sym.st_value) + r->r_addend - (int64_t)at;
    int32_t v32 = (int32_t)value;
    memcpy(l->out->data + at, &v32, 4);
    return true;
}

// Places the function's section.
static bool find_function(Load *l, const char *symbol, size_t *entry, GError **error)
{
    for (size_t i = 0; i < l->n_symbols; i++) {
        GElf_Sym sym;
        if (!gelf_getsym(l->symbols, (int)i, &sym) || sym.st_shndx == SHN_UNDEF || sym.st_shndx >= l->n_sections)
            continue;
        const char *name = elf_strptr(l->elf, l->names, sym.st_name);
        if (!name || strcmp(name, symbol) != 0)
            continue;
        if (!place_section(l, sym.st_shndx, error))
            return false;
        *entry = l->place[sym.st_shndx] + sym.st_value;
        return sym.st_value < l->out->len || fail(error, "the function is outside its section");
    }
    return fail(error, "the function is missing");
}

static bool load_function(Load *l, const char *symbol, size_t *entry, GError **error)
{
    l->place = g_new(size_t, l->n_sections);
    for (size_t i = 0; i < l->n_sections; i++)
        l->place[i] = SIZE_MAX;
    if (!find_symbols(l, error) || !find_function(l, symbol, entry, error))
        return false;
    for (size_t n = 0; n != l->n_placed;) {
        n = l->n_placed;
        if (!each_relocation(l, place_target, error))
            return false;
    }
    return each_relocation(l, relocate, error);
}

GByteArray *object_load(const void *bytes, size_t size, const char *symbol, size_t *entry, GError **error)
{
    elf_version(EV_CURRENT);
    Load l = {.elf = elf_memory((char *)(uintptr_t)bytes, size), .out = g_byte_array_new()};
    bool good = l.elf && elf_kind(l.elf) == ELF_K_ELF && elf_getshdrnum(l.elf, &l.n_sections) == 0;
    bool ok = good ? load_function(&l, symbol, entry, error) : fail(error, "not an ELF object");
    g_free(l.place);
    if (l.elf)
        elf_end(l.elf);
    if (ok)
        return l.out;
    g_byte_array_free(l.out, TRUE);
    return NULL;
}

char *object_name(const char *stem, unsigned index)
{
    return index ? g_strdup_printf("%s%u", stem, index) : g_strdup(stem);
}

static bool append_section(Elf *elf, const char *name, GByteArray *out)
{
    g_autofree char *relocations = g_strconcat(".rela", name, NULL);
    size_t names;
    if (!elf || elf_getshdrstrndx(elf, &names) != 0)
        return false;
    for (Elf_Scn *s = NULL; (s = elf_nextscn(elf, s));) {
        GElf_Shdr h;
        const char *found = gelf_getshdr(s, &h) ? elf_strptr(elf, names, h.sh_name) : NULL;
        if (!found || !strcmp(found, relocations))
            return false;
        if (strcmp(found, name) != 0)
            continue;
        Elf_Data *d = elf_getdata(s, NULL);
        if (out->len || !d || !d->d_buf)
            return false;
        g_byte_array_append(out, d->d_buf, (guint)d->d_size);
    }
    return true;
}

bool object_section(const void *bytes, size_t size, const char *name, GByteArray *out)
{
    elf_version(EV_CURRENT);
    Elf *elf = elf_memory((char *)(uintptr_t)bytes, size);
    bool ok = append_section(elf, name, out);
    if (elf)
        elf_end(elf);
    return ok;
}
