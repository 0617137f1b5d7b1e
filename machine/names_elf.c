// SPDX-License-Identifier: GPL-3.0-or-later
// ELF files as a source of names: functions, labels in code, and data that something may run in.
#include "machine/names_private.h"

#include "machine/image_file.h"
#include <gelf.h>
#include <gio/gio.h>
#include <string.h>

#define FILE_MAX (UINT64_C(4) << 30) // unpacked

NameImage *name_image_new(const char *path)
{
    NameImage *image = g_new0(NameImage, 1);
    image->path = g_strdup(path);
    image->name = g_path_get_basename(path);
    return image;
}

void name_image_free(NameImage *image)
{
    if (!image)
        return;
    name_table_free(image->table);
    if (image->eh)
        dwarf_cfi_end(image->eh);
    g_clear_pointer(&image->units, g_array_unref);
    g_clear_pointer(&image->sources, g_hash_table_destroy);
    dwarf_end(image->dwarf);
    elf_end(image->elf);
    g_clear_pointer(&image->bytes, g_bytes_unref);
    g_free(image->name);
    g_free(image->path);
    g_free(image);
}

static const char *why_not(Elf *elf, GElf_Ehdr *h)
{
    if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, h))
        return "no ELF file";
    if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_machine != EM_RISCV)
        return "an ELF file for another machine, not RV64";
    return NULL;
}

// Damaged headers leave what could be read.
static void read_range(NameImage *image)
{
    size_t n = 0;
    image->low = UINT64_MAX;
    elf_getphdrnum(image->elf, &n);
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr ph;
        if (!gelf_getphdr(image->elf, (int)i, &ph) || ph.p_type != PT_LOAD || ph.p_memsz > UINT64_MAX - ph.p_vaddr)
            continue;
        image->low = MIN(image->low, ph.p_vaddr);
        image->high = MAX(image->high, ph.p_vaddr + ph.p_memsz);
    }
}

bool name_image_open(NameImage *image, GError **error)
{
    if (image->tried)
        return image->elf;
    image->tried = true;
    if (!(image->bytes = image_file_open(image->path, FILE_MAX, error)))
        return false;
    gsize size;
    const char *data = g_bytes_get_data(image->bytes, &size);
    GElf_Ehdr header;
    elf_version(EV_CURRENT);
    image->elf = elf_memory((char *)data, size);
    const char *why = why_not(image->elf, &header);
    if (!why) {
        read_range(image);
        return true;
    }
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: %s", image->path, why);
    g_clear_pointer(&image->elf, elf_end);
    return false;
}

Dwarf *name_image_dwarf(NameImage *image)
{
    if (!image->dwarf_tried && name_image_open(image, NULL)) {
        image->dwarf_tried = true;
        image->dwarf = dwarf_begin_elf(image->elf, DWARF_C_READ, NULL);
    }
    return image->dwarf;
}

// The section of a symbol that is defined in one; false: none.
static bool section_of(NameImage *image, const GElf_Sym *sym, GElf_Shdr *out)
{
    Elf_Scn *scn = sym->st_shndx < SHN_LORESERVE ? elf_getscn(image->elf, sym->st_shndx) : NULL;
    return scn && gelf_getshdr(scn, out);
}

static void add_symbol(NameImage *image, const GElf_Sym *sym, const char *name)
{
    unsigned type = GELF_ST_TYPE(sym->st_info);
    bool function = type == STT_FUNC || type == STT_GNU_IFUNC;
    bool object = type == STT_OBJECT && sym->st_size;
    GElf_Shdr sh;
    if (!name || !*name || name[0] == '$' || g_str_has_prefix(name, ".L") || sym->st_shndx == SHN_UNDEF ||
        !(function || object || type == STT_NOTYPE) || !section_of(image, sym, &sh))
        return;
    bool code = sh.sh_flags & SHF_EXECINSTR;
    if (!code && !object)
        return;
    NameEntry e = {
        .addr = sym->st_value,
        .size = sym->st_size,
        .limit = sh.sh_addr + sh.sh_size,
        .name = name,
        .rank = object && !code ? 0 : 1 + 2 * function + (GELF_ST_BIND(sym->st_info) != STB_LOCAL),
    };
    name_table_add(image->table, &e);
}

static void read_table(NameImage *image, unsigned kind)
{
    for (Elf_Scn *scn = NULL; (scn = elf_nextscn(image->elf, scn));) {
        GElf_Shdr sh;
        if (!gelf_getshdr(scn, &sh) || sh.sh_type != kind || !sh.sh_entsize)
            continue;
        Elf_Data *data = elf_getdata(scn, NULL);
        GElf_Sym sym;
        for (int i = 0; data && i < G_MAXINT && gelf_getsym(data, i, &sym); i++)
            add_symbol(image, &sym, elf_strptr(image->elf, sh.sh_link, sym.st_name));
    }
}

static NameTable *symbols_of(NameImage *image)
{
    if (!image->table) {
        image->table = name_table_new();
        read_table(image, SHT_SYMTAB);
        if (name_table_empty(image->table))
            read_table(image, SHT_DYNSYM);
    }
    return image->table;
}

const NameEntry *name_image_at(NameImage *image, uint64_t addr)
{
    if (!name_image_open(image, NULL) || addr < image->low || addr >= image->high)
        return NULL;
    return name_table_at(symbols_of(image), addr);
}

const NameEntry *name_image_find(NameImage *image, const char *name)
{
    return name_image_open(image, NULL) ? name_table_find(symbols_of(image), name) : NULL;
}
