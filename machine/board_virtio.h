// SPDX-License-Identifier: GPL-3.0-or-later
// Virtio devices of the command line, put into a board's transports.
#pragma once
#include "machine/devices/device.h"

// Under the big lock. Error: one line that names the option, or the image's file.
bool board_plug_virtio(const BoardConfig *config, const DeviceBus *bus, GError **error);
