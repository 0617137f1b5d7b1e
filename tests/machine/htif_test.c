// SPDX-License-Identifier: GPL-3.0-or-later
// HTIF: where it is (R6.10, R6.11), register rules (R6.12 to R6.18), console input, the system call proxy.
#include "tests/machine/fixture.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FROMHOST 0x1000000u
#define TOHOST 0x1000008u
#define BLOCK 0x80010000u // system call block
#define BUF 0x80020000u
#define GETC (UINT64_C(1) << 56)
#define PUTC(c) (UINT64_C(0x0101) << 48 | (c))

static void t143_put_and_exit(void **state)
{
    Fixture *f = *state;
    fixture_boot(f);
    assert_true(board_can_exit(f->board));
    fixture_st(f, TOHOST, 8, PUTC('A'));
    assert_int_equal(fixture_ld(f, FROMHOST, 8), 0x0101000000000141);
    assert_int_equal(fixture_ld(f, TOHOST, 8), 0);
    assert_string_equal(fixture_output(f), "A");
    fixture_st(f, TOHOST, 4, 'B'); // 4 + 4 bytes
    assert_string_equal(fixture_output(f), "");
    assert_int_equal(fixture_ld(f, TOHOST, 8), 'B');
    fixture_st(f, TOHOST + 4, 4, 0x01010000);
    assert_string_equal(fixture_output(f), "B");
    assert_int_equal(fixture_ld(f, FROMHOST, 4), 0x142);
    assert_int_equal(fixture_ld(f, FROMHOST + 4, 4), 0x01010000);
    fixture_st(f, FROMHOST, 8, 0);
    assert_int_equal(fixture_ld(f, FROMHOST, 8), 0);
    fixture_st(f, TOHOST, 8, 0); // no command
    assert_int_equal(fixture_ld(f, FROMHOST, 8), 0);
    fixture_st(f, TOHOST, 8, UINT64_C(2) << 56 | 5); // unknown device
    assert_int_equal(fixture_ld(f, FROMHOST, 8), UINT64_C(2) << 56);
    fixture_st(f, TOHOST, 8, UINT64_C(0x0102) << 48 | 5);
    assert_int_equal(fixture_ld(f, FROMHOST, 8), UINT64_C(0x0102) << 48);
    fixture_st(f, TOHOST, 1, 0xff); // bytes are ignored
    fixture_st(f, TOHOST + 6, 2, 0xff);
    assert_int_equal(fixture_ld(f, TOHOST, 8), 0);
    static const uint64_t codes[] = {0, 1, 42, 255, 256, 1000, 0x7fffffffffff};
    for (unsigned i = 0; i < G_N_ELEMENTS(codes); i++) {
        fixture_st(f, TOHOST, 8, (codes[i] << 1 | 1) & 0xffffffffffff);
        assert_int_equal(f->exits, i + 1);
        assert_int_equal(f->exit_code, codes[i] & 0x7fffffffffff);
    }
    assert_int_equal(fixture_ld(f, TOHOST, 8), 0xffffffffffff); // kept
}

// R6.15: a low store alone wedges QEMU's HTIF for ever; ours takes the next command.
static void t145_wedge(void **state)
{
    Fixture *f = *state;
    fixture_boot(f);
    fixture_st(f, TOHOST, 4, 1);
    assert_int_equal(f->exits, 0);
    fixture_st(f, TOHOST, 8, PUTC('x'));
    assert_string_equal(fixture_output(f), "x");
    fixture_st(f, TOHOST + 4, 4, 0x01010000); // a high store without its low store
    assert_string_equal(fixture_output(f), "");
    fixture_st(f, TOHOST, 8, 15);
    assert_int_equal(f->exit_code, 7);
    f->config.htif_compat_qemu = true;
    fixture_boot(f);
    fixture_st(f, TOHOST, 8, PUTC('y'));
    assert_string_equal(fixture_output(f), "y");
    fixture_st(f, TOHOST, 4, 1);
    fixture_st(f, TOHOST, 8, PUTC('z'));
    fixture_st(f, TOHOST, 8, 15);
    assert_string_equal(fixture_output(f), "");
    assert_int_equal(f->exits, 0);
}

static void type_text(Fixture *f, GMainContext *context, const char *text)
{
    assert_int_equal(write(f->input, text, strlen(text)), strlen(text));
    while (g_main_context_iteration(context, FALSE))
        ;
}

static uint64_t take_char(Fixture *f)
{
    uint64_t v = fixture_ld(f, FROMHOST, 8);
    fixture_st(f, FROMHOST, 8, 0);
    return v;
}

