// SPDX-License-Identifier: GPL-3.0-or-later
// The inside of a board, shared by board.c (construction) and board_load.c (boot rules) only.
#pragma once
#include "machine/board.h"
#include "machine/clint.h"
#include "machine/hostfs.h"
#include "machine/htif.h"
#include "machine/image_file.h"
#include "machine/loader.h"

typedef enum { PART_ROM, PART_RAM, PART_HTIF, PART_CLINT } BoardPart;

typedef struct { // one row of a board's memory map (spec 6.1)
    BoardPart part;
    const char *name;
    gpa_t base;
    uint64_t size; // 0: the RAM size
} BoardRow;

typedef struct {
    const char *name, *description;
    const BoardRow *rows;
    unsigned n_rows;
    uint64_t default_ram;
    unsigned max_harts;
    bool default_firmware; // without -bios OpenSBI is loaded
} BoardType;

struct Board {
    const BoardType *type;
    BoardConfig config;
    BoardHooks hooks;
    MemoryRegion system, io, rom, ram;
    AddressSpace memory, io_space, *cpu_memory;
    unsigned harts;
    const BoardRow *rom_row, *ram_row, *htif_row, *clint_row; // in type->rows; the last two may be NULL
    uint64_t ram_size;
    bool attached;  // regions are mapped and address spaces exist
    bool htif_exit; // the guest knows where HTIF is
    Htif *htif;     // NULL until board_load, and on a board without it
    Clint *clint;   // NULL on a board without it
    HostFs *fs;
    Loader *loader;
    gpa_t *reset_pc; // by hart
    Semihost *semihost;
    char *cmdline; // of the guest program
    GBytes *dtb;   // after board_load
};

// The board's exit path: writes the signature, then calls the exit hook.
void board_guest_exit(Board *board, uint64_t code);
