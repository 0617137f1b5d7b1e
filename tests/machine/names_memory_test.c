// SPDX-License-Identifier: GPL-3.0-or-later
// Names out of guest memory: programs of processes, a kernel's kallsyms, and whatever else may lie there.
#include "machine/cpu.h"
#include "machine/elf_file.h"
#include "machine/names.h"
#include "tests/machine/fixture.h"
#include <elf.h>
#include <inttypes.h>
#include <malloc.h>
#include <string.h>
#include <sys/stat.h>

#define RAM   UINT64_C(0x80000000)
#define ROOT  (RAM + 0x7000000) // page tables
#define USER  UINT64_C(0x3fc0000000)
#define KERNEL UINT64_C(0xffffffff80000000)
#define SATP  (UINT64_C(8) << 60 | ROOT >> 12)
#define PTE(pa, flags) ((pa) >> 12 << 10 | (flags))

static const char *folder; // argv[1]: of the libraries

typedef struct {
    Fixture *f;
    Cpu *cpu;
    Names *names;
    uint64_t tables; // next free page
} Rig;

static Rig rig_new(void **state)
{
    Rig r = {.f = *state, .tables = ROOT + PAGE_SIZE};
    r.f->config.ram_size = 128 << 20;
    fixture_boot(r.f);
    CpuConfig config = {.features = hart_features_default, .tlb_bits = 8};
    r.cpu = cpu_new(r.f->board, 0, &config);
    r.cpu->hart.satp = SATP;
    r.cpu->hart.priv = PRV_U;
    r.names = names_new(r.f->board);
    return r;
}

static void rig_free(Rig *r)
{
    names_free(r->names);
    cpu_free(r->cpu);
}

static void map(Rig *r, uint64_t va, uint64_t pa, unsigned flags)
{
    uint64_t table = ROOT;
    for (unsigned level = 2; level > 0; level--) {
        uint64_t at = table + (va >> (12 + 9 * level) & 511) * 8, pte = fixture_ld(r->f, at, 8);
        if (!pte) {
            fixture_st(r->f, at, 8, pte = PTE(r->tables, 1));
            r->tables += PAGE_SIZE;
        }
        table = pte >> 10 << 12;
    }
    fixture_st(r->f, table + (va >> 12 & 511) * 8, 8, PTE(pa, flags));
}

// Maps a file's segments at va; its bytes go to pa on.
static void map_library(Rig *r, const char *name, uint64_t va, uint64_t pa)
{
    g_autofree char *path = g_build_filename(folder, name, NULL), *data = NULL;
    gsize size;
    assert_true(g_file_get_contents(path, &data, &size, NULL));
    const Elf64_Ehdr *h = (const void *)data;
    for (unsigned i = 0; i < h->e_phnum; i++) {
        const Elf64_Phdr *ph = (const Elf64_Phdr *)(const void *)(data + h->e_phoff) + i;
        if (ph->p_type != PT_LOAD)
            continue;
        uint64_t start = ph->p_vaddr & PAGE_MASK, end = ph->p_vaddr + ph->p_memsz;
        for (uint64_t page = start; page < end; page += PAGE_SIZE)
            map(r, va + page, pa + page, 0x1f);
        address_space_write(board_memory(r->f->board), pa + ph->p_vaddr, MEMTXATTRS_NONE, data + ph->p_offset,
                            ph->p_filesz);
    }
}

