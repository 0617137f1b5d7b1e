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
    uint8_t *write, *exec; // the two views; NULL: not mapped yet
    size_t next, used;
};

CodeMemory *code_memory_new(void)
{
    return g_new0(CodeMemory, 1);
}

void code_memory_free(CodeMemory *cm)
{
    if (cm->write) {
        munmap(cm->write, CODE_MEMORY_SIZE);
        munmap(cm->exec, CODE_MEMORY_SIZE);
    }
    g_free(cm);
}

static bool map_code(CodeMemory *cm, GError **error)
{
    int fd = memfd_create("addend-code", MFD_CLOEXEC);
    bool ok = fd >= 0 && ftruncate(fd, (off_t)CODE_MEMORY_SIZE) == 0;
    if (ok) {
        cm->write = mmap(NULL, CODE_MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        cm->exec = mmap(NULL, CODE_MEMORY_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
        ok = cm->write != MAP_FAILED && cm->exec != MAP_FAILED;
    }
    if (!ok) {
        cm->write = NULL;
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot map memory for compiled code: %s",
                    g_strerror(errno));
    }
    if (fd >= 0)
        close(fd);
    return ok;
}

void *code_memory_install(CodeMemory *cm, const void *bytes, size_t size, GError **error)
{
    if (!cm->write && !map_code(cm, error))
        return NULL;
    size_t need = align_up(size, CODE_ALIGN);
    if (cm->next + need > CODE_MEMORY_SIZE) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "the %" G_GUINT64_FORMAT " MiB for compiled code are full",
                    CODE_MEMORY_SIZE >> 20);
        return NULL;
    }
    memcpy(cm->write + cm->next, bytes, size);
    void *code = cm->exec + cm->next;
    cm->next += need;
    cm->used += need;
    return code;
}

void code_memory_patch(CodeMemory *cm, void *code, int32_t value)
{
    memcpy(cm->write + ((uint8_t *)code - cm->exec), &value, sizeof value);
}

void code_memory_release(CodeMemory *cm, void *code, size_t size)
{
    if (!code)
        return;
    cm->used -= align_up(size, CODE_ALIGN);
    if (!cm->used)
        cm->next = 0;
}

size_t code_memory_used(const CodeMemory *cm)
{
    return cm->used;
}
