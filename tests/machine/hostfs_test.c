// SPDX-License-Identifier: GPL-3.0-or-later
// HostFs: nothing outside the root can be reached, made, renamed or removed.
#include "machine/hostfs.h"
#include "tests/machine/fixture.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// The directory of the fixture: root/ is the guest's, secret and outside/ are not.
static HostFs *make_tree(Fixture *f)
{
    assert_int_equal(mkdir(fixture_path(f, "root"), 0700), 0);
    assert_int_equal(mkdir(fixture_path(f, "root/sub"), 0700), 0);
    assert_int_equal(mkdir(fixture_path(f, "outside"), 0700), 0);
    fixture_file(f, "secret", "secret", 6);
    fixture_file(f, "root/inside", "inside", 6);
    assert_int_equal(symlink("../secret", fixture_path(f, "root/up")), 0);
    assert_int_equal(symlink(fixture_path(f, "secret"), fixture_path(f, "root/abs")), 0);
    assert_int_equal(symlink("..", fixture_path(f, "root/dotdot")), 0);
    assert_int_equal(symlink("/", fixture_path(f, "root/slash")), 0);
    assert_int_equal(symlink("/inside", fixture_path(f, "root/good")), 0);
    assert_int_equal(symlink("/proc/self/root", fixture_path(f, "root/magic")), 0);
    GError *e = NULL;
    HostFs *fs = hostfs_new(fixture_path(f, "root"), NULL, &e);
    assert_non_null(fs);
    return fs;
}

static void check_content(HostFs *fs, const char *path, const char *content)
{
    char buf[32] = "";
    int64_t fd = hostfs_open(fs, HOSTFS_CWD, path, O_RDONLY, 0);
    assert_true(fd >= 3);
    assert_int_equal(hostfs_read(fs, (int)fd, buf, sizeof buf, -1), strlen(content));
    assert_string_equal(buf, content);
    assert_int_equal(hostfs_close(fs, (int)fd), 0);
}

static void escapes(void **state)
{
    Fixture *f = *state;
    HostFs *fs = make_tree(f);
    struct stat st;
    static const char *const paths[] = {
        "../secret", "/../secret", "/../../secret", "sub/../../secret", "sub/./.././../secret", "up", "abs",
        "dotdot/secret", "slash/../secret", "slash/slash/../../secret", "magic/etc/passwd", "//..//secret",
        "dotdot/dotdot/secret", "sub/../up", "/etc/passwd", "/proc/self/cwd/secret",
    };
    assert_int_equal(hostfs_chdir(fs, "sub"), 0);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(paths); i++) {
            assert_true(hostfs_open(fs, HOSTFS_CWD, paths[i], O_RDONLY, 0) < 0);
            assert_true(hostfs_fstatat(fs, HOSTFS_CWD, paths[i], 0, &st) < 0);
            assert_true(hostfs_faccessat(fs, HOSTFS_CWD, paths[i], F_OK) < 0);
        }
        assert_int_equal(hostfs_chdir(fs, "/"), 0);
    }
    // Writing, making, renaming and removing stay inside too.
    for (unsigned i = 0; i < 5; i++) {
        int64_t fd = hostfs_open(fs, HOSTFS_CWD, paths[i], O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (fd >= 0)
            hostfs_write(fs, (int)fd, "overwritten", 11, -1);
        hostfs_renameat(fs, HOSTFS_CWD, "inside", HOSTFS_CWD, paths[i]);
        hostfs_renameat(fs, HOSTFS_CWD, paths[i], HOSTFS_CWD, "inside");
        hostfs_unlinkat(fs, HOSTFS_CWD, paths[i], 0);
    }
    hostfs_mkdirat(fs, HOSTFS_CWD, "../made", 0700);
    hostfs_unlinkat(fs, HOSTFS_CWD, "../outside", AT_REMOVEDIR);
    hostfs_unlinkat(fs, HOSTFS_CWD, "..", AT_REMOVEDIR);
    hostfs_unlinkat(fs, HOSTFS_CWD, "dotdot/outside", AT_REMOVEDIR);
    hostfs_free(fs);
    char *text;
    assert_true(g_file_get_contents(fixture_path(f, "secret"), &text, NULL, NULL));
    assert_string_equal(text, "secret");
    g_free(text);
    assert_int_equal(access(fixture_path(f, "outside"), F_OK), 0);
    assert_int_equal(access(fixture_path(f, "made"), F_OK), -1);
    assert_int_equal(access(fixture_path(f, "root/made"), F_OK), 0);
}

