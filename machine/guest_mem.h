// SPDX-License-Identifier: GPL-3.0-or-later
// Guest memory for host services: strings, words and file transfers at physical addresses, RAM only.
#pragma once
#include "machine/hostfs.h"
#include "softmmu/memory.h"

// All or nothing matters not to the callers: false means that some byte is not RAM.
bool guest_read(AddressSpace *as, gpa_t addr, void *buf, uint64_t size);
bool guest_write(AddressSpace *as, gpa_t addr, const void *buf, uint64_t size);

// count little-endian 64-bit words.
bool guest_read_words(AddressSpace *as, gpa_t addr, uint64_t *words, unsigned count);
bool guest_write_words(AddressSpace *as, gpa_t addr, const uint64_t *words, unsigned count);

#define GUEST_STRING_MAX 4096 // longer than any path

// The NUL-terminated string at addr, without its NUL; the caller frees it. NULL: not RAM, or longer than
// GUEST_STRING_MAX.
char *guest_string(AddressSpace *as, gpa_t addr);

// Moves up to size bytes between a guest file and guest memory (offset -1: at the file position): the count,
// or -errno when nothing was moved.
int64_t guest_file_read(AddressSpace *as, HostFs *fs, int fd, gpa_t addr, uint64_t size, int64_t offset);
int64_t guest_file_write(AddressSpace *as, HostFs *fs, int fd, gpa_t addr, uint64_t size, int64_t offset);
