// SPDX-License-Identifier: GPL-3.0-or-later
// Contents of a flash that outlive the run.
#pragma once
#include "machine/devices/devices.h"

struct DriveItem;

// The flash, a device of the type device_pflash, holds the bytes of the image, which has its size, and writes back what
// the guest programs and erases, unless it is read-only: then that fails, as its status says. Once, under the big lock.
// Error: one line that begins with the file's name.
bool pflash_load(Device *d, const struct DriveItem *image, GError **error);