// The link address of a function of a library.
static uint64_t function(const char *library, const char *name)
{
    g_autofree char *path = g_build_filename(folder, library, NULL), *data = NULL;
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

static void check(Rig *r, uint64_t pc, const char *name, uint64_t offset, const char *image)
{
    Name n = names_at(r->names, r->cpu, pc, false);
    if (name) {
        if (!n.function)
            fail_msg("0x%" PRIx64 " has no name, not %s", pc, name);
        assert_string_equal(n.function, name);
        assert_int_equal(n.offset, offset);
        assert_int_equal(n.start, pc - offset);
    } else {
        assert_null(n.function);
    }
    if (image) {
        assert_non_null(n.image);
        assert_memory_equal(n.image, image, strlen(image));
    } else {
        assert_null(n.image);
    }
}

// --- processes -----------------------------------------------------------------------------------------------------

static void dynamic_symbols(void **state)
{
    Rig r = rig_new(state);
    map_library(&r, "libfirst-stripped.so", USER, RAM + 0x100000);
    uint64_t outer = function("libfirst.so", "outer"), inner = function("libfirst.so", "inner");
    check(&r, USER + outer, "outer", 0, "libfirst.so");
    check(&r, USER + outer + 2, "outer", 2, "libfirst.so");
    check(&r, USER + inner, NULL, 0, "libfirst.so"); // not in .dynsym
    check(&r, USER + 0x20000, NULL, 0, NULL);
    r.cpu->hart.priv = PRV_S; // asked for from the kernel
    check(&r, USER + outer, "outer", 0, "libfirst.so");
    r.cpu->hart.satp = 0;
    check(&r, USER + outer, NULL, 0, NULL);
    rig_free(&r);
}

// The space, and the place, are given to another program.
static void replaced(void **state)
{
    Rig r = rig_new(state);
    map_library(&r, "libfirst.so", USER, RAM + 0x100000);
    uint64_t outer = function("libfirst.so", "outer"), another = function("libsecond.so", "another");
    check(&r, USER + outer, "outer", 0, "libfirst.so");
    map_library(&r, "libsecond.so", USER, RAM + 0x200000);
    check(&r, USER + another, "another", 0, "libsecond.so");
    map_library(&r, "libfirst.so", USER, RAM + 0x100000);
    check(&r, USER + outer, "outer", 0, "libfirst.so");
    map(&r, USER, 0, 0); // gone
    check(&r, USER + outer, NULL, 0, NULL);
    rig_free(&r);
}

static void missing_pages(void **state)
{
    Rig r = rig_new(state);
    map_library(&r, "libfirst.so", USER, RAM + 0x100000);
    uint64_t outer = function("libfirst.so", "outer"), pte = ROOT + PAGE_SIZE; // its tables are the first
    map_library(&r, "libfirst.so", USER + 0x40000000, RAM + 0x100000);
    for (uint64_t page = USER + PAGE_SIZE; page < USER + 0x10000; page += PAGE_SIZE)
        map(&r, page, 0, 0); // .dynamic is one of them
    assert_int_equal(fixture_ld(r.f, pte, 8) != 0, 1);
    check(&r, USER + outer, NULL, 0, "build-id ");
    rig_free(&r);
}

static void by_build_id(void **state)
{
    Rig r = rig_new(state);
    map_library(&r, "libfirst-stripped.so", USER, RAM + 0x100000);
    assert_true(names_add_file(r.names, folder, NULL));
    uint64_t outer = function("libfirst.so", "outer"), inner = function("libfirst.so", "inner");
    check(&r, USER + inner + 2, "inner", 2, "libfirst.so");
    Name n = names_at(r.names, r.cpu, USER + inner, true);
    assert_non_null(n.file);
    assert_true(g_str_has_suffix(n.file, "names_lib.c"));
    assert_int_equal(n.line, 13);
    // inner has been called by outer: it is a leaf, outer has saved its return address.
    uint64_t regs[32] = {USER + inner, USER + outer + 10, USER + 0x1000};
    map(&r, USER + 0x800000, RAM + 0x300000, 0x17);
    regs[2] = USER + 0x800000;
    assert_true(names_unwind(r.names, r.cpu, regs));
    assert_int_equal(regs[0], USER + outer + 10);
    assert_int_equal(regs[2], USER + 0x800000);
    rig_free(&r);
}

// --- a kernel's table ----------------------------------------------------------------------------------------------

static void put32(GByteArray *out, uint32_t v)
{
    g_byte_array_append(out, (const uint8_t *)&v, 4);
}

static void align8(GByteArray *out)
{
    while (out->len % 8)
        g_byte_array_append(out, (const uint8_t *)"", 1);
}

static const char *const kernel_names[] = {"T_text", "tdo_it", "tdo_it_too", "Dvariable", "Tlast_of_all"};
#define MANY 700 // more than two markers

static const char *kernel_name(unsigned i, char text[32])
{
    if (i < G_N_ELEMENTS(kernel_names))
        return kernel_names[i];
    g_snprintf(text, 32, "tfunction_%u", i);
    return text;
}

static void put_offsets(GByteArray *out, unsigned n, unsigned step)
{
    for (unsigned i = 0; i < n; i++)
        put32(out, 0x1000 + step * i);
    align8(out);
    uint64_t base = KERNEL;
    g_byte_array_append(out, (const uint8_t *)&base, 8);
}

// As scripts/kallsyms.c of Linux writes it, of n symbols, each `step` bytes behind the one before. Token 1 is
// "function_". *tokens (may be NULL): where the tokens begin.
static GByteArray *kallsyms_of(unsigned n, unsigned step, bool old, unsigned *at_tokens)
{
    GByteArray *out = g_byte_array_new(), *markers = g_byte_array_new(), *index = g_byte_array_new();
    char text[32];
    if (old)
        put_offsets(out, n, step);
    put32(out, n);
    align8(out);
    unsigned start = out->len;
    for (unsigned i = 0; i < n; i++) {
        const char *name = kernel_name(i, text), *rest = name;
        if (i % 256 == 0)
            put32(markers, out->len - start);
        GString *tokens = g_string_new(NULL);
        for (; *rest; rest++) {
            bool token = g_str_has_prefix(rest, "function_");
            g_string_append_c(tokens, token ? 1 : *rest);
            rest += token ? 8 : 0;
        }
        uint8_t len = (uint8_t)tokens->len;
        g_byte_array_append(out, &len, 1);
        g_byte_array_append(out, (const uint8_t *)tokens->str, len);
        g_string_free(tokens, TRUE);
    }
    align8(out);
    g_byte_array_append(out, markers->data, markers->len);
    align8(out);
    start = out->len;
    if (at_tokens)
        *at_tokens = start;
    for (unsigned i = 0; i < 256; i++) {
        char one[2] = {(char)(i > 32 && i < 127 ? i : 0), 0};
        const char *token = i == 1 ? "function_" : one;
        uint16_t at = (uint16_t)(out->len - start);
        g_byte_array_append(index, (const uint8_t *)&at, 2);
        g_byte_array_append(out, (const uint8_t *)token, (guint)strlen(token) + 1);
    }
    align8(out);
    g_byte_array_append(out, index->data, index->len);
    align8(out);
    if (!old)
        put_offsets(out, n, step);
    g_byte_array_unref(markers);
    g_byte_array_unref(index);
    return out;
}

static GByteArray *kallsyms(bool old)
{
    return kallsyms_of(MANY, 16, old, NULL);
}

// All of the kernel's half is the RAM, as if the kernel lay at its beginning.
static void map_kernel(Rig *r)
{
    fixture_st(r->f, ROOT + 510 * 8, 8, PTE(RAM, 0xcf));
    r->cpu->hart.priv = PRV_S;
}

static void kernel_table(void **state, bool old)
{
    Rig r = rig_new(state);
    g_autoptr(GByteArray) table = kallsyms(old);
    char text[32];
    map_kernel(&r);
    check(&r, KERNEL + 0x1000, NULL, 0, NULL);
    names_free(r.names); // it would not look again so soon
    r.names = names_new(r.f->board);
    static const char digits[20] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009"; // of something else
    address_space_write(board_memory(r.f->board), RAM + 0x200008, MEMTXATTRS_NONE, digits, sizeof digits);
    address_space_write(board_memory(r.f->board), RAM + 0x300000, MEMTXATTRS_NONE, table->data, table->len);
    for (unsigned i = 0; i < MANY; i++) {
        const char *name = kernel_name(i, text);
        bool code = strchr("tT", *name) && i + 1 < MANY; // nobody says where the last one ends
        check(&r, KERNEL + 0x1000 + 16 * i, code ? name + 1 : NULL, 0, code ? "kernel" : NULL);
        check(&r, KERNEL + 0x100f + 16 * i, code ? name + 1 : NULL, 15, code ? "kernel" : NULL);
    }
    check(&r, KERNEL + 0xfff, NULL, 0, NULL);
    uint64_t addr;
    assert_true(names_address(r.names, "function_99", &addr));
    assert_int_equal(addr, KERNEL + 0x1000 + 16 * 99);
    rig_free(&r);
}

// The machine was reset, and the kernel moved itself elsewhere.
static void kernel_moved(void **state)
{
    Rig r = rig_new(state);
    g_autoptr(GByteArray) table = kallsyms(false);
    map_kernel(&r);
    address_space_write(board_memory(r.f->board), RAM + 0x300000, MEMTXATTRS_NONE, table->data, table->len);
    Name before = names_at(r.names, r.cpu, KERNEL + 0x1010, false);
    assert_string_equal(before.function, "do_it");
    fixture_st(r.f, RAM + 0x300000 + table->len - 8, 8, KERNEL + 0x200000);
    check(&r, KERNEL + 0x1010, NULL, 0, NULL);
    check(&r, KERNEL + 0x201010, "do_it", 0, "kernel");
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
    map_kernel(&r);
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
    map_library(&r, "libfirst.so", USER, RAM + 0x100000);
    for (unsigned i = 0; i < 16; i++)
        map(&r, USER + 0x800000 + i * PAGE_SIZE, RAM + 0x300000 + i * PAGE_SIZE, 0x17);
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
        map_library(&r, "libfirst.so", USER, RAM + 0x100000);
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
    map_kernel(&r);
    for (unsigned round = 0; round < 100; round++) {
        g_autoptr(GByteArray) table = kallsyms(round % 2);
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

// --- traps -----------------------------------------------------------------------------------------------------------

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
                          .e_machine = EM_RISCV, .e_version = EV_CURRENT, .e_phoff = 64, .e_phentsize = 56, .e_phnum = 2};
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
    map(r, USER, pa, 0x1f);
    for (uint64_t i = 0; i < 262144 * sizeof(Elf64_Sym) / PAGE_SIZE; i++)
        map(r, USER + symbols + i * PAGE_SIZE, pa + 0x1000 + i % 3 * PAGE_SIZE, 0x1f);
    for (uint64_t at = 0; at < size; at += PAGE_SIZE)
        map(r, USER + text + at, pa + 0x4000, 0x1f);
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

static void put_table(Rig *r, const GByteArray *table)
{
    map_kernel(r);
    address_space_write(board_memory(r->f->board), RAM + 0x300000, MEMTXATTRS_NONE, table->data, table->len);
}

static void endless_digits(void **state)
{
    Rig r = rig_new(state);
    uint64_t size = ROOT - RAM, start = (uint64_t)g_get_monotonic_time();
    g_autofree char *all = g_malloc(size);
    for (uint64_t i = 0; i < size; i++)
        all[i] = i % 2 ? 0 : (char)('0' + i / 2 % 10);
    map_kernel(&r);
    address_space_write(board_memory(r.f->board), RAM, MEMTXATTRS_NONE, all, size);
    check(&r, KERNEL + 0x1010, NULL, 0, NULL);
    assert_in_range((uint64_t)g_get_monotonic_time() - start, 0, SECONDS * G_USEC_PER_SEC);
    rig_free(&r);
}

static void equal_offsets(void **state)
{
    Rig r = rig_new(state);
    uint64_t start = (uint64_t)g_get_monotonic_time();
    g_autoptr(GByteArray) table = kallsyms_of(999000, 0, false, NULL);
    put_table(&r, table);
    check(&r, KERNEL + 0x1000, NULL, 0, NULL);
    assert_in_range((uint64_t)g_get_monotonic_time() - start, 0, SECONDS * G_USEC_PER_SEC);
    rig_free(&r);
}

// Each multiple of 8 could be the beginning of the names, but for the last one of all, which has no size.
static void names_everywhere(void **state)
{
    Rig r = rig_new(state);
    const uint32_t n = 0x0f3f07, markers = (n + 255) / 256; // its bytes are a name, too
    unsigned tokens;
    g_autoptr(GByteArray) table = g_byte_array_new(), small = kallsyms_of(MANY, 16, false, &tokens);
    for (unsigned i = 0; i < n + 20000; i++) {
        put32(table, n);
        put32(table, 0x01010101);
    }
    memset(table->data + table->len - 8, 0, 8);
    for (unsigned i = 0; i < markers; i++)
        put32(table, 8 * 256 * i);
    align8(table);
    g_byte_array_append(table, small->data + tokens, small->len - tokens);
    uint64_t start = (uint64_t)g_get_monotonic_time();
    put_table(&r, table);
    check(&r, KERNEL + 0x1000, NULL, 0, NULL);
    assert_in_range((uint64_t)g_get_monotonic_time() - start, 0, SECONDS * G_USEC_PER_SEC);
    rig_free(&r);
}

// A guest that changes its table's base all the time: names that were given stay, but not all of each table.
static void ever_another_kernel(void **state)
{
    Rig r = rig_new(state);
    g_autoptr(GByteArray) table = kallsyms_of(50000, 16, false, NULL);
    put_table(&r, table);
    Name first = names_at(r.names, r.cpu, KERNEL + 0x1010, false);
    size_t before = in_use();
    for (unsigned i = 1; i < 80; i++) {
        fixture_st(r.f, RAM + 0x300000 + table->len - 8, 8, KERNEL + i * PAGE_SIZE);
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
        cmocka_unit_test_setup_teardown(endless_names, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(many_programs, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(endless_digits, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(equal_offsets, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(names_everywhere, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(ever_another_kernel, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(equal_addresses, fixture_setup, fixture_teardown),
    };
    assert_int_equal(argc, 2);
    folder = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
