// SPDX-License-Identifier: GPL-3.0-or-later
// The inside of a board, shared by board.c and board_*.c only.
#pragma once
#include "machine/board.h"
#include "machine/board_table.h"
#include "machine/devices/clint.h"
#include "machine/devices/htif.h"
#include "machine/hostfs.h"
#include "machine/image_file.h"
#include "machine/loader.h"
#include "softmmu/system.h"

struct Board {
    const BoardType *type;
    BoardConfig config;
    BoardHooks hooks;
    AddressSpace *cpu_memory;
    DeviceBus bus;
    unsigned harts;
    const DeviceRow *rom_row, *ram_row, *htif_row; // NULL: there is none
    GPtrArray *more_rows; // of DeviceRow: of the command line (board_mmio.c)
    MemoryRegion *ram; // of ram_row
    uint64_t ram_size, low_ram; // of that, so much lies at ram_row's base
    bool attached;  // regions are mapped and address spaces exist
    bool can_exit;  // the guest knows how to end the run
    Htif *htif;     // NULL on a board without it
    bool htif_used; // it is placed
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

// Sets *error to one formatted line about the command line or the loaded files. Always returns false.
bool board_fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
