// SPDX-License-Identifier: GPL-3.0-or-later
// Seed 1's guest: it says where it is, one character at a time, through port 0x3f8. RISC-V has no port instructions, so
// the ports are reached through the window that a Malta board has for that.
#include "rt.h"

#define PORTS 0x18000000
#define COM1  0x3f8
#define LSR   5

int main(void)
{
    volatile unsigned char *port = (volatile unsigned char *)(PORTS + COM1);
    for (const char *p = "Where am I?\n"; *p; p++) {
        while (!(port[LSR] & 0x20))
            ;
        *port = (unsigned char)*p;
    }
    return 0;
}