static void t144_input(void **state)
{
    Fixture *f = *state;
    GMainContext *context = g_main_context_new();
    fixture_boot(f);
    console_attach(f->config.console, context);
    type_text(f, context, "ab"); // before any request: kept
    assert_int_equal(fixture_ld(f, FROMHOST, 8), 0);
    fixture_st(f, TOHOST, 8, GETC);
    assert_int_equal(fixture_ld(f, TOHOST, 8), 0);
    assert_int_equal(take_char(f), 0x0100000000000161);
    assert_int_equal(take_char(f), 0);
    fixture_st(f, TOHOST, 8, GETC);
    assert_int_equal(take_char(f), 0x0100000000000162);
    fixture_st(f, TOHOST, 8, GETC); // request first, two fast bytes after it
    fixture_st(f, TOHOST, 8, GETC);
    type_text(f, context, "cd");
    fixture_st(f, TOHOST, 8, PUTC('!')); // must not overwrite the answer
    assert_int_equal(take_char(f), 0x0100000000000163);
    assert_int_equal(take_char(f), 0x0100000000000164);
    assert_string_equal(fixture_output(f), "!");
    // A system call's response waits behind the character.
    fixture_st(f, TOHOST, 8, GETC);
    type_text(f, context, "e");
    fixture_st(f, BLOCK, 8, 9999);
    fixture_st(f, TOHOST, 8, BLOCK);
    assert_int_equal(take_char(f), 0x0100000000000165);
    assert_int_equal(take_char(f), 1);
    assert_int_equal(take_char(f), 0);
    // A thousand bytes, one request each: none is lost.
    for (unsigned i = 0; i < 1000; i++) {
        char c[2] = {(char)('A' + i % 26), 0};
        type_text(f, context, c);
    }
    for (unsigned i = 0; i < 1000; i++) {
        fixture_st(f, TOHOST, 8, GETC);
        assert_int_equal(take_char(f), 0x0100000000000100 | ('A' + i % 26));
    }
    // QEMU's rule: at once, request or not; the second byte overwrites the first.
    f->config.htif_compat_qemu = true;
    fixture_boot(f);
    type_text(f, context, "bc");
    assert_int_equal(take_char(f), 0x163);
    fixture_st(f, TOHOST, 8, GETC);
    assert_int_equal(take_char(f), 0);
    type_text(f, context, "d");
    assert_int_equal(take_char(f), 0x0100000000000164);
    g_main_context_unref(context);
}

