// SPDX-License-Identifier: GPL-3.0-or-later
// CRC-32 (ISO 3309) by table and bit by bit, which must agree.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef SIZE
#define SIZE 4 // times 64 KiB
#endif

static uint32_t table[256];

static uint32_t step_bits(uint32_t crc)
{
    for (int i = 0; i < 8; i++)
        crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    return crc;
}

static uint32_t crc_table(uint32_t crc, const uint8_t *p, size_t n)
{
    crc = ~crc;
    while (n--)
        crc = table[(crc ^ *p++) & 0xff] ^ crc >> 8;
    return ~crc;
}

static uint32_t crc_bits(uint32_t crc, const uint8_t *p, size_t n)
{
    crc = ~crc;
    while (n--)
        crc = step_bits(crc ^ *p++);
    return ~crc;
}

int main(void)
{
    static uint8_t data[65536];
    uint32_t crc = 0;
    for (uint32_t i = 0; i < 256; i++)
        table[i] = step_bits(i);
    printf("%08lx\n", (unsigned long)crc_table(0, (const uint8_t *)"123456789", 9)); // cbf43926
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = i * 13 ^ i >> 5;
    for (int i = 0; i < SIZE; i++) {
        crc = crc_table(crc, data, sizeof data);
        if (i % 16 == 0 && crc_bits(crc, data, 5000) != crc_table(crc, data, 5000))
            return 1;
        data[i % sizeof data] ^= crc;
    }
    printf("%08lx\n", (unsigned long)crc);
    return crc & 127;
}
