// SPDX-License-Identifier: GPL-3.0-or-later
// The inside of Names: one file for each source of names, names.c asks them in turn. All under Names.lock.
#pragma once
#include "machine/name_table.h"
#include "machine/names.h"
#include <libelf.h>

// An ELF file as something to ask for names, opened when it is first needed (names_elf.c). Addresses are link addresses.
typedef struct {
    char *path, *name; // name: its base name, or what it calls itself
    GBytes *bytes;     // of the file, unpacked
    Elf *elf;          // NULL: not open, or not usable
    bool tried;
    uint64_t low, high; // addresses of its segments; low >= high: none
    NameTable *table;
} NameImage;

typedef struct { // an image at an address that does not depend on what is mapped
    NameImage *image;
    uint64_t shift; // link address + shift is where it runs
} NamePlace;

struct Names {
    GMutex lock;
    Board *board;
    GArray *places;  // of NamePlace: loaded files and --symbols
    NameTable *maps; // of System.map files
    GPtrArray *folders; // of char *: --symbols
};

// names_elf.c
NameImage *name_image_new(const char *path);
void name_image_free(NameImage *image);
// False: there is no such file, or it is no ELF file for RV64; *error (may be NULL) says so at the first call.
bool name_image_open(NameImage *image, GError **error);
const NameEntry *name_image_at(NameImage *image, uint64_t addr);
const NameEntry *name_image_find(NameImage *image, const char *name);
