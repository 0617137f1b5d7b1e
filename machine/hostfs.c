// SPDX-License-Identifier: GPL-3.0-or-later
// Guest descriptors and path resolution.
//
// A guest path is made absolute (from the guest's directory, or from that of a directory descriptor) and then
// opened by openat2 with RESOLVE_IN_ROOT below the root: the kernel keeps it inside, whatever is renamed
// meanwhile. Operations on names (unlink, rename, ...) open the parent directory that way and use the last
// component, which may not be "." or "..". Without a root openat on the host's "/" does the same if the
// kernel has no openat2.
#include "machine/hostfs.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_FDS 1024
#define GUEST_OPEN_FLAGS                                                                                     \
    (O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_NONBLOCK | O_DIRECTORY | O_NOFOLLOW | O_SYNC |    \
     O_DSYNC)

typedef enum { FILE_UNUSED, FILE_HOST, FILE_CONSOLE, FILE_BYTES } FileKind;

typedef struct { // reference-counted, so that a close by one hart does not pull it from under another's read
    int fd;
} HostFd;

typedef struct {
    FileKind kind;
    HostFd *host;  // FILE_HOST
    GBytes *bytes; // FILE_BYTES
    size_t pos;
} GuestFile;

struct HostFs {
    int root_fd;
    char *root; // canonical path; "" for the host's own root
    bool confined;
    Console *console;
    GMutex lock; // cwd and files
    char *cwd;   // absolute, as the guest sees it
    GuestFile files[MAX_FDS];
};

// --- paths
// --------------------------------------------------------------------------------------------------------

// Opens an absolute guest path; a host descriptor or -errno.
static int open_absolute(const HostFs *fs, const char *path, int flags, unsigned mode)
{
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC | O_NOCTTY),
        .mode = flags & O_CREAT ? mode & 07777 : 0,
        .resolve = RESOLVE_IN_ROOT | (fs->confined ? RESOLVE_NO_MAGICLINKS : 0),
    };
    if (flags & O_PATH)
        how.flags &= ~(unsigned)O_NOCTTY; // openat2 refuses it there
    int fd;
    do {
        fd = (int)syscall(SYS_openat2, fs->root_fd, path, &how, sizeof how);
    } while (fd < 0 && (errno == EINTR || errno == EAGAIN)); // EAGAIN: a rename raced with ".."
    if (fd < 0 && !fs->confined && (errno == ENOSYS || errno == EPERM))
        fd = open(path, flags | O_CLOEXEC | O_NOCTTY, mode & 07777);
    return fd < 0 ? -errno : fd;
}

// The guest's path of an open host directory, or NULL if it is not below the root (any more).
static char *guest_path_of(const HostFs *fs, int host_fd)
{
    char *link = g_strdup_printf("/proc/self/fd/%d", host_fd);
    char *path = g_file_read_link(link, NULL);
    g_free(link);
    size_t n = strlen(fs->root);
    char *result = NULL;
    if (path && !strncmp(path, fs->root, n) && (path[n] == '/' || !path[n]))
        result = g_strdup(path[n] ? path + n : "/");
    g_free(path);
    return result;
}

// The absolute guest path of path relative to dirfd; NULL with *error_number set.
static char *absolute(HostFs *fs, int dirfd, const char *path, int *error_number)
{
    *error_number = ENOENT;
    if (!*path)
        return NULL;
    if (*path == '/')
        return g_strdup(path);
    char *base = NULL, *result = NULL;
    g_mutex_lock(&fs->lock);
    if (dirfd == HOSTFS_CWD)
        base = g_strdup(fs->cwd);
    else if (dirfd < 0 || dirfd >= MAX_FDS || fs->files[dirfd].kind == FILE_UNUSED)
        *error_number = EBADF;
    else if (fs->files[dirfd].kind != FILE_HOST)
        *error_number = ENOTDIR;
    else
        base = guest_path_of(fs, fs->files[dirfd].host->fd);
    g_mutex_unlock(&fs->lock);
    if (base)
        result = g_strconcat(base, "/", path, NULL);
    g_free(base);
    return result;
}

static int open_at(HostFs *fs, int dirfd, const char *path, int flags, unsigned mode)
{
    int e;
    char *full = absolute(fs, dirfd, path, &e);
    int fd = full ? open_absolute(fs, full, flags, mode) : -e;
    g_free(full);
    return fd;
}

