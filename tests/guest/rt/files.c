// SPDX-License-Identifier: GPL-3.0-or-later
// What POSIX programs ask about files and semihosting cannot answer: every file is regular, ours and
// without times.
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

struct utimbuf;
int fchown(int fd, uid_t owner, gid_t group);
int utime(const char *path, const struct utimbuf *times);

int stat(const char *path, struct stat *out)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return -1;
    memset(out, 0, sizeof *out);
    out->st_mode = S_IFREG | 0644;
    out->st_nlink = 1;
    out->st_size = lseek(fd, 0, SEEK_END);
    close(fd);
    return 0;
}

int lstat(const char *path, struct stat *out)
{
    return stat(path, out);
}

int fchmod(int fd, mode_t mode)
{
    (void)fd, (void)mode;
    return 0;
}

int fchown(int fd, uid_t owner, gid_t group)
{
    (void)fd, (void)owner, (void)group;
    return 0;
}

int utime(const char *path, const struct utimbuf *times)
{
    (void)path, (void)times;
    return 0;
}
