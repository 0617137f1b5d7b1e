// SPDX-License-Identifier: GPL-3.0-or-later
// What guest addresses are called: functions, source lines and frames, of loaded files, files named by --symbols, a
// Linux kernel's own table (kallsyms) and the ELF images that a guest's processes have mapped.
#pragma once
#include "machine/cpu.h"

typedef struct Names Names;

typedef struct {
    const char *function; // NULL: not known. Owned by Names, good as long as it
    uint64_t offset;      // from its start
    uint64_t start, size; // of the function at the place where it is mapped; size 0: not known
    const char *file;     // source file; NULL: not known
    unsigned line;        // 0: not known
    const char *image;    // base name of the ELF file it is from, "kernel" for a kernel's own; or NULL
} Name;

// Everything that the board's loader has seen is known already. May be used by several threads.
Names *names_new(Board *board);
void names_free(Names *n);

// --symbols FILE[@ADDRESS]: an ELF file (symbols, DWARF lines and call frames; moved so that its first segment lies at
// ADDRESS, if that is given), or lines as of System.map and /proc/kallsyms; or a folder, in whose ELF files processes'
// images are looked up by build id. Errors name the file.
bool names_add_file(Names *n, const char *spec, GError **error);
// Does in advance what takes seconds, before harts run: looks through the folders. Nothing without folders.
void names_prepare(Names *n);

// What is at pc. cpu: the hart whose address space counts; its registers are not looked at. NULL: only what does not
// depend on it (loaded files, files with an address, the kernel). On the hart's thread or while it is stopped, if cpu
// is given. Never faults, never changes the guest. lines: source lines too, which takes longer.
Name names_at(Names *n, Cpu *cpu, uint64_t pc, bool lines);
// The address of a symbol (or "file:line"); false: there is none.
bool names_address(Names *n, const char *symbol, uint64_t *pc);

// The caller of a frame, by call frame information where there is some (.eh_frame, .debug_frame), else by the frame
// pointer. regs: pc and x1..x31 of the frame (regs[0] is pc); replaced by the caller's, whose pc is behind the call.
// False: there is none that is known. Stacks can be circular where a kernel changes stacks: the caller has a bound for
// frames. Same threads as names_at.
bool names_unwind(Names *n, Cpu *cpu, uint64_t regs[32]);

// The names of the machine, with those of --symbols; freed with it. After machine_new. (exec.c)
struct Machine;
Names *machine_names(struct Machine *m);
