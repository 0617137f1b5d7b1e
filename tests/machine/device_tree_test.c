// SPDX-License-Identifier: GPL-3.0-or-later
// The device tree against the texts of QEMU's spike board (data/*.dts), printed in dtc's form.
#include "machine/device_tree.h"
#include "tests/machine/fixture.h"
#include <libfdt.h>
#include <string.h>

static bool is_text(const char *name)
{
    static const char *const texts[] = {"compatible",           "model",   "bootargs",  "stdout-path",
                                        "device_type",          "status",  "riscv,isa", "riscv,isa-base",
                                        "riscv,isa-extensions", "mmu-type"};
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++)
        if (!strcmp(name, texts[i]))
            return true;
    return false;
}

static void print_property(GString *out, const void *fdt, int offset, int depth)
{
    const char *name;
    int len;
    const char *value = fdt_getprop_by_offset(fdt, offset, &name, &len);
    g_string_append_printf(out, "%.*s%s", depth, "\t\t\t\t\t\t", name);
    if (len && is_text(name)) {
        g_string_append(out, " = \"");
        for (int i = 0; i < len - 1; i++)
            g_string_append_printf(out, value[i] ? "%c" : "\\0", value[i]);
        g_string_append_c(out, '"');
    } else if (len) {
        for (int i = 0; i < len; i += 4)
            g_string_append_printf(out, "%s0x%02x", i ? " " : " = <", fdt32_ld((const fdt32_t *)(value + i)));
        g_string_append_c(out, '>');
    }
    g_string_append(out, ";\n");
}

static void print_node(GString *out, const void *fdt, int node, int depth)
{
    int p, child, properties = 0;
    const char *name = fdt_get_name(fdt, node, NULL);
    g_string_append_printf(out, "%.*s%s {\n", depth, "\t\t\t\t\t\t", *name ? name : "/");
    fdt_for_each_property_offset(p, fdt, node)
    {
        print_property(out, fdt, p, depth + 1);
        properties++;
    }
    bool first = properties == 0;
    fdt_for_each_subnode(child, fdt, node)
    {
        g_string_append(out, first && depth < 0 ? "" : "\n");
        first = false;
        print_node(out, fdt, child, depth + 1);
    }
    g_string_append_printf(out, "%.*s};\n", depth, "\t\t\t\t\t\t");
}

// What stands between before and the next quote in text.
static char *between(const char *text, const char *before)
{
    const char *start = strstr(text, before);
    assert_non_null(start);
    start += strlen(before);
    return g_strndup(start, strcspn(start, "\""));
}

static void replace(GString *s, const char *from, const char *to)
{
    assert_int_equal(g_string_replace(s, from, to, 0), 1);
}

static void check_tree(Fixture *f, const char *file)
{
    char *text, *path = g_build_filename(test_data, file, NULL);
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    char *isa = between(text, "riscv,isa = \"");
    g_autofree char *isa_line = g_strdup_printf("riscv,isa = \"%s\";\n", isa);
    GString *expected = g_string_new(text), *got = g_string_new("/dts-v1/;\n\n");
    // CLabPU's own names (spec 6.4).
    replace(expected, "compatible = \"ucbbar,spike-bare-dev\"",
            "compatible = \"clabpu,board\\0ucbbar,spike-bare-dev\"");
    replace(expected, "ucbbar,spike-bare,qemu", "clabpu,board");
    // Block sizes, which QEMU's board leaves out.
    g_autofree char *with_blocks = g_strconcat(isa_line, "\t\t\triscv,cbom-block-size = <0x40>;\n",
                                               "\t\t\triscv,cbop-block-size = <0x40>;\n",
                                               "\t\t\triscv,cboz-block-size = <0x40>;\n", NULL);
    assert_int_equal(g_string_replace(expected, isa_line, with_blocks, 0), MAX(f->config.harts, 1));
    f->config.isa = isa;
    f->config.mmu_type = "riscv,sv48";
    fixture_boot(f);
    const char *dtb = fixture_path(f, "dtb");
    assert_true(board_dump_dtb(f->board, dtb, NULL));
    char *blob;
    gsize size;
    assert_true(g_file_get_contents(dtb, &blob, &size, NULL));
    assert_int_equal(fdt_check_full(blob, size), 0);
    assert_int_equal(size, fdt_totalsize(blob));
    print_node(got, blob, 0, 0);
    assert_string_equal(got->str, expected->str);
    // The same bytes lie in RAM.
    char *ram = g_malloc(size);
    address_space_read(board_memory(f->board), 0x87e00000, MEMTXATTRS_NONE, ram, size);
    assert_memory_equal(ram, blob, size);
    g_free(ram);
    g_free(blob);
    g_free(text);
    g_free(isa);
    g_free(path);
    g_string_free(expected, TRUE);
    g_string_free(got, TRUE);
}

