// SPDX-License-Identifier: GPL-3.0-or-later
// Which bytes of RAM are taken, raw files and uImages. ELF files: elf_file.c.
#include "machine/loader.h"
#include "machine/elf_file.h"
#include <gio/gio.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char *what;
    gpa_t start, end;
} Taken;

struct Loader {
    AddressSpace *as;
    gpa_t base;
    uint64_t size;
    GArray *taken; // of Taken
    Symbols *symbols;
    unsigned images;
};

static void taken_clear(void *item)
{
    g_free(((Taken *)item)->what);
}

Loader *loader_new(AddressSpace *as, gpa_t base, uint64_t size)
{
    Loader *l = g_new0(Loader, 1);
    l->as = as;
    l->base = base;
    l->size = size;
    l->taken = g_array_new(FALSE, FALSE, sizeof(Taken));
    g_array_set_clear_func(l->taken, taken_clear);
    l->symbols = symbols_new();
    return l;
}

void loader_free(Loader *l)
{
    if (!l)
        return;
    g_array_free(l->taken, TRUE);
    symbols_free(l->symbols);
    g_free(l);
}

Symbols *loader_symbols(Loader *l)
{
    return l->symbols;
}

unsigned loader_images(const Loader *l)
{
    return l->images;
}

gpa_t loader_high(const Loader *l)
{
    gpa_t high = l->base;
    for (unsigned i = 0; i < l->taken->len; i++)
        high = MAX(high, g_array_index(l->taken, Taken, i).end);
    return high;
}

// Reserves [addr, addr + size) for what. size is not 0.
static bool take(Loader *l, const char *what, gpa_t addr, uint64_t size, GError **error)
{
    if (addr < l->base || size > l->size || addr - l->base > l->size - size) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "%s: 0x%" PRIx64 "-0x%" PRIx64 " lies outside RAM (0x%" PRIx64 "-0x%" PRIx64 ")", what,
                    addr, addr + size - 1, l->base, l->base + l->size - 1);
        return false;
    }
    for (unsigned i = 0; i < l->taken->len; i++) {
        const Taken *t = &g_array_index(l->taken, Taken, i);
        if (addr < t->end && t->start < addr + size) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                        "%s: 0x%" PRIx64 "-0x%" PRIx64 " overlaps %s (0x%" PRIx64 "-0x%" PRIx64 ")", what,
                        addr, addr + size - 1, t->what, t->start, t->end - 1);
            return false;
        }
    }
    Taken t = {.what = g_strdup(what), .start = addr, .end = addr + size};
    g_array_append_val(l->taken, t);
    return true;
}

// Zeroes [addr, addr + size) but touches only pages that are not zero yet: a large bss costs no host memory.
static void zero(AddressSpace *as, gpa_t addr, uint64_t size)
{
    static const uint8_t zeros[PAGE_SIZE];
    uint8_t page[PAGE_SIZE];
    while (size) {
        uint64_t n = MIN(size, PAGE_SIZE - addr % PAGE_SIZE);
        address_space_read(as, addr, MEMTXATTRS_NONE, page, n);
        if (memcmp(page, zeros, n))
            address_space_write_rom(as, addr, zeros, n);
        addr += n;
        size -= n;
    }
}

bool loader_bytes(Loader *l, const char *what, const void *data, uint64_t size, gpa_t addr, GError **error)
{
    if (size && !take(l, what, addr, size, error))
        return false;
    address_space_write_rom(l->as, addr, data, size);
    return true;
}

// One ELF segment; elf_file.c has checked that data holds filesz bytes and filesz <= memsz.
static bool load_segment(Loader *l, const char *path, const ElfSegment *seg, GError **error)
{
    char *what = g_strdup_printf("%s, segment %u", path, seg->index);
    bool ok = take(l, what, seg->paddr, seg->memsz, error);
    g_free(what);
    if (ok) {
        address_space_write_rom(l->as, seg->paddr, seg->data, seg->filesz);
        zero(l->as, seg->paddr + seg->filesz, seg->memsz - seg->filesz);
    }
    return ok;
}

static bool load_elf(Loader *l, const char *path, GMappedFile *file, LoadedImage *out, GError **error)
{
    ElfFile elf;
    if (!elf_file_open(&elf, path, g_mapped_file_get_contents(file), g_mapped_file_get_length(file), error))
        return false;
    *out = (LoadedImage){.is_elf = true, .low = UINT64_MAX, .entry = elf.entry};
    bool ok = true;
    for (unsigned i = 0; ok && i < elf.segments->len; i++) {
        const ElfSegment *seg = &g_array_index(elf.segments, ElfSegment, i);
        ok = load_segment(l, path, seg, error);
        out->low = MIN(out->low, seg->paddr);
        out->high = MAX(out->high, seg->paddr + seg->memsz);
    }
    if (ok)
        elf_file_symbols(&elf, l->symbols, l->images++);
    elf_file_close(&elf);
    return ok;
}

