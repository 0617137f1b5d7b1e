// SPDX-License-Identifier: GPL-3.0-or-later
// The loader: good and bad files; no damaged file may do more than fail.
#include "machine/loader.h"
#include "tests/machine/fixture.h"
#include <elf.h>
#include <string.h>

#define BASE 0x80000000u
#define SIZE (UINT64_C(128) << 20)

// Loads the bytes as a program over whatever RAM holds; NULL or the error.
static GError *load_bytes(Fixture *f, const void *data, size_t size, LoadedImage *out)
{
    GError *error = NULL;
    Loader *loader = loader_new(board_memory(f->board), BASE, SIZE);
    const char *path = fixture_file(f, "program", data, size);
    const LoadRules rules = {.uimage = true, .kernel = true, .raw_addr = BASE};
    bool ok = loader_program(loader, path, &rules, out, &error);
    assert_int_equal(ok, error == NULL);
    if (error)
        assert_non_null(strstr(error->message, "/program"));
    loader_free(loader);
    return error;
}

static void expect_error(Fixture *f, const void *data, size_t size, const char *part)
{
    LoadedImage image;
    GError *e = load_bytes(f, data, size, &image);
    assert_non_null(e);
    if (!strstr(e->message, part))
        print_error("expected \"%s\", got: %s\n", part, e->message);
    assert_non_null(strstr(e->message, part));
    assert_null(strchr(e->message, '\n'));
    g_error_free(e);
}

static const TestSegment two_segments[] = {
    {0x80002000, 0x3000, "segment two", 12},
    {0x80001000, 16, "segment one 1234", 16},
    {0},
};

static void good_elf(void **state)
{
    Fixture *f = *state;
    f->config.board = "clabpu-memory";
    fixture_boot(f);
    for (unsigned i = 0; i < 0x8000; i += 8)
        fixture_st(f, BASE + i, 8, UINT64_MAX);
    GByteArray *elf = fixture_elf(0x80001004, two_segments, NULL);
    LoadedImage image;
    assert_null(load_bytes(f, elf->data, elf->len, &image));
    assert_true(image.is_elf);
    assert_int_equal(image.low, 0x80001000);
    assert_int_equal(image.high, 0x80005000);
    assert_int_equal(image.entry, 0x80001004);
    assert_int_equal(fixture_ld(f, 0x80000ff8, 8), UINT64_MAX);
    assert_int_equal(fixture_ld(f, 0x80001000, 4), 0x6d676573); // "segm"
    assert_int_equal(fixture_ld(f, 0x80001010, 8), UINT64_MAX);
    assert_int_equal(fixture_ld(f, 0x8000200c, 4), 0); // bss
    assert_int_equal(fixture_ld(f, 0x80004ff8, 8), 0);
    assert_int_equal(fixture_ld(f, 0x80005000, 8), UINT64_MAX);
    g_byte_array_free(elf, TRUE);
}

static void bad_elf(void **state)
{
    Fixture *f = *state;
    f->config.board = "clabpu-memory";
    fixture_boot(f);
    GByteArray *elf = fixture_elf(BASE, two_segments, NULL);
    Elf64_Ehdr good, *eh = (Elf64_Ehdr *)elf->data;
    Elf64_Phdr *ph = (Elf64_Phdr *)(elf->data + sizeof good), good_ph = *ph;
    good = *eh;
#define BAD(change, part)                                                                                    \
    do {                                                                                                     \
        change;                                                                                              \
        expect_error(f, elf->data, elf->len, part);                                                          \
        *eh = good;                                                                                          \
        *ph = good_ph;                                                                                       \
    } while (0)
    BAD(eh->e_ident[EI_CLASS] = ELFCLASS32, "32-bit");
    BAD(eh->e_ident[EI_DATA] = ELFDATA2MSB, "big-endian");
    BAD(eh->e_machine = EM_X86_64, "not RISC-V");
    BAD(eh->e_type = ET_REL, "link it first");
    BAD(eh->e_phnum = 0, "nothing to load");
    BAD(eh->e_phoff = UINT64_MAX - 8, "program: ");
    BAD(ph->p_offset = UINT64_MAX, "segment 0 is damaged");
    BAD(ph->p_filesz = elf->len, "segment 0 is damaged");
    BAD(ph->p_filesz = ph->p_memsz + 1, "segment 0 is damaged");
    BAD(ph->p_paddr = UINT64_MAX - 4, "segment 0 is damaged");
    BAD(ph->p_paddr = BASE - 1, "segment 0: 0x7fffffff-0x80002ffe lies outside RAM");
    BAD(ph->p_paddr = BASE + SIZE - 0x2fff, "segment 0: ");
    BAD(ph->p_memsz = UINT64_C(1) << 60, "lies outside RAM");
    BAD(ph->p_paddr = 0x8000100f, "overlaps");
    g_byte_array_free(elf, TRUE);
}