static void t141_four_harts(void **state)
{
    Fixture *f = *state;
    f->config.harts = 4;
    check_tree(f, "q10.spike-smp4.dts");
}

static void t141_elf_initrd_bootargs(void **state)
{
    Fixture *f = *state;
    const TestSymbol htif[] = {{"tohost", 0x80000800, 8}, {"fromhost", 0x80000840, 8}, {0}};
    f->config.kernel = fixture_elf_file(f, "k.elf", 0x80000000, 0x80000000, htif);
    f->config.initrd = fixture_blank(f, "initrd", 0x2dc6c0);
    f->config.append = "console=ttyX";
    check_tree(f, "q10.spike-elf.dts");
}

static GBytes *dumped(Fixture *f)
{
    char *data;
    gsize size;
    const char *path = fixture_path(f, "dumped");
    assert_true(board_dump_dtb(f->board, path, NULL));
    assert_true(g_file_get_contents(path, &data, &size, NULL));
    return g_bytes_new_take(data, size);
}

// -dtb FILE: the file's tree, with -append in it; a damaged file is refused.
static void replaced(void **state)
{
    Fixture *f = *state;
    f->config.board = "clabpu-memory";
    f->config.harts = 2;
    fixture_boot(f);
    const char *file = fixture_path(f, "own.dtb");
    assert_true(board_dump_dtb(f->board, file, NULL));
    f->config.board = "clabpu";
    f->config.dtb = file;
    f->config.append = "quiet";
    f->config.kernel = fixture_blank(f, "k.raw", 64);
    fixture_boot(f);
    GBytes *bytes = dumped(f);
    const void *fdt = g_bytes_get_data(bytes, NULL);
    assert_true(fdt_path_offset(fdt, "/htif") < 0);
    assert_true(fdt_path_offset(fdt, "/cpus/cpu@1") > 0);
    assert_string_equal(fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), "bootargs", NULL), "quiet");
    // Cut at every place: never accepted, never read past its end.
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);
    DeviceTreeConfig config = {0};
    for (gsize n = 0; n < size; n += 37) {
        GError *e = NULL;
        assert_null(device_tree_load(fixture_file(f, "cut.dtb", data, n), &config, &e));
        assert_non_null(strstr(e->message, "cut.dtb: not a flattened device tree"));
        g_error_free(e);
    }
    g_bytes_unref(bytes);
    f->config.dtb = "/nonexistent/dtb";
    fixture_fails(f, "/nonexistent/dtb");
}

// Random bytes for the kernel: each board has its own.
static void rng_seed(void **state)
{
    Fixture *f = *state;
    uint8_t seeds[2][DEVICE_TREE_SEED];
    f->config.rng_seed = true;
    for (int i = 0; i < 2; i++) {
        fixture_boot(f);
        GBytes *bytes = dumped(f);
        const void *fdt = g_bytes_get_data(bytes, NULL);
        int len;
        const void *seed = fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), "rng-seed", &len);
        assert_non_null(seed);
        assert_int_equal(len, DEVICE_TREE_SEED);
        memcpy(seeds[i], seed, DEVICE_TREE_SEED);
        g_bytes_unref(bytes);
    }
    assert_memory_not_equal(seeds[0], seeds[1], DEVICE_TREE_SEED);
}

int main(int argc, char **argv)
{
    test_data = argc > 1 ? argv[1] : ".";
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {TEST(t141_four_harts), TEST(t141_elf_initrd_bootargs), TEST(replaced),
                                       TEST(rng_seed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