// Splits path into its parent directory, opened, and *name, which the caller frees. -errno on failure.
static int open_parent(HostFs *fs, int dirfd, const char *path, char **name)
{
    int e;
    *name = NULL;
    char *full = absolute(fs, dirfd, path, &e);
    if (!full)
        return -e;
    size_t n = strlen(full);
    while (n > 1 && full[n - 1] == '/')
        full[--n] = 0;
    char *slash = strrchr(full, '/');
    int fd = -EBUSY; // "/", "." and ".." cannot be removed, made or renamed
    if (slash[1] && strcmp(slash + 1, ".") && strcmp(slash + 1, "..")) {
        *name = g_strdup(slash + 1);
        slash[slash == full] = 0;
        fd = open_absolute(fs, full, O_PATH | O_DIRECTORY, 0);
    }
    g_free(full);
    if (fd < 0)
        g_clear_pointer(name, g_free);
    return fd;
}

static int64_t result_of(int64_t r)
{
    return r < 0 ? -errno : r;
}

int64_t hostfs_fstatat(HostFs *fs, int dirfd, const char *path, int flags, struct stat *out)
{
    if (!*path && (flags & AT_EMPTY_PATH))
        return hostfs_fstat(fs, dirfd, out);
    int fd = open_at(fs, dirfd, path, O_PATH | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0), 0);
    if (fd < 0)
        return fd;
    int64_t r = result_of(fstat(fd, out));
    close(fd);
    return r;
}

int64_t hostfs_faccessat(HostFs *fs, int dirfd, const char *path, int mode)
{
    int fd = open_at(fs, dirfd, path, O_PATH, 0);
    if (fd < 0)
        return fd;
    int64_t r = result_of(faccessat(fd, "", mode, AT_EMPTY_PATH));
    close(fd);
    return r;
}

int64_t hostfs_unlinkat(HostFs *fs, int dirfd, const char *path, int flags)
{
    char *name;
    int fd = open_parent(fs, dirfd, path, &name);
    if (fd < 0)
        return fd;
    int64_t r = result_of(unlinkat(fd, name, flags & AT_REMOVEDIR));
    close(fd);
    g_free(name);
    return r;
}

int64_t hostfs_mkdirat(HostFs *fs, int dirfd, const char *path, unsigned mode)
{
    char *name;
    int fd = open_parent(fs, dirfd, path, &name);
    if (fd < 0)
        return fd == -EBUSY ? -EEXIST : fd;
    int64_t r = result_of(mkdirat(fd, name, mode & 07777));
    close(fd);
    g_free(name);
    return r;
}

int64_t hostfs_renameat(HostFs *fs, int old_dirfd, const char *old_path, int new_dirfd, const char *new_path)
{
    char *old_name, *new_name = NULL;
    int old_fd = open_parent(fs, old_dirfd, old_path, &old_name);
    int new_fd = old_fd < 0 ? old_fd : open_parent(fs, new_dirfd, new_path, &new_name);
    int64_t r = new_fd < 0 ? new_fd : result_of(renameat(old_fd, old_name, new_fd, new_name));
    if (old_fd >= 0)
        close(old_fd);
    if (new_fd >= 0)
        close(new_fd);
    g_free(old_name);
    g_free(new_name);
    return r;
}

int64_t hostfs_readlinkat(HostFs *fs, int dirfd, const char *path, char *buf, size_t size)
{
    int fd = open_at(fs, dirfd, path, O_PATH | O_NOFOLLOW, 0);
    if (fd < 0)
        return fd;
    int64_t r = result_of(readlinkat(fd, "", buf, size));
    close(fd);
    return r == -ENOENT ? -EINVAL : r; // the empty path on something that is no link
}

