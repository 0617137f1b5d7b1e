// SPDX-License-Identifier: GPL-3.0-or-later
// What -drive if=pflash puts into a board's flash, and what starts from there.
#pragma once
#include "machine/board_images.h"

// Behind the board's own devices, under the big lock. Error: one line that names the option, or the image's file.
bool board_plug_flash(Board *board, GError **error);

// QEMU's rules for virt: with contents of unit 0 the harts start there, whatever the firmware is; with contents of unit
// 1 the firmware goes on there. Error: likewise.
bool board_start_flash(const Board *board, BoardImages *images, GError **error);
