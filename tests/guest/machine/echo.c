// SPDX-License-Identifier: GPL-3.0-or-later
// Echoes its console input up to an EOT (4) as firmware does it: a request for the next character is always out, also
// while a character is written, and fromhost is emptied whenever something is in it.
#include "rt.h"

#define GETC (UINT64_C(0x0100) << 48)
#define PUTC (UINT64_C(0x0101) << 48)
#define EOT 4

static int received = -1;

static void take_answer(void)
{
    uint64_t answer = fromhost;
    if (!answer)
        return;
    fromhost = 0;
    if (answer >> 48 == GETC >> 48)
        received = answer & 0xff;
}

static void command(uint64_t value)
{
    while (tohost)
        take_answer();
    tohost = value;
}

int main(void)
{
    command(GETC);
    for (;;) {
        take_answer();
        if (received < 0)
            continue;
        int c = received;
        received = -1;
        command(GETC);
        if (c == EOT)
            return 0;
        command(PUTC | (unsigned)c);
    }
}