static int64_t call(Fixture *f, uint64_t number, const uint64_t *args, unsigned n)
{
    fixture_st(f, FROMHOST, 8, 0);
    fixture_st(f, BLOCK, 8, number);
    for (unsigned i = 0; i < 7; i++)
        fixture_st(f, BLOCK + 8 + 8 * i, 8, i < n ? args[i] : 0);
    fixture_st(f, TOHOST, 8, BLOCK);
    assert_int_equal(fixture_ld(f, FROMHOST, 8), 1);
    assert_int_equal(fixture_ld(f, TOHOST, 8), 0);
    return (int64_t)fixture_ld(f, BLOCK, 8);
}
#define CALL(number, ...)                                                                                    \
    call(f, number, (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / 8)

static void put_text(Fixture *f, gpa_t addr, const char *text)
{
    address_space_write(board_memory(f->board), addr, MEMTXATTRS_NONE, text, strlen(text) + 1);
}

static const char *get_text(Fixture *f, gpa_t addr)
{
    static char text[256];
    address_space_read(board_memory(f->board), addr, MEMTXATTRS_NONE, text, sizeof text - 1);
    return text;
}

#define CWD ((uint64_t)-100)
#define NAME(text) (put_text(f, BUF, text), BUF), strlen(text) + 1

static void file_calls(void **state)
{
    Fixture *f = *state;
    f->config.chroot = f->dir;
    fixture_boot(f);
    int64_t fd = CALL(56, CWD, NAME("a.txt"), O_RDWR | O_CREAT | O_EXCL, 0640);
    assert_int_equal(fd, 3);
    assert_int_equal(CALL(56, CWD, NAME("a.txt"), O_RDWR | O_CREAT | O_EXCL, 0640), -EEXIST);
    assert_int_equal(CALL(64, fd, NAME("hello, file")), 12);
    assert_int_equal(CALL(62, fd, 7, SEEK_SET), 7);
    assert_int_equal(CALL(63, fd, BUF + 256, 100), 5);
    assert_string_equal(get_text(f, BUF + 256), "file");
    assert_int_equal(CALL(63, fd, BUF + 256, 100), 0);
    assert_int_equal(CALL(67, fd, BUF + 256, 5, 0), 5);
    assert_memory_equal(get_text(f, BUF + 256), "hello", 5);
    put_text(f, BUF, "J");
    assert_int_equal(CALL(68, fd, BUF, 1, 0), 1);
    assert_int_equal(CALL(46, fd, 9), 0);
    assert_int_equal(CALL(80, fd, BUF), 0); // struct stat
    struct stat st;
    assert_int_equal(stat(fixture_path(f, "a.txt"), &st), 0);
    assert_int_equal(fixture_ld(f, BUF + 8, 8), st.st_ino);
    assert_int_equal(fixture_ld(f, BUF + 16, 4), st.st_mode);
    assert_int_equal(fixture_ld(f, BUF + 20, 4), 1);
    assert_int_equal(fixture_ld(f, BUF + 48, 8), 9);
    assert_int_equal(fixture_ld(f, BUF + 56, 4), st.st_blksize);
    assert_int_equal(fixture_ld(f, BUF + 64, 8), st.st_blocks);
    assert_int_equal(fixture_ld(f, BUF + 88, 8), st.st_mtime);
    assert_int_equal(CALL(57, fd), 0);
    assert_int_equal(CALL(57, fd), -EBADF);
    assert_int_equal(CALL(34, CWD, NAME("dir"), 0755), 0);
    put_text(f, BUF + 512, "dir/b.txt");
    assert_int_equal(CALL(38, CWD, NAME("a.txt"), CWD, BUF + 512, 10), 0);
    assert_int_equal(CALL(48, CWD, NAME("a.txt"), F_OK), -ENOENT);
    assert_int_equal(CALL(48, CWD, NAME("dir/b.txt"), R_OK | W_OK), 0);
    put_text(f, BUF, "dir");
    assert_int_equal(CALL(49, BUF), 0);
    assert_int_equal(CALL(17, BUF, 100), 5);
    assert_string_equal(get_text(f, BUF), "/dir");
    assert_int_equal(CALL(17, BUF, 4), -ERANGE);
    assert_int_equal(CALL(79, CWD, NAME("b.txt"), BUF + 64, 0), 0);
    assert_int_equal(fixture_ld(f, BUF + 64 + 48, 8), 9);
    assert_int_equal(symlink("b.txt", fixture_path(f, "dir/link")), 0);
    assert_int_equal(CALL(78, CWD, NAME("link"), BUF + 64, 100), 5);
    assert_memory_equal(get_text(f, BUF + 64), "b.txt", 5);
    assert_int_equal(CALL(78, CWD, NAME("b.txt"), BUF + 64, 100), -EINVAL);
    assert_int_equal(CALL(1039, NAME("link"), BUF + 64), 0);
    assert_int_equal(fixture_ld(f, BUF + 64 + 16, 4) & S_IFMT, S_IFLNK);
    assert_int_equal(CALL(35, CWD, NAME("link"), 0), 0);
    assert_int_equal(CALL(35, CWD, NAME("b.txt"), 0), 0);
    assert_int_equal(CALL(35, CWD, NAME("/dir"), 0), -EISDIR);
    assert_int_equal(CALL(35, CWD, NAME("/dir"), AT_REMOVEDIR), 0);
}

static void t146_write(void **state)
{
    Fixture *f = *state;
    fixture_boot(f);
    assert_int_equal(CALL(64, 1, NAME("four")), 5);
    assert_memory_equal(fixture_output(f), "four", 5);
    assert_int_equal(CALL(64, 1, BUF, 4), 4);
    assert_string_equal(fixture_output(f), "four");
    assert_int_equal(CALL(64, 1, BUF, 1), 1); // word 0 has the result, fromhost 1
    assert_string_equal(fixture_output(f), "f");
}

static void other_calls(void **state)
{
    Fixture *f = *state;
    f->config.guest_args = g_ptr_array_new();
    g_ptr_array_add((GPtrArray *)f->config.guest_args, "prog");
    g_ptr_array_add((GPtrArray *)f->config.guest_args, "-x");
    fixture_boot(f);
    assert_int_equal(CALL(2011, BUF, 4096), 0);
    assert_int_equal(fixture_ld(f, BUF, 8), 2);
    assert_int_equal(fixture_ld(f, BUF + 8, 8), BUF + 40);
    assert_int_equal(fixture_ld(f, BUF + 16, 8), BUF + 45);
    assert_int_equal(fixture_ld(f, BUF + 24, 8), 0);
    assert_int_equal(fixture_ld(f, BUF + 32, 8), 0);
    assert_string_equal(get_text(f, BUF + 40), "prog");
    assert_string_equal(get_text(f, BUF + 45), "-x");
    assert_int_equal(CALL(2011, BUF, 47), -ENOMEM);
    uint64_t brk = (uint64_t)CALL(214, 0);
    assert_int_equal(CALL(214, brk + 0x10000), brk + 0x10000);
    assert_int_equal(CALL(214, 1), brk + 0x10000);
    assert_int_equal(CALL(214, UINT64_MAX), brk + 0x10000);
    f->now_ns = UINT64_C(3500000000);
    assert_int_equal(CALL(113, 1, BUF), 0);
    assert_int_equal(fixture_ld(f, BUF, 8), 3);
    assert_int_equal(fixture_ld(f, BUF + 8, 8), 500000000);
    assert_int_equal(CALL(113, 77, BUF), -EINVAL);
    assert_int_equal(CALL(169, BUF, 0), 0);
    assert_true(fixture_ld(f, BUF, 8) > 1600000000);
    assert_int_equal(CALL(9999, 1), -ENOSYS);
    CALL(93, 1000);
    assert_int_equal(f->exit_code, 1000);
    g_ptr_array_free((GPtrArray *)f->config.guest_args, TRUE);
}

// Bad arguments: -errno, whatever they are.
static void bad_calls(void **state)
{
    Fixture *f = *state;
    f->config.chroot = f->dir;
    fixture_boot(f);
    assert_int_equal(CALL(64, 1, 0, 4), -EFAULT);
    assert_int_equal(CALL(64, 1, FROMHOST, 4), -EFAULT); // a device is no buffer
    assert_int_equal(CALL(64, 99, BUF, 4), -EBADF);
    assert_int_equal(CALL(64, -1, BUF, 4), -EBADF);
    assert_int_equal(CALL(64, 1, 0x87fffffe, UINT64_MAX), -EFAULT);
    assert_int_equal(CALL(56, CWD, BUF, UINT64_MAX, 0, 0), -EFAULT);
    assert_int_equal(CALL(56, CWD, BUF, 0, 0, 0), -EFAULT);
    assert_int_equal(CALL(56, CWD, UINT64_MAX, 5, 0, 0), -EFAULT);
    assert_int_equal(CALL(49, 0x87fffffff), -EFAULT);
    int64_t fd = CALL(56, CWD, NAME("z"), O_RDWR | O_CREAT, 0600);
    assert_int_equal(CALL(64, fd, BUF, 16), 16);
    assert_int_equal(CALL(67, fd, BUF, 16, -1), -EINVAL);
    assert_int_equal(CALL(67, fd, 0x1000, 16, 0), -EFAULT); // ROM
    assert_int_equal(CALL(80, fd, 16), -EFAULT);
    assert_int_equal(CALL(62, fd, -5, 0), -EINVAL);
    assert_int_equal(CALL(62, 1, 0, 0), -ESPIPE);
    // A block that is no memory: answered, nothing else.
    fixture_st(f, FROMHOST, 8, 0);
    fixture_st(f, TOHOST, 8, 0x40000000);
    assert_int_equal(fixture_ld(f, FROMHOST, 8), 1);
    // Random numbers and arguments.
    GRand *r = g_rand_new_with_seed(7);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t a[7];
        for (unsigned k = 0; k < 7; k++) {
            unsigned kind = g_rand_int_range(r, 0, 5);
            a[k] = kind == 0 ? (uint64_t)g_rand_int_range(r, 4, 99) : kind == 1 ? BUF + g_rand_int(r) % 4096
                 : kind == 2 ? UINT64_MAX - g_rand_int(r) % 200 : kind == 3 ? g_rand_int(r) : 0;
        }
        static const unsigned numbers[] = {17, 34, 35, 38, 46, 48, 49,  56,  57,  62,   63,
                                           64, 67, 68, 78, 79, 80, 113, 169, 214, 1039, 2011};
        unsigned number = numbers[g_rand_int(r) % G_N_ELEMENTS(numbers)];
        if ((number == 63 || number == 64) && (int)a[0] < 3 && (int)a[0] >= 0)
            continue; // the console
        if (number == 46 || number == 68 || number == 62)
            a[number == 68 ? 3 : 1] &= 0xffff; // no huge files
        int64_t result = call(f, number, a, 7);
        assert_true(result > -4096);
    }
    g_rand_free(r);
}

