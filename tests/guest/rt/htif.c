// SPDX-License-Identifier: GPL-3.0-or-later
// Console and exit over HTIF, in the shape picolibc wants them (stdio streams and _exit).
#include "rt.h"
#include <unistd.h>

size_t rt_command_line(char *line, size_t size);

// A bare board has no arguments.
size_t rt_command_line(char *line, size_t size)
{
    (void)line, (void)size;
    return 0;
}

static int console_putc(char c, FILE *file)
{
    (void)file;
    fromhost = 0;
    tohost = UINT64_C(0x0101) << 48 | (uint8_t)c; // device 1 (console), command 1 (write)
    return (unsigned char)c;
}

static int console_getc(FILE *file)
{
    (void)file;
    uint64_t answer;
    fromhost = 0;
    tohost = UINT64_C(0x0100) << 48; // device 1, command 0 (read)
    while (!(answer = fromhost))
        continue;
    fromhost = 0;
    return answer & 0xff;
}

static FILE console = FDEV_SETUP_STREAM(console_putc, console_getc, NULL, _FDEV_SETUP_RW);
FILE *const stdin = &console;
FILE *const stdout = &console;
FILE *const stderr = &console;

void _exit(int status)
{
    for (;;)
        tohost = (uint64_t)(unsigned)status << 1 | 1;
}
