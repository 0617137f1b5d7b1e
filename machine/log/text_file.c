// SPDX-License-Identifier: GPL-3.0-or-later
// A file of lines: writes without a buffer of its own, since callers have one each.
#include "machine/log/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <unistd.h>

struct TextFile {
    const char *option;
    char *path; // NULL: stderr
    int fd;
    GMutex lock;
    int why; // under lock: errno of the first write that failed, or 0
};

static bool failed(const TextFile *f, int why, GError **error)
{
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(why), "%s: cannot write %s: %s", f->option,
                f->path ? f->path : "to stderr", g_strerror(why));
    return false;
}

TextFile *text_file_open(const char *option, const char *path, GError **error)
{
    TextFile *f = g_new0(TextFile, 1);
    f->option = option;
    f->path = g_strdup(path);
    f->fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : STDERR_FILENO;
    g_mutex_init(&f->lock);
    if (f->fd >= 0)
        return f;
    failed(f, errno, error);
    text_file_close(f, NULL);
    return NULL;
}

static int write_all(int fd, const char *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, bytes + done, size - done);
        if (n == 0 || (n < 0 && errno != EINTR))
            return n ? errno : ENOSPC;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

bool text_file_write(TextFile *f, const char *lines, size_t size)
{
    g_mutex_lock(&f->lock);
    if (!f->why)
        f->why = write_all(f->fd, lines, size);
    bool ok = !f->why;
    g_mutex_unlock(&f->lock);
    return ok;
}

bool text_file_close(TextFile *f, GError **error)
{
    if (!f)
        return true;
    int why = f->why;
    if (f->path && f->fd >= 0 && close(f->fd) && !why)
        why = errno;
    if (why)
        failed(f, why, error);
    g_mutex_clear(&f->lock);
    g_free(f->path);
    g_free(f);
    return !why;
}