static void inside(void **state)
{
    Fixture *f = *state;
    HostFs *fs = make_tree(f);
    char buf[32];
    check_content(fs, "inside", "inside");
    check_content(fs, "/inside", "inside");
    check_content(fs, "../../inside", "inside"); // ".." of the root is the root
    check_content(fs, "good", "inside");         // an absolute link starts at the root
    check_content(fs, "dotdot/slash/sub/../inside", "inside");
    assert_int_equal(hostfs_chdir(fs, "dotdot/sub/"), 0);
    char *cwd = hostfs_getcwd(fs);
    assert_string_equal(cwd, "/sub");
    g_free(cwd);
    check_content(fs, "../inside", "inside");
    int64_t dir = hostfs_open(fs, HOSTFS_CWD, ".", O_RDONLY | O_DIRECTORY, 0);
    assert_true(dir >= 3);
    assert_int_equal(hostfs_chdir(fs, "/"), 0);
    int64_t fd = hostfs_open(fs, (int)dir, "new", O_RDWR | O_CREAT, 0600);
    assert_true(fd > dir);
    assert_int_equal(access(fixture_path(f, "root/sub/new"), F_OK), 0);
    assert_int_equal(hostfs_write(fs, (int)fd, "0123456789", 10, -1), 10);
    assert_int_equal(hostfs_lseek(fs, (int)fd, -4, SEEK_END), 6);
    assert_int_equal(hostfs_read(fs, (int)fd, buf, 2, -1), 2);
    assert_memory_equal(buf, "67", 2);
    assert_int_equal(hostfs_read(fs, (int)fd, buf, 32, 8), 2);
    assert_int_equal(hostfs_open(fs, (int)fd, "x", O_RDONLY, 0), -ENOTDIR);
    assert_int_equal(hostfs_open(fs, 99, "x", O_RDONLY, 0), -EBADF);
    assert_int_equal(hostfs_open(fs, 1, "x", O_RDONLY, 0), -ENOTDIR);
    assert_int_equal(hostfs_open(fs, HOSTFS_CWD, "", O_RDONLY, 0), -ENOENT);
    assert_int_equal(hostfs_mkdirat(fs, HOSTFS_CWD, "/", 0700), -EEXIST);
    assert_int_equal(hostfs_mkdirat(fs, HOSTFS_CWD, "d/", 0700), 0);
    assert_int_equal(hostfs_unlinkat(fs, HOSTFS_CWD, "d/.", AT_REMOVEDIR), -EBUSY);
    assert_int_equal(hostfs_renameat(fs, HOSTFS_CWD, "d", (int)dir, "e"), 0);
    assert_int_equal(hostfs_unlinkat(fs, (int)dir, "e", AT_REMOVEDIR), 0);
    assert_int_equal(hostfs_readlinkat(fs, HOSTFS_CWD, "up", buf, 32), 9);
    assert_memory_equal(buf, "../secret", 9);
    hostfs_free(fs);
}

// Opening a pipe nobody else has open would stop the hart for good.
static void pipes(void **state)
{
    HostFs *fs = make_tree(*state);
    assert_int_equal(mkfifo(fixture_path(*state, "root/pipe"), 0600), 0);
    for (int flags = O_RDONLY; flags <= O_RDWR; flags++)
        assert_int_equal(hostfs_open(fs, HOSTFS_CWD, "pipe", flags, 0), -ENXIO);
    hostfs_free(fs);
}

static void descriptors(void **state)
{
    Fixture *f = *state;
    GError *e = NULL;
    HostFs *fs = hostfs_new(NULL, f->config.console, &e);
    char buf[16];
    struct stat st;
    assert_int_equal(hostfs_write(fs, 1, "out", 3, -1), 3);
    assert_string_equal(fixture_output(f), "out");
    assert_int_equal(write(f->input, "in", 2), 2);
    assert_int_equal(hostfs_read(fs, 0, buf, 16, -1), 2);
    assert_int_equal(hostfs_fstat(fs, 0, &st), 0);
    assert_true(S_ISCHR(st.st_mode));
    assert_false(hostfs_isatty(fs, 0));
    int64_t fd = hostfs_open_bytes(fs, "abcdef", 6);
    assert_int_equal(hostfs_lseek(fs, (int)fd, 4, SEEK_SET), 4);
    assert_int_equal(hostfs_read(fs, (int)fd, buf, 16, -1), 2);
    assert_memory_equal(buf, "ef", 2);
    assert_int_equal(hostfs_read(fs, (int)fd, buf, 16, -1), 0);
    assert_int_equal(hostfs_lseek(fs, (int)fd, INT64_MAX, SEEK_SET), INT64_MAX);
    assert_int_equal(hostfs_read(fs, (int)fd, buf, 16, -1), 0);
    assert_int_equal(hostfs_lseek(fs, (int)fd, INT64_MAX, SEEK_CUR), -EINVAL);
    assert_int_equal(hostfs_write(fs, (int)fd, "x", 1, -1), -EBADF);
    int64_t last = 0;
    while ((fd = hostfs_open(fs, HOSTFS_CWD, "/dev/null", O_RDONLY, 0)) >= 0)
        last = fd;
    assert_true(fd == -EMFILE);
    assert_in_range(last, 501, 1023); // the host may allow fewer
    assert_int_equal(hostfs_close(fs, 500), 0);
    assert_int_equal(hostfs_open_console(fs, 1), 500);
    hostfs_free(fs);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {TEST(escapes), TEST(inside), TEST(pipes), TEST(descriptors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
