// SPDX-License-Identifier: GPL-3.0-or-later
// Files that hold guest programs: opened, unpacked, and told apart.
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

// Maps a file; the caller unrefs it. Refuses what is not a regular file: a device may have no end.
GMappedFile *image_file_map(const char *path, GError **error);

// The bytes of a program file; the caller unrefs them. gzip is unpacked, to at most limit bytes. One line of error that
// begins with path: unreadable, empty, damaged, unpacks to more than limit, compressed in another way, an archive, a
// script, a PE program without a RISC-V Linux header.
GBytes *image_file_open(const char *path, uint64_t limit, GError **error);

// Unpacks a gzip stream, as above.
GBytes *image_gunzip(const char *path, const uint8_t *data, size_t size, uint64_t limit, GError **error);

typedef struct {
    uint64_t text_offset; // from the start of RAM, or of the 2 MiB behind the firmware, to where it wants to lie
    uint64_t image_size;  // bytes that it uses once it runs, bss included; not less than the file's
} LinuxImage;

// The header of a RISC-V Linux Image (Linux, Documentation/arch/riscv/boot-image-header.rst). False: it is none.
bool image_is_linux(const uint8_t *data, size_t size, LinuxImage *out);
