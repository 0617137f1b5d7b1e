// SPDX-License-Identifier: GPL-3.0-or-later
// MD5 (RFC 1321) of a generated message, with one of the RFC's test vectors first.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef SIZE
#define SIZE 8 // times 64 KiB
#endif

static uint32_t sines[64];

// floor(2^32 * |sin(i + 1)|) by the power series in fixed point (60 fraction bits): no table to mistype.
static void make_sines(void)
{
    const __int128 one = (__int128)1 << 60, pi = (__int128)3622009729038561421; // round(pi * 2^60)
    for (int i = 0; i < 64; i++) {
        __int128 x = (i + 1) * one % (2 * pi);
        if (x > pi)
            x -= pi; // |sin(x)| = |sin(x - pi)|
        __int128 term = x, sum = x;
        for (int n = 2; term; n += 2) {
            term = -((term * x >> 60) * x >> 60) / (n * (n + 1));
            sum += term;
            if (term == -1)
                break;
        }
        sines[i] = (uint32_t)((sum < 0 ? -sum : sum) >> 28);
    }
}

static uint32_t rotl(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static void compress(uint32_t h[4], const uint8_t *p)
{
    static const uint8_t shift[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t w[16], a = h[0], b = h[1], c = h[2], d = h[3];
    for (int i = 0; i < 16; i++)
        w[i] = p[4 * i] | p[4 * i + 1] << 8 | p[4 * i + 2] << 16 | (uint32_t)p[4 * i + 3] << 24;
    for (int i = 0; i < 64; i++) {
        uint32_t f;
        int g;
        switch (i / 16) {
        case 0: f = (b & c) | (~b & d), g = i; break;
        case 1: f = (d & b) | (~d & c), g = (5 * i + 1) % 16; break;
        case 2: f = b ^ c ^ d, g = (3 * i + 5) % 16; break;
        default: f = c ^ (b | ~d), g = 7 * i % 16; break;
        }
        uint32_t sum = a + f + sines[i] + w[g];
        a = d, d = c, c = b;
        b += rotl(sum, shift[i / 16][i % 4]);
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d;
}

static void md5(const uint8_t *data, size_t n, uint32_t h[4])
{
    uint8_t last[128] = {0};
    size_t whole = n / 64 * 64, rest = n - whole, padded = rest < 56 ? 64 : 128;
    h[0] = 0x67452301, h[1] = 0xefcdab89, h[2] = 0x98badcfe, h[3] = 0x10325476;
    for (size_t i = 0; i < whole; i += 64)
        compress(h, data + i);
    memcpy(last, data + whole, rest);
    last[rest] = 0x80;
    for (int i = 0; i < 8; i++)
        last[padded - 8 + i] = (uint64_t)n * 8 >> 8 * i;
    for (size_t i = 0; i < padded; i += 64)
        compress(h, last + i);
}

static void print(const uint32_t h[4])
{
    for (int i = 0; i < 16; i++)
        printf("%02x", (unsigned)(h[i / 4] >> i % 4 * 8 & 0xff));
    printf("\n");
}

int main(void)
{
    static uint8_t data[65536];
    uint32_t h[4];
    make_sines();
    md5((const uint8_t *)"message digest", 14, h);
    print(h); // f96b697d7cb7938d525a2f31aaf161d0
    if (h[0] != 0x7d696bf9)
        return 1;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = i * 11 + (i >> 7);
    for (int i = 0; i < SIZE; i++) {
        md5(data, sizeof data - i % 64, h);
        memcpy(data + i % 1000, h, sizeof h);
    }
    print(h);
    return h[0] & 127;
}
