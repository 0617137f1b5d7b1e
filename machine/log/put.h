// SPDX-License-Identifier: GPL-3.0-or-later
// Writes numbers and words into lines without printf, which takes ten times as long. Each returns the end.
#pragma once
#include <stdint.h>
#include <string.h>

static inline char *put_text(char *out, const char *text)
{
    size_t n = strlen(text);
    memcpy(out, text, n);
    return out + n;
}

// "0x" and the low bytes of value.
static inline char *put_hex(char *out, uint64_t value, unsigned bytes)
{
    static const char digits[] = "0123456789abcdef";
    *out++ = '0';
    *out++ = 'x';
    for (unsigned i = 0; i < 2 * bytes; i++)
        out[i] = digits[value >> (8 * bytes - 4 - 4 * i) & 15];
    return out + 2 * bytes;
}

static inline char *put_number(char *out, unsigned value)
{
    char text[12];
    unsigned n = 0;
    do {
        text[n++] = (char)('0' + value % 10);
    } while (value /= 10);
    while (n)
        *out++ = text[--n];
    return out;
}
