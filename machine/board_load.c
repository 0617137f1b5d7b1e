// SPDX-License-Identifier: GPL-3.0-or-later
// Boot rules: what the device tree and the reset vector say, and where HTIF is (memory/spec.md 6.2 to 6.5).
//
// Order: the images (board_images.c), the place of HTIF (it decides a property of the device tree), -device loader,
// device tree, MROM. HTIF is mapped last, so that the images' bytes under its registers are loaded like any others.
#include "machine/board_images.h"
#include "machine/device_tree.h"
#include "machine/mrom.h"
#include "util/bits.h"
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#define BIG_PAGE (UINT64_C(2) << 20)

typedef struct {
    BoardImages images;
    gpa_t tohost, fromhost;
    gpa_t fdt;
} Boot;

// --- where HTIF is -------------------------------------------------------------------------------------------------

static bool check_htif_symbol(const Board *b, const Symbol *s, GError **error)
{
    // Hand-written assembly often lacks .size, which QEMU does not forgive.
    if (s->size != 8 && (s->size || b->config.htif_compat_qemu))
        return board_fail(error, "the symbol %s has size %" PRIu64 ", but HTIF's registers are 8 bytes", s->name,
                          s->size);
    if (s->addr % 4)
        return board_fail(error, "the symbol %s at 0x%" PRIx64 " is not aligned", s->name, s->addr);
    return true;
}

static bool check_htif_place(Board *b, gpa_t addr, GError **error)
{
    for (gpa_t a = addr; a < addr + 8; a += 4) {
        MemorySection s = address_space_lookup(&address_space_memory, a);
        if (s.mr && s.mr != b->ram)
            return board_fail(error, "HTIF register at 0x%" PRIx64 " lies in %s", addr, s.mr->name);
    }
    return true;
}

// R6.10, and: ELF files without either symbol get the fixed address (QEMU refuses them).
static bool find_htif(Board *b, Boot *boot, GError **error)
{
    const BoardConfig *c = &b->config;
    const BoardImages *images = &boot->images;
    const Symbol *to = symbols_by_name(loader_symbols(b->loader), "tohost");
    const Symbol *from = symbols_by_name(loader_symbols(b->loader), "fromhost");
    bool may_be_fixed = !b->type->htif_by_symbols;
    bool by_rule = may_be_fixed &&
                   ((!images->has_firmware && !c->kernel) || (images->has_firmware && !images->firmware_elf) ||
                    (c->kernel && !images->kernel_elf));
    bool fixed = by_rule || (may_be_fixed && !to && !from && !c->htif_compat_qemu);
    b->htif_used = may_be_fixed || to || from;
    // Whatever was not told by symbols, firmware finds through the device tree.
    b->can_exit |= by_rule || to || from || (fixed && images->has_firmware);
    htif_set_fixed(b->htif, fixed);
    boot->fromhost = b->htif_row->base;
    boot->tohost = b->htif_row->base + 8;
    if (!b->htif_used || fixed)
        return true;
    if (!to || !from)
        return board_fail(error, "Invalid HTIF fromhost or tohost address: no symbol %s in the loaded ELF files",
                          to ? "fromhost" : "tohost");
    boot->tohost = to->addr;
    boot->fromhost = from->addr;
    gpa_t distance = MAX(to->addr, from->addr) - MIN(to->addr, from->addr);
    if (distance < 8)
        return board_fail(error, "Invalid HTIF fromhost or tohost address: the symbols overlap");
    return check_htif_symbol(b, to, error) && check_htif_symbol(b, from, error) &&
           check_htif_place(b, to->addr, error) && check_htif_place(b, from->addr, error);
}

// --- device tree, MROM, services -----------------------------------------------------------------------------------

// The last one first, as QEMU's boards have it: in that order Linux numbers its disks.
static void describe_soc(void *opaque, DtWriter *w)
{
    const DeviceBus *bus = opaque;
    for (guint i = bus->devices->len; i-- > 0;) {
        const Device *d = bus->devices->pdata[i];
        if (d->type->describe)
            d->type->describe(d, w);
    }
}

static void describe_root(void *opaque, DtWriter *w)
{
    const DeviceBus *bus = opaque;
    for (guint i = 0; i < bus->devices->len; i++) {
        const Device *d = bus->devices->pdata[i];
        if (d->type->describe_root)
            d->type->describe_root(d, w);
    }
}

static bool make_device_tree(Board *b, const Boot *boot, GError **error)
{
    const BoardConfig *c = &b->config;
    BoardRange ram[2];
    DeviceTreeConfig dt = {
        .compatible = b->type->compatible,
        .model = b->type->model,
        .stdout_path = b->type->stdout_path,
        .ram = ram,
        .n_ram = board_ram_ranges(b, ram),
        .harts = b->harts,
        .isa = c->isa ? c->isa : "rv64imafdc_zicsr_zifencei",
        .mmu_type = c->mmu_type,
        .bootargs = c->append,
        .initrd_start = boot->images.initrd.low,
        .initrd_end = boot->images.initrd.high,
        .opaque = &b->bus,
        .soc = describe_soc,
        .root = describe_root,
    };
    uint8_t seed[DEVICE_TREE_SEED];
    if (c->rng_seed && getrandom(seed, sizeof seed, 0) == sizeof seed)
        dt.rng_seed = seed;
    g_clear_pointer(&b->dtb, g_bytes_unref);
    b->dtb = c->dtb ? device_tree_load(c->dtb, &dt, error) : device_tree_build(&dt);
    return b->dtb;
}

