// SPDX-License-Identifier: GPL-3.0-or-later
// Executable memory behind compiled code.
//
// It is writable and executable at once where the host allows that, because only such memory can be of huge pages:
// Linux runs megabytes of baseline code, which small pages would make miss the host's TLB all the time. A host that
// does not allow it gets a memfd mapped twice, writable here and executable there.
#include "backend/code_memory.h"

#include "util/bits.h"
#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)
#define CODE_MEMORY_SIZE (256 * MIB)
#define COUNTERS (UINT64_C(1) << 20)
#define COUNTERS_SIZE (COUNTERS * sizeof(int32_t))
#define HUGE_PAGE (2 * MIB)
#define CODE_ALIGN 64
#define PLACE_ALIGN 16

struct CodeMemory {
    uint8_t *reserved; // what holds exec; NULL: not mapped yet
    uint8_t *write, *exec; // the code's two mappings, or twice the same
    int32_t *counters;     // behind exec
    size_t hot, cold;      // bytes used at both ends
    size_t n_counters;
};

#define RESERVED_SIZE (CODE_MEMORY_SIZE + COUNTERS_SIZE + HUGE_PAGE)

CodeMemory *code_memory_new(void)
{
    return g_new0(CodeMemory, 1);
}

void code_memory_free(CodeMemory *m)
{
    if (m->reserved)
        munmap(m->reserved, RESERVED_SIZE);
    if (m->write != m->exec)
        munmap(m->write, CODE_MEMORY_SIZE);
    g_free(m);
}

// One mapping for both. Small pages at both ends: most guests need no more.
static bool map_at_once(CodeMemory *m)
{
    if (mprotect(m->exec, CODE_MEMORY_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC))
        return false;
    (void)madvise(m->exec + HUGE_PAGE, CODE_MEMORY_SIZE - 2 * HUGE_PAGE, MADV_HUGEPAGE);
    m->write = m->exec;
    return true;
}

static bool map_twice(CodeMemory *m)
{
    int fd = memfd_create("addend-code", MFD_CLOEXEC);
    void *write = MAP_FAILED;
    bool ok = fd >= 0 && ftruncate(fd, (off_t)CODE_MEMORY_SIZE) == 0 &&
              mmap(m->exec, CODE_MEMORY_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED &&
              (write = mmap(NULL, CODE_MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) != MAP_FAILED;
    int reason = errno;
    m->write = write;
    if (fd >= 0)
        close(fd);
    errno = reason;
    return ok;
}

static bool map_code(CodeMemory *m, GError **error)
{
    uint8_t *at = mmap(NULL, RESERVED_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bool ok = at != MAP_FAILED;
    if (ok) {
        m->exec = (uint8_t *)align_up((uintptr_t)at, HUGE_PAGE);
        m->counters = (int32_t *)(void *)(m->exec + CODE_MEMORY_SIZE);
        ok = !mprotect(m->counters, COUNTERS_SIZE, PROT_READ | PROT_WRITE) && (map_at_once(m) || map_twice(m));
    }
    if (ok) {
        m->reserved = at;
        return true;
    }
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot map memory for compiled code: %s",
                g_strerror(errno));
    if (at != MAP_FAILED)
        munmap(at, RESERVED_SIZE);
    m->write = m->exec = NULL;
    return false;
}

static bool has_room(CodeMemory *m, size_t size, GError **error)
{
    if (!m->reserved && !map_code(m, error))
        return false;
    if (size <= CODE_MEMORY_SIZE - m->hot - m->cold && m->n_counters < COUNTERS)
        return true;
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "the %" G_GUINT64_FORMAT " MiB for compiled code are full",
                CODE_MEMORY_SIZE / MIB);
    return false;
}

void *code_memory_install(CodeMemory *m, const void *bytes, size_t size, GError **error)
{
    size_t at = align_up(m->hot, CODE_ALIGN);
    if (!has_room(m, at - m->hot + size, error))
        return NULL;
    m->hot = at + size;
    memcpy(m->write + at, bytes, size);
    return m->exec + at;
}

bool code_memory_place(CodeMemory *m, size_t hot, size_t cold, CodePlace *place, GError **error)
{
    size_t at = align_up(m->hot, PLACE_ALIGN);
    if (!has_room(m, at - m->hot + hot + cold, error))
        return false;
    m->hot = at + hot;
    m->cold += cold;
    m->counters[m->n_counters] = 0;
    *place = (CodePlace){m->exec + at, m->exec + CODE_MEMORY_SIZE - m->cold, &m->counters[m->n_counters++]};
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
