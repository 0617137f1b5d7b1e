// SPDX-License-Identifier: GPL-3.0-or-later
// Which bytes of RAM are taken, and what goes there: ELF files (read by elf_file.c), uImages, Linux Images, raw files.
#include "machine/loader.h"
#include "machine/elf_file.h"
#include "machine/image_file.h"
#include <gio/gio.h>
#include <inttypes.h>
#include <string.h>

typedef struct {
    char *what; // in messages
    char *name; // in listings
    gpa_t start, end;
} Taken;

struct Loader {
    AddressSpace *as;
    gpa_t base;
    uint64_t size;
    GArray *taken; // of Taken
    Symbols *symbols;
    unsigned images;
    GPtrArray *elf_paths; // of char *: what was loaded as ELF, in order
};

static void taken_clear(void *item)
{
    g_free(((Taken *)item)->what);
    g_free(((Taken *)item)->name);
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
    l->elf_paths = g_ptr_array_new_with_free_func(g_free);
    return l;
}

void loader_free(Loader *l)
{
    if (!l)
        return;
    g_array_free(l->taken, TRUE);
    symbols_free(l->symbols);
    g_ptr_array_unref(l->elf_paths);
    g_free(l);
}

Symbols *loader_symbols(Loader *l)
{
    return l->symbols;
}

const GPtrArray *loader_elf_paths(const Loader *l)
{
    return l->elf_paths;
}

gpa_t loader_high(const Loader *l)
{
    gpa_t high = l->base;
    for (unsigned i = 0; i < l->taken->len; i++)
        high = MAX(high, g_array_index(l->taken, Taken, i).end);
    return high;
}

static bool inside(const Loader *l, const char *what, gpa_t addr, uint64_t size, GError **error)
{
    if (addr >= l->base && size <= l->size && addr - l->base <= l->size - size)
        return true;
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                "%s: 0x%" PRIx64 "-0x%" PRIx64 " lies outside RAM (0x%" PRIx64 "-0x%" PRIx64 ")", what, addr,
                addr + size - 1, l->base, l->base + l->size - 1);
    return false;
}

// Reserves [addr, addr + size) for what. size is not 0.
static bool take(Loader *l, const char *what, const char *name, gpa_t addr, uint64_t size, GError **error)
{
    if (!inside(l, what, addr, size, error))
        return false;
    for (unsigned i = 0; i < l->taken->len; i++) {
        const Taken *t = &g_array_index(l->taken, Taken, i);
        if (addr < t->end && t->start < addr + size) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                        "%s: 0x%" PRIx64 "-0x%" PRIx64 " overlaps %s (0x%" PRIx64 "-0x%" PRIx64 ")", what,
                        addr, addr + size - 1, t->what, t->start, t->end - 1);
            return false;
        }
    }
    Taken t = {.what = g_strdup(what), .name = g_strdup(name), .start = addr, .end = addr + size};
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

static bool put(Loader *l, const char *what, const char *name, const void *data, uint64_t size, gpa_t addr,
                GError **error)
{
    if (size && !take(l, what, name, addr, size, error))
        return false;
    address_space_write_rom(l->as, addr, data, size);
    return true;
}

bool loader_bytes(Loader *l, const char *what, const void *data, uint64_t size, gpa_t addr, GError **error)
{
    return put(l, what, what, data, size, addr, error);
}

bool loader_device_tree(Loader *l, const void *data, uint64_t size, gpa_t addr, GError **error)
{
    return put(l, "the device tree", "fdt", data, size, addr, error);
}

// One ELF segment; elf_file.c has checked that data holds filesz bytes and filesz <= memsz.
static bool load_segment(Loader *l, const char *path, const ElfSegment *seg, GError **error)
{
    g_autofree char *what = g_strdup_printf("%s, segment %u", path, seg->index);
    g_autofree char *name = g_strdup_printf("%s ELF program header segment %u", path, seg->index);
    bool ok = take(l, what, name, seg->paddr, seg->memsz, error);
    if (ok) {
        address_space_write_rom(l->as, seg->paddr, seg->data, seg->filesz);
        zero(l->as, seg->paddr + seg->filesz, seg->memsz - seg->filesz);
    }
    return ok;
}

// What is added to the physical addresses of an ELF file. Linux' vmlinux has them from 0 on and runs at any multiple of
// 2 MiB; its symbols are virtual.
static uint64_t elf_shift(const Loader *l, const ElfFile *elf, const LoadRules *rules)
{
    gpa_t low = UINT64_MAX, high = 0;
    for (unsigned i = 0; i < elf->segments->len; i++) {
        const ElfSegment *seg = &g_array_index(elf->segments, ElfSegment, i);
        low = MIN(low, seg->paddr);
        high = MAX(high, seg->paddr + seg->memsz);
    }
    bool vmlinux = rules->kernel && low == 0 && high <= l->base && elf->entry > INT64_MAX;
    return vmlinux ? rules->raw_addr : 0;
}

