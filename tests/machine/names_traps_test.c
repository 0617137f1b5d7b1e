// SPDX-License-Identifier: GPL-3.0-or-later
// What names are asked about lies in guest memory, and a guest may lay traps there: it costs neither much time nor much
// memory.
#include "tests/machine/names_rig.h"

#include <elf.h>
#include <malloc.h>
#include <stddef.h>
#include <string.h>

#define SECONDS 20 // more than anything here may take, and far less than what it took

static size_t in_use(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

// A program of one page with as many symbols as are read, all of them of three pages, and 16 MiB of names, all of one.
static void map_trap(Rig *r)
{
    const uint64_t pa = RAM + 0x100000, symbols = 0x1000000, text = 0x2000000, size = 16 << 20;
    const Elf64_Ehdr h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT}, .e_type = ET_DYN,
                          .e_machine = EM_RISCV, .e_phoff = 64, .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2};
    const Elf64_Phdr ph[] = {{.p_type = PT_LOAD, .p_filesz = 0x4000000, .p_memsz = 0x4000000},
                             {.p_type = PT_DYNAMIC, .p_vaddr = 0x400, .p_memsz = 0x100}};
    const Elf64_Dyn dynamic[] = {{DT_SYMTAB, {symbols}}, {DT_STRTAB, {text}}, {DT_STRSZ, {size}}, {DT_HASH, {0x800}}};
    const uint32_t hash[] = {1, 262144};
    AddressSpace *as = board_memory(r->f->board);
    address_space_write(as, pa, MEMTXATTRS_NONE, &h, sizeof h);
    address_space_write(as, pa + 64, MEMTXATTRS_NONE, ph, sizeof ph);
    address_space_write(as, pa + 0x400, MEMTXATTRS_NONE, dynamic, sizeof dynamic);
    address_space_write(as, pa + 0x800, MEMTXATTRS_NONE, hash, sizeof hash);
    for (unsigned i = 0; i < 512; i++) {
        Elf64_Sym s = {1, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1, 16 * i, 16};
        address_space_write(as, pa + 0x1000 + i * sizeof s, MEMTXATTRS_NONE, &s, sizeof s);
    }
    rig_map(r, USER, pa, 0x1f);
    for (uint64_t i = 0; i < 262144 * sizeof(Elf64_Sym) / PAGE_SIZE; i++)
        rig_map(r, USER + symbols + i * PAGE_SIZE, pa + 0x1000 + i % 3 * PAGE_SIZE, 0x1f);
    for (uint64_t at = 0; at < size; at += PAGE_SIZE)
        rig_map(r, USER + text + at, pa + 0x4000, 0x1f);
}

static void fill_names(Rig *r, const char *end)
{
    char page[PAGE_SIZE];
    memset(page, 'A', sizeof page);
    memcpy(page + sizeof page - 1, end, 1);
    address_space_write(board_memory(r->f->board), RAM + 0x104000, MEMTXATTRS_NONE, page, sizeof page);
}

static void endless_names(void **state)
{
    Rig r = rig_new(state);
    map_trap(&r);
    fill_names(&r, "A"); // no name ends: 4 TB in all
    names_at(r.names, r.cpu, USER + 0x10, false);
    rig_free(&r);
}

static void many_programs(void **state)
{
    Rig r = rig_new(state);
    map_trap(&r);
    fill_names(&r, ""); // 1 GB of names in each
    size_t before = in_use();
    for (unsigned i = 0; i < 64; i++) {
        fixture_st(r.f, RAM + 0x100000 + offsetof(Elf64_Ehdr, e_shoff), 8, i);
        Name n = names_at(r.names, r.cpu, USER + 0x10, false);
        assert_true(n.function || i);
    }
    assert_in_range(in_use() - before, 0, 400 << 20);
    rig_free(&r);
}

static void endless_digits(void **state)
{
    Rig r = rig_new(state);
    uint64_t size = ROOT - RAM, start = (uint64_t)g_get_monotonic_time();
    g_autofree char *all = g_malloc(size);
    for (uint64_t i = 0; i < size; i++)
        all[i] = i % 2 ? 0 : (char)('0' + i / 2 % 10);
    rig_map_kernel(&r);
    address_space_write(board_memory(r.f->board), RAM, MEMTXATTRS_NONE, all, size);
    rig_check(&r, KERNEL + 0x1010, NULL, 0, NULL);
    assert_in_range((uint64_t)g_get_monotonic_time() - start, 0, SECONDS * G_USEC_PER_SEC);
    rig_free(&r);
}

