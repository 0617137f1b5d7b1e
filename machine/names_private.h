// SPDX-License-Identifier: GPL-3.0-or-later
// The inside of Names: one file for each source of names, names.c asks them in turn. All under Names.lock.
#pragma once
#include "machine/name_table.h"
#include "machine/names.h"
#include <elfutils/libdw.h>

// An ELF file as something to ask for names, opened when it is first needed (names_elf.c). Addresses are those that it
// was linked for.
typedef struct {
    char *path, *name; // name: its base name, or what it calls itself
    GBytes *bytes;     // of the file, unpacked
    Elf *elf;          // NULL: not open, or not usable
    bool tried;
    uint64_t low, high; // addresses of its segments; low >= high: none
    NameTable *table;
    Dwarf *dwarf;  // NULL: has none
    Dwarf_CFI *eh; // of .eh_frame
    bool dwarf_tried, eh_tried;
    GArray *units; // names_lines.c: what code each compilation unit has; NULL: not looked at yet
    GHashTable *sources; // names_lines.c: whole paths, by those of libdw
} NameImage;

typedef struct { // an image at an address that does not depend on what is mapped
    NameImage *image;
    uint64_t shift; // link address + shift is where it runs
} NamePlace;

typedef struct { // a Linux kernel's own table
    NameTable *table;  // NULL: not found yet
    const uint8_t *base; // host address of the table's base in guest memory, of which
    uint64_t is;         // ... this is the value as long as the table is that kernel's
    bool changed;      // since name_kernel_changed was asked
    GPtrArray *old;    // tables of kernels that ran before, whose names are still in use; or NULL
    uint64_t bytes;    // of all tables
    uint64_t again_ns; // CLOCK_MONOTONIC: when it may be looked for again
    uint64_t wait_ns;  // how long it was not looked for the last time
} NameKernel;

typedef struct { // a program or library that processes have mapped; addresses are link addresses
    uint8_t header[64], id[32]; // by which it is known: the ELF header, the build id
    uint64_t header_at, id_at;
    size_t id_size;             // 0: has none
    char title[32];             // "build-id 12345678"
    uint64_t low, high;
    uint64_t dynamic, dynamic_size; // its dynamic section; size 0: none
    // names_dynsym.c:
    NameTable *table;  // of its dynamic symbols; NULL: not read yet
    char *soname;      // or NULL
    bool holes;        // some pages of it were not there
    unsigned reads;    // how often it was read
    uint64_t again_ns; // CLOCK_MONOTONIC: not before
    GPtrArray *old;    // tables that it had, whose names are still in use; or NULL
    // names.c:
    NameImage *file;   // of the same build id, or NULL; not owned
    bool file_tried;
} NameProgram;

typedef struct {
    GArray *maps; // of who is where, the latest last
    GPtrArray *programs; // of NameProgram
    uint64_t bytes; // of all tables of all programs
} NameProcesses;

typedef struct { // how to get from a frame to its caller's
    bool known;
    bool outermost;  // there is no caller
    bool switches;   // the caller may have another stack
    uint8_t base;    // the caller's stack pointer (CFA) is this register + cfa
    int64_t cfa;
    uint32_t saved;  // bit r: the caller's register r lies at CFA + at[r]; else it is as it was
    int32_t at[32];
} FrameRule;

typedef struct { // where an address belongs
    NameImage *image; // a file, or NULL
    uint64_t shift;   // link address + shift is where it runs
    const char *name; // of the image; or NULL
    const void *owner; // the image or program that link addresses are of; NULL: they are not moved
} NameSpot;

struct Names {
    GMutex lock;
    Board *board;
    GArray *places;  // of NamePlace: loaded files and --symbols
    NameTable *maps; // of System.map files
    GPtrArray *folders; // of char *: --symbols
    NameKernel kernel;
    NameProcesses processes;
    GHashTable *builds; // NameImage by build id in hexadecimal; NULL: not looked for yet
    GHashTable *rules; // FrameRule by place; NULL: none yet
    FrameRule rule;    // one that was made now
};

// names.c. What is at pc, with link addresses (NULL: no name), and whose it is.
const NameEntry *names_find(Names *n, Cpu *cpu, uint64_t pc, NameSpot *spot);

// names_process.c. The image that is mapped at pc in the hart's address space, and how far from its link addresses.
NameProgram *name_process_at(NameProcesses *ps, Cpu *cpu, uint64_t pc, uint64_t *shift);
void name_processes_free(NameProcesses *ps); // what is in it

// names_dynsym.c. One of ps.
const NameEntry *name_program_at(NameProcesses *ps, NameProgram *p, Cpu *cpu, uint64_t shift, uint64_t addr);
void name_program_free(NameProgram *p);

// names_builds.c. A file of --symbols; NULL: none.
NameImage *name_image_by_build_id(Names *n, const uint8_t *id, size_t size);
void name_builds_scan(Names *n); // looks through the folders, if nobody has

// names_cfi.c: the rule at a link address. False: that file does not know.
bool frame_rule_by_cfi(NameImage *image, uint64_t addr, FrameRule *out);
// names_frame.c: from the code of a function at start (size 0: not known). False: not all of it could be read.
bool frame_rule_by_code(Cpu *cpu, uint64_t start, uint64_t size, uint64_t pc, FrameRule *out);

// names_lines.c: source lines of link addresses, by .debug_line. The file's name is owned by the image.
bool name_image_line(NameImage *image, uint64_t addr, const char **file, unsigned *line);
// The lowest address of the first line with code at or behind that one. file: its name, with as many folders as wanted.
bool name_image_line_address(NameImage *image, const char *file, unsigned line, uint64_t *addr);

// names_memory.c
bool names_translate(Cpu *cpu, uint64_t va, uint64_t *pa);
// Host memory at pa: *len bytes of it may be read; NULL: that is no memory.
const uint8_t *names_host(Cpu *cpu, uint64_t pa, uint64_t *len);
// What the hart would fetch from va. False: some of it is not mapped, or no memory.
bool names_read(Cpu *cpu, uint64_t va, void *buf, uint64_t len);

// names_kallsyms.c. pc: of the kernel. The table is looked for if it is not known.
const NameEntry *name_kernel_at(NameKernel *kernel, Cpu *cpu, uint64_t pc);
void name_kernel_free(NameKernel *kernel); // what is in it
// Whether there is another kernel now than at the last call.
bool name_kernel_changed(NameKernel *kernel);

// names_elf.c
NameImage *name_image_new(const char *path);
void name_image_free(NameImage *image);
// False: there is no such file, or it is no ELF file for RV64; *error (may be NULL) says so at the first call.
bool name_image_open(NameImage *image, GError **error);
const NameEntry *name_image_at(NameImage *image, uint64_t addr);
Dwarf *name_image_dwarf(NameImage *image); // or NULL
const NameEntry *name_image_find(NameImage *image, const char *name);
