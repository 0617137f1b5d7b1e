// SPDX-License-Identifier: GPL-3.0-or-later
// Console and exit on the virt board, in the shape picolibc wants them: its 16550, polled, and its test finisher.
#include "rt.h"
#include <unistd.h>

#define UART     ((volatile uint8_t *)0x10000000)
#define LSR      5
#define FINISHER (*(volatile uint32_t *)0x100000)

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
    while (!(UART[LSR] & 0x20))
        continue;
    UART[0] = (uint8_t)c;
    return (unsigned char)c;
}

static int console_getc(FILE *file)
{
    (void)file;
    while (!(UART[LSR] & 1))
        continue;
    return UART[0];
}

static FILE console = FDEV_SETUP_STREAM(console_putc, console_getc, NULL, _FDEV_SETUP_RW);
FILE *const stdin = &console;
FILE *const stdout = &console;
FILE *const stderr = &console;

void _exit(int status)
{
    for (;;)
        FINISHER = status ? (uint32_t)status << 16 | 0x3333 : 0x5555;
}
