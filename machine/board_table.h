// SPDX-License-Identifier: GPL-3.0-or-later
// The boards as tables: what there is, where it lies, and what is special about a board.
#pragma once
#include "machine/devices/devices.h"

typedef struct {
    const char *name;
    const DeviceRow *rows;
    unsigned n_rows;
    uint64_t default_ram;
    unsigned default_harts, max_harts;
    // The rest is what boards do differently when they start.
    bool default_firmware;              // without -bios OpenSBI is loaded
    bool htif_by_symbols;               // HTIF is there only for guests whose symbols say where
    uint64_t max_low_ram;               // so much RAM lies at its base, the rest at high_ram; 0: all
    gpa_t high_ram;
    const char *compatible, *model;     // root of the device tree; compatible: words
    const char *stdout_path;            // of the device tree; NULL: none
} BoardType;

// NULL: the first board; the result NULL: there is no such board.
const BoardType *board_type_find(const char *name);
