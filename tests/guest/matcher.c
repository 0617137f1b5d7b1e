// SPDX-License-Identifier: GPL-3.0-or-later
// Patterns as chains of matcher functions with a continuation each: indirect calls that go forth and back.
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 4 // passes over the text
#endif
#define LENGTH 4096

typedef struct Piece Piece;
struct Piece {
    const char *(*match)(const Piece *p, const char *s); // the end of the match, or NULL
    const Piece *next;
    char low, high;
};

static char text[LENGTH + 1];

static const char *then(const Piece *p, const char *s)
{
    return p->next ? p->next->match(p->next, s) : s;
}

static const char *one(const Piece *p, const char *s)
{
    return *s >= p->low && *s <= p->high ? then(p, s + 1) : NULL;
}

static const char *many(const Piece *p, const char *s) // as many as fit, then fewer
{
    const char *end = s, *found = NULL;
    while (*end >= p->low && *end <= p->high)
        end++;
    while (!(found = then(p, end)) && end > s)
        end--;
    return found;
}

static const char *maybe(const Piece *p, const char *s)
{
    const char *found = *s >= p->low && *s <= p->high ? then(p, s + 1) : NULL;
    return found ? found : then(p, s);
}

static const char *unless(const Piece *p, const char *s) // any character but these
{
    return *s && (*s < p->low || *s > p->high) ? then(p, s + 1) : NULL;
}

int main(void)
{
    static const Piece number[] = {{maybe, &number[1], 'k', 'k'}, {one, &number[2], 'a', 'c'},
                                   {many, &number[3], 'a', 'e'}, {one, &number[4], 'd', 'd'},
                                   {unless, NULL, 'b', 'y'}};
    static const Piece word[] = {{many, &word[1], 'f', 'p'}, {one, &word[2], 'm', 'q'}, {maybe, &word[3], 'a', 'z'},
                                 {many, &word[4], 'a', 'h'}, {one, NULL, 'h', 'h'}};
    static const Piece *const patterns[] = {number, word};
    uint32_t seed = 1;
    uint64_t sum = 0;
    for (int i = 0; i < LENGTH; i++) {
        seed = seed * 1664525 + 1013904223;
        text[i] = (char)('a' + (seed >> 27) % 26 % (i % 64 + 2));
    }
    for (int pass = 0; pass < SIZE; pass++)
        for (const char *s = text; *s; s++)
            for (int k = 0; k < 2; k++) {
                const char *end = patterns[(k + pass) % 2]->match(patterns[(k + pass) % 2], s);
                if (end)
                    sum = sum * 31 + (uint64_t)(end - s);
            }
    printf("sum %016lx\n", (unsigned long)sum);
    return sum & 127;
}
