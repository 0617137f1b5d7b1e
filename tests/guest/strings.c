// SPDX-License-Identifier: GPL-3.0-or-later
// Our own string functions over generated text: byte loads, stores and short unpredictable loops.
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 20 // rounds
#endif
#define TEXT 8192

// The compiler must keep these loops and not replace them by calls of the C library.
#define OWN __attribute__((noinline, noclone, optimize("no-tree-loop-distribute-patterns")))

OWN static size_t length(const char *s)
{
    const char *p = s;
    while (*p)
        p++;
    return p - s;
}

OWN static char *copy(char *to, const char *from)
{
    while ((*to = *from++))
        to++;
    return to;
}

OWN static int compare(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}

OWN static const char *find(const char *text, const char *word)
{
    for (; *text; text++) {
        const char *a = text, *b = word;
        while (*b && *a == *b)
            a++, b++;
        if (!*b)
            return text;
    }
    return NULL;
}

OWN static void reverse(char *s, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        char c = s[i];
        s[i] = s[n - 1 - i];
        s[n - 1 - i] = c;
    }
}

OWN static unsigned words(char *s)
{
    unsigned n = 0;
    for (int inside = 0; *s; s++) {
        if (*s >= 'A' && *s <= 'Z')
            *s += 'a' - 'A';
        int letter = *s >= 'a' && *s <= 'z';
        n += letter && !inside;
        inside = letter;
    }
    return n;
}

static uint32_t seed = 12345;

static void make_text(char *s)
{
    for (int i = 0; i < TEXT - 1; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned r = seed >> 16 & 63;
        *s++ = r < 26 ? 'a' + r : r < 52 ? 'A' + r - 26 : ' ';
    }
    *s = 0;
}

int main(void)
{
    static char text[TEXT], other[2 * TEXT];
    uint64_t sum = 0;
    for (int round = 0; round < SIZE; round++) {
        make_text(text);
        char *end = copy(copy(other, text), "needle");
        sum = sum * 31 + length(other) + words(other);
        const char *hit = find(other, "needle");
        if (!hit || length(hit) != 6 || *end)
            return 1;
        *(char *)hit = 0;
        sum = sum * 31 + (compare(text, other) > 0);
        reverse(other, length(other));
        sum = sum * 31 + (unsigned char)other[round] + (find(other, "ab") ? 1 : 0);
    }
    printf("%016lx %.32s\n", (unsigned long)sum, text);
    return sum & 127;
}
