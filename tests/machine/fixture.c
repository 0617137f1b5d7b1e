// SPDX-License-Identifier: GPL-3.0-or-later
// What the board tests share.
#include "tests/machine/fixture.h"

#include "util/remove_tree.h"
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *test_data;
static GPtrArray *paths;

static void set_irq(void *opaque, unsigned hart, unsigned irq, bool level)
{
    Fixture *f = opaque;
    assert_true(hart < 8);
    f->irqs[hart] = (f->irqs[hart] & ~(1u << irq)) | (unsigned)level << irq;
}

static void on_exit_code(void *opaque, uint64_t code)
{
    Fixture *f = opaque;
    f->exit_code = code;
    f->exits++;
}

static void deadline_changed(void *opaque, unsigned hart)
{
    ((Fixture *)opaque)->deadlines[hart]++;
}

static uint64_t clock_ns(void *opaque)
{
    return ((Fixture *)opaque)->now_ns;
}

static void on_reset(void *opaque)
{
    ((Fixture *)opaque)->resets++;
}

int fixture_setup(void **state)
{
    Fixture *f = g_new0(Fixture, 1);
    int in[2], out[2];
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    f->input = in[1];
    f->output = out[0];
    f->dir = g_dir_make_tmp("addend-test-XXXXXX", NULL);
    f->config =
        (BoardConfig){.ram_size = 128 << 20, .bios = "none", .console = console_new_fds(in[0], out[1], true)};
    paths = g_ptr_array_new_with_free_func(g_free);
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    Fixture *f = *state;
    fixture_reset(f);
    console_free(f->config.console);
    close(f->input);
    close(f->output);
    remove_tree(f->dir);
    g_free(f->dir);
    g_ptr_array_free(paths, TRUE);
    g_free(f);
    return 0;
}

bool fixture_load(Fixture *f)
{
    BoardHooks hooks = {f, set_irq, on_exit_code, deadline_changed, clock_ns, on_reset};
    f->board = board_new(&f->config, &hooks, &f->error);
    return f->board && board_load(f->board, &f->error);
}

void fixture_boot(Fixture *f)
{
    fixture_reset(f);
    bool ok = fixture_load(f);
    if (!ok)
        print_error("%s\n", f->error->message);
    assert_true(ok);
}

void fixture_fails(Fixture *f, const char *part)
{
    fixture_reset(f);
    assert_false(fixture_load(f));
    if (!strstr(f->error->message, part))
        print_error("expected \"%s\", got: %s\n", part, f->error->message);
    assert_non_null(strstr(f->error->message, part));
    assert_null(strchr(f->error->message, '\n'));
    fixture_reset(f);
}

void fixture_reset(Fixture *f)
{
    g_clear_error(&f->error);
    board_free(f->board);
    f->board = NULL;
    memset(f->irqs, 0, sizeof f->irqs);
    f->exits = 0;
}

const char *fixture_path(Fixture *f, const char *name)
{
    char *path = g_build_filename(f->dir, name, NULL);
    g_ptr_array_add(paths, path);
    return path;
}

const char *fixture_file(Fixture *f, const char *name, const void *data, size_t size)
{
    const char *path = fixture_path(f, name);
    FILE *out = fopen(path, "we"); // g_file_set_contents would wait for the disk
    assert_non_null(out);
    assert_int_equal(fwrite(data, 1, size, out), size);
    assert_int_equal(fclose(out), 0);
    return path;
}

const char *fixture_blank(Fixture *f, const char *name, size_t size)
{
    char *data = g_malloc(size);
    memset(data, 0x5a, size);
    const char *path = fixture_file(f, name, data, size);
    g_free(data);
    return path;
}

struct Device *fixture_add_device(Fixture *f, const struct DeviceRow *row)
{
    memory_lock();
    struct Device *d = board_add_device(f->board, row, NULL);
    memory_unlock();
    assert_non_null(d);
    return d;
}

bool fixture_listed(const char *text, void (*print)(GString *out, unsigned flags))
{
    g_autoptr(GString) out = g_string_new(NULL);
    print(out, 0);
    return strstr(out->str, text);
}

