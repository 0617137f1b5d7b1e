// SPDX-License-Identifier: GPL-3.0-or-later
// Executable memory behind compiled code.
//
// It is writable and executable at once where the host allows that, because only such memory can be of huge pages:
// Linux runs megabytes of baseline code, which small pages would make miss the host's TLB all the time. A host that
// does not allow it gets a memfd mapped twice, writable here and executable there, and used from its low end only.
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

#define COUNTERS (UINT64_C(1) << 20)
#define COUNTERS_SIZE (COUNTERS * sizeof(int32_t))
#define PAGE ((size_t)4096)
#define HUGE_PAGE ((size_t)2 << 20)
#define CODE_ALIGN 64
#define PLACE_ALIGN 16
#define STEP ((size_t)256 << 10) // by which a memfd grows

struct CodeMemory {
    uint8_t *reserved;     // what holds exec; NULL: not mapped yet
    uint8_t *write, *exec; // the code's two mappings, or twice the same
    int32_t *counters;     // behind exec
    int fd;                // of the memory if it is mapped twice, else -1
    size_t size, mapped;   // of the code at most; the same in whole pages
    size_t hot, cold;      // bytes used at both ends; mapped twice, only at the low one
    size_t grown;          // bytes that fd has
    size_t n_counters;
    bool refused; // by the host
};

CodeMemory *code_memory_new(size_t size)
{
    CodeMemory *m = g_new0(CodeMemory, 1);
    m->fd = -1;
    m->size = size ? size : CODE_MEMORY_SIZE;
    m->mapped = align_up(m->size, PAGE);
    return m;
}

static size_t reserved_size(const CodeMemory *m)
{
    return m->mapped + COUNTERS_SIZE + HUGE_PAGE;
}

static void unmap(CodeMemory *m)
{
    if (m->write && m->write != m->exec)
        munmap(m->write, m->mapped);
    if (m->reserved)
        munmap(m->reserved, reserved_size(m));
    if (m->fd >= 0)
        close(m->fd);
    m->reserved = m->write = m->exec = NULL;
    m->fd = -1;
}

void code_memory_free(CodeMemory *m)
{
    unmap(m);
    g_free(m);
}

// One mapping for both. Small pages at both ends: most guests need no more.
static bool map_at_once(CodeMemory *m)
{
    if (mprotect(m->exec, m->mapped, PROT_READ | PROT_WRITE | PROT_EXEC))
        return false;
    if (m->mapped > 2 * HUGE_PAGE)
        (void)madvise(m->exec + HUGE_PAGE, m->mapped - 2 * HUGE_PAGE, MADV_HUGEPAGE);
    m->write = m->exec;
    return true;
}

// The memory is empty yet: its pages come with grow.
static bool map_twice(CodeMemory *m)
{
    m->fd = memfd_create("addend-code", MFD_CLOEXEC);
    if (m->fd < 0 || mmap(m->exec, m->mapped, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, m->fd, 0) == MAP_FAILED)
        return false;
    void *write = mmap(NULL, m->mapped, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
    if (write == MAP_FAILED)
        return false;
    m->write = write;
    return true;
}

static bool map_code(CodeMemory *m)
{
    uint8_t *at = mmap(NULL, reserved_size(m), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return false;
    m->reserved = at;
    m->exec = (uint8_t *)align_up((uintptr_t)at, HUGE_PAGE);
    m->counters = (int32_t *)(void *)(m->exec + m->mapped);
    if (!mprotect(m->counters, COUNTERS_SIZE, PROT_READ | PROT_WRITE) && (map_at_once(m) || map_twice(m)))
        return true;
    int why = errno;
    unmap(m);
    errno = why;
    return false;
}

// Takes pages of fd for size bytes, so that no later access finds that there are none.
static bool grow(CodeMemory *m, size_t size)
{
    if (m->fd < 0 || size <= m->grown)
        return true;
    size_t to = MIN(align_up(size, STEP), m->mapped);
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

// Makes room for size bytes more.
static bool make_room(CodeMemory *m, size_t size, GError **error)
{
    static gint said;
    if (m->refused || size > m->size) {
        g_set_error(error, G_IO_ERROR, m->refused ? G_IO_ERROR_FAILED : G_IO_ERROR_MESSAGE_TOO_LARGE,
                    "no memory for %zu bytes of compiled code", size);
        return false;
    }
    if (!m->reserved && !map_code(m))
        return refused(m, error);
    bool full = size > m->size - m->hot - m->cold || m->n_counters == COUNTERS;
    if (!full && grow(m, m->hot + size))
        return true;
    if (!full && !m->hot)
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
    size_t at = align_up(m->hot, CODE_ALIGN);
    if (!make_room(m, at - m->hot + size, error))
        return NULL;
    m->hot = at + size;
    memcpy(m->write + at, bytes, size);
    return m->exec + at;
}

bool code_memory_place(CodeMemory *m, size_t hot, size_t cold, CodePlace *place, GError **error)
{
    size_t at = align_up(m->hot, PLACE_ALIGN);
    if (!make_room(m, at - m->hot + hot + cold, error))
        return false;
    uint8_t *cold_at = m->exec + at + hot;
    m->hot = at + hot;
    if (m->fd < 0) {
        m->cold += cold;
        cold_at = m->exec + m->size - m->cold;
    } else {
        m->hot += cold;
    }
    m->counters[m->n_counters] = 0;
    *place = (CodePlace){m->exec + at, cold_at, &m->counters[m->n_counters++]};
    return true;
}

void code_memory_write(CodeMemory *m, void *code, const void *bytes, size_t size)
{
    memcpy(m->write + ((uint8_t *)code - m->exec), bytes, size);
}

void code_memory_patch(CodeMemory *m, void *code, int32_t value)
{
    code_memory_write(m, code, &value, sizeof value);
}

void code_memory_reset(CodeMemory *m)
{
    m->hot = m->cold = m->n_counters = 0;
}

size_t code_memory_used(const CodeMemory *m)
{
    return m->hot + m->cold;
}
