// SPDX-License-Identifier: GPL-3.0-or-later
// A board, built from its table (board_table.c). Loading: board_load.c.
#include "machine/board_types.h"
#include "machine/board_flash.h"
#include "machine/board_mmio.h"
#include "machine/board_virtio.h"
#include "machine/signature.h"
#include <errno.h>
#include <gio/gio.h>
#include <inttypes.h>
#include <stdio.h>

#define PHYSICAL_SPACE (UINT64_C(1) << 56) // what Sv39 to Sv57 can address

bool board_fail(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    GError *e = g_error_new_valist(G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, format, args);
    va_end(args);
    g_propagate_error(error, e);
    return false;
}

static const DeviceRow *find_row(const BoardType *type, const DeviceType *kind)
{
    for (unsigned i = 0; i < type->n_rows; i++)
        if (type->rows[i].type == kind)
            return &type->rows[i];
    return NULL;
}

// The row of the RAM whose size the user chooses.
static const DeviceRow *find_ram(const BoardType *type)
{
    for (unsigned i = 0; i < type->n_rows; i++)
        if (type->rows[i].type == &device_ram && !type->rows[i].size)
            return &type->rows[i];
    return NULL;
}

static bool check_config(const BoardType *type, const Board *b, GError **error)
{
    gpa_t base = b->ram_row ? b->ram_row->base : 0;
    if (b->harts > type->max_harts && type->max_harts)
        return board_fail(error, "-smp %u: the board %s has at most %u harts", b->harts, type->name, type->max_harts);
    if (b->ram_size % PAGE_SIZE)
        return board_fail(error, "-m: RAM of 0x%" PRIx64 " bytes is not a multiple of 4 KiB", b->ram_size);
    if (b->ram_size > PHYSICAL_SPACE - base - type->high_ram)
        return board_fail(error, "-m: RAM of 0x%" PRIx64 " bytes does not fit in the physical address space",
                          b->ram_size);
    return true;
}

static void ask_exit(void *opaque, uint64_t code)
{
    board_guest_exit(opaque, code);
}

static void ask_reset(void *opaque)
{
    const Board *b = opaque;
    b->hooks.reset(b->hooks.opaque);
}

static void make_bus(Board *b)
{
    b->bus = (DeviceBus){
        .system = get_system_memory(),
        .io = get_system_io(),
        .memory = &address_space_memory,
        .console = b->config.console,
        .harts = b->harts,
        .ram_size = b->ram_size,
        .rtc_base_ns = b->config.rtc_base_ns,
        .repeats = b->config.repeats,
        .pool = b->config.repeats ? NULL : b->config.io,
        .hooks = b->hooks,
        .opaque = b,
        .exit = ask_exit,
        .reset = ask_reset,
    };
    device_bus_init(&b->bus);
    g_ptr_array_add(b->bus.regions, b->bus.system);
    g_ptr_array_add(b->bus.regions, b->bus.io);
}

static void make_spaces(Board *b)
{
    memory_map_init(&b->bus.unattached);
    b->cpu_memory = g_new0(AddressSpace, b->harts);
    for (unsigned i = 0; i < b->harts; i++) {
        g_autofree char *name = g_strdup_printf("cpu-memory-%u", i);
        address_space_init(&b->cpu_memory[i], b->bus.system, name);
    }
}

static bool make_devices(Board *b, GError **error)
{
    bool ok = true;
    memory_transaction_begin();
    for (unsigned i = 0; ok && i < b->type->n_rows; i++) {
        const DeviceRow *row = &b->type->rows[i];
        Device *d = device_new(&b->bus, row, error);
        if (row->type == &device_clint)
            b->clint = (Clint *)d;
        else if (row->type == &device_htif)
            b->htif = (Htif *)d;
        b->can_exit |= row->type == &device_sifive_test;
        ok = d;
    }
    memory_transaction_commit();
    return ok;
}

Device *board_add_device(Board *b, const DeviceRow *row, GError **error)
{
    Device *d = device_new(&b->bus, row, error);
    if (d && d->type->reset)
        d->type->reset(d);
    return d;
}

static bool attach(Board *b, GError **error)
{
    memory_lock();
    make_bus(b);
    make_spaces(b);
    b->attached = true;
    bool ok = make_devices(b, error) && board_plug_virtio(&b->config, &b->bus, error) &&
              board_plug_mmio(b, error) && board_plug_flash(b, error);
    if (ok && b->ram_row) {
        b->ram = device_region(&b->bus, b->ram_row->name);
        b->loader = loader_new(&address_space_memory, b->ram_row->base, b->low_ram);
    }
    memory_unlock();
    return ok;
}

