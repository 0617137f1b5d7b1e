// SPDX-License-Identifier: GPL-3.0-or-later
// What -drive and -device virtio-... ask for, between the command line and the board.
#pragma once
#include <stdbool.h>

typedef struct { // -drive
    const char *id;   // by which a device names it, or NULL
    const char *file; // raw image
    bool plugged; // if=virtio: it gets a device of its own
    bool readonly;
    bool checked; // format=raw was said; else a file that looks like another format is refused
    bool unsafe;  // the guest's flushes are not passed on
} DriveItem;

#define VIRTIO_PORTS 15 // most ports of a virtio-serial-device

typedef struct { // a port of a virtio-serial-device
    bool is_console;     // virtconsole, else virtserialport
    const char *chardev; // id of what is behind it, or NULL
    struct Console *console; // that; NULL until the board has found it
    const char *name;    // that the driver sees, or NULL
    int nr;              // below VIRTIO_PORTS
    unsigned device;     // index of its virtio-serial-device
} VirtioPort;

typedef struct { // a virtio device
    const char *driver;     // as in -device
    const char *drive;      // of virtio-blk-device: the id of its -drive
    const DriveItem *image; // the drive; NULL until the board has found it
    const char *rng;        // of virtio-rng-device: the id of an -object, or NULL
    const char *serial;     // of virtio-blk-device: what it says as its identity, or NULL
    const char *netdev;     // of virtio-net-device: the id of its -netdev
    unsigned char mac[6];   // of virtio-net-device
    struct NetUser *net;    // the network; NULL until the board has found it
    const char *id;         // of virtio-serial-device: by which ports name it, or NULL
    const VirtioPort *ports; // of virtio-serial-device; none until the board has found them
    unsigned n_ports;
    int bus;                // number of the transport; -1: any
} VirtioItem;