// A RISC-V Linux Image starts "MZ" when it is also an EFI program; its own magic stands at 0x38.
static bool is_linux_image(const uint8_t *data, gsize size)
{
    return size >= 0x40 && !memcmp(data + 0x38, "RSC\x05", 4);
}

// What the file is, if it is something that must not be loaded as raw code; else NULL.
static const char *refused_kind(const uint8_t *data, gsize size)
{
    static const struct {
        const char *magic;
        unsigned len;
        const char *kind;
    } kinds[] = {
        {"\x1f\x8b", 2, "gzip-compressed; decompress it first"},
        {"\x28\xb5\x2f\xfd", 4, "zstd-compressed; decompress it first"},
        {"\xfd" "7zXZ\0", 6, "xz-compressed; decompress it first"},
        {"BZh", 3, "bzip2-compressed; decompress it first"},
        {"\x04\x22\x4d\x18", 4, "lz4-compressed; decompress it first"},
        {"PK\x03\x04", 4, "a zip archive"},
        {"#!", 2, "a script, not a guest program"},
        {"!<arch>\n", 8, "an archive; link it first"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (size >= kinds[i].len && !memcmp(data, kinds[i].magic, kinds[i].len))
            return kinds[i].kind;
    if (size >= 2 && !memcmp(data, "MZ", 2) && !is_linux_image(data, size))
        return "a PE program without a RISC-V Linux header (a compressed EFI kernel?)";
    return size ? NULL : "empty";
}

#define UIMAGE_MAGIC 0x27051956u
#define UIMAGE_HEADER 64

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

// U-Boot legacy image: size at 12, load address at 16, entry at 20, compression at 31 (0: none).
static bool load_uimage(Loader *l, const char *path, const uint8_t *data, gsize length, LoadedImage *out,
                        GError **error)
{
    uint32_t size = be32(data + 12), load = be32(data + 16);
    const char *wrong = data[31] ? "compressed uImage; decompress it first"
                        : !size || size > length - UIMAGE_HEADER ? "damaged uImage" : NULL;
    if (wrong) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: %s", path, wrong);
        return false;
    }
    *out = (LoadedImage){.low = load, .high = (gpa_t)load + size, .entry = be32(data + 20)};
    return loader_bytes(l, path, data + UIMAGE_HEADER, size, load, error);
}

GMappedFile *loader_map_file(const char *path, GError **error)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st)) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "%s: %s", path, g_strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    GMappedFile *file = NULL;
    if (!S_ISREG(st.st_mode))
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE, "%s: not a regular file", path);
    else
        file = g_mapped_file_new_from_fd(fd, FALSE, error);
    close(fd);
    return file;
}

static bool load_plain(Loader *l, const char *path, GMappedFile *file, gpa_t addr, LoadedImage *out,
                       GError **error)
{
    gsize size = g_mapped_file_get_length(file);
    *out = (LoadedImage){.low = addr, .high = addr + size, .entry = addr};
    return loader_bytes(l, path, g_mapped_file_get_contents(file), size, addr, error);
}

bool loader_program(Loader *l, const char *path, bool uimage, gpa_t raw_addr, LoadedImage *out,
                    GError **error)
{
    GMappedFile *file = loader_map_file(path, error);
    if (!file)
        return false;
    const uint8_t *data = (const uint8_t *)g_mapped_file_get_contents(file);
    gsize size = g_mapped_file_get_length(file);
    const char *refused = refused_kind(data, size);
    bool ok = false;
    if (refused)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: %s", path, refused);
    else if (size >= 4 && !memcmp(data, "\177ELF", 4))
        ok = load_elf(l, path, file, out, error);
    else if (uimage && size >= UIMAGE_HEADER && be32(data) == UIMAGE_MAGIC)
        ok = load_uimage(l, path, data, size, out, error);
    else
        ok = load_plain(l, path, file, raw_addr, out, error);
    g_mapped_file_unref(file);
    return ok;
}

bool loader_raw(Loader *l, const char *path, gpa_t addr, LoadedImage *out, GError **error)
{
    GMappedFile *file = loader_map_file(path, error);
    if (!file)
        return false;
    bool ok = load_plain(l, path, file, addr, out, error);
    g_mapped_file_unref(file);
    return ok;
}

bool loader_is_elf(const char *path)
{
    char magic[4];
    FILE *f = fopen(path, "re");
    bool is_elf = f && fread(magic, 1, 4, f) == 4 && !memcmp(magic, "\177ELF", 4);
    if (f)
        fclose(f);
    return is_elf;
}
