// SPDX-License-Identifier: GPL-3.0-or-later
// Executable memory behind compiled regions.
#include "backend/code_memory.h"

#include "util/bits.h"
#include <errno.h>
#include <gio/gio.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CODE_MEMORY_SIZE (UINT64_C(256) << 20)
#define CODE_ALIGN 64

static uint8_t *code_write, *code_exec;
static size_t code_next, code_used;

static bool map_code(GError **error)
{
    int fd = memfd_create("addend-code", MFD_CLOEXEC);
    bool ok = fd >= 0 && ftruncate(fd, (off_t)CODE_MEMORY_SIZE) == 0;
    if (ok) {
        code_write = mmap(NULL, CODE_MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        code_exec = mmap(NULL, CODE_MEMORY_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
        ok = code_write != MAP_FAILED && code_exec != MAP_FAILED;
    }
    if (!ok) {
        code_write = NULL;
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot map memory for compiled code: %s",
                    g_strerror(errno));
    }
    if (fd >= 0)
        close(fd);
    return ok;
}

void *code_memory_install(const void *bytes, size_t size, GError **error)
{
    if (!code_write && !map_code(error))
        return NULL;
    size_t need = align_up(size, CODE_ALIGN);
    if (code_next + need > CODE_MEMORY_SIZE) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "the %" G_GUINT64_FORMAT " MiB for compiled code are full",
                    CODE_MEMORY_SIZE >> 20);
        return NULL;
    }
    memcpy(code_write + code_next, bytes, size);
    void *code = code_exec + code_next;
    code_next += need;
    code_used += need;
    return code;
}

void code_memory_patch(void *code, int32_t value)
{
    memcpy(code_write + ((uint8_t *)code - code_exec), &value, sizeof value);
}

void code_memory_release(void *code, size_t size)
{
    if (!code)
        return;
    code_used -= align_up(size, CODE_ALIGN);
    if (!code_used)
        code_next = 0;
}

size_t code_memory_used(void)
{
    return code_used;
}
