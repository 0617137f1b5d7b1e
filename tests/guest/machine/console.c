// SPDX-License-Identifier: GPL-3.0-or-later
// HTIF's console: the answer to a written character, writing by halves, unknown commands (memory/spec.md
// 6.5).
#include "rt.h"

#define PUTCHAR UINT64_C(0x0101000000000000)

static uint64_t command(uint64_t value)
{
    fromhost = 0;
    tohost = value;
    return fromhost;
}

int main(void)
{
    uint64_t answer = command(PUTCHAR | 'A');
    CHECK(1, answer == UINT64_C(0x0101000000000141));
    CHECK(2, tohost == 0);
    volatile uint32_t *halves = (volatile uint32_t *)&tohost;
    fromhost = 0;
    halves[0] = 'B';
    halves[1] = PUTCHAR >> 32;
    CHECK(3, fromhost == UINT64_C(0x0101000000000142) && tohost == 0);
    command(PUTCHAR | '\n');
    CHECK(4, command(UINT64_C(0x0205) << 48 | 7) >> 48 == 0x0205); // no such device: answered with nothing
    CHECK(5, tohost == 0);
    for (int c = ' '; c <= '~'; c++)
        command(PUTCHAR | c);
    for (int c = 0x80; c < 0x100; c += 0x1f) // bytes, not characters
        command(PUTCHAR | c);
    command(PUTCHAR | '\n');
    return 0;
}
