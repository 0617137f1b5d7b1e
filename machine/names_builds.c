// SPDX-License-Identifier: GPL-3.0-or-later
// ELF files by build id: those of the folders of --symbols, and the single files.
#include "machine/names_private.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <gelf.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 32
#define FILES_MAX 200000

typedef struct {
    Names *n;
    unsigned files;
} Scan;

static char *hex(const uint8_t *id, size_t size)
{
    GString *out = g_string_new(NULL);
    for (size_t i = 0; i < size; i++)
        g_string_append_printf(out, "%02x", id[i]);
    return g_string_free(out, FALSE);
}

static bool has_symbols(Elf *elf)
{
    for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
        GElf_Shdr sh;
        if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_SYMTAB)
            return true;
    }
    return false;
}

static char *build_id(Elf *elf)
{
    const void *id;
    ssize_t size = elf && elf_kind(elf) == ELF_K_ELF ? dwelf_elf_gnu_build_id(elf, &id) : -1;
    return size > 0 ? hex(id, (size_t)size) : NULL;
}

// Of a stripped program and its separate symbols those count.
static void add(Names *n, const char *path, Elf *elf)
{
    g_autofree char *id = build_id(elf);
    GElf_Ehdr h;
    if (!id || !gelf_getehdr(elf, &h) || h.e_machine != EM_RISCV ||
        (g_hash_table_contains(n->builds, id) && !has_symbols(elf)))
        return;
    g_hash_table_insert(n->builds, g_steal_pointer(&id), name_image_new(path));
}

static void scan_file(Scan *s, const char *path)
{
    uint8_t magic[SELFMAG];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return;
    if (pread(fd, magic, SELFMAG, 0) == SELFMAG && !memcmp(magic, ELFMAG, SELFMAG)) {
        Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
        add(s->n, path, elf);
        elf_end(elf);
    }
    close(fd);
}

static void scan_folder(Scan *s, const char *path, unsigned depth)
{
    g_autoptr(GDir) dir = depth < DEPTH_MAX ? g_dir_open(path, 0, NULL) : NULL;
    for (const char *name; dir && s->files < FILES_MAX && (name = g_dir_read_name(dir));) {
        g_autofree char *full = g_build_filename(path, name, NULL);
        struct stat st;
        if (lstat(full, &st))
            continue;
        if (S_ISDIR(st.st_mode))
            scan_folder(s, full, depth + 1);
        else if (S_ISREG(st.st_mode) && s->files++ < FILES_MAX)
            scan_file(s, full);
    }
}

static void image_free(gpointer image)
{
    name_image_free(image);
}

void name_builds_scan(Names *n)
{
    Scan s = {.n = n};
    if (n->builds)
        return;
    n->builds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, image_free);
    elf_version(EV_CURRENT);
    for (unsigned i = 0; i < n->folders->len; i++)
        scan_folder(&s, n->folders->pdata[i], 0);
    for (unsigned i = 0; i < n->places->len; i++) {
        NameImage *image = g_array_index(n->places, NamePlace, i).image;
        if (name_image_open(image, NULL))
            add(n, image->path, image->elf);
    }
}

NameImage *name_image_by_build_id(Names *n, const uint8_t *id, size_t size)
{
    name_builds_scan(n);
    g_autofree char *key = hex(id, size);
    return g_hash_table_lookup(n->builds, key);
}
