// SPDX-License-Identifier: GPL-3.0-or-later
// What a board loads and where: firmware, kernel, initrd, -device loader (memory/spec.md 6.3). Part of board_load.c's
// work; everything here runs under the big lock.
#pragma once
#include "machine/board_types.h"

typedef struct {
    bool has_firmware, firmware_elf, kernel_elf;
    gpa_t start;      // where the reset vector goes
    gpa_t next_addr;  // where the firmware goes on; 0: it is not told
    gpa_t kernel_low; // of the kernel's bytes
    LoadedImage initrd;
    gpa_t end; // of all of them, a Linux kernel's bss included
} BoardImages;

// Firmware, kernel and initrd. The error names the file or option.
bool board_load_images(Board *b, BoardImages *out, GError **error);

// The files of -device loader, in their order, and the start addresses that its items give to harts.
bool board_load_items(Board *b, GError **error);

// The values of -device loader, over whatever has been loaded by then.
bool board_store_items(Board *b, GError **error);
