// SPDX-License-Identifier: GPL-3.0-or-later
// Tells what happens to a hart besides running instructions: for timelines and logs. Off (NULL) it costs a test in
// places that are slow anyway.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef enum {
    CPU_EXCEPTION,   // cause, tval; pc: where it was; before the hart's state changes
    CPU_INTERRUPT,   // cause without its top bit; pc: where it came
    CPU_WFI_BEGIN,   // the hart waits: it runs nothing, its thread sleeps or runs other harts
    CPU_WFI_END,
    CPU_TLB_FLUSH,   // all
    CPU_TLB_FENCE,   // sfence.vma, sinval.vma: cause has the bits CPU_FENCE_, tval the address, if it is for one page
    CPU_SPACE,       // satp: value in tval
    CPU_RESET,
} CpuEventKind;

enum { CPU_FENCE_PAGE = 1, CPU_FENCE_ASID = 2 }; // it is for one page, for one ASID; 0: for all

typedef struct {
    CpuEventKind kind;
    unsigned hart;
    uint64_t pc, cause, tval;
    uint64_t ns;      // CLOCK_MONOTONIC
    uint64_t insns;   // retired by the hart before
} CpuEvent;

typedef struct CpuWatcher {
    void *opaque;
    // On the hart's thread; CPU_TLB_FLUSH and CPU_RESET perhaps on another one, while no hart runs.
    void (*event)(void *opaque, const CpuEvent *event);
    struct CpuWatcher *next;                            // the watcher's, set by cpu_add_watcher
} CpuWatcher;

struct Cpu;
// watcher outlives the processor's run. Before it runs.
void cpu_add_watcher(struct Cpu *cpu, CpuWatcher *watcher);

// For the places where it happens: tells the watchers, of whom there are some (cpu->watchers). pc is the hart's.
void cpu_tell(struct Cpu *cpu, CpuEventKind kind, uint64_t cause, uint64_t tval);
// It waits for an interrupt, or goes on, perhaps for the first time. Does nothing without watchers.
void cpu_tell_wfi(struct Cpu *cpu, bool waits);
