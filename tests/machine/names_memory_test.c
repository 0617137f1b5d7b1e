// SPDX-License-Identifier: GPL-3.0-or-later
// Names out of guest memory: programs of processes, a kernel's kallsyms, and whatever else may lie there.
#include "machine/elf_file.h"
#include "tests/machine/names_rig.h"
#include <elf.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

// The link address of a function of a library.
static uint64_t function(const char *library, const char *name)
{
    g_autofree char *path = g_build_filename(rig_folder, library, NULL), *data = NULL;
    gsize size;
    ElfFile f;
    assert_true(g_file_get_contents(path, &data, &size, NULL));
    assert_true(elf_file_open(&f, path, data, size, NULL));
    Symbols *symbols = symbols_new();
    elf_file_symbols(&f, symbols, 0);
    const Symbol *s = symbols_by_name(symbols, name);
    assert_non_null(s);
    uint64_t addr = s->addr;
    symbols_free(symbols);
    elf_file_close(&f);
    return addr;
}

// --- processes -----------------------------------------------------------------------------------------------------

static void dynamic_symbols(void **state)
{
    Rig r = rig_new(state);
    rig_map_library(&r, "libfirst-stripped.so", USER, RAM + 0x100000);
    uint64_t outer = function("libfirst.so", "outer"), inner = function("libfirst.so", "inner");
    rig_check(&r, USER + outer, "outer", 0, "libfirst.so");
    rig_check(&r, USER + outer + 2, "outer", 2, "libfirst.so");
    rig_check(&r, USER + inner, NULL, 0, "libfirst.so"); // not in .dynsym
    rig_check(&r, USER + 0x20000, NULL, 0, NULL);
    r.cpu->hart.priv = PRV_S; // asked for from the kernel
    rig_check(&r, USER + outer, "outer", 0, "libfirst.so");
    r.cpu->hart.satp = 0;
    rig_check(&r, USER + outer, NULL, 0, NULL);
    rig_free(&r);
}

// The space, and the place, are given to another program.
static void replaced(void **state)
{
    Rig r = rig_new(state);
    rig_map_library(&r, "libfirst.so", USER, RAM + 0x100000);
    uint64_t outer = function("libfirst.so", "outer"), another = function("libsecond.so", "another");
    rig_check(&r, USER + outer, "outer", 0, "libfirst.so");
    rig_map_library(&r, "libsecond.so", USER, RAM + 0x200000);
    rig_check(&r, USER + another, "another", 0, "libsecond.so");
    rig_map_library(&r, "libfirst.so", USER, RAM + 0x100000);
    rig_check(&r, USER + outer, "outer", 0, "libfirst.so");
    rig_map(&r, USER, 0, 0); // gone
    rig_check(&r, USER + outer, NULL, 0, NULL);
    rig_free(&r);
}

static void missing_pages(void **state)
{
    Rig r = rig_new(state);
    rig_map_library(&r, "libfirst.so", USER, RAM + 0x100000);
    uint64_t outer = function("libfirst.so", "outer"), pte = ROOT + PAGE_SIZE; // its tables are the first
    rig_map_library(&r, "libfirst.so", USER + 0x40000000, RAM + 0x100000);
    for (uint64_t page = USER + PAGE_SIZE; page < USER + 0x10000; page += PAGE_SIZE)
        rig_map(&r, page, 0, 0); // .dynamic is one of them
    assert_int_equal(fixture_ld(r.f, pte, 8) != 0, 1);
    rig_check(&r, USER + outer, NULL, 0, "build-id ");
    rig_free(&r);
}

static void by_build_id(void **state)
{
    Rig r = rig_new(state);
    rig_map_library(&r, "libfirst-stripped.so", USER, RAM + 0x100000);
    assert_true(names_add_file(r.names, rig_folder, NULL));
    uint64_t outer = function("libfirst.so", "outer"), inner = function("libfirst.so", "inner");
    rig_check(&r, USER + inner + 2, "inner", 2, "libfirst.so");
    Name n = names_at(r.names, r.cpu, USER + inner, true);
    assert_non_null(n.file);
    assert_true(g_str_has_suffix(n.file, "names_lib.c"));
    assert_int_equal(n.line, 13);
    // inner has been called by outer: it is a leaf, outer has saved its return address.
    uint64_t regs[32] = {USER + inner, USER + outer + 10, USER + 0x1000};
    rig_map(&r, USER + 0x800000, RAM + 0x300000, 0x17);
    regs[2] = USER + 0x800000;
    assert_true(names_unwind(r.names, r.cpu, regs));
    assert_int_equal(regs[0], USER + outer + 10);
    assert_int_equal(regs[2], USER + 0x800000);
    rig_free(&r);
}

