// SPDX-License-Identifier: GPL-3.0-or-later
// The object loader: .text and .rodata of one x86-64 ELF object become one piece of position-independent code.
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
    size_t n_sections;
    Elf_Data *symbols;
    size_t n_symbols, names;
} Load;

static bool fail(GError **error, const char *what)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "object file from GCC: %s", what);
    return false;
}

// Copies every section that occupies memory and has contents.
static bool place_sections(Load *l, GError **error)
{
    for (Elf_Scn *s = NULL; (s = elf_nextscn(l->elf, s));) {
        GElf_Shdr h;
        if (!gelf_getshdr(s, &h))
            return fail(error, "bad section");
        size_t i = elf_ndxscn(s);
        if (h.sh_type == SHT_SYMTAB) {
            l->symbols = elf_getdata(s, NULL);
            l->n_symbols = h.sh_entsize ? h.sh_size / h.sh_entsize : 0;
            l->names = h.sh_link;
        }
        if (!(h.sh_flags & SHF_ALLOC) || !h.sh_size || h.sh_type == SHT_NOTE)
            continue;
        if (h.sh_type != SHT_PROGBITS || (h.sh_flags & SHF_WRITE))
            return fail(error, "it has writable data");
        Elf_Data *d = elf_getdata(s, NULL);
        if (!d || !d->d_buf || h.sh_addralign > MAX_ALIGN)
            return fail(error, "unreadable section");
        guint start = (guint)align_up(l->out->len, MAX(h.sh_addralign, 16));
        g_byte_array_set_size(l->out, start);
        l->place[i] = start;
        g_byte_array_append(l->out, d->d_buf, (guint)d->d_size);
    }
    return l->symbols || fail(error, "no symbol table");
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

static bool relocate_all(Load *l, GError **error)
{
    for (Elf_Scn *s = NULL; (s = elf_nextscn(l->elf, s));) {
        GElf_Shdr h;
        if (!gelf_getshdr(s, &h) || h.sh_type != SHT_RELA || h.sh_info >= l->n_sections ||
            l->place[h.sh_info] == SIZE_MAX)
            continue;
        Elf_Data *d = elf_getdata(s, NULL);
        GElf_Rela r;
        for (int i = 0; d && gelf_getrela(d, i, &r); i++)
            if (!relocate(l, h.sh_info, &r, error))
                return false;
    }
    return true;
}

static bool find_symbol(Load *l, const char *symbol, size_t *entry, GError **error)
{
    for (size_t i = 0; i < l->n_symbols; i++) {
        GElf_Sym sym;
        if (!gelf_getsym(l->symbols, (int)i, &sym) || sym.st_shndx >= l->n_sections ||
            l->place[sym.st_shndx] == SIZE_MAX)
            continue;
        const char *name = elf_strptr(l->elf, l->names, sym.st_name);
        if (name && !strcmp(name, symbol)) {
            *entry = l->place[sym.st_shndx] + sym.st_value;
            return (sym.st_value < l->out->len && *entry < l->out->len) ||
                   fail(error, "the function is outside its section");
        }
    }
    return fail(error, "the function is missing");
}

GByteArray *object_load(const void *bytes, size_t size, const char *symbol, size_t *entry, GError **error)
{
    elf_version(EV_CURRENT);
    Load l = {.elf = elf_memory((char *)(uintptr_t)bytes, size), .out = g_byte_array_new()};
    bool ok = l.elf && elf_kind(l.elf) == ELF_K_ELF && elf_getshdrnum(l.elf, &l.n_sections) == 0;
    if (!ok) {
        fail(error, "not an ELF object");
    } else {
        l.place = g_new(size_t, l.n_sections);
        for (size_t i = 0; i < l.n_sections; i++)
            l.place[i] = SIZE_MAX;
        ok = place_sections(&l, error) && relocate_all(&l, error) && find_symbol(&l, symbol, entry, error);
    }
    g_free(l.place);
    if (l.elf)
        elf_end(l.elf);
    if (ok)
        return l.out;
    g_byte_array_free(l.out, TRUE);
    return NULL;
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
