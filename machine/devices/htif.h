// SPDX-License-Identifier: GPL-3.0-or-later
// HTIF: the tohost and fromhost registers with console, exit and system calls (memory/spec.md 6.5).
#pragma once
#include "machine/devices/device.h"
#include "machine/htif_syscall.h"

typedef struct Htif Htif;

typedef struct {
    HtifProxy proxy;  // copied; its exit is also that of the exit command
    bool compat_qemu; // as QEMU's spike board: see htif.c
} HtifConfig;

// The row's base is where the registers are if the guest's symbols do not say it. Nothing is mapped before htif_place.
extern const DeviceType device_htif;

// Whether the registers are, or will be, at the row's base: then the device tree says so.
void htif_set_fixed(Htif *htif, bool fixed);
// Maps the registers, 8 bytes each, over what lies there, and takes the console's input. Both addresses are multiples
// of 4 and at least 8 apart. Once.
void htif_place(Htif *htif, gpa_t tohost, gpa_t fromhost, const HtifConfig *config);
