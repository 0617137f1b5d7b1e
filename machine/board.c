// SPDX-License-Identifier: GPL-3.0-or-later
// The boards as tables, and how a board is built from its table. Loading: board_load.c.
#include "machine/board_types.h"
#include "machine/signature.h"
#include <errno.h>
#include <gio/gio.h>
#include <inttypes.h>
#include <stdio.h>

#define IO_SPACE_SIZE 65536
#define PHYSICAL_SPACE (UINT64_C(1) << 56) // what Sv39 to Sv57 can address

static const BoardRow clabpu_rows[] = {
    {PART_ROM, "riscv.clabpu.mrom", 0x1000, 0xf000},
    {PART_HTIF, "riscv.htif.uart", 0x1000000, 0x1000},
    {PART_CLINT, "riscv.aclint", 0x2000000, 0x10000},
    {PART_RAM, "clabpu.ram", 0x80000000, 0},
};

static const BoardRow clabpu_memory_rows[] = {
    {PART_ROM, "riscv.clabpu.mrom", 0x1000, 0xf000},
    {PART_RAM, "clabpu.ram", 0x80000000, 0},
};

static const BoardType types[] = {
    {"clabpu", "CLabPU: memory map of the spike board, HTIF and CLINT", clabpu_rows,
     G_N_ELEMENTS(clabpu_rows), UINT64_C(2) << 30, 8, true},
    {"clabpu-memory", "CLabPU with only its MROM and DRAM", clabpu_memory_rows,
     G_N_ELEMENTS(clabpu_memory_rows), UINT64_C(2) << 30, 8, false},
};

void board_list(GString *out)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(types); i++)
        g_string_append_printf(out, "%-20s %s%s\n", types[i].name, types[i].description,
                               i ? "" : " (default)");
}

static const BoardType *find_type(const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(types); i++)
        if (!name || !strcmp(name, types[i].name))
            return &types[i];
    return NULL;
}

static const BoardRow *find_row(const BoardType *type, BoardPart part)
{
    for (unsigned i = 0; i < type->n_rows; i++)
        if (type->rows[i].part == part)
            return &type->rows[i];
    return NULL;
}

// The I/O space has no devices: reads give all ones, writes are ignored, both succeed (R1.54).
static uint64_t io_read(void *opaque G_GNUC_UNUSED, uint64_t addr G_GNUC_UNUSED, unsigned size G_GNUC_UNUSED)
{
    return UINT64_MAX;
}

static void io_write(void *opaque G_GNUC_UNUSED, uint64_t addr G_GNUC_UNUSED, uint64_t data G_GNUC_UNUSED,
                     unsigned size G_GNUC_UNUSED)
{
}

static const MemoryRegionOps io_ops = {
    .read = io_read,
    .write = io_write,
    .endianness = DEVICE_NATIVE_ENDIAN,
    .valid = {.unaligned = true},
    .impl = {.unaligned = true},
};

static bool check_config(const BoardType *type, const Board *b, GError **error)
{
    const char *wrong = NULL;
    gpa_t base = b->ram_row->base;
    if (b->harts > type->max_harts)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "-smp %u: the board %s has at most %u harts", b->harts, type->name, type->max_harts);
    else if (b->ram_size % PAGE_SIZE)
        wrong = "is not a multiple of 4 KiB";
    else if (b->ram_size > PHYSICAL_SPACE - base)
        wrong = "does not fit in the physical address space";
    else
        return true;
    if (wrong)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "-m: RAM of 0x%" PRIx64 " bytes %s",
                    b->ram_size, wrong);
    return false;
}

static void attach(Board *b)
{
    memory_lock();
    memory_region_init(&b->system, "system", UINT64_MAX);
    memory_region_init_io(&b->io, &io_ops, NULL, "io", IO_SPACE_SIZE);
    address_space_init(&b->memory, &b->system, "memory");
    address_space_init(&b->io_space, &b->io, "I/O");
    b->cpu_memory = g_new0(AddressSpace, b->harts);
    for (unsigned i = 0; i < b->harts; i++) {
        char *name = g_strdup_printf("cpu-memory-%u", i);
        address_space_init(&b->cpu_memory[i], &b->system, name);
        g_free(name);
    }
    memory_transaction_begin();
    memory_region_add_subregion(&b->system, b->rom_row->base, &b->rom);
    memory_region_add_subregion(&b->system, b->ram_row->base, &b->ram);
    if (b->clint_row) {
        ClintHooks hooks = {b->hooks.opaque, b->hooks.set_irq, b->hooks.deadline_changed, b->hooks.clock_ns};
        b->clint = clint_new(&b->system, b->clint_row->base, b->harts, &hooks);
    }
    memory_transaction_commit();
    b->loader = loader_new(&b->memory, b->ram_row->base, b->ram_size);
    b->attached = true;
    memory_unlock();
}

