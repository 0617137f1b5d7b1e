// SPDX-License-Identifier: GPL-3.0-or-later
// The device tree, written node by node with libfdt in the order in which QEMU's spike board has it.
//
// The root says "clabpu,board" first and "ucbbar,spike-bare-dev" as the fallback, so software that knows the
// spike board runs here unchanged. Phandles are handed out from the last hart down, as on spike: with n harts
// cpu@i has 2*(n-i)-1 and its interrupt controller the number after.
#include "machine/device_tree.h"
#include "frontend/hart.h"
#include "machine/image_file.h"
#include <gio/gio.h>
#include <inttypes.h>
#include <libfdt.h>

#define TIMEBASE_HZ 10000000
#define COMPATIBLE "clabpu,board\0ucbbar,spike-bare-dev"
#define CLINT_COMPATIBLE "sifive,clint0\0riscv,clint0"

typedef struct {
    void *fdt;
    const DeviceTreeConfig *config;
} Writer;

static void check(int result)
{
    g_assert(result == 0); // the buffer is large enough by construction
}

static void begin(Writer *w, const char *name, ...)
{
    va_list args;
    va_start(args, name);
    char *text = g_strdup_vprintf(name, args);
    va_end(args);
    check(fdt_begin_node(w->fdt, text));
    g_free(text);
}

static void end(Writer *w)
{
    check(fdt_end_node(w->fdt));
}

static void cells(Writer *w, const char *name, const uint32_t *values, unsigned n)
{
    void *at;
    check(fdt_property_placeholder(w->fdt, name, (int)(n * 4), &at));
    for (unsigned i = 0; i < n; i++)
        fdt32_st((uint8_t *)at + i * 4, values[i]);
}

static void u32(Writer *w, const char *name, uint32_t value)
{
    check(fdt_property_u32(w->fdt, name, value));
}

static void string(Writer *w, const char *name, const char *value)
{
    check(fdt_property_string(w->fdt, name, value));
}

static void flag(Writer *w, const char *name)
{
    check(fdt_property(w->fdt, name, NULL, 0));
}

static void reg(Writer *w, uint64_t base, uint64_t size)
{
    uint32_t values[] = {base >> 32, base, size >> 32, size};
    cells(w, "reg", values, 4);
}

static uint32_t cpu_phandle(const Writer *w, unsigned hart)
{
    return 2 * (w->config->harts - hart) - 1;
}

// The ISA in both spellings: the string, and its parts ("rv64ima_zba" is base rv64i, extensions i m a zba),
// which newer kernels prefer.
static void write_isa(Writer *w, const char *isa)
{
    static const struct {
        const char *extension, *property;
    } cache_blocks[] = {
        {"zicbom", "riscv,cbom-block-size"}, {"zicbop", "riscv,cbop-block-size"}, {"zicboz", "riscv,cboz-block-size"}};
    GString *list = g_string_new(NULL);
    const char *p = isa + MIN(strlen(isa), strlen("rv64"));
    for (; *p && *p != '_'; p++) { // the single letters
        g_string_append_c(list, *p);
        g_string_append_c(list, 0);
    }
    g_auto(GStrv) names = g_strsplit(*p ? p + 1 : p, "_", -1);
    for (char **name = names; *name; name++)
        g_string_append_len(list, *name, (gssize)strlen(*name) + 1);
    check(fdt_property(w->fdt, "riscv,isa-extensions", list->str, (int)list->len));
    g_string_free(list, TRUE);
    string(w, "riscv,isa-base", "rv64i");
    string(w, "riscv,isa", isa);
    for (unsigned i = 0; i < G_N_ELEMENTS(cache_blocks); i++) // without its size an extension is not used
        if (g_strv_contains((const char *const *)names, cache_blocks[i].extension))
            u32(w, cache_blocks[i].property, HART_CACHE_BLOCK);
}

static void write_cpu(Writer *w, unsigned hart)
{
    begin(w, "cpu@%x", hart);
    u32(w, "phandle", cpu_phandle(w, hart));
    string(w, "device_type", "cpu");
    u32(w, "reg", hart);
    string(w, "status", "okay");
    string(w, "compatible", "riscv");
    write_isa(w, w->config->isa);
    if (w->config->mmu_type)
        string(w, "mmu-type", w->config->mmu_type);
    begin(w, "interrupt-controller");
    u32(w, "#interrupt-cells", 1);
    flag(w, "interrupt-controller");
    string(w, "compatible", "riscv,cpu-intc");
    u32(w, "phandle", cpu_phandle(w, hart) + 1);
    end(w);
    end(w);
}

static void write_cpus(Writer *w)
{
    begin(w, "cpus");
    u32(w, "#address-cells", 1);
    u32(w, "#size-cells", 0);
    u32(w, "timebase-frequency", TIMEBASE_HZ);
    for (unsigned i = 0; i < w->config->harts; i++)
        write_cpu(w, i);
    begin(w, "cpu-map");
    begin(w, "cluster0");
    for (unsigned i = 0; i < w->config->harts; i++) {
        begin(w, "core%u", i);
        u32(w, "cpu", cpu_phandle(w, i));
        end(w);
    }
    end(w);
    end(w);
    end(w);
}