static void t146_compat_write(void **state)
{
    Fixture *f = *state;
    f->config.htif_compat_qemu = true;
    fixture_boot(f);
    put_text(f, BUF, "XYZ");
    static const uint64_t block[4] = {64, 1, BUF, 4};
    for (unsigned i = 0; i < 4; i++)
        fixture_st(f, BLOCK + 0x40 + 8 * i, 8, block[i]);
    fixture_st(f, TOHOST, 8, BLOCK + 0x40);
    assert_int_equal(fixture_ld(f, FROMHOST, 8), 0);
    assert_string_equal(fixture_output(f), "");
    fixture_st(f, BLOCK + 0x40 + 24, 8, 1);
    fixture_st(f, TOHOST, 8, BLOCK + 0x40);
    assert_int_equal(fixture_ld(f, FROMHOST, 8), 0x140);
    assert_int_equal(fixture_ld(f, BLOCK + 0x40, 8), 64); // no result stored
    assert_string_equal(fixture_output(f), "X");
}

static void boot_with(Fixture *f, uint64_t tohost, uint64_t to_size, uint64_t fromhost)
{
    const TestSymbol symbols[] = {{"tohost", tohost, to_size}, {"fromhost", fromhost, 8}, {0}};
    f->config.kernel = fixture_elf_file(f, "k.elf", 0x80001000, 0x80001000, symbols);
}

