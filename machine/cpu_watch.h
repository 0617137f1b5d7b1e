// SPDX-License-Identifier: GPL-3.0-or-later
// Tells what happens to a hart besides running instructions: for timelines and logs. Off (NULL) it costs a test in
// places that are slow anyway.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef enum {
    CPU_EXCEPTION,   // cause, tval; pc: where it was; before the hart's state changes
    CPU_INTERRUPT,   // cause without its top bit; pc: where it came
    CPU_WFI_BEGIN,   // the hart waits: its thread sleeps
    CPU_WFI_END,
    CPU_TLB_FLUSH,   // all
    CPU_TLB_FENCE,   // sfence.vma: by address and/or ASID
    CPU_SPACE,       // satp: value in tval
    CPU_RESET,
} CpuEventKind;

typedef struct {
    CpuEventKind kind;
    unsigned hart;
    uint64_t pc, cause, tval;
    uint64_t ns;      // CLOCK_MONOTONIC
    uint64_t insns;   // retired by the hart before
} CpuEvent;

typedef struct CpuWatcher {
    void *opaque;
    void (*event)(void *opaque, const CpuEvent *event); // on the hart's thread
    struct CpuWatcher *next;                            // the watcher's, set by cpu_add_watcher
} CpuWatcher;

struct Cpu;
// watcher outlives the processor's run. Before it runs.
void cpu_add_watcher(struct Cpu *cpu, CpuWatcher *watcher);