int64_t hostfs_chdir(HostFs *fs, const char *path)
{
    int fd = open_at(fs, HOSTFS_CWD, path, O_PATH | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    char *cwd = guest_path_of(fs, fd);
    close(fd);
    if (!cwd)
        return -ENOENT;
    g_mutex_lock(&fs->lock);
    g_free(fs->cwd);
    fs->cwd = cwd;
    g_mutex_unlock(&fs->lock);
    return 0;
}

char *hostfs_getcwd(HostFs *fs)
{
    g_mutex_lock(&fs->lock);
    char *cwd = g_strdup(fs->cwd);
    g_mutex_unlock(&fs->lock);
    return cwd;
}

// --- descriptors
// --------------------------------------------------------------------------------------------------

static void close_host(void *data)
{
    HostFd *host = data;
    if (host->fd != STDERR_FILENO)
        close(host->fd);
}

static GuestFile host_file(int fd)
{
    HostFd *host = g_atomic_rc_box_new0(HostFd);
    host->fd = fd;
    return (GuestFile){FILE_HOST, .host = host};
}

static void put_file(GuestFile *file)
{
    if (file->kind == FILE_BYTES)
        g_bytes_unref(file->bytes);
    if (file->kind == FILE_HOST)
        g_atomic_rc_box_release_full(file->host, close_host);
    *file = (GuestFile){FILE_UNUSED};
}

// The entry with a reference, for put_file; kind FILE_UNUSED for a bad descriptor.
static GuestFile get_file(HostFs *fs, int fd)
{
    GuestFile file = {FILE_UNUSED};
    g_mutex_lock(&fs->lock);
    if (fd >= 0 && fd < MAX_FDS)
        file = fs->files[fd];
    if (file.kind == FILE_BYTES)
        g_bytes_ref(file.bytes);
    if (file.kind == FILE_HOST)
        g_atomic_rc_box_acquire(file.host);
    g_mutex_unlock(&fs->lock);
    return file;
}

// Enters a file whose reference it takes; -EMFILE drops it.
static int64_t add_file(HostFs *fs, GuestFile file)
{
    int64_t found = -EMFILE;
    g_mutex_lock(&fs->lock);
    for (int i = 3; i < MAX_FDS && found < 0; i++)
        if (fs->files[i].kind == FILE_UNUSED) {
            fs->files[i] = file;
            found = i;
        }
    g_mutex_unlock(&fs->lock);
    if (found < 0)
        put_file(&file);
    return found;
}

int64_t hostfs_open(HostFs *fs, int dirfd, const char *path, int flags, unsigned mode)
{
    // A hart that waits for the other end of a pipe could not be stopped any more; so nothing blocks, and pipes are
    // refused.
    int fd = open_at(fs, dirfd, path, (flags & GUEST_OPEN_FLAGS) | O_NONBLOCK, mode);
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)) {
        close(fd);
        fd = -ENXIO;
    }
    return fd < 0 ? fd : add_file(fs, host_file(fd));
}

int64_t hostfs_open_console(HostFs *fs, int std)
{
    g_assert(std >= 0 && std <= 2);
    return add_file(fs, std == STDERR_FILENO ? host_file(std) : (GuestFile){FILE_CONSOLE});
}

int64_t hostfs_open_bytes(HostFs *fs, const void *data, size_t size)
{
    return add_file(fs, (GuestFile){FILE_BYTES, .bytes = g_bytes_new(data, size)});
}

int64_t hostfs_close(HostFs *fs, int fd)
{
    int64_t r = -EBADF;
    g_mutex_lock(&fs->lock);
    if (fd >= 0 && fd < MAX_FDS && fs->files[fd].kind != FILE_UNUSED) {
        put_file(&fs->files[fd]);
        r = 0;
    }
    g_mutex_unlock(&fs->lock);
    return r;
}

static void set_pos(HostFs *fs, int fd, size_t pos)
{
    g_mutex_lock(&fs->lock);
    fs->files[fd].pos = pos;
    g_mutex_unlock(&fs->lock);
}

static int64_t read_bytes(HostFs *fs, int fd, const GuestFile *f, void *buf, size_t size, int64_t offset)
{
    size_t length, pos = offset < 0 ? f->pos : (size_t)offset;
    const uint8_t *data = g_bytes_get_data(f->bytes, &length);
    size_t n = pos < length ? MIN(size, length - pos) : 0;
    if (n)
        memcpy(buf, data + pos, n);
    if (offset < 0)
        set_pos(fs, fd, pos + n);
    return (int64_t)n;
}

int64_t hostfs_read(HostFs *fs, int fd, void *buf, size_t size, int64_t offset)
{
    GuestFile f = get_file(fs, fd);
    int64_t r = -EBADF;
    if (f.kind == FILE_CONSOLE && offset >= 0)
        r = -ESPIPE;
    else if (f.kind == FILE_CONSOLE)
        r = fs->console ? (int64_t)console_read(fs->console, buf, size, true) : 0;
    else if (f.kind == FILE_BYTES)
        r = read_bytes(fs, fd, &f, buf, size, offset);
    else if (f.kind == FILE_HOST)
        r = result_of(TEMP_FAILURE_RETRY(offset < 0 ? read(f.host->fd, buf, size)
                                                    : pread(f.host->fd, buf, size, offset)));
    put_file(&f);
    return r;
}

