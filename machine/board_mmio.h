// SPDX-License-Identifier: GPL-3.0-or-later
// Devices of the command line with a place of their own in a board's memory map.
#pragma once
#include "machine/board_types.h"

// Behind the board's own devices, under the big lock. Error: one line that names the option.
bool board_plug_mmio(Board *board, GError **error);
