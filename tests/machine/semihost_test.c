// SPDX-License-Identifier: GPL-3.0-or-later
// Semihosting: every operation, against the RAM of a board.
#include "machine/semihost.h"
#include "tests/machine/fixture.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 0x80010000u
#define BUF 0x80020000u

enum {
    SYS_OPEN = 0x01,
    SYS_CLOSE,
    SYS_WRITEC,
    SYS_WRITE0,
    SYS_WRITE,
    SYS_READ,
    SYS_READC,
    SYS_ISERROR,
    SYS_ISTTY,
    SYS_SEEK,
    SYS_FLEN = 0x0c,
    SYS_TMPNAM,
    SYS_REMOVE,
    SYS_RENAME,
    SYS_CLOCK,
    SYS_TIME,
    SYS_SYSTEM,
    SYS_ERRNO,
    SYS_GET_CMDLINE = 0x15,
    SYS_HEAPINFO,
    SYS_EXIT = 0x18,
    SYS_EXIT_EXTENDED = 0x20,
    SYS_ELAPSED = 0x30,
    SYS_TICKFREQ,
};

static uint64_t call_at(Fixture *f, uint64_t operation, uint64_t a1)
{
    uint64_t a0 = operation;
    semihost_call(board_semihost(f->board), &a0, a1);
    return a0;
}