static void flat_contains(const char *line, bool expected)
{
    assert_int_equal(fixture_listed(line, memory_print_flat), expected);
}

// That code runs in their page is the matter of t090_tohost_page.
static void t148_symbols_in_ram(void **state)
{
    Fixture *f = *state;
    boot_with(f, 0x80001000, 0, 0x80001040); // .size missing is fine
    fixture_boot(f);
    flat_contains("0000000080001000-0000000080001007 (prio 1, i/o): riscv.htif.tohost", true);
    flat_contains("0000000080001040-0000000080001047 (prio 1, i/o): riscv.htif.fromhost", true);
    fixture_st(f, 0x80001008, 8, 0x1122334455667788); // RAM between the two
    assert_int_equal(fixture_ld(f, 0x80001008, 8), 0x1122334455667788);
    fixture_st(f, 0x80001000, 8, PUTC('q'));
    assert_int_equal(fixture_ld(f, 0x80001040, 8), 0x0101000000000171);
    f->config.htif_compat_qemu = true;
    boot_with(f, 0x80001000, 8, 0x80001040);
    fixture_boot(f);
    flat_contains("0000000080001000-0000000080001047 (prio 1, i/o): riscv.htif.uart", true); // V6
    fixture_st(f, 0x80001008, 8, 0x1122334455667788);
    assert_int_equal(fixture_ld(f, 0x80001008, 8), 0);
    f->config.htif_compat_qemu = false;
    boot_with(f, 0x80001004, 8, 0x8000100c); // adjacent, on words
    fixture_boot(f);
    fixture_st(f, 0x80001004, 4, 21);
    fixture_st(f, 0x80001008, 4, 0);
    assert_int_equal(f->exit_code, 10);
}

static void t147_wrong_symbols(void **state)
{
    Fixture *f = *state;
    boot_with(f, 0x80001000, 0, 0x80001040);
    f->config.htif_compat_qemu = true;
    fixture_fails(f, "tohost has size 0");
    f->config.htif_compat_qemu = false;
    boot_with(f, 0x80001000, 4, 0x80001040);
    fixture_fails(f, "tohost has size 4");
    boot_with(f, 0x80001000, 8, 0x80001004);
    fixture_fails(f, "overlap");
    boot_with(f, 0x80001001, 8, 0x80001040);
    fixture_fails(f, "not aligned");
    boot_with(f, 0x2000000, 8, 0x80001040);
    fixture_fails(f, "lies in riscv.aclint.swi");
    const TestSymbol one[] = {{"tohost", 0x80001000, 8}, {0}};
    f->config.kernel = fixture_elf_file(f, "k.elf", 0x80001000, 0x80001000, one);
    fixture_fails(f, "Invalid HTIF fromhost or tohost address");
    f->config.kernel = fixture_elf_file(f, "k.elf", 0x80001000, 0x80001000, NULL);
    fixture_boot(f);
    assert_false(board_can_exit(f->board));
    f->config.htif_compat_qemu = true;
    fixture_fails(f, "Invalid HTIF fromhost or tohost address");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(t143_put_and_exit), TEST(t144_input),        TEST(t145_wedge),         TEST(t146_write),
        TEST(t146_compat_write), TEST(t147_wrong_symbols), TEST(t148_symbols_in_ram), TEST(file_calls),
        TEST(other_calls),       TEST(bad_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
