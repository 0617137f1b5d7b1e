// SPDX-License-Identifier: GPL-3.0-or-later
// What -drive and -device virtio-... ask for, between the command line and the board.
#pragma once
#include <stdbool.h>

typedef struct DriveItem { // -drive
    const char *id;   // by which a device names it, or NULL
    const char *file; // raw image
    bool plugged; // if=virtio: it gets a device of its own
    bool flash;   // if=pflash: it is what the board's flash `unit` holds
    unsigned unit;
    bool readonly;
    bool checked; // format=raw was said; else a file that looks like another format is refused
    bool unsafe;  // the guest's flushes are not passed on
} DriveItem;

typedef struct { // a virtio device
    const char *driver;     // as in -device
    const char *drive;      // of virtio-blk-device: the id of its -drive
    const DriveItem *image; // the drive; NULL until the board has found it
    const char *rng;        // of virtio-rng-device: the id of an -object, or NULL
    const char *serial;     // of virtio-blk-device: what it says as its identity, or NULL
    int bus;                // number of the transport; -1: any
} VirtioItem;
