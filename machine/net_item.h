// SPDX-License-Identifier: GPL-3.0-or-later
// What -netdev asks for, between the command line and the machine.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *id;  // by which a device names it
    bool restricted; // the guest reaches nothing but who comes through a forwarded port
} NetItem;

typedef struct {     // hostfwd=
    unsigned netdev; // index of its NetItem
    bool udp;
    uint32_t host, guest; // IPv4 addresses, the first byte is the highest; 0: any of the host, DHCP's first one
    uint16_t host_port, guest_port;
    const char *text; // as it was written
} NetForward;