// --- a kernel's table ----------------------------------------------------------------------------------------------

static void kernel_table(void **state, bool old)
{
    Rig r = rig_new(state);
    g_autoptr(GByteArray) table = rig_kallsyms(MANY, 16, old, NULL);
    char text[32];
    rig_map_kernel(&r);
    rig_check(&r, KERNEL + 0x1000, NULL, 0, NULL);
    names_free(r.names); // it would not look again so soon
    r.names = names_new(r.f->board);
    static const char digits[20] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009"; // of something else
    address_space_write(board_memory(r.f->board), RAM + 0x200008, MEMTXATTRS_NONE, digits, sizeof digits);
    address_space_write(board_memory(r.f->board), RAM + 0x300000, MEMTXATTRS_NONE, table->data, table->len);
    for (unsigned i = 0; i < MANY; i++) {
        const char *name = rig_kernel_name(i, text);
        bool code = strchr("tT", *name) && i + 1 < MANY; // nobody says where the last one ends
        rig_check(&r, KERNEL + 0x1000 + 16 * i, code ? name + 1 : NULL, 0, code ? "kernel" : NULL);
        rig_check(&r, KERNEL + 0x100f + 16 * i, code ? name + 1 : NULL, 15, code ? "kernel" : NULL);
    }
    rig_check(&r, KERNEL + 0xfff, NULL, 0, NULL);
    uint64_t addr;
    assert_true(names_address(r.names, "function_99", &addr));
    assert_int_equal(addr, KERNEL + 0x1000 + 16 * 99);
    rig_free(&r);
}

// The machine was reset, and the kernel moved itself elsewhere.
static void kernel_moved(void **state)
{
    Rig r = rig_new(state);
    g_autoptr(GByteArray) table = rig_kallsyms(MANY, 16, false, NULL);
    rig_map_kernel(&r);
    address_space_write(board_memory(r.f->board), RAM + 0x300000, MEMTXATTRS_NONE, table->data, table->len);
    Name before = names_at(r.names, r.cpu, KERNEL + 0x1010, false);
    assert_string_equal(before.function, "do_it");
    fixture_st(r.f, RIG_TABLE + table->len - 8, 8, KERNEL + 0x200000);
    rig_check(&r, KERNEL + 0x1010, NULL, 0, NULL);
    rig_check(&r, KERNEL + 0x201010, "do_it", 0, "kernel");
    assert_string_equal(before.function, "do_it"); // it is good as long as Names
    rig_free(&r);
}

static void kernel_table_new(void **state)
{
    kernel_table(state, false);
}

static void kernel_table_old(void **state)
{
    kernel_table(state, true);
}

// Without CONFIG_KALLSYMS_ALL only these have names.
static bool in_kallsyms(Names *names, uint64_t addr)
{
    static const char *const ranges[][2] = {{"_stext", "_etext"}, {"_sinittext", "_einittext"}};
    for (unsigned i = 0; i < G_N_ELEMENTS(ranges); i++) {
        uint64_t start, end;
        if (names_address(names, ranges[i][0], &start) && names_address(names, ranges[i][1], &end) && addr >= start &&
            addr < end)
            return true;
    }
    return false;
}

// Every function of the small kernel (tools/guests/linux/kernel.sh), against its System.map.
static void kernel_image(void **state)
{
    const char *guests = g_getenv("ADDEND_GUESTS");
    g_autofree char *image = g_build_filename(guests ? guests : ".", "Image-small", NULL), *data = NULL, *map = NULL;
    g_autofree char *list = g_build_filename(guests ? guests : ".", "kernel/System.map", NULL);
    gsize size;
    if (!g_file_get_contents(image, &data, &size, NULL) || !g_file_get_contents(list, &map, NULL, NULL)) {
        print_message("$ADDEND_GUESTS has no Image-small or kernel/System.map: not compared\n");
        return;
    }
    Rig r = rig_new(state);
    rig_map_kernel(&r);
    address_space_write(board_memory(r.f->board), RAM, MEMTXATTRS_NONE, data, size);
    Names *by_list = names_new(r.f->board);
    assert_true(names_add_file(by_list, list, NULL));
    g_auto(GStrv) lines = g_strsplit(map, "\n", -1);
    unsigned functions = 0;
    for (char **l = lines; *l; l++) {
        uint64_t addr = g_ascii_strtoull(*l, NULL, 16);
        Name a = names_at(by_list, NULL, addr, false), b = names_at(r.names, r.cpu, addr, false);
        if (!a.function || !in_kallsyms(by_list, addr))
            continue;
        if (!b.function)
            fail_msg("%s: %" PRIx64 "+%" PRIx64 " is not in kallsyms", a.function, a.start, a.size);
        if (strcmp(a.function, b.function) || a.start != b.start || a.size != b.size)
            fail_msg("%s: %" PRIx64 "+%" PRIx64 ", kallsyms %s %" PRIx64 "+%" PRIx64, a.function, a.start, a.size,
                     b.function, b.start, b.size);
        functions++;
    }
    print_message("%u functions agree\n", functions);
    assert_true(functions > 5000);
    names_free(by_list);
    rig_free(&r);
}

