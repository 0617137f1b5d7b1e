// SPDX-License-Identifier: GPL-3.0-or-later
// Where firmware, kernel and initrd go (R6.1 to R6.4), and -device loader.
//
// The initrd's place is QEMU's (R6.4) except where a Linux kernel could not boot from it: inside the kernel's bss, or
// where OpenSBI's fw_jump copies the device tree to, which happens with 64 MiB of RAM and less.
#include "machine/board_images.h"
#include "machine/board_flash.h"
#include "util/bits.h"
#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define BIG_PAGE (2 * MIB)
#define FW_JUMP_FDT (34 * MIB) // from the start of RAM (OpenSBI, platform/generic/objects.mk)

// The firmware file; NULL for none; false when the default one is not installed.
static bool find_firmware(const Board *b, const char **path, GError **error)
{
    static const char *const places[] = {
        "/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin",
        "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin",
    };
    const char *bios = b->config.bios;
    bool is_default = !bios || !strcmp(bios, "default");
    *path = is_default || !strcmp(bios, "none") ? NULL : bios;
    if (!is_default || !b->type->default_firmware)
        return true;
    for (unsigned i = 0; i < G_N_ELEMENTS(places) && !*path; i++)
        if (g_file_test(places[i], G_FILE_TEST_IS_REGULAR))
            *path = places[i];
    return *path || board_fail(error, "-bios default: OpenSBI's fw_dynamic.bin is not installed (package opensbi); "
                                      "use -bios FILE or -bios none");
}

static bool load_firmware(Board *b, BoardImages *out, GError **error)
{
    const char *path;
    LoadedImage image;
    LoadRules rules = {.raw_addr = b->ram_row->base};
    out->start = b->ram_row->base;
    if (!find_firmware(b, &path, error))
        return false;
    if (!path)
        return true;
    if (!loader_program(b->loader, path, &rules, &image, error))
        return false;
    out->has_firmware = true;
    out->firmware_elf = image.is_elf;
    out->start = image.entry;
    return true;
}

static bool load_kernel(Board *b, BoardImages *out, GError **error)
{
    LoadedImage image;
    LoadRules rules = {
        .uimage = true,
        .kernel = true,
        .raw_addr = align_up(loader_high(b->loader), BIG_PAGE),
        .linux_base = out->has_firmware ? b->ram_row->base : 0, // without firmware it is what runs first
    };
    if (!loader_program(b->loader, b->config.kernel, &rules, &image, error))
        return false;
    out->kernel_elf = image.is_elf;
    out->kernel_low = image.low;
    out->next_addr = image.is_elf ? image.low : image.entry;
    if (b->config.start_at_entry && !out->has_firmware)
        out->start = image.entry;
    return true;
}

static gpa_t initrd_place(const Board *b, const BoardImages *images, uint64_t size)
{
    gpa_t at = images->kernel_low + MIN(b->low_ram / 2, 512 * MIB);
    gpa_t copied_fdt = b->ram_row->base + FW_JUMP_FDT;
    at = MAX(at, align_up(loader_high(b->loader), PAGE_SIZE));
    if (images->has_firmware && at < copied_fdt + BIG_PAGE && at + size > copied_fdt)
        at = copied_fdt + BIG_PAGE;
    return at;
}

static bool load_initrd(Board *b, BoardImages *out, GError **error)
{
    g_autoptr(GMappedFile) file = image_file_map(b->config.initrd, error);
    if (!file)
        return false;
    uint64_t size = g_mapped_file_get_length(file);
    gpa_t at = initrd_place(b, out, size);
    out->initrd = (LoadedImage){.low = at, .high = at + size};
    return loader_bytes(b->loader, b->config.initrd, g_mapped_file_get_contents(file), size, at, error);
}

bool board_load_images(Board *b, BoardImages *out, GError **error)
{
    const BoardConfig *c = &b->config;
    *out = (BoardImages){0};
    if (!c->kernel && (c->initrd || c->append))
        return board_fail(error, "%s needs -kernel", c->initrd ? "-initrd" : "-append");
    if (!load_firmware(b, out, error) || (c->kernel && !load_kernel(b, out, error)) ||
        (c->initrd && !load_initrd(b, out, error)))
        return false;
    out->end = loader_high(b->loader);
    return board_start_flash(b, out, error);
}

static bool load_file(Board *b, const LoadItem *item, gpa_t *entry, GError **error)
{
    LoadedImage image;
    LoadRules rules = {.uimage = true, .raw_addr = item->addr};
    bool ok = item->force_raw ? loader_raw(b->loader, item->file, item->addr, &image, error)
                              : loader_program(b->loader, item->file, &rules, &image, error);
    if (ok)
        *entry = image.entry;
    return ok;
}

static bool load_item(Board *b, const LoadItem *item, GError **error)
{
    gpa_t entry = item->addr;
    if (item->hart >= (int)b->harts)
        return board_fail(error, "-device loader: cpu-num=%d: there is no such hart", item->hart);
    if (item->file && !load_file(b, item, &entry, error))
        return false;
    if (item->hart >= 0 && !item->data_len)
        b->reset_pc[item->hart] = entry;
    return true;
}

bool board_load_items(Board *b, GError **error)
{
    bool ok = true;
    for (unsigned i = 0; ok && b->config.items && i < b->config.items->len; i++)
        ok = load_item(b, &g_array_index(b->config.items, LoadItem, i), error);
    return ok;
}

bool board_store_items(Board *b, GError **error)
{
    bool ok = true;
    for (unsigned i = 0; ok && b->config.items && i < b->config.items->len; i++) {
        const LoadItem *item = &g_array_index(b->config.items, LoadItem, i);
        if (item->data_len)
            ok = loader_value(b->loader, "-device loader", item->data, item->data_len, item->addr, error);
    }
    return ok;
}
