// SPDX-License-Identifier: GPL-3.0-or-later
// Guest memory as a buffer of the host, for devices that hand it to the host's system calls (spec 2.7).
#pragma once
#include "softmmu/memory.h"

#define MAP_BOUNCE_BYTES 4096 // of bounce buffers at once, for each address space

// The host memory at [addr, addr + *len), as much of it as is in one piece; *len says how much that is. Where it may
// not be touched directly (device, unassigned, ROM for a write), a bounce buffer takes its place: zeroed, and filled
// first if it is for reading. NULL and *len 0: *len was 0, or there is no room for bounce buffers; then register a map
// client and try again later. is_write: the buffer is what goes to the guest. Keeps the region alive until unmapped
// (R2.42). Any thread.
void *address_space_map(AddressSpace *as, gpa_t addr, uint64_t *len, bool is_write, MemTxAttrs attrs);
// Ends the use of a mapped buffer. access_len: how many bytes of it were written (is_write): they are now the guest's.
void address_space_unmap(AddressSpace *as, void *buffer, bool is_write, uint64_t access_len);

// notify(opaque) is called once, when there is room for a bounce buffer: at once if there is already, else in the
// thread that makes room.
void address_space_register_map_client(AddressSpace *as, void (*notify)(void *opaque), void *opaque);
// It will not be called any more, unless it is being called now. Nothing if it is not registered.
void address_space_unregister_map_client(AddressSpace *as, void (*notify)(void *opaque), void *opaque);

// --- for space.c
MapState *map_state_new(void);
void map_state_free(MapState *m); // nothing is mapped