// --- anything at all -----------------------------------------------------------------------------------------------

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

static void random_frames(void **state)
{
    Rig r = rig_new(state);
    uint64_t seed = 1;
    rig_map_library(&r, "libfirst.so", USER, RAM + 0x100000);
    for (unsigned i = 0; i < 16; i++)
        rig_map(&r, USER + 0x800000 + i * PAGE_SIZE, RAM + 0x300000 + i * PAGE_SIZE, 0x17);
    for (unsigned round = 0; round < 2000; round++) {
        uint64_t regs[32];
        for (unsigned i = 0; i < 32; i++) {
            uint64_t x = next_random(&seed);
            regs[i] = x % 3 == 0 ? x : x % 3 == 1 ? USER + 0x800000 + x / 8 % 0x2000 * 8 : USER + x / 3 % 0x400;
        }
        for (unsigned i = 0; i < 64; i++) {
            uint64_t x = next_random(&seed);
            fixture_st(r.f, RAM + 0x300000 + x % 0x2000 * 8, 8,
                       x % 2 ? USER + 0x800000 + x / 8 % 0x2000 * 8 : USER + x / 8 % 0x400);
        }
        unsigned frames = 0;
        for (uint64_t sp = regs[2]; names_unwind(r.names, r.cpu, regs); sp = regs[2], frames++)
            assert_true(regs[2] >= sp && frames < 10000);
    }
    rig_free(&r);
}

static void random_headers(void **state)
{
    Rig r = rig_new(state);
    uint64_t seed = 2;
    for (unsigned round = 0; round < 300; round++) {
        rig_map_library(&r, "libfirst.so", USER, RAM + 0x100000);
        for (unsigned i = 0; i < 1 + round % 8; i++) {
            uint64_t x = next_random(&seed), at = x % 3 ? x % 0x280 : 0x1f00 + x % 0x100;
            fixture_st(r.f, RAM + 0x100000 + MAX(at, 16), 1, x >> 32);
        }
        for (unsigned i = 0; i < 8; i++)
            names_at(r.names, r.cpu, USER + next_random(&seed) % 0x3000, true);
        if (round % 16 == 0) {
            names_free(r.names);
            r.names = names_new(r.f->board);
        }
    }
    rig_free(&r);
}

static void random_kernel_tables(void **state)
{
    Rig r = rig_new(state);
    uint64_t seed = 3;
    rig_map_kernel(&r);
    for (unsigned round = 0; round < 100; round++) {
        g_autoptr(GByteArray) table = rig_kallsyms(MANY, 16, round % 2, NULL);
        for (unsigned i = 0; i < 1 + round % 8; i++)
            table->data[next_random(&seed) % table->len] = (uint8_t)next_random(&seed);
        address_space_write(board_memory(r.f->board), RAM + 0x300000, MEMTXATTRS_NONE, table->data, table->len);
        names_free(r.names);
        r.names = names_new(r.f->board);
        for (unsigned i = 0; i < 16; i++)
            names_at(r.names, r.cpu, KERNEL + next_random(&seed) % 0x5000, false);
    }
    rig_free(&r);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(dynamic_symbols, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(replaced, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(missing_pages, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(by_build_id, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(kernel_table_new, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(kernel_table_old, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(kernel_moved, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(kernel_image, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(random_frames, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(random_headers, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(random_kernel_tables, fixture_setup, fixture_teardown),
    };
    assert_int_equal(argc, 2);
    rig_folder = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
