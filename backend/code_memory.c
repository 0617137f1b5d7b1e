// SPDX-License-Identifier: GPL-3.0-or-later
// Executable memory behind compiled code.
#include "backend/code_memory.h"

#include "util/bits.h"
#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CODE_MEMORY_SIZE (UINT64_C(256) << 20)
#define CODE_ALIGN 64

struct CodeMemory {
    uint8_t *write, *exec; // the two mappings; NULL: not mapped yet
    size_t used;
};

CodeMemory *code_memory_new(void)
{
    return g_new0(CodeMemory, 1);
}

void code_memory_free(CodeMemory *m)
{
    if (m->write) {
        munmap(m->write, CODE_MEMORY_SIZE);
        munmap(m->exec, CODE_MEMORY_SIZE);
    }
    g_free(m);
}

static bool map_code(CodeMemory *m, GError **error)
{
    int fd = memfd_create("addend-code", MFD_CLOEXEC);
    void *write = MAP_FAILED, *exec = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, (off_t)CODE_MEMORY_SIZE) == 0) {
        write = mmap(NULL, CODE_MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        exec = mmap(NULL, CODE_MEMORY_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    }
    bool ok = write != MAP_FAILED && exec != MAP_FAILED;
    if (ok) {
        m->write = write;
        m->exec = exec;
    } else {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot map memory for compiled code: %s",
                    g_strerror(errno));
        if (write != MAP_FAILED)
            munmap(write, CODE_MEMORY_SIZE);
    }
    if (fd >= 0)
        close(fd);
    return ok;
}

void *code_memory_install(CodeMemory *m, const void *bytes, size_t size, GError **error)
{
    if (!m->write && !map_code(m, error))
        return NULL;
    if (size > CODE_MEMORY_SIZE - m->used) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "the %" G_GUINT64_FORMAT " MiB for compiled code are full",
                    CODE_MEMORY_SIZE >> 20);
        return NULL;
    }
    void *code = m->exec + m->used;
    memcpy(m->write + m->used, bytes, size);
    m->used = align_up(m->used + size, CODE_ALIGN);
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