void fixture_type(Fixture *f, const char *text)
{
    assert_int_equal(write(f->input, text, strlen(text)), strlen(text));
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

const char *fixture_output(Fixture *f)
{
    static char text[256];
    ssize_t n = read(f->output, text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    return text;
}

uint64_t fixture_ld(Fixture *f, gpa_t addr, unsigned size)
{
    MemTxResult r;
    uint64_t v = address_space_ld(board_memory(f->board), addr, size, &r);
    assert_int_equal(r, MEMTX_OK);
    return v;
}

void fixture_st(Fixture *f, gpa_t addr, unsigned size, uint64_t value)
{
    MemTxResult r;
    address_space_st(board_memory(f->board), addr, size, value, &r);
    assert_int_equal(r, MEMTX_OK);
}

static void append(GByteArray *out, const void *data, size_t size)
{
    g_byte_array_append(out, data, (guint)size);
}

// Section 1 is the symbol table, 2 its strings, 3 a place for the symbols' section index.
static void append_symbols(GByteArray *out, const TestSymbol *symbols, Elf64_Shdr *sh)
{
    GByteArray *names = g_byte_array_new();
    Elf64_Sym sym = {0};
    append(names, "", 1);
    sh[1] =
        (Elf64_Shdr){.sh_type = SHT_SYMTAB, .sh_offset = out->len, .sh_link = 2, .sh_entsize = sizeof sym};
    append(out, &sym, sizeof sym);
    for (const TestSymbol *s = symbols; s && s->name; s++) {
        sym = (Elf64_Sym){.st_name = names->len, .st_value = s->addr, .st_size = s->size, .st_shndx = 3};
        sym.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
        append(out, &sym, sizeof sym);
        append(names, s->name, strlen(s->name) + 1);
    }
    sh[1].sh_size = out->len - sh[1].sh_offset;
    sh[2] = (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_offset = out->len, .sh_size = names->len};
    append(out, names->data, names->len);
    g_byte_array_free(names, TRUE);
    sh[3] = (Elf64_Shdr){.sh_type = SHT_NOBITS};
}

GByteArray *fixture_elf(uint64_t entry, const TestSegment *segments, const TestSymbol *symbols)
{
    GByteArray *out = g_byte_array_new();
    Elf64_Shdr sh[4] = {0};
    Elf64_Ehdr eh = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_RISCV,
        .e_version = EV_CURRENT,
        .e_entry = entry,
        .e_phoff = sizeof eh,
        .e_ehsize = sizeof eh,
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = 4,
        .e_shstrndx = 2,
    };
    append(out, &eh, sizeof eh);
    for (const TestSegment *s = segments; s->memsz; s++)
        eh.e_phnum++;
    uint64_t at = sizeof eh + eh.e_phnum * sizeof(Elf64_Phdr);
    for (const TestSegment *s = segments; s->memsz; s++) {
        Elf64_Phdr ph = {
            .p_type = PT_LOAD, .p_offset = at, .p_vaddr = s->paddr + 0x1000, .p_paddr = s->paddr};
        ph.p_filesz = s->filesz;
        ph.p_memsz = s->memsz;
        append(out, &ph, sizeof ph);
        at += s->filesz;
    }
    for (const TestSegment *s = segments; s->memsz; s++)
        append(out, s->data, s->filesz);
    while (out->len % 8)
        append(out, "", 1);
    append_symbols(out, symbols, sh);
    while (out->len % 8)
        append(out, "", 1);
    eh.e_shoff = out->len;
    append(out, sh, sizeof sh);
    memcpy(out->data, &eh, sizeof eh);
    return out;
}

const char *fixture_elf_file(Fixture *f, const char *name, uint64_t addr, uint64_t entry,
                             const TestSymbol *symbols)
{
    const TestSegment segments[] = {{addr, 0x1010, "0123456789abcdef", 16}, {0}};
    GByteArray *elf = fixture_elf(entry, segments, symbols);
    const char *path = fixture_file(f, name, elf->data, elf->len);
    g_byte_array_free(elf, TRUE);
    return path;
}
