// SPDX-License-Identifier: GPL-3.0-or-later
// The two roots of a machine's memory map, and the address spaces that show them (memory/spec.md 6.8, system 6). There
// is one machine at a time.
#pragma once
#include "softmmu/memory.h"

// Memory, and ports: a device (DMA) or a processor without a space of its own accesses these.
extern AddressSpace address_space_memory, address_space_io;

// Makes "system", 2^64 bytes in which there is nothing, and "io", 65536 ports: where no device has one, reads give all
// ones and writes are ignored, successfully (R1.54). parent: what the roots hang on in listings, or NULL; it outlives
// them. Under the big lock. memory_map_exit takes it back, when the roots have no children and nobody else uses the
// spaces.
void memory_map_init(MemoryOwner *parent);
void memory_map_exit(void);

// The roots, between these.
MemoryRegion *get_system_memory(void);
MemoryRegion *get_system_io(void);