static void equal_offsets(void **state)
{
    Rig r = rig_new(state);
    uint64_t start = (uint64_t)g_get_monotonic_time();
    g_autoptr(GByteArray) table = rig_kallsyms(999000, 0, false, NULL);
    rig_put_table(&r, table);
    rig_check(&r, KERNEL + 0x1000, NULL, 0, NULL);
    assert_in_range((uint64_t)g_get_monotonic_time() - start, 0, SECONDS * G_USEC_PER_SEC);
    rig_free(&r);
}

// Each multiple of 8 could be the beginning of the names, but for the last one of all, which has no size.
static void names_everywhere(void **state)
{
    Rig r = rig_new(state);
    const uint32_t n = 0x0f3f07, markers = (n + 255) / 256; // its bytes are a name, too
    unsigned tokens;
    g_autoptr(GByteArray) table = g_byte_array_new(), small = rig_kallsyms(MANY, 16, false, &tokens);
    for (unsigned i = 0; i < n + 20000; i++) {
        rig_put32(table, n);
        rig_put32(table, 0x01010101);
    }
    memset(table->data + table->len - 8, 0, 8);
    for (unsigned i = 0; i < markers; i++)
        rig_put32(table, 8 * 256 * i);
    rig_align8(table);
    g_byte_array_append(table, small->data + tokens, small->len - tokens);
    uint64_t start = (uint64_t)g_get_monotonic_time();
    rig_put_table(&r, table);
    rig_check(&r, KERNEL + 0x1000, NULL, 0, NULL);
    assert_in_range((uint64_t)g_get_monotonic_time() - start, 0, SECONDS * G_USEC_PER_SEC);
    rig_free(&r);
}

// A guest that changes its table's base all the time: names that were given stay, but not all of each table.
static void ever_another_kernel(void **state)
{
    Rig r = rig_new(state);
    g_autoptr(GByteArray) table = rig_kallsyms(50000, 16, false, NULL);
    rig_put_table(&r, table);
    Name first = names_at(r.names, r.cpu, KERNEL + 0x1010, false);
    size_t before = in_use();
    for (unsigned i = 1; i < 80; i++) {
        fixture_st(r.f, RIG_TABLE + table->len - 8, 8, KERNEL + i * PAGE_SIZE);
        Name n = names_at(r.names, r.cpu, KERNEL + i * PAGE_SIZE + 0x1010, false);
        if (i < 60)
            assert_string_equal(n.function, "do_it");
        else if (i > 70)
            assert_null(n.function);
    }
    assert_in_range(in_use() - before, 0, 100 << 20);
    assert_string_equal(first.function, "do_it");
    rig_free(&r);
}

// As /proc/kallsyms is for those who are not root; and another one with all but one at the same place.
static void equal_addresses(void **state)
{
    Rig r = rig_new(state);
    GString *text = g_string_new(NULL);
    uint64_t start = (uint64_t)g_get_monotonic_time();
    for (unsigned i = 0; i < 200000; i++)
        g_string_append_printf(text, "0000000000000000 T f%u\n", i);
    GError *error = NULL;
    assert_false(names_add_file(r.names, fixture_file(r.f, "kallsyms", text->str, text->len), &error));
    assert_non_null(strstr(error->message, "kallsyms: all addresses are 0"));
    g_clear_error(&error);
    g_string_append(text, "0000000000001000 T last\n");
    assert_true(names_add_file(r.names, fixture_file(r.f, "other", text->str, text->len), NULL));
    assert_non_null(names_at(r.names, NULL, 0xfff, false).function);
    assert_in_range((uint64_t)g_get_monotonic_time() - start, 0, SECONDS * G_USEC_PER_SEC);
    g_string_free(text, TRUE);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(endless_names, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(many_programs, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(endless_digits, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(equal_offsets, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(names_everywhere, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(ever_another_kernel, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(equal_addresses, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
