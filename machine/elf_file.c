// SPDX-License-Identifier: GPL-3.0-or-later
// ELF through libelf. Every offset is checked against the file here: the file comes from outside.
#include "machine/elf_file.h"
#include <gelf.h>
#include <gio/gio.h>
#include <string.h>

static bool fail(GError **error, const char *path, const char *why)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: %s", path, why);
    return false;
}

static const char *why_not_runnable(const char *ident, const GElf_Ehdr *h)
{
    if (ident[EI_CLASS] != ELFCLASS64)
        return "a 32-bit ELF file; this machine is RV64";
    if (ident[EI_DATA] != ELFDATA2LSB)
        return "a big-endian ELF file; this machine is little-endian";
    if (!h)
        return "damaged ELF file";
    if (h->e_machine != EM_RISCV)
        return "an ELF file for another machine, not RISC-V";
    if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
        return "not an executable ELF file; link it first";
    return NULL;
}

static bool read_segments(ElfFile *f, const char *path, const char *data, size_t size, GError **error)
{
    size_t n;
    if (elf_getphdrnum(f->elf, &n))
        return fail(error, path, "damaged ELF program headers");
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr ph;
        if (!gelf_getphdr(f->elf, (int)i, &ph))
            return fail(error, path, "damaged ELF program headers");
        if (ph.p_type != PT_LOAD || !ph.p_memsz)
            continue;
        if (ph.p_filesz > ph.p_memsz || ph.p_offset > size || ph.p_filesz > size - ph.p_offset ||
            ph.p_memsz > UINT64_MAX - ph.p_paddr) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: segment %zu is damaged or cut off",
                        path, i);
            return false;
        }
        ElfSegment seg = {(unsigned)i, ph.p_paddr, ph.p_filesz, ph.p_memsz,
                          (const uint8_t *)data + ph.p_offset};
        g_array_append_val(f->segments, seg);
    }
    return f->segments->len || fail(error, path, "the ELF file has nothing to load");
}

bool elf_file_open(ElfFile *f, const char *path, const char *data, size_t size, GError **error)
{
    *f = (ElfFile){0};
    if (size < EI_NIDENT)
        return fail(error, path, "damaged ELF file");
    elf_version(EV_CURRENT);
    f->elf = elf_memory((char *)data, size);
    GElf_Ehdr header;
    const char *why = why_not_runnable(data, f->elf ? gelf_getehdr(f->elf, &header) : NULL);
    bool ok = !why || fail(error, path, why);
    if (ok) {
        f->entry = header.e_entry;
        f->segments = g_array_new(FALSE, FALSE, sizeof(ElfSegment));
        ok = read_segments(f, path, data, size, error);
    }
    if (!ok)
        elf_file_close(f);
    return ok;
}

void elf_file_close(ElfFile *f)
{
    if (f->segments)
        g_array_free(f->segments, TRUE);
    elf_end(f->elf);
    *f = (ElfFile){0};
}

static void add_symbol(Symbols *symbols, const GElf_Sym *sym, const char *name, unsigned image)
{
    unsigned type = GELF_ST_TYPE(sym->st_info);
    if (!name || !*name || sym->st_shndx == SHN_UNDEF || type == STT_SECTION || type == STT_FILE ||
        type == STT_TLS || name[0] == '$' || g_str_has_prefix(name, ".L"))
        return;
    Symbol s = {
        .addr = sym->st_value,
        .size = sym->st_size,
        .name = name,
        .image = image,
        .function = type == STT_FUNC,
        .global = GELF_ST_BIND(sym->st_info) != STB_LOCAL,
    };
    symbols_add(symbols, &s);
}

void elf_file_symbols(const ElfFile *f, Symbols *symbols, unsigned image)
{
    for (Elf_Scn *scn = NULL; (scn = elf_nextscn(f->elf, scn));) {
        GElf_Shdr sh;
        if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_SYMTAB || !sh.sh_entsize)
            continue;
        Elf_Data *data = elf_getdata(scn, NULL);
        GElf_Sym sym;
        for (int i = 0; data && i < G_MAXINT && gelf_getsym(data, i, &sym); i++)
            add_symbol(symbols, &sym, elf_strptr(f->elf, sh.sh_link, sym.st_name), image);
    }
}
