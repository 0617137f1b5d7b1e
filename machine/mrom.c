// SPDX-License-Identifier: GPL-3.0-or-later
// The reset vector: every hart runs it from 0x1000 and enters the firmware with a0 = hart id, a1 = device
// tree, a2 = firmware-info block.
#include "machine/mrom.h"
#include <glib.h>
#include <string.h>

#define FW_INFO_MAGIC 0x4942534fu // "OSBI"
#define FW_INFO_VERSION 2
#define FW_INFO_MODE_S 1

static uint8_t *put32(uint8_t *p, uint32_t v)
{
    v = GUINT32_TO_LE(v);
    memcpy(p, &v, 4);
    return p + 4;
}

static uint8_t *put64(uint8_t *p, uint64_t v)
{
    v = GUINT64_TO_LE(v);
    memcpy(p, &v, 8);
    return p + 8;
}

void mrom_build(uint8_t image[MROM_IMAGE_SIZE], uint64_t start, uint64_t fdt, uint64_t next_addr)
{
    uint8_t *p = image;
    p = put32(p, 0x00000297); // auipc t0, 0
    p = put32(p, 0x02828613); // addi  a2, t0, 0x28
    p = put32(p, 0xf1402573); // csrr  a0, mhartid
    p = put32(p, 0x0202b583); // ld    a1, 0x20(t0)
    p = put32(p, 0x0182b283); // ld    t0, 0x18(t0)
    p = put32(p, 0x00028067); // jr    t0
    p = put64(p, start);
    p = put64(p, fdt);
    p = put64(p, FW_INFO_MAGIC);
    p = put64(p, FW_INFO_VERSION);
    p = put64(p, next_addr);
    p = put64(p, FW_INFO_MODE_S);
    p = put64(p, 0); // options
    p = put64(p, 0); // boot hart
    g_assert(p == image + MROM_IMAGE_SIZE);
}
