// SPDX-License-Identifier: GPL-3.0-or-later
// What a timeline has recorded, shared by timeline.c (recording) and timeline_print.c (output).
#pragma once
#include "machine/cpu_watch.h"
#include "machine/profile/timeline.h"

// What happens often is only counted, by bins of time; when they become too many they become wider.
#define BIN_NS 1000000
#define BINS_MAX 8192
#define CAUSES 16

typedef struct {
    uint64_t insns, misses; // retired, TLB misses
    uint32_t translated, baseline, kept, regions, dropped, fences, flushes, spaces;
    uint32_t exceptions[CAUSES], interrupts[CAUSES];
} Bin;

typedef struct { // of a hart
    CpuEventKind kind;
    uint64_t ts, cause, tval, pc;
    const char *why; // kind is CPU_TLB_FLUSH and the engine dropped all code: why; else NULL
} Instant;

typedef struct {
    uint64_t start, end;
    unsigned n; // waits, taken for one
} Wait;

typedef struct { // a region's way through a compile worker, or from the code cache
    uint64_t start, end, pc, cpu_ns;
    unsigned n_blocks, n_insns;
    size_t bytes;
    bool open, loaded;
    char *name; // of the function; NULL: not known
    char *why;  // it failed; or NULL
} Compile;

typedef struct {
    Timeline *timeline;
    Cpu *cpu;
    CpuWatcher watcher;
    GArray *bins; // Bin; each bin_ns
    uint64_t bin_ns;
    uint64_t last_ts, last_insns; // up to where instructions are counted
    uint64_t misses, misses_bin;  // TLB misses counted up to that bin
    GArray *instants, *waits, *compiles;
    unsigned n_instants[CPU_RESET + 1][CAUSES]; // of each kind, so that none becomes too many
    uint64_t wait_gap; // waits with no more between them are taken for one
    uint64_t wait_start;
} TimelineHart;

struct Timeline {
    Machine *m;
    bool guest_time;
    uint64_t start_ns; // CLOCK_MONOTONIC: of the run
    TimelineHart *hart;
    unsigned n_harts;
};

// Counts what was not counted yet; the time of the run's end.
uint64_t timeline_end(Timeline *t);
