// SPDX-License-Identifier: GPL-3.0-or-later
// Address types and the description of a guest memory fault, shared by every layer.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef uint64_t gva_t; // guest virtual address
typedef uint64_t gpa_t; // guest physical address
typedef uint64_t ram_t; // offset in the global space of all RAM blocks (aliases of one RAM share it)

#define PAGE_BITS 12
#define PAGE_SIZE 4096u
#define PAGE_MASK (~(uint64_t)(PAGE_SIZE - 1))

typedef enum {
    ACCESS_READ,  // load and LR
    ACCESS_WRITE, // store, SC and AMO
    ACCESS_FETCH,
    ACCESS_KINDS
} MemAccess;

typedef enum {
    FAULT_NONE,
    FAULT_ALIGN,  // misaligned LR, SC or AMO
    FAULT_ACCESS, // PMP or the bus refused
    FAULT_PAGE,   // no valid translation
    FAULT_STOP,   // none of the guest's: a debugger stops the hart in front of the access (tlb_set_guard)
} FaultKind;

// A guest-visible memory fault: a value, never a GError (docs/design.md, Errors).
typedef struct {
    FaultKind kind;
    MemAccess access;
    gva_t addr; // what the guest finds in its tval register
} MemFault;
