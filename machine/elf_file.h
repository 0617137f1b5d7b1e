// SPDX-License-Identifier: GPL-3.0-or-later
// An RV64 ELF executable in memory: checked segments and symbols, through libelf.
#pragma once
#include "machine/symbols.h"
#include <libelf.h>

typedef struct { // one loadable segment with memsz > 0
    unsigned index;
    uint64_t paddr, filesz, memsz; // filesz <= memsz; paddr + memsz does not wrap
    const uint8_t *data;           // filesz bytes, in the image
} ElfSegment;

typedef struct {
    Elf *elf;
    uint64_t entry;
    GArray *segments; // of ElfSegment, at least one
} ElfFile;

// Opens the ELF file of size bytes at data, which must outlive it; path is for errors: not 64-bit, not
// RISC-V, big-endian, not an executable, damaged, nothing to load.
bool elf_file_open(ElfFile *file, const char *path, const char *data, size_t size, GError **error);
void elf_file_close(ElfFile *file);

// Adds the file's symbols, without section, file and mapping symbols, as those of the given image number.
void elf_file_symbols(const ElfFile *file, Symbols *symbols, unsigned image);
