// SPDX-License-Identifier: GPL-3.0-or-later
// Console and exit over HTIF.
#include "rt.h"
#include <unistd.h>

int rt_console_putc(char c, FILE *file)
{
    (void)file;
    fromhost = 0;
    tohost = UINT64_C(0x0101) << 48 | (uint8_t)c; // device 1 (console), command 1 (write)
    return (unsigned char)c;
}

int rt_console_getc(FILE *file)
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

void _exit(int status)
{
    for (;;)
        tohost = (uint64_t)(unsigned)status << 1 | 1;
}
