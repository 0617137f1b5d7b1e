// SPDX-License-Identifier: GPL-3.0-or-later
// Shows how fast a run gets: UNITS equal pieces of mixed work, a dot on the console after each.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef UNITS
#define UNITS 10
#endif
#define COUNT 600

static uint32_t keys[COUNT], seed = 1;
static char text[4096];
static double matrix[3][24][24];

static uint32_t next_random(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

__attribute__((noinline)) static uint32_t sort(void)
{
    for (int i = 0; i < COUNT; i++)
        keys[i] = next_random();
    for (int gap = COUNT / 2; gap > 0; gap = gap * 5 / 11) // Shell's
        for (int i = gap; i < COUNT; i++) {
            uint32_t key = keys[i];
            int j = i;
            for (; j >= gap && keys[j - gap] > key; j -= gap)
                keys[j] = keys[j - gap];
            keys[j] = key;
        }
    return keys[COUNT / 2];
}

__attribute__((noinline)) static uint32_t scan(void)
{
    uint32_t words = 0, numbers = 0, other = 0;
    for (const char *p = text; *p;) {
        if (*p >= 'a' && *p <= 'z') {
            words++;
            while (*p >= 'a' && *p <= 'z')
                p++;
        } else if (*p >= '0' && *p <= '9') {
            numbers++;
            while (*p >= '0' && *p <= '9')
                p++;
        } else {
            other++;
            p++;
        }
    }
    return words ^ numbers << 8 ^ other << 16;
}

__attribute__((noinline)) static uint32_t checksum(void)
{
    uint32_t crc = ~0u;
    for (const char *p = text; *p; p++) {
        crc ^= (uint8_t)*p;
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return crc;
}

__attribute__((noinline)) static uint32_t steps(void)
{
    static const uint8_t program[] = {0, 1, 2, 3, 1, 4, 2, 5, 0, 3, 4, 1, 6};
    uint32_t a = 1, b = seed | 1;
    for (int round = 0; round < 400; round++)
        for (const uint8_t *pc = program;; pc++) {
            switch (*pc) {
            case 0: a += b; continue;
            case 1: b = b * 5 + a; continue;
            case 2: a ^= b >> 7; continue;
            case 3: b -= a << 3; continue;
            case 4: a = a * 3 + 1; continue;
            case 5: b ^= a >> 11; continue;
            default: break;
            }
            break;
        }
    return a ^ b;
}

__attribute__((noinline)) static uint32_t product(void)
{
    for (int i = 0; i < 24; i++)
        for (int j = 0; j < 24; j++) {
            double sum = 0;
            for (int k = 0; k < 24; k++)
                sum += matrix[0][i][k] * matrix[1][k][j];
            matrix[2][i][j] = sum;
        }
    memcpy(matrix[1], matrix[2], sizeof matrix[1]);
    return (uint32_t)(matrix[2][3][5] * 1000);
}

int main(void)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < sizeof text - 1; i++)
        text[i] = "ab 12 xyz, 9 q."[next_random() % 15];
    for (int i = 0; i < 24; i++)
        for (int j = 0; j < 24; j++) {
            matrix[0][i][j] = i == (j + 1) % 24 ? 1 : 0; // a rotation of rows
            matrix[1][i][j] = i + j / 32.0;
        }
    for (int unit = 0; unit < UNITS; unit++) {
        sum = sum * 31 + (sort() ^ scan() ^ checksum() ^ steps() ^ product());
        putchar('.');
        fflush(stdout);
    }
    printf("\n%08x\n", (unsigned)sum);
    return sum & 127;
}
