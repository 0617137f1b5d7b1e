// SPDX-License-Identifier: GPL-3.0-or-later
// Loading of guest images into RAM: ELF, U-Boot uImage, raw files (memory/spec.md 6.3).
//
// A Loader remembers which addresses are taken; two images over the same bytes are an error that names both.
#pragma once
#include "machine/symbols.h"
#include "softmmu/memory.h"

typedef struct Loader Loader;

typedef struct { // what was loaded
    bool is_elf;
    gpa_t low, high; // lowest address, end (bss included)
    gpa_t entry;     // ELF entry; the start of a raw file
} LoadedImage;

typedef struct { // what a file may be and where it goes
    bool uimage;      // U-Boot's format is taken apart
    bool kernel;      // Linux' formats are known: the header of an Image, a vmlinux linked at 0
    gpa_t raw_addr;   // of a file that does not say itself where it goes
    gpa_t linux_base; // a Linux Image lies at least its text_offset above this; 0: at raw_addr
} LoadRules;

// Loads into the RAM at [base, base + size) of as.
Loader *loader_new(AddressSpace *as, gpa_t base, uint64_t size);
void loader_free(Loader *loader);

// All of these fail with one line that names the file: unreadable, wrong class, machine or byte order,
// damaged, outside RAM, over another image. out is set on success.

// An ELF file by its segments' physical addresses (bss zeroed; symbols kept), else a uImage, else a Linux Image, else
// the bytes of the file. gzip is unpacked; other compressed files, scripts and PE programs without a RISC-V Linux
// header are refused.
bool loader_program(Loader *loader, const char *path, const LoadRules *rules, LoadedImage *out, GError **error);

// The bytes of the file, whatever they are (initrd).
bool loader_raw(Loader *loader, const char *path, gpa_t addr, LoadedImage *out, GError **error);

// A little-endian value of 1 to 8 bytes over whatever was loaded there; what names it in errors.
bool loader_value(Loader *loader, const char *what, uint64_t value, unsigned size, gpa_t addr, GError **error);

// Bytes from memory; what names them in errors.
bool loader_bytes(Loader *loader, const char *what, const void *data, uint64_t size, gpa_t addr,
                  GError **error);

// The same for the device tree.
bool loader_device_tree(Loader *loader, const void *data, uint64_t size, gpa_t addr, GError **error);

// Appends a line for each piece of memory that was loaded, by address, as QEMU's info roms has it; a row of its own.
// Under the big lock.
void loader_print(Loader *loader, GString *out);
void loader_print_row(GString *out, AddressSpace *as, gpa_t addr, uint64_t size, const char *name);

// True if the file starts as an ELF file does; false for unreadable ones too.
bool loader_is_elf(const char *path);

Symbols *loader_symbols(Loader *loader); // owned by the loader
// The ELF files that were loaded (of char *), in that order. Owned by the loader.
const GPtrArray *loader_elf_paths(const Loader *loader);
gpa_t loader_high(const Loader *loader); // end of the highest image; the RAM base without one