// Every header byte damaged, every length: success or an error, never a crash (run under ASan too).
static void damaged_elf(void **state)
{
    Fixture *f = *state;
    f->config.board = "clabpu-memory";
    fixture_boot(f);
    const TestSymbol symbols[] = {{"tohost", BASE, 8}, {"x", BASE + 8, 8}, {0}};
    GByteArray *elf = fixture_elf(BASE, two_segments, symbols);
    LoadedImage image;
    GRand *r = g_rand_new_with_seed(3);
    for (guint i = 4; i < elf->len; i++) {
        guint8 old = elf->data[i];
        elf->data[i] = (guint8)g_rand_int(r);
        GError *e = load_bytes(f, elf->data, elf->len, &image);
        g_clear_error(&e);
        elf->data[i] = 0xff;
        e = load_bytes(f, elf->data, elf->len, &image);
        g_clear_error(&e);
        elf->data[i] = old;
    }
    for (guint n = 4; n < elf->len; n++) {
        GError *e = load_bytes(f, elf->data, n, &image);
        g_clear_error(&e);
    }
    g_rand_free(r);
    g_byte_array_free(elf, TRUE);
}

static void refused_files(void **state)
{
    Fixture *f = *state;
    f->config.board = "clabpu-memory";
    fixture_boot(f);
    expect_error(f, "\x1f\x8b\x08", 3, "damaged gzip");
    expect_error(f, "\x28\xb5\x2f\xfd....", 8, "zstd");
    expect_error(f, "\xfd" "7zXZ\0...", 9, "xz-");
    expect_error(f, "BZh9", 4, "bzip2");
    expect_error(f, "#!/bin/sh\n", 10, "script");
    expect_error(f, "MZ program", 10, "PE program");
    expect_error(f, "", 0, "empty");
    expect_error(f, "\177ELF", 4, "damaged");
    uint8_t image[128] = "MZ";
    memcpy(image + 0x38, "RSC\x05", 4);
    LoadedImage out;
    assert_null(load_bytes(f, image, sizeof image, &out)); // a Linux Image
    assert_false(out.is_elf);
    assert_int_equal(out.low, BASE);
    assert_int_equal(out.high, BASE + 128);
    assert_null(load_bytes(f, "x", 1, &out));
    assert_false(loader_is_elf("/nonexistent"));
}

static void symbol_table(void **state)
{
    (void)state;
    Symbols *s = symbols_new();
    char names[64][8];
    for (unsigned i = 0; i < 64; i++) { // in a scrambled order
        unsigned k = i * 37 % 64;
        g_snprintf(names[k], sizeof names[k], "s%u", k);
        symbols_add(s, &(Symbol){.addr = 0x1000 + 16 * k, .size = k % 2 ? 8 : 0, .name = names[k]});
    }
    symbols_add(s, &(Symbol){.addr = 0x1000, .size = 8, .name = "best", .function = true, .global = true});
    symbols_add(s, &(Symbol){.addr = 0x900, .size = 0x80, .name = "s3", .image = 1});
    symbols_add(s, &(Symbol){.addr = 0x980, .name = "best", .image = 0}); // local: the global one stays
    assert_null(symbols_by_addr(s, 0x8ff));
    assert_string_equal(symbols_by_addr(s, 0x97f)->name, "s3");
    assert_string_equal(symbols_by_addr(s, 0x1001)->name, "best");
    for (unsigned k = 1; k < 64; k++) {
        assert_string_equal(symbols_by_addr(s, 0x1000 + 16 * k + 7)->name, names[k]);
        // Behind a sized symbol the unsized one before it goes on.
        assert_string_equal(symbols_by_addr(s, 0x1000 + 16 * k + 15)->name, names[k % 2 && k > 1 ? k - 1
                                                                                  : k % 2        ? 0
                                                                                                 : k]);
    }
    assert_int_equal(symbols_by_name(s, "s3")->addr, 0x900); // the later image
    assert_int_equal(symbols_by_name(s, "best")->addr, 0x1000);
    assert_null(symbols_by_name(s, "nothing"));
    symbols_free(s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {TEST(good_elf), TEST(bad_elf), TEST(damaged_elf), TEST(refused_files),
                                       TEST(symbol_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
