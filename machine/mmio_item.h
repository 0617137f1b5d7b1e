// SPDX-License-Identifier: GPL-3.0-or-later
// What -device edu and -device hitb ask for, between the command line and the board.
#pragma once
#include <stdint.h>

#define MMIO_ITEM_ANYWHERE UINT64_MAX

typedef struct {
    const char *driver; // as in -device
    const char *id;     // name of the owner of its region, or NULL
    uint64_t addr;      // MMIO_ITEM_ANYWHERE: the first free place
    uint64_t dma_mask;  // of the addresses that it reaches
    unsigned irq;       // input of the board's interrupt controller; 0: any, if there is one
} MmioItem;
