// SPDX-License-Identifier: GPL-3.0-or-later
// What one -device loader asks for, between the command line and the board.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *file;  // to load, or NULL
    bool force_raw;    // file: load its bytes, whatever they are
    bool has_addr;
    uint64_t addr;     // where file or data go; without both, where the hart starts
    uint64_t data;     // value to store, as its bytes in memory read little-endian
    unsigned data_len; // of them, 1 to 8; 0: no data
    int hart;          // starts at the ELF file's entry or at addr; -1: none
} LoadItem;
