// SPDX-License-Identifier: GPL-3.0-or-later
// The device tree: what all boards have, in the order in which QEMU's spike board has it, and the devices' own nodes.
//
// CLabPU's root says "clabpu,board" first and "ucbbar,spike-bare-dev" as the fallback, so software that knows the
// spike board runs here unchanged. Phandles are handed out from the last hart down, as on spike: with n harts
// cpu@i has 2*(n-i)-1 and its interrupt controller the number after.
#include "machine/device_tree.h"
#include "frontend/hart.h"
#include "machine/image_file.h"
#include <gio/gio.h>
#include <inttypes.h>
#include <libfdt.h>

#define TIMEBASE_HZ 10000000

static uint32_t cpu_phandle(unsigned harts, unsigned hart)
{
    return 2 * (harts - hart) - 1;
}

static uint32_t intc_phandle(unsigned harts, unsigned hart)
{
    return cpu_phandle(harts, hart) + 1;
}

void device_tree_hart_irqs(DtWriter *w, unsigned harts, uint32_t first, uint32_t second)
{
    g_autofree uint32_t *irqs = g_new(uint32_t, (size_t)harts * 4);
    for (unsigned i = 0; i < harts; i++) {
        irqs[4 * i] = irqs[4 * i + 2] = intc_phandle(harts, i);
        irqs[4 * i + 1] = first;
        irqs[4 * i + 3] = second;
    }
    dt_cells(w, "interrupts-extended", irqs, harts * 4);
}

// The ISA in both spellings: the string, and its parts ("rv64ima_zba" is base rv64i, extensions i m a zba),
// which newer kernels prefer.
static void write_isa(DtWriter *w, const char *isa)
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
    dt_bytes(w, "riscv,isa-extensions", list->str, list->len);
    g_string_free(list, TRUE);
    dt_string(w, "riscv,isa-base", "rv64i");
    dt_string(w, "riscv,isa", isa);
    for (unsigned i = 0; i < G_N_ELEMENTS(cache_blocks); i++) // without its size an extension is not used
        if (g_strv_contains((const char *const *)names, cache_blocks[i].extension))
            dt_u32(w, cache_blocks[i].property, HART_CACHE_BLOCK);
}

static void write_cpu(DtWriter *w, const DeviceTreeConfig *c, unsigned hart)
{
    dt_begin(w, "cpu@%x", hart);
    dt_u32(w, "phandle", cpu_phandle(c->harts, hart));
    dt_string(w, "device_type", "cpu");
    dt_u32(w, "reg", hart);
    dt_string(w, "status", "okay");
    dt_string(w, "compatible", "riscv");
    write_isa(w, c->isa);
    if (c->mmu_type)
        dt_string(w, "mmu-type", c->mmu_type);
    dt_begin(w, "interrupt-controller");
    dt_u32(w, "#interrupt-cells", 1);
    dt_flag(w, "interrupt-controller");
    dt_string(w, "compatible", "riscv,cpu-intc");
    dt_u32(w, "phandle", intc_phandle(c->harts, hart));
    dt_end(w);
    dt_end(w);
}

static void write_cpus(DtWriter *w, const DeviceTreeConfig *c)
{
    dt_begin(w, "cpus");
    dt_u32(w, "#address-cells", 1);
    dt_u32(w, "#size-cells", 0);
    dt_u32(w, "timebase-frequency", TIMEBASE_HZ);
    for (unsigned i = 0; i < c->harts; i++)
        write_cpu(w, c, i);
    dt_begin(w, "cpu-map");
    dt_begin(w, "cluster0");
    for (unsigned i = 0; i < c->harts; i++) {
        dt_begin(w, "core%u", i);
        dt_u32(w, "cpu", cpu_phandle(c->harts, i));
        dt_end(w);
    }
    dt_end(w);
    dt_end(w);
    dt_end(w);
}

static void write_chosen(DtWriter *w, const DeviceTreeConfig *c)
{
    dt_begin(w, "chosen");
    if (c->bootargs)
        dt_string(w, "bootargs", c->bootargs);
    if (c->initrd_end) {
        dt_u64(w, "linux,initrd-end", c->initrd_end);
        dt_u64(w, "linux,initrd-start", c->initrd_start);
    }
    if (c->rng_seed)
        dt_bytes(w, "rng-seed", c->rng_seed, DEVICE_TREE_SEED);
    if (c->stdout_path)
        dt_string(w, "stdout-path", c->stdout_path);
    dt_end(w);
}

static void write_root(DtWriter *w, const DeviceTreeConfig *c)
{
    dt_begin(w, "%s", "");
    dt_u32(w, "#address-cells", 2);
    dt_u32(w, "#size-cells", 2);
    dt_words(w, "compatible", c->compatible);
    dt_string(w, "model", c->model);
    write_chosen(w, c);
    for (unsigned i = 0; i < c->n_ram; i++) {
        dt_begin(w, "memory@%" PRIx64, c->ram[i].base);
        dt_string(w, "device_type", "memory");
        dt_reg(w, c->ram[i].base, c->ram[i].size);
        dt_end(w);
    }
    write_cpus(w, c);
    dt_begin(w, "soc");
    dt_u32(w, "#address-cells", 2);
    dt_u32(w, "#size-cells", 2);
    dt_string(w, "compatible", "simple-bus");
    dt_flag(w, "ranges");
    c->soc(c->opaque, w);
    dt_end(w);
    c->root(c->opaque, w);
    dt_end(w);
}

GBytes *device_tree_build(const DeviceTreeConfig *c)
{
    // Generous room: fixed nodes, the texts of the configuration, one cpu node per hart, and the devices.
    size_t size = 16384 + (c->bootargs ? strlen(c->bootargs) : 0) +
                  c->harts * (1024 + 3 * strlen(c->isa) + (c->mmu_type ? strlen(c->mmu_type) : 0));
    DtWriter *w = dt_new(size);
    write_root(w, c);
    return dt_finish(w);
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
