// SPDX-License-Identifier: GPL-3.0-or-later
// What the bare boards have in common: no arguments, and one console for picolibc's streams.
#include "rt.h"

size_t rt_command_line(char *line, size_t size)
{
    (void)line, (void)size;
    return 0;
}

static FILE console = FDEV_SETUP_STREAM(rt_console_putc, rt_console_getc, NULL, _FDEV_SETUP_RW);
FILE *const stdin = &console;
FILE *const stdout = &console;
FILE *const stderr = &console;
