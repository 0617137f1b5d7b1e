// SPDX-License-Identifier: GPL-3.0-or-later
// Splits program text into words, numbers, strings, comments and signs: branches on every character.
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 20 // passes
#endif
#define LENGTH 32768

enum { WORD, NUMBER, STRING, COMMENT, SIGN, KINDS };

static char text[LENGTH + 64];

static void make_text(void)
{
    static const char *const parts[] = {"while ", "(x1 ", "<= ", "0x7f", ") ", "{ ", "/* note */ ", "sum", " += ",
                                        "\"a \\\" b\"", "; ", "// rest\n", "count_2", "[i]", " = ", "12345", "->",
                                        "if (", "!done", " && ", "} ", "else ", "\n    "};
    uint32_t seed = 1;
    int at = 0;
    while (at < LENGTH) {
        seed = seed * 1664525 + 1013904223;
        for (const char *p = parts[(seed >> 16) % (sizeof parts / sizeof *parts)]; *p; p++)
            text[at++] = *p;
    }
    text[LENGTH] = 0;
}

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// The end of the token that starts at p, which is no blank.
static const char *token(const char *p, int *kind)
{
    char c = *p++;
    *kind = SIGN;
    if (is_letter(c)) {
        *kind = WORD;
        while (is_letter(*p) || is_digit(*p))
            p++;
    } else if (is_digit(c)) {
        *kind = NUMBER;
        while (is_digit(*p) || is_letter(*p))
            p++;
    } else if (c == '"') {
        *kind = STRING;
        while (*p && *p != '"')
            p += *p == '\\' && p[1] ? 2 : 1;
        p += *p == '"';
    } else if (c == '/' && *p == '*') {
        *kind = COMMENT;
        for (p++; *p && !(*p == '*' && p[1] == '/'); p++)
            continue;
        p += *p ? 2 : 0;
    } else if (c == '/' && *p == '/') {
        *kind = COMMENT;
        while (*p && *p != '\n')
            p++;
    } else if ((c == '<' || c == '+' || c == '=' || c == '!') && *p == '=') {
        p++;
    } else if ((c == '&' && *p == '&') || (c == '-' && *p == '>')) {
        p++;
    }
    return p;
}

int main(void)
{
    unsigned long counts[KINDS] = {0}, hash = 0;
    make_text();
    for (int pass = 0; pass < SIZE; pass++)
        for (const char *p = text; *p;) {
            int kind;
            if (*p == ' ' || *p == '\n') {
                p++;
                continue;
            }
            const char *end = token(p, &kind);
            counts[kind]++;
            hash = hash * 31 + (unsigned long)(end - p);
            p = end;
        }
    printf("%lu words, %lu numbers, %lu strings, %lu comments, %lu signs, %016lx\n", counts[WORD], counts[NUMBER],
           counts[STRING], counts[COMMENT], counts[SIGN], hash);
    return hash & 127;
}
