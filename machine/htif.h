// SPDX-License-Identifier: GPL-3.0-or-later
// HTIF: the tohost and fromhost registers with console, exit and system calls (memory/spec.md 6.5).
#pragma once
#include "machine/console.h"
#include "machine/htif_syscall.h"

typedef struct Htif Htif;

typedef struct {
    Console *console; // borrowed; NULL: output is dropped, no input
    HtifProxy proxy;  // copied; its exit is also that of the exit command
    bool compat_qemu; // as QEMU's spike board: see htif.c
} HtifConfig;

// Maps the registers, 8 bytes each, into parent over what lies there. Both addresses are multiples of 4 and
// at least 8 apart. The console's input handler is the caller's to set: it calls htif_input. Free it when no
// address space shows parent.
Htif *htif_new(MemoryRegion *parent, gpa_t tohost, gpa_t fromhost, const HtifConfig *config);
void htif_free(Htif *htif);

// Input is waiting in the console. Under the big lock.
void htif_input(Htif *htif);
