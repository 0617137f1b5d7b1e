// SPDX-License-Identifier: GPL-3.0-or-later
// Executable memory behind compiled code.
#include "backend/code_memory.h"

#include "util/bits.h"
#include "util/warn.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CODE_ALIGN 64
#define STEP ((size_t)256 << 10) // by which it grows

struct CodeMemory {
    uint8_t *write, *exec; // the two mappings; NULL: not mapped yet
    int fd;                // of the memory, -1 before
    size_t size, grown, used; // what it may take, has taken, and holds
    bool refused; // by the host
};

CodeMemory *code_memory_new(size_t size)
{
    CodeMemory *m = g_new0(CodeMemory, 1);
    m->fd = -1;
    m->size = size ? size : CODE_MEMORY_SIZE;
    return m;
}

static void unmap(CodeMemory *m)
{
    if (m->write)
        munmap(m->write, m->size);
    if (m->exec)
        munmap(m->exec, m->size);
    if (m->fd >= 0)
        close(m->fd);
    m->write = m->exec = NULL;
    m->fd = -1;
}

void code_memory_free(CodeMemory *m)
{
    unmap(m);
    g_free(m);
}

static uint8_t *map(const CodeMemory *m, int protection)
{
    void *p = mmap(NULL, m->size, protection, MAP_SHARED, m->fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

// The memory is empty yet: its pages come with grow.
static bool map_code(CodeMemory *m)
{
    m->fd = memfd_create("addend-code", MFD_CLOEXEC);
    if (m->fd < 0)
        return false;
    m->write = map(m, PROT_READ | PROT_WRITE);
    m->exec = map(m, PROT_READ | PROT_EXEC);
    if (m->write && m->exec)
        return true;
    int why = errno;
    unmap(m);
    errno = why;
    return false;
}

// Takes pages for size bytes, so that no later access finds that there are none.
static bool grow(CodeMemory *m, size_t size)
{
    if (size <= m->grown)
        return true;
    size_t to = MIN(align_up(size, STEP), m->size);
    int err;
    while ((err = posix_fallocate(m->fd, (off_t)m->grown, (off_t)(to - m->grown))) == EINTR)
        ;
    if (!err)
        m->grown = to;
    errno = err;
    return !err;
}

static bool refused(CodeMemory *m, GError **error)
{
    static gint said;
    int why = errno;
    m->refused = true;
    warn_once(&said, "the host has no memory for compiled code (%s): new code is interpreted", g_strerror(why));
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "no memory for compiled code: %s", g_strerror(why));
    return false;
}

// Makes room for size bytes at the end.
static bool make_room(CodeMemory *m, size_t size, GError **error)
{
    static gint said;
    if (m->refused || size > m->size) {
        g_set_error(error, G_IO_ERROR, m->refused ? G_IO_ERROR_FAILED : G_IO_ERROR_MESSAGE_TOO_LARGE,
                    "no memory for %zu bytes of compiled code", size);
        return false;
    }
    if (!m->write && !map_code(m))
        return refused(m, error);
    bool full = size > m->size - m->used;
    if (!full && grow(m, m->used + size))
        return true;
    if (!full && !m->used)
        return refused(m, error);
    if (full)
        warn_once(&said, "the %zu MiB for compiled code are full: it is dropped and made again (-accel jit,tb-size=MIB "
                  "changes that)", m->size >> 20);
    else
        warn_once(&said, "the host has no more memory for compiled code (%s): it is dropped and made again",
                  g_strerror(errno));
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "the memory for compiled code is full");
    return false;
}

void *code_memory_install(CodeMemory *m, const void *bytes, size_t size, GError **error)
{
    if (!make_room(m, size, error))
        return NULL;
    void *code = m->exec + m->used;
    memcpy(m->write + m->used, bytes, size);
    m->used = MIN(align_up(m->used + size, CODE_ALIGN), m->size);
    return code;
}

void code_memory_patch(CodeMemory *m, void *code, int32_t value)
{
    memcpy(m->write + ((uint8_t *)code - m->exec), &value, sizeof value);
}

void code_memory_reset(CodeMemory *m)
{
    m->used = 0;
}

size_t code_memory_used(const CodeMemory *m)
{
    return m->used;
}