static bool load_device_tree(Board *b, Boot *boot, GError **error)
{
    if (!make_device_tree(b, boot, error))
        return false;
    gsize size;
    const void *data = g_bytes_get_data(b->dtb, &size);
    gpa_t end = b->ram_row->base + b->low_ram;
    boot->fdt = size <= b->low_ram ? align_down(end - size, BIG_PAGE) : 0;
    if (boot->fdt < b->ram_row->base || boot->fdt < boot->images.end)
        return board_fail(error, "the device tree does not fit into RAM above the loaded images (they end at 0x%" PRIx64
                                 ", RAM ends at 0x%" PRIx64 ")", boot->images.end, end);
    return loader_device_tree(b->loader, data, size, boot->fdt, error);
}

static void guest_exit(void *opaque, uint64_t code)
{
    board_guest_exit(opaque, code);
}

static uint64_t clock_ns(void *opaque)
{
    const Board *b = opaque;
    return b->hooks.clock_ns(b->hooks.opaque);
}

static void start_htif(Board *b, const Boot *boot)
{
    uint64_t program_end = boot->images.end;
    board_symbol_address(b, "_end", &program_end);
    if (program_end < b->ram_row->base || program_end > boot->fdt)
        program_end = boot->images.end;
    HtifConfig config = {
        .compat_qemu = b->config.htif_compat_qemu,
        .proxy = {
            .memory = &address_space_memory,
            .fs = b->fs,
            .args = b->config.guest_args,
            .break_start = program_end,
            .break_limit = boot->fdt,
            .brk = program_end,
            .opaque = b,
            .exit = guest_exit,
            .clock_ns = clock_ns,
        },
    };
    htif_place(b->htif, boot->tohost, boot->fromhost, &config);
}

static void start_semihost(Board *b, const Boot *boot)
{
    GString *line = g_string_new(NULL);
    for (unsigned i = 0; b->config.guest_args && i < b->config.guest_args->len; i++)
        g_string_append_printf(line, "%s%s", i ? " " : "",
                               (char *)g_ptr_array_index(b->config.guest_args, i));
    b->cmdline = g_string_free(line, FALSE);
    SemihostConfig config = {
        .memory = &address_space_memory,
        .fs = b->fs,
        .console = b->config.console,
        .cmdline = b->cmdline,
        .heap_base = align_up(boot->images.end, PAGE_SIZE),
        .heap_limit = boot->fdt,
        .opaque = b,
        .exit = guest_exit,
        .clock_ns = clock_ns,
    };
    b->semihost = semihost_new(&config);
}

// A test run that cannot deliver its signature fails at once, not after the test.
static bool check_signature(Board *b, GError **error)
{
    uint64_t begin, end;
    const char *path = b->config.signature;
    if (!path)
        return true;
    if (!board_symbol_address(b, "begin_signature", &begin) ||
        !board_symbol_address(b, "end_signature", &end))
        return board_fail(error, "signature %s: the program has no symbols begin_signature and end_signature", path);
    FILE *f = fopen(path, "we");
    if (!f)
        return board_fail(error, "signature %s: %s", path, g_strerror(errno));
    fclose(f);
    return true;
}

// What lies in memory when the harts start. again: HTIF is where it was the first time.
static bool load_memory(Board *b, Boot *boot, bool again, GError **error)
{
    uint8_t rom[MROM_IMAGE_SIZE];
    for (unsigned i = 0; i < b->harts; i++)
        b->reset_pc[i] = b->rom_row ? b->rom_row->base : b->ram_row->base;
    if (!board_load_images(b, &boot->images, error) || (b->htif && !again && !find_htif(b, boot, error)))
        return false;
    for (unsigned i = 0; i < b->harts && !b->rom_row; i++)
        b->reset_pc[i] = boot->images.start;
    if (!board_load_items(b, error) || !load_device_tree(b, boot, error) || !board_store_items(b, error))
        return false;
    mrom_build(rom, boot->images.start, boot->fdt, boot->images.next_addr);
    if (b->rom_row)
        address_space_write_rom(&address_space_memory, b->rom_row->base, rom, sizeof rom);
    return true;
}

static bool load(Board *b, GError **error)
{
    Boot boot = {0};
    if (!load_memory(b, &boot, false, error) || !check_signature(b, error))
        return false;
    if (b->htif_used)
        start_htif(b, &boot);
    start_semihost(b, &boot);
    return true;
}

bool board_load(Board *b, GError **error)
{
    g_assert(!b->semihost);
    if (!b->ram_row)
        return !b->config.kernel || board_fail(error, "-kernel: the board %s has no memory", b->type->name);
    memory_lock();
    bool ok = load(b, error);
    if (ok)
        device_bus_reset(&b->bus);
    memory_unlock();
    return ok;
}

bool board_reset(Board *b, GError **error)
{
    Boot boot = {0};
    memory_lock();
    Loader *before = b->loader;
    b->loader = loader_new(&address_space_memory, b->ram_row->base, b->low_ram);
    bool ok = load_memory(b, &boot, true, error);
    loader_free(before);
    device_bus_reset(&b->bus);
    memory_unlock();
    return ok;
}