Board *board_new(const BoardConfig *config, const BoardHooks *hooks, GError **error)
{
    const BoardType *type = board_type_find(config->board);
    if (!type) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "-M %s: no such board; -M help lists them",
                    config->board);
        return NULL;
    }
    Board *b = g_new0(Board, 1);
    b->type = type;
    b->config = *config;
    b->hooks = *hooks;
    b->harts = config->harts && type->max_harts ? config->harts : type->default_harts;
    b->ram_size = config->ram_size ? config->ram_size : type->default_ram;
    b->low_ram = type->max_low_ram ? MIN(b->ram_size, type->max_low_ram) : b->ram_size;
    b->rom_row = find_row(type, &device_rom);
    b->ram_row = find_ram(type);
    b->htif_row = find_row(type, &device_htif);
    b->reset_pc = g_new0(gpa_t, b->harts);
    bool ok = check_config(type, b, error) && (b->fs = hostfs_new(config->chroot, config->console, error)) &&
              attach(b, error);
    if (!ok) {
        board_free(b);
        return NULL;
    }
    return b;
}

static void detach(Board *b)
{
    memory_lock();
    for (unsigned i = 0; i < b->harts; i++)
        address_space_deinit(&b->cpu_memory[i]);
    device_bus_deinit(&b->bus);
    memory_map_exit();
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
    g_clear_pointer(&b->more_rows, g_ptr_array_unref);
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
        if (!signature_write(&address_space_memory, b->config.signature, begin, end, granularity, &e)) {
            g_printerr("addend: signature: %s\n", e->message);
            g_error_free(e);
            code = code ? code : 1; // a test without its signature has not passed
        }
    }
    b->hooks.exit(b->hooks.opaque, code);
    memory_unlock();
}

AddressSpace *board_memory(Board *b G_GNUC_UNUSED)
{
    return &address_space_memory;
}

AddressSpace *board_cpu_memory(Board *b, unsigned hart)
{
    g_assert(hart < b->harts);
    return &b->cpu_memory[hart];
}

AddressSpace *board_io(Board *b G_GNUC_UNUSED)
{
    return &address_space_io;
}

unsigned board_harts(const Board *b)
{
    return b->harts;
}

unsigned board_ram_ranges(const Board *b, BoardRange ranges[2])
{
    if (!b->ram_row)
        return 0;
    ranges[0] = (BoardRange){b->ram_row->base, b->low_ram};
    ranges[1] = (BoardRange){b->type->high_ram, b->ram_size - b->low_ram};
    return ranges[1].size ? 2 : 1;
}

bool board_one_ram(const Board *b)
{
    unsigned n = 0;
    for (unsigned i = 0; i < b->type->n_rows; i++)
        n += b->type->rows[i].type == &device_ram;
    return n == 1;
}

gpa_t board_ram_base(const Board *b)
{
    return b->ram_row->base;
}

uint64_t board_reset_pc(const Board *b, unsigned hart)
{
    g_assert(hart < b->harts);
    return b->reset_pc[hart];
}

uint64_t board_next_deadline_ns(Board *b, unsigned first, unsigned harts)
{
    memory_lock();
    uint64_t deadline = b->clint ? clint_next_deadline_ns(b->clint, first, harts) : UINT64_MAX;
    if (!first)
        deadline = MIN(deadline, device_bus_deadline(&b->bus));
    memory_unlock();
    return deadline;
}

void board_run_timers(Board *b, unsigned first, unsigned harts, uint64_t now_ns)
{
    memory_lock();
    if (b->clint)
        clint_run(b->clint, first, harts, now_ns);
    if (!first)
        device_bus_run_timers(&b->bus, now_ns);
    memory_unlock();
}

bool board_has_external_interrupts(const Board *b)
{
    return b->bus.interrupts;
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
    const Symbol *s = b->loader ? symbols_by_name(loader_symbols(b->loader), name) : NULL;
    if (s)
        *addr = s->addr;
    return s != NULL;
}

void board_each_elf(Board *b, void (*fn)(void *opaque, const char *path), void *opaque)
{
    const GPtrArray *paths = b->loader ? loader_elf_paths(b->loader) : NULL; // -M none has none
    for (unsigned i = 0; paths && i < paths->len; i++)
        fn(opaque, paths->pdata[i]);
}

void board_each_symbol(Board *b, void (*fn)(const Symbol *s, void *opaque), void *opaque)
{
    symbols_each(loader_symbols(b->loader), fn, opaque);
}

void board_each_function(Board *b, void (*fn)(const Symbol *s, void *opaque), void *opaque)
{
    symbols_each_function(loader_symbols(b->loader), fn, opaque);
}

bool board_has_htif(const Board *b)
{
    return b->htif;
}

bool board_can_exit(const Board *b)
{
    return b->can_exit;
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
