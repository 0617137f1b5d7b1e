// SPDX-License-Identifier: GPL-3.0-or-later
// A disk: a raw image, which is a file or a block device of the host.
#include "machine/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct Disk {
    int fd;
    unsigned refs;
    bool readonly, unsafe;
    uint64_t sectors;
};

static bool fail(const char *path, const char *why, GError **error)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", path, why);
    return false;
}

// Somebody else who writes the image, or reads what we write, would see damage.
static bool take_lock(int fd, const DriveItem *drive, GError **error)
{
    struct flock lock = {.l_type = drive->readonly ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
    if (!fcntl(fd, F_OFD_SETLK, &lock) || (errno != EAGAIN && errno != EACCES))
        return true; // or the file system cannot lock
    return fail(drive->file, "the image is in use by another process or -drive", error);
}

static bool check_format(int fd, const DriveItem *drive, GError **error)
{
    static const struct {
        char magic[8], name[8];
    } others[] = {{"QFI\xfb", "qcow2"}, {"KDMV", "VMDK"}, {"conectix", "VPC"}, {"vhdxfile", "VHDX"}};
    char head[8] = {0};
    if (drive->checked || pread(fd, head, sizeof head, 0) < (ssize_t)sizeof head)
        return true;
    for (unsigned i = 0; i < G_N_ELEMENTS(others); i++) {
        if (strncmp(head, others[i].magic, strnlen(others[i].magic, 8)))
            continue;
        g_autofree char *why = g_strdup_printf("looks like a %s image; only raw ones can be used (format=raw if it "
                                               "is one)", others[i].name);
        return fail(drive->file, why, error);
    }
    return true;
}

// False, with a reason, if a descriptor is none of a disk's.
static bool measure(int fd, const DriveItem *drive, uint64_t *size, GError **error)
{
    struct stat st;
    if (fstat(fd, &st))
        return fail(drive->file, g_strerror(errno), error);
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return fail(drive->file, "neither a regular file nor a block device", error);
    off_t end = lseek(fd, 0, SEEK_END);
    if (end < 0)
        return fail(drive->file, g_strerror(errno), error);
    *size = (uint64_t)end;
    return true;
}

Disk *disk_open(const DriveItem *drive, GError **error)
{
    uint64_t size;
    int fd = open(drive->file, (drive->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK); // a pipe's end may wait
    if (fd < 0) {
        fail(drive->file, g_strerror(errno), error);
        return NULL;
    }
    if (!measure(fd, drive, &size, error) || !check_format(fd, drive, error) || !take_lock(fd, drive, error)) {
        close(fd);
        return NULL;
    }
    Disk *disk = g_new(Disk, 1);
    *disk = (Disk){fd, 1, drive->readonly, drive->unsafe, size / DISK_SECTOR + (size % DISK_SECTOR != 0)};
    return disk;
}

Disk *disk_ref(Disk *disk)
{
    disk->refs++;
    return disk;
}

void disk_close(Disk *disk)
{
    if (--disk->refs)
        return;
    close(disk->fd);
    g_free(disk);
}

uint64_t disk_sectors(const Disk *disk)
{
    return disk->sectors;
}

bool disk_readonly(const Disk *disk)
{
    return disk->readonly;
}

bool disk_read(Disk *disk, uint64_t at, void *data, size_t size)
{
    uint8_t *p = data;
    while (size) {
        ssize_t n = pread(disk->fd, p, size, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (!n) { // behind the end of the file
            memset(p, 0, size);
            return true;
        }
        p += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return true;
}

bool disk_read_now(Disk *disk, uint64_t at, void *data, size_t size)
{
    uint8_t *p = data;
    while (size) {
        struct iovec v = {p, size};
        ssize_t n = preadv2(disk->fd, &v, 1, (off_t)at, RWF_NOWAIT);
        if (n <= 0) // also where the file system cannot say, and at the end
            return n < 0 && errno == EOPNOTSUPP && disk_read(disk, at, p, size);
        p += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return true;
}

bool disk_write(Disk *disk, uint64_t at, const void *data, size_t size)
{
    const uint8_t *p = data;
    g_assert(!disk->readonly);
    while (size) {
        ssize_t n = pwrite(disk->fd, p, size, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return true;
}

bool disk_zero(Disk *disk, uint64_t at, uint64_t size, bool unmap)
{
    static const uint8_t zeros[64 << 10];
    int mode = FALLOC_FL_KEEP_SIZE | (unmap ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE);
    g_assert(!disk->readonly);
    if (!size || !fallocate(disk->fd, mode, (off_t)at, (off_t)size))
        return true;
    for (uint64_t n; size; at += n, size -= n) {
        n = MIN(size, sizeof zeros);
        if (!disk_write(disk, at, zeros, n))
            return false;
    }
    return true;
}

void disk_discard(Disk *disk, uint64_t at, uint64_t size)
{
    g_assert(!disk->readonly);
    if (size) // that it cannot be done is no error
        (void)!fallocate(disk->fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, (off_t)at, (off_t)size);
}

bool disk_flush_waits(const Disk *disk)
{
    return !disk->readonly && !disk->unsafe;
}

bool disk_flush(Disk *disk)
{
    return disk->readonly || disk->unsafe || !fdatasync(disk->fd);
}