int64_t hostfs_write(HostFs *fs, int fd, const void *buf, size_t size, int64_t offset)
{
    GuestFile f = get_file(fs, fd);
    int64_t r = -EBADF;
    if (f.kind == FILE_CONSOLE && offset >= 0)
        r = -ESPIPE;
    else if (f.kind == FILE_CONSOLE)
        r = !fs->console || console_write(fs->console, buf, size) ? (int64_t)size : -EIO;
    else if (f.kind == FILE_HOST)
        r = result_of(TEMP_FAILURE_RETRY(offset < 0 ? write(f.host->fd, buf, size)
                                                    : pwrite(f.host->fd, buf, size, offset)));
    put_file(&f);
    return r;
}

int64_t hostfs_lseek(HostFs *fs, int fd, int64_t offset, int whence)
{
    GuestFile f = get_file(fs, fd);
    int64_t r = f.kind == FILE_CONSOLE ? -ESPIPE : -EBADF;
    if (f.kind == FILE_HOST) {
        r = result_of(lseek(f.host->fd, offset, whence));
    } else if (f.kind == FILE_BYTES) {
        int64_t base = whence == SEEK_SET   ? 0
                       : whence == SEEK_CUR ? (int64_t)f.pos
                                            : (int64_t)g_bytes_get_size(f.bytes);
        bool ok =
            whence >= SEEK_SET && whence <= SEEK_END && !__builtin_add_overflow(base, offset, &r) && r >= 0;
        if (ok)
            set_pos(fs, fd, (size_t)r);
        else
            r = -EINVAL;
    }
    put_file(&f);
    return r;
}

int64_t hostfs_ftruncate(HostFs *fs, int fd, int64_t length)
{
    GuestFile f = get_file(fs, fd);
    int64_t r = f.kind == FILE_UNUSED ? -EBADF : -EINVAL;
    if (f.kind == FILE_HOST)
        r = result_of(ftruncate(f.host->fd, length));
    put_file(&f);
    return r;
}

int64_t hostfs_fstat(HostFs *fs, int fd, struct stat *out)
{
    GuestFile f = get_file(fs, fd);
    int64_t r = f.kind == FILE_UNUSED ? -EBADF : 0;
    memset(out, 0, sizeof *out);
    out->st_nlink = 1;
    out->st_blksize = 4096;
    if (f.kind == FILE_HOST) {
        r = result_of(fstat(f.host->fd, out));
    } else if (f.kind == FILE_CONSOLE) {
        out->st_mode = S_IFCHR | 0620;
    } else if (f.kind == FILE_BYTES) {
        out->st_mode = S_IFREG | 0444;
        out->st_size = (off_t)g_bytes_get_size(f.bytes);
    }
    put_file(&f);
    return r;
}

bool hostfs_isatty(HostFs *fs, int fd)
{
    GuestFile f = get_file(fs, fd);
    bool tty = (f.kind == FILE_CONSOLE && fs->console && console_is_tty(fs->console)) ||
               (f.kind == FILE_HOST && isatty(f.host->fd));
    put_file(&f);
    return tty;
}

// --- life
// ---------------------------------------------------------------------------------------------------------

// Opens the root directory and finds its canonical name and the guest's first directory.
static bool open_root(HostFs *fs, const char *root, GError **error)
{
    fs->root_fd = open(root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fs->root_fd < 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "chroot %s: %s", root,
                    g_strerror(errno));
        return false;
    }
    fs->root = g_strdup("");
    if (!root) {
        fs->cwd = g_get_current_dir();
        return true;
    }
    fs->cwd = g_strdup("/");
    char *path = guest_path_of(fs, fs->root_fd);
    g_free(fs->root);
    fs->root = path && strcmp(path, "/") ? path : g_strdup("");
    if (path && path != fs->root)
        g_free(path);
    fs->confined = true;
    int probe = open_absolute(fs, "/", O_PATH, 0);
    if (probe < 0) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                    "chroot %s: the kernel cannot confine paths: %s", root, g_strerror(-probe));
        return false;
    }
    close(probe);
    return true;
}

HostFs *hostfs_new(const char *root, Console *console, GError **error)
{
    HostFs *fs = g_new0(HostFs, 1);
    fs->console = console;
    g_mutex_init(&fs->lock);
    fs->files[0] = fs->files[1] = (GuestFile){FILE_CONSOLE};
    fs->files[2] = host_file(STDERR_FILENO);
    if (!open_root(fs, root, error)) {
        hostfs_free(fs);
        return NULL;
    }
    return fs;
}

void hostfs_free(HostFs *fs)
{
    if (!fs)
        return;
    for (int i = 0; i < MAX_FDS; i++)
        put_file(&fs->files[i]);
    if (fs->root_fd >= 0)
        close(fs->root_fd);
    g_free(fs->root);
    g_free(fs->cwd);
    g_mutex_clear(&fs->lock);
    g_free(fs);
}