static void write_clint(Writer *w)
{
    unsigned n = w->config->harts;
    uint32_t *irqs = g_new(uint32_t, (size_t)n * 4);
    for (unsigned i = 0; i < n; i++) {
        irqs[4 * i] = irqs[4 * i + 2] = cpu_phandle(w, i) + 1;
        irqs[4 * i + 1] = IRQ_M_SOFT;
        irqs[4 * i + 3] = IRQ_M_TIMER;
    }
    begin(w, "clint@%" PRIx64, w->config->clint_base);
    cells(w, "interrupts-extended", irqs, n * 4);
    reg(w, w->config->clint_base, w->config->clint_size);
    check(fdt_property(w->fdt, "compatible", CLINT_COMPATIBLE, sizeof CLINT_COMPATIBLE));
    end(w);
    g_free(irqs);
}

static void write_chosen(Writer *w)
{
    const DeviceTreeConfig *c = w->config;
    begin(w, "chosen");
    if (c->bootargs)
        string(w, "bootargs", c->bootargs);
    if (c->initrd_end) {
        check(fdt_property_u64(w->fdt, "linux,initrd-end", c->initrd_end));
        check(fdt_property_u64(w->fdt, "linux,initrd-start", c->initrd_start));
    }
    if (c->rng_seed)
        check(fdt_property(w->fdt, "rng-seed", c->rng_seed, DEVICE_TREE_SEED));
    if (c->has_htif)
        string(w, "stdout-path", "/htif");
    end(w);
}

static void write_root(Writer *w)
{
    const DeviceTreeConfig *c = w->config;
    begin(w, "%s", "");
    u32(w, "#address-cells", 2);
    u32(w, "#size-cells", 2);
    check(fdt_property(w->fdt, "compatible", COMPATIBLE, sizeof COMPATIBLE));
    string(w, "model", "clabpu,board");
    write_chosen(w);
    begin(w, "memory@%" PRIx64, c->ram_base);
    string(w, "device_type", "memory");
    reg(w, c->ram_base, c->ram_size);
    end(w);
    write_cpus(w);
    begin(w, "soc");
    u32(w, "#address-cells", 2);
    u32(w, "#size-cells", 2);
    string(w, "compatible", "simple-bus");
    flag(w, "ranges");
    if (c->clint_size)
        write_clint(w);
    end(w);
    if (c->has_htif) {
        begin(w, "htif");
        if (c->htif_fixed)
            reg(w, c->htif_base, c->htif_size);
        string(w, "compatible", "ucb,htif0");
        end(w);
    }
    end(w);
}

GBytes *device_tree_build(const DeviceTreeConfig *config)
{
    // Generous room: fixed nodes, the texts of the configuration, and one cpu node per hart.
    size_t size =
        4096 + (config->bootargs ? strlen(config->bootargs) : 0) +
        config->harts * (1024 + 3 * strlen(config->isa) + (config->mmu_type ? strlen(config->mmu_type) : 0));
    Writer w = {.fdt = g_malloc0(size), .config = config};
    check(fdt_create(w.fdt, (int)size));
    check(fdt_finish_reservemap(w.fdt));
    write_root(&w);
    check(fdt_finish(w.fdt));
    check(fdt_pack(w.fdt));
    return g_bytes_new_take(w.fdt, fdt_totalsize(w.fdt));
}

static int set_chosen(void *fdt, const DeviceTreeConfig *c)
{
    if (!c->bootargs && !c->initrd_end)
        return 0;
    int node = fdt_path_offset(fdt, "/chosen");
    if (node == -FDT_ERR_NOTFOUND)
        node = fdt_add_subnode(fdt, 0, "chosen");
    if (node < 0)
        return node;
    int e = c->bootargs ? fdt_setprop_string(fdt, node, "bootargs", c->bootargs) : 0;
    if (!e && c->initrd_end) {
        e = fdt_setprop_u64(fdt, node, "linux,initrd-start", c->initrd_start);
        if (!e)
            e = fdt_setprop_u64(fdt, node, "linux,initrd-end", c->initrd_end);
    }
    return e;
}

GBytes *device_tree_load(const char *path, const DeviceTreeConfig *config, GError **error)
{
    GMappedFile *mapped = image_file_map(path, error);
    if (!mapped)
        return NULL;
    const char *file = g_mapped_file_get_contents(mapped);
    gsize length = g_mapped_file_get_length(mapped);
    if (!file || length > G_MAXINT / 2 || fdt_check_full(file, length) < 0) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: not a flattened device tree", path);
        g_mapped_file_unref(mapped);
        return NULL;
    }
    size_t size = fdt_totalsize(file) + 1024 + (config->bootargs ? strlen(config->bootargs) : 0);
    void *fdt = g_malloc0(size);
    int e = fdt_open_into(file, fdt, (int)size);
    g_mapped_file_unref(mapped);
    if (!e)
        e = set_chosen(fdt, config);
    if (!e)
        e = fdt_pack(fdt);
    if (e) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: %s", path, fdt_strerror(e));
        g_free(fdt);
        return NULL;
    }
    return g_bytes_new_take(fdt, fdt_totalsize(fdt));
}
