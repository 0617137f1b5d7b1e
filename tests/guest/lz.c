// SPDX-License-Identifier: GPL-3.0-or-later
// Packs a text by references to what came before (LZ77 with a hash table), unpacks it and compares.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef SIZE
#define SIZE 4 // texts
#endif
#define LENGTH 65536
#define HASHES 4096
#define SHORTEST 4
#define LONGEST  66

static uint8_t text[LENGTH], packed[2 * LENGTH], back[LENGTH];

static uint32_t word_at(const uint8_t *p)
{
    uint32_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

// Items: a byte below 192 and a literal, or 192 + (length - 4) and two bytes of distance.
static size_t pack(void)
{
    static uint32_t last[HASHES];
    size_t out = 0, at = 0;
    memset(last, 0, sizeof last);
    while (at < LENGTH) {
        size_t length = 0, from = 0;
        if (at + LONGEST < LENGTH) {
            uint32_t *slot = &last[word_at(text + at) * UINT32_C(2654435761) >> 20];
            from = *slot;
            *slot = (uint32_t)at;
            if (from < at && at - from < 65536)
                while (length < LONGEST && text[from + length] == text[at + length])
                    length++;
        }
        if (length < SHORTEST) {
            packed[out++] = 0;
            packed[out++] = text[at++];
            continue;
        }
        packed[out++] = (uint8_t)(192 + length - SHORTEST);
        packed[out++] = (uint8_t)(at - from);
        packed[out++] = (uint8_t)((at - from) >> 8);
        at += length;
    }
    return out;
}

static size_t unpack(size_t size)
{
    size_t at = 0;
    for (size_t i = 0; i < size;) {
        if (packed[i] < 192) {
            back[at++] = packed[i + 1];
            i += 2;
            continue;
        }
        size_t length = packed[i] - 192u + SHORTEST, distance = packed[i + 1] | (size_t)packed[i + 2] << 8;
        for (size_t k = 0; k < length; k++, at++)
            back[at] = back[at - distance];
        i += 3;
    }
    return at;
}

int main(void)
{
    uint32_t seed = 1;
    size_t sum = 0;
    for (int n = 0; n < SIZE; n++) {
        for (int i = 0; i < LENGTH; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = seed >> 28 || i < 100 ? text[i > 90 ? i - 90 + n % 50 : 0] + (i < 200) * (seed >> 24 & 15)
                                            : seed >> 16 & 63;
        }
        size_t size = pack();
        sum = sum * 31 + size;
        if (unpack(size) != LENGTH || memcmp(text, back, LENGTH) != 0) {
            printf("text %d comes back changed\n", n);
            return 1;
        }
    }
    printf("sum %016lx\n", (unsigned long)sum);
    return sum & 127;
}