static bool load_elf(Loader *l, const char *path, const uint8_t *data, gsize size, const LoadRules *rules,
                     LoadedImage *out, GError **error)
{
    ElfFile elf;
    if (!elf_file_open(&elf, path, (const char *)data, size, error))
        return false;
    uint64_t shift = elf_shift(l, &elf, rules);
    *out = (LoadedImage){.is_elf = true, .low = UINT64_MAX, .entry = shift ? shift : elf.entry};
    bool ok = true;
    for (unsigned i = 0; ok && i < elf.segments->len; i++) {
        ElfSegment seg = g_array_index(elf.segments, ElfSegment, i);
        seg.paddr += shift;
        ok = load_segment(l, path, &seg, error);
        out->low = MIN(out->low, seg.paddr);
        out->high = MAX(out->high, seg.paddr + seg.memsz);
    }
    if (ok) {
        elf_file_symbols(&elf, l->symbols, l->images++);
        g_ptr_array_add(l->elf_paths, g_strdup(path));
    }
    elf_file_close(&elf);
    return ok;
}

#define UIMAGE_MAGIC 0x27051956u
#define UIMAGE_HEADER 64

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

// U-Boot legacy image: size at 12, load address at 16, entry at 20, compression at 31 (0: none, 1: gzip).
static bool load_uimage(Loader *l, const char *path, const uint8_t *data, gsize length, LoadedImage *out,
                        GError **error)
{
    gsize size = be32(data + 12);
    gpa_t load = be32(data + 16), entry = be32(data + 20);
    unsigned compression = data[31];
    const char *wrong = compression > 1 ? "compressed uImage; decompress it first"
                        : !size || size > length - UIMAGE_HEADER ? "damaged uImage" : NULL;
    if (wrong) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: %s", path, wrong);
        return false;
    }
    data += UIMAGE_HEADER;
    g_autoptr(GBytes) unpacked = NULL;
    if (compression) {
        if (!(unpacked = image_gunzip(path, data, size, l->size, error)))
            return false;
        data = g_bytes_get_data(unpacked, &size);
    }
    *out = (LoadedImage){.low = load, .high = load + size, .entry = entry};
    return loader_bytes(l, path, data, size, load, error);
}

static bool load_plain(Loader *l, const char *path, const uint8_t *data, gsize size, gpa_t addr, LoadedImage *out,
                       GError **error)
{
    *out = (LoadedImage){.low = addr, .high = addr + size, .entry = addr};
    return loader_bytes(l, path, data, size, addr, error);
}

// What a Linux Image uses beyond the file is taken as well: it clears that when it starts.
static bool load_linux(Loader *l, const char *path, const uint8_t *data, gsize size, const LinuxImage *image,
                       const LoadRules *rules, LoadedImage *out, GError **error)
{
    gpa_t addr = rules->raw_addr;
    if (rules->linux_base && image->text_offset < l->size)
        addr = MAX(addr, rules->linux_base + image->text_offset);
    *out = (LoadedImage){.low = addr, .high = addr + image->image_size, .entry = addr};
    if (!take(l, path, path, addr, image->image_size, error))
        return false;
    address_space_write_rom(l->as, addr, data, size);
    return true;
}

bool loader_program(Loader *l, const char *path, const LoadRules *rules, LoadedImage *out, GError **error)
{
    g_autoptr(GBytes) file = image_file_open(path, l->size, error);
    if (!file)
        return false;
    gsize size;
    const uint8_t *data = g_bytes_get_data(file, &size);
    LinuxImage image;
    if (size >= 4 && !memcmp(data, "\177ELF", 4))
        return load_elf(l, path, data, size, rules, out, error);
    if (rules->uimage && size >= UIMAGE_HEADER && be32(data) == UIMAGE_MAGIC)
        return load_uimage(l, path, data, size, out, error);
    if (rules->kernel && image_is_linux(data, size, &image))
        return load_linux(l, path, data, size, &image, rules, out, error);
    return load_plain(l, path, data, size, rules->raw_addr, out, error);
}

bool loader_raw(Loader *l, const char *path, gpa_t addr, LoadedImage *out, GError **error)
{
    GMappedFile *file = image_file_map(path, error);
    if (!file)
        return false;
    const uint8_t *data = (const uint8_t *)g_mapped_file_get_contents(file);
    bool ok = load_plain(l, path, data, g_mapped_file_get_length(file), addr, out, error);
    g_mapped_file_unref(file);
    return ok;
}

bool loader_value(Loader *l, const char *what, uint64_t value, unsigned size, gpa_t addr, GError **error)
{
    g_assert(size >= 1 && size <= 8);
    if (!inside(l, what, addr, size, error))
        return false;
    value = GUINT64_TO_LE(value);
    address_space_write_rom(l->as, addr, &value, size);
    return true;
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

// --- listing -------------------------------------------------------------------------------------------------------

static int by_start(gconstpointer p, gconstpointer q)
{
    const Taken *a = p, *b = q;
    return a->start < b->start ? -1 : a->start > b->start;
}

void loader_print_row(GString *out, AddressSpace *as, gpa_t addr, uint64_t size, const char *name)
{
    MemorySection s = address_space_lookup(as, addr);
    g_string_append_printf(out, "addr=%016" PRIx64 " size=0x%06" PRIx64 " mem=%s name=\"%s\"\n", addr, size,
                           s.mr && s.mr->readonly ? "rom" : "ram", name);
}

void loader_print(Loader *l, GString *out)
{
    g_array_sort(l->taken, by_start);
    for (unsigned i = 0; i < l->taken->len; i++) {
        const Taken *t = &g_array_index(l->taken, Taken, i);
        loader_print_row(out, l->as, t->start, t->end - t->start, t->name);
    }
}
