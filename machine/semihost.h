// SPDX-License-Identifier: GPL-3.0-or-later
// RISC-V semihosting (RISC-V Semihosting 0.4, after ARM's semihosting for AArch32/64 version 2).
#pragma once
#include "machine/console.h"
#include "machine/hostfs.h"
#include "softmmu/memory.h"

typedef struct Semihost Semihost;

typedef struct { // all borrowed
    AddressSpace *memory; // guest addresses are physical (M-mode)
    HostFs *fs;
    Console *console; // NULL: output is dropped, input at its end
    const char *cmdline; // SYS_GET_CMDLINE
    gpa_t heap_base,
        heap_limit; // SYS_HEAPINFO: free RAM behind the program; the stack may start at the limit
    void *opaque;
    void (*exit)(void *opaque, uint64_t code);
    uint64_t (*clock_ns)(void *opaque); // time since the start
} SemihostConfig;

// config is copied. semihost_free takes NULL.
Semihost *semihost_new(const SemihostConfig *config);
void semihost_free(Semihost *semihost);

// The call in a0 (operation; the result replaces it) and a1 (argument or block). Bad guest addresses and
// numbers give the operation's failure value. A read of the console may block: call it without the big lock.
// Any thread. SYS_EXIT takes a block of two words as on RV64, and a bare reason code in a1, which older
// guests pass. SYS_SYSTEM is refused: a guest runs no host commands.
void semihost_call(Semihost *semihost, uint64_t *a0, uint64_t a1);