Board *board_new(const BoardConfig *config, const BoardHooks *hooks, GError **error)
{
    const BoardType *type = find_type(config->board);
    if (!type) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "-M %s: no such board; -M help lists them",
                    config->board);
        return NULL;
    }
    Board *b = g_new0(Board, 1);
    b->type = type;
    b->config = *config;
    b->hooks = *hooks;
    b->harts = config->harts ? config->harts : 1;
    b->ram_size = config->ram_size ? config->ram_size : type->default_ram;
    b->rom_row = find_row(type, PART_ROM);
    b->ram_row = find_row(type, PART_RAM);
    b->htif_row = find_row(type, PART_HTIF);
    b->clint_row = find_row(type, PART_CLINT);
    b->reset_pc = g_new(gpa_t, b->harts);
    for (unsigned i = 0; i < b->harts; i++)
        b->reset_pc[i] = b->rom_row->base;
    bool ok = check_config(type, b, error) && (b->fs = hostfs_new(config->chroot, config->console, error)) &&
              memory_region_init_ram(&b->ram, b->ram_row->name, b->ram_size, error);
    if (ok && !memory_region_init_rom(&b->rom, b->rom_row->name, b->rom_row->size, error)) {
        memory_region_deinit(&b->ram);
        ok = false;
    }
    if (!ok) {
        board_free(b);
        return NULL;
    }
    attach(b);
    return b;
}

static void detach(Board *b)
{
    memory_lock();
    for (unsigned i = 0; i < b->harts; i++) // first: a region may not go while a view shows it
        address_space_deinit(&b->cpu_memory[i]);
    address_space_deinit(&b->io_space);
    address_space_deinit(&b->memory);
    htif_free(b->htif);
    clint_free(b->clint);
    memory_region_del_subregion(&b->system, &b->rom);
    memory_region_del_subregion(&b->system, &b->ram);
    memory_region_deinit(&b->rom);
    memory_region_deinit(&b->ram);
    memory_region_deinit(&b->io);
    memory_region_deinit(&b->system);
    g_free(b->cpu_memory);
    memory_unlock();
}

void board_free(Board *b)
{
    if (!b)
        return;
    if (b->config.console)
        console_set_input_handler(b->config.console, NULL, NULL);
    if (b->attached)
        detach(b);
    semihost_free(b->semihost);
    loader_free(b->loader);
    hostfs_free(b->fs);
    if (b->dtb)
        g_bytes_unref(b->dtb);
    g_free(b->reset_pc);
    g_free(b->cmdline);
    g_free(b);
}

void board_guest_exit(Board *b, uint64_t code)
{
    uint64_t begin, end;
    memory_lock();
    if (b->config.signature && board_symbol_address(b, "begin_signature", &begin) &&
        board_symbol_address(b, "end_signature", &end)) {
        GError *e = NULL;
        unsigned granularity = b->config.signature_granularity ? b->config.signature_granularity : 16;
        if (!signature_write(&b->memory, b->config.signature, begin, end, granularity, &e)) {
            g_printerr("addend: signature: %s\n", e->message);
            g_error_free(e);
            code = code ? code : 1; // a test without its signature has not passed
        }
    }
    b->hooks.exit(b->hooks.opaque, code);
    memory_unlock();
}

AddressSpace *board_memory(Board *b)
{
    return &b->memory;
}

AddressSpace *board_cpu_memory(Board *b, unsigned hart)
{
    g_assert(hart < b->harts);
    return &b->cpu_memory[hart];
}

AddressSpace *board_io(Board *b)
{
    return &b->io_space;
}

unsigned board_harts(const Board *b)
{
    return b->harts;
}

uint64_t board_ram_size(const Board *b)
{
    return b->ram_size;
}

uint64_t board_reset_pc(const Board *b, unsigned hart)
{
    g_assert(hart < b->harts);
    return b->reset_pc[hart];
}

uint64_t board_next_deadline_ns(Board *b, unsigned first, unsigned harts)
{
    if (!b->clint)
        return UINT64_MAX;
    memory_lock();
    uint64_t deadline = clint_next_deadline_ns(b->clint, first, harts);
    memory_unlock();
    return deadline;
}

void board_run_timers(Board *b, unsigned first, unsigned harts, uint64_t now_ns)
{
    if (!b->clint)
        return;
    memory_lock();
    clint_run(b->clint, first, harts, now_ns);
    memory_unlock();
}

bool board_has_time(const Board *b)
{
    return b->clint;
}

uint64_t board_time(const Board *b)
{
    return clint_mtime(b->clint);
}

void board_set_stimecmp(Board *b, unsigned hart, bool enabled, uint64_t value)
{
    memory_lock();
    clint_set_stimecmp(b->clint, hart, enabled, value);
    memory_unlock();
}

const char *board_symbol(Board *b, uint64_t addr, uint64_t *offset)
{
    const Symbol *s = symbols_by_addr(loader_symbols(b->loader), addr);
    if (s && offset)
        *offset = addr - s->addr;
    return s ? s->name : NULL;
}

bool board_symbol_address(Board *b, const char *name, uint64_t *addr)
{
    const Symbol *s = symbols_by_name(loader_symbols(b->loader), name);
    if (s)
        *addr = s->addr;
    return s != NULL;
}

void board_each_function(Board *b, void (*fn)(const Symbol *s, void *opaque), void *opaque)
{
    symbols_each_function(loader_symbols(b->loader), fn, opaque);
}

bool board_has_htif_exit(const Board *b)
{
    return b->htif_exit;
}

Semihost *board_semihost(Board *b)
{
    return b->semihost;
}

bool board_dump_dtb(Board *b, const char *path, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(b->dtb, &size);
    FILE *f = fopen(path, "we"); // not g_file_set_contents, which would put a file in the place of /dev/stdout
    bool ok = f && fwrite(data, 1, size, f) == size;
    if (f)
        ok &= fclose(f) == 0;
    if (!ok)
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "dumpdtb=%s: %s", path, g_strerror(errno));
    return ok;
}
