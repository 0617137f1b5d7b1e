// SPDX-License-Identifier: GPL-3.0-or-later
// Arguments and rename() over semihosting; picolibc's libsemihost does the rest (files, console, exit).
#include "rt.h"
#include <errno.h>
#include <string.h>

enum { SYS_RENAME = 0x0f, SYS_GET_CMDLINE = 0x15 };

static long semihost_call(long number, void *block)
{
    register long a0 __asm__("a0") = number;
    register void *a1 __asm__("a1") = block;
    // The three instructions must be uncompressed and on one page.
    __asm__ volatile(".balign 16\n\t.option push\n\t.option norvc\n\t"
                     "slli x0, x0, 0x1f\n\tebreak\n\tsrai x0, x0, 7\n\t.option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return a0;
}

size_t rt_command_line(char *line, size_t size)
{
    struct {
        char *buffer;
        size_t size;
    } block = {line, size - 1};
    return semihost_call(SYS_GET_CMDLINE, &block) == 0 ? block.size : 0;
}

int rename(const char *from, const char *to)
{
    struct {
        const char *from;
        size_t from_length;
        const char *to;
        size_t to_length;
    } block = {from, strlen(from), to, strlen(to)};
    if (semihost_call(SYS_RENAME, &block) == 0)
        return 0;
    errno = EIO;
    return -1;
}