static uint64_t call(Fixture *f, uint64_t operation, const uint64_t *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        fixture_st(f, BLOCK + 8 * i, 8, words[i]);
    return call_at(f, operation, BLOCK);
}
#define CALL(operation, ...)                                                                                 \
    call(f, operation, (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / 8)

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

static uint64_t open_file(Fixture *f, const char *name, uint64_t mode)
{
    put_text(f, BUF, name);
    return CALL(SYS_OPEN, BUF, mode, strlen(name));
}

static void boot(Fixture *f)
{
    f->config.chroot = f->dir;
    fixture_boot(f);
}

static void files(void **state)
{
    Fixture *f = *state;
    boot(f);
    assert_int_equal(open_file(f, "a", 0), UINT64_MAX);
    assert_int_equal(call_at(f, SYS_ERRNO, 0), ENOENT);
    uint64_t fd = open_file(f, "a", 6); // "w+"
    assert_int_equal(fd, 3);
    put_text(f, BUF, "0123456789");
    assert_int_equal(CALL(SYS_WRITE, fd, BUF, 10), 0);
    assert_int_equal(CALL(SYS_FLEN, fd), 10);
    assert_int_equal(CALL(SYS_SEEK, fd, 7), 0);
    assert_int_equal(CALL(SYS_READ, fd, BUF + 64, 8), 5); // 3 of 8 bytes read
    assert_memory_equal(get_text(f, BUF + 64), "789", 3);
    assert_int_equal(CALL(SYS_READ, fd, BUF + 64, 8), 8); // end of file
    assert_int_equal(CALL(SYS_ISTTY, fd), 0);
    assert_int_equal(CALL(SYS_CLOSE, fd), 0);
    assert_int_equal(CALL(SYS_CLOSE, fd), UINT64_MAX);
    assert_int_equal(call_at(f, SYS_ERRNO, 0), EBADF);
    fd = open_file(f, "a", 8); // "a"
    put_text(f, BUF, "X");
    assert_int_equal(CALL(SYS_WRITE, fd, BUF, 1), 0);
    assert_int_equal(CALL(SYS_FLEN, fd), 11);
    assert_int_equal(CALL(SYS_READ, fd, BUF, 1), 1); // write-only
    CALL(SYS_CLOSE, fd);
    fd = open_file(f, "a", 4); // "w" truncates
    assert_int_equal(CALL(SYS_FLEN, fd), 0);
    put_text(f, BUF, "a");
    put_text(f, BUF + 16, "b");
    assert_int_equal(CALL(SYS_RENAME, BUF, 1, BUF + 16, 1), 0);
    assert_int_equal(CALL(SYS_RENAME, BUF, 1, BUF + 16, 1), UINT64_MAX);
    assert_int_equal(CALL(SYS_REMOVE, BUF + 16, 1), 0);
    assert_int_equal(CALL(SYS_REMOVE, BUF + 16, 1), UINT64_MAX);
    assert_int_equal(open_file(f, "a", 12), UINT64_MAX);
    assert_int_equal(open_file(f, "../a", 0), UINT64_MAX);
    assert_int_equal(CALL(SYS_TMPNAM, BUF, 0xfe, 64), 0);
    assert_true(g_str_has_prefix(get_text(f, BUF), "/tmp/addend-") &&
                g_str_has_suffix(get_text(f, BUF), "-fe"));
    assert_int_equal(CALL(SYS_TMPNAM, BUF, 0x100, 64), UINT64_MAX);
    assert_int_equal(CALL(SYS_TMPNAM, BUF, 1, 5), UINT64_MAX);
}

static void console(void **state)
{
    Fixture *f = *state;
    boot(f);
    put_text(f, BUF, "xyz");
    call_at(f, SYS_WRITEC, BUF);
    call_at(f, SYS_WRITE0, BUF + 1);
    assert_string_equal(fixture_output(f), "xyz");
    char long_text[1000];
    memset(long_text, 'l', 999);
    long_text[999] = 0;
    put_text(f, BUF + 3, long_text);
    call_at(f, SYS_WRITE0, BUF + 3);
    size_t n = 0;
    for (const char *t; *(t = fixture_output(f));)
        n += strlen(t);
    assert_int_equal(n, 999);
    assert_int_equal(CALL(SYS_WRITE, 1, BUF + 3, 4), 0); // picolibc: descriptor 1 without SYS_OPEN
    assert_string_equal(fixture_output(f), "llll");
    uint64_t in = open_file(f, ":tt", 0), out = open_file(f, ":tt", 4), err = open_file(f, ":tt", 8);
    assert_true(in >= 3 && out > in && err > out && err < 10);
    put_text(f, BUF, "tt");
    assert_int_equal(CALL(SYS_WRITE, out, BUF, 2), 0);
    assert_string_equal(fixture_output(f), "tt");
    assert_int_equal(CALL(SYS_ISTTY, out), 0); // a pipe here
    assert_int_equal(CALL(SYS_ISTTY, 77), UINT64_MAX);
    assert_int_equal(write(f->input, "Zab", 3), 3);
    assert_int_equal(call_at(f, SYS_READC, 0), 'Z');
    assert_int_equal(CALL(SYS_READ, in, BUF, 5), 3);
    assert_memory_equal(get_text(f, BUF), "ab", 2);
    close(f->input);
    assert_int_equal(call_at(f, SYS_READC, 0), UINT64_MAX);
    assert_int_equal(CALL(SYS_READ, in, BUF, 5), 5);
    f->input = dup(0);
}

static void features(void **state)
{
    Fixture *f = *state;
    boot(f);
    uint64_t fd = open_file(f, ":semihosting-features", 0);
    assert_int_equal(CALL(SYS_FLEN, fd), 5);
    assert_int_equal(CALL(SYS_READ, fd, BUF, 5), 0);
    assert_memory_equal(get_text(f, BUF), "SHFB\x03", 5);
    assert_int_equal(CALL(SYS_SEEK, fd, 4), 0);
    assert_int_equal(CALL(SYS_READ, fd, BUF, 1), 0);
    assert_memory_equal(get_text(f, BUF), "\x03", 1);
    assert_int_equal(open_file(f, ":semihosting-features", 4), UINT64_MAX);
}

static void exits(void **state)
{
    Fixture *f = *state;
    boot(f);
    static const struct {
        uint64_t operation, a1; // a1 0: the block
        uint64_t words[2];
        uint64_t code;
    } rows[] = {
        {SYS_EXIT, 0, {0x20026, 0}, 0},
        {SYS_EXIT, 0, {0x20026, 77}, 77},
        {SYS_EXIT, 0, {0x20026, 1000}, 1000},
        {SYS_EXIT, 0, {0x20023, 0}, 1},
        {SYS_EXIT, 0x20026, {0}, 0}, // one argument
        {SYS_EXIT, 0x20024, {0}, 1},
        {SYS_EXIT, 0x10, {0}, 1}, // an unreadable block
        {SYS_EXIT_EXTENDED, 0, {0x20026, 5}, 5},
        {SYS_EXIT_EXTENDED, 0, {0x20020, 5}, 1},
        {SYS_EXIT_EXTENDED, 0x20026, {0}, 1}, // always a block
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        f->exit_code = UINT64_MAX;
        if (rows[i].a1)
            call_at(f, rows[i].operation, rows[i].a1);
        else
            call(f, rows[i].operation, rows[i].words, 2);
        assert_int_equal(f->exit_code, rows[i].code);
        assert_int_equal(f->exits, i + 1);
    }
}

static void machine_facts(void **state)
{
    Fixture *f = *state;
    GPtrArray *args = g_ptr_array_new();
    g_ptr_array_add(args, "prog");
    g_ptr_array_add(args, "one two");
    f->config.guest_args = args;
    f->config.kernel = fixture_elf_file(f, "k.elf", 0x80000000, 0x80000000, NULL);
    boot(f);
    assert_int_equal(CALL(SYS_GET_CMDLINE, BUF, 64), 0);
    assert_string_equal(get_text(f, BUF), "prog one two");
    assert_int_equal(fixture_ld(f, BLOCK + 8, 8), 12);
    assert_int_equal(CALL(SYS_GET_CMDLINE, BUF, 12), UINT64_MAX);
    assert_int_equal(CALL(SYS_HEAPINFO, BUF), 0);
    assert_int_equal(fixture_ld(f, BUF, 8), 0x80002000);
    assert_int_equal(fixture_ld(f, BUF + 8, 8), 0x87e00000);
    assert_int_equal(fixture_ld(f, BUF + 16, 8), 0x87e00000);
    assert_int_equal(fixture_ld(f, BUF + 24, 8), 0x80002000);
    f->now_ns = UINT64_C(12345678901);
    assert_int_equal(call_at(f, SYS_CLOCK, 0), 1234);
    assert_int_equal(call_at(f, SYS_ELAPSED, BUF), 0);
    assert_int_equal(fixture_ld(f, BUF, 8), 12345678901);
    assert_int_equal(call_at(f, SYS_TICKFREQ, 0), 1000000000);
    assert_true(call_at(f, SYS_TIME, 0) > 1600000000);
    assert_int_equal(CALL(SYS_ISERROR, 5), 0);
    assert_int_equal(CALL(SYS_ISERROR, UINT64_MAX), 1);
    put_text(f, BUF, "true");
    assert_int_equal(CALL(SYS_SYSTEM, BUF, 4), UINT64_MAX); // no host commands
    g_ptr_array_free(args, TRUE);
}

// Every operation number with every kind of bad argument; nothing may block or crash.
static void bad_arguments(void **state)
{
    Fixture *f = *state;
    boot(f);
    close(f->input); // reads end at once
    static const uint64_t bad[] = {0,          8,          0x1000,         0x1000000,         0x87fffffc,
                                   0x88000000, UINT64_MAX, UINT64_MAX - 7, UINT64_C(1) << 63, BLOCK};
    GRand *r = g_rand_new_with_seed(11);
    for (unsigned round = 0; round < 3000; round++) {
        for (unsigned i = 0; i < 4; i++)
            fixture_st(f, BLOCK + 8 * i, 8, bad[g_rand_int(r) % G_N_ELEMENTS(bad)]);
        call_at(f, g_rand_int(r) % 0x33, bad[g_rand_int(r) % G_N_ELEMENTS(bad)]);
        while (*fixture_output(f))
            ;
    }
    assert_int_equal(call_at(f, 0x1000, 0), UINT64_MAX);
    assert_int_equal(call_at(f, SYS_ERRNO, 0), ENOSYS);
    g_rand_free(r);
    f->input = dup(0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {TEST(files), TEST(console),       TEST(features),
                                       TEST(exits), TEST(machine_facts), TEST(bad_arguments)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
