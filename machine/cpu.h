// SPDX-License-Identifier: GPL-3.0-or-later
// One processor of a board: hart, TLB and engine put together.
#pragma once
#include "backend/engine.h"
#include "frontend/hart.h"
#include "machine/board.h"
#include "softmmu/tlb.h"

typedef struct Cpu Cpu;

struct Cpu {
    Hart hart;
    Board *board;
    CodePages *pages;
    Tlb *tlb;
    Engine *engine;
    GThread *thread; // atomic: the thread that runs it, NULL before
    Cpu *mirror;     // -accel check: told of every flush too; else NULL
    const RamBlock *copied; // where this processor sees RAM, as tlb_set_ram_copy has it
    int64_t ram_delta;
    uint64_t tap_satp; // cpu_tap.c: as last written
    unsigned tap_mode;
    bool resetting;
    struct CpuWatcher *watchers; // cpu_watch.c: NULL: none
    bool waiting;                // ... who know that it waits for an interrupt
    struct Names *names; // what cpu_symbol asks; NULL: only the loaded files' symbols
    char symbol[128];
};

typedef struct {
    EngineConfig engine;
    HartFeatures features;
    unsigned tlb_bits; // see tlb_new
    bool semihosting;
    CodePages *pages; // of another hart that shares its memory; NULL: the first hart
} CpuConfig;

// A processor in reset state, starting at the board's reset pc.
Cpu *cpu_new(Board *board, unsigned hartid, const CpuConfig *config);
void cpu_free(Cpu *cpu);

// Puts the processor, and its mirror, in reset state at the board's reset pc. While it is stopped.
void cpu_reset(Cpu *cpu);

// Makes mirror the second processor of the same hart (-accel check), which sees that RAM delta bytes from where it is.
void cpu_set_mirror(Cpu *cpu, Cpu *mirror, const RamBlock *ram, int64_t delta);

// The memory map is another one: forgets what depends on it. While the processor is stopped.
void cpu_map_changed(Cpu *cpu);
// Pages are clean in a dirty log: its next store to each is noticed. Likewise.
void cpu_pages_clean(Cpu *cpu, ram_t start, uint64_t len);

// A debugger's access to what the processor sees at physical address pa (R2.25): ROM is written too, a device is read
// but not written. While the processor is stopped. False if some of it is not there, or is a device that was to be
// written; the rest is done.
bool cpu_physical_memory_rw_debug(Cpu *cpu, gpa_t pa, void *buf, uint64_t len, bool is_write);
// The same at va, page by page, whatever permissions say. False at the first page that is mapped nowhere, or of which
// the above is; what came before is done.
bool cpu_memory_rw_debug(Cpu *cpu, gva_t va, void *buf, uint64_t len, bool is_write);

bool cpu_is_mine(Cpu *cpu); // Is it run by this thread?
// Raises or lowers an interrupt line; any thread. On the processor's own thread the slice ends.
void cpu_set_irq(Cpu *cpu, unsigned irq, bool level);

// "name+0x12", or "" if no symbol is known; valid until the next call for this processor.
const char *cpu_symbol(Cpu *cpu, uint64_t pc);
// The address of a symbol; false: there is none.
bool cpu_symbol_address(Cpu *cpu, const char *name, uint64_t *addr);
