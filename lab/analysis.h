// SPDX-License-Identifier: GPL-3.0-or-later
// What is to be known of a run: its streams go into models, sweeps and counts by symbol, page and time, all at once.
#pragma once
#include "lab/model.h"
#include "lab/sweep.h"
#include "lab/trace_file.h"

typedef struct {
    const ModelSpec *model;   // NULL: none, and so nothing by symbol and page
    const SweepConfig *sweep; // NULL: none
    bool detail;              // why symbols miss, the working set, the host's misses
} AnalysisConfig;

#define ANALYSIS_HOST_CAUSES 16 // TlbMissCause (softmmu/tlb.h) and room

typedef struct { // of one hart, or the sum of all
    ModelTotals model;
    uint64_t insns, loads, stores, crossings[ACCESS_KINDS];
    uint64_t records; // of the tap, but for those of the host's misses, which only recordings have
    uint64_t lookups[ACCESS_KINDS][4], untranslated[ACCESS_KINDS][4]; // by privilege; untranslated: of them
} AnalysisCounts;

typedef struct { // the misses of a symbol on one side
    uint64_t misses, pages;   // pages: different page-table entries among them
    unsigned bits;            // log2 of the size of most of them
    unsigned sets_used;       // of the L1 structure for that size: sets that these pages fall into
    gva_t pc;                 // the instruction that has most of them,
    MemAccess kind;           // ... what it does,
    uint64_t pc_misses;       // ... and how many
    int64_t stride;           // the most frequent distance in bytes between one miss of it and its next
    uint64_t stride_misses;   // how often it was that, at least
    uint64_t turns;           // misses of that instruction that are not its first on their page
} SymbolMisses;

typedef struct {
    char *name; // "[no symbol]"...: addr is the page
    gva_t addr;
    bool named;
    uint64_t insns, loads, stores; // by executions of its blocks
    ModelCounts kind[ACCESS_KINDS]; // L1I for fetches, L1D for loads and stores; misses and causes only
    SymbolMisses side[SWEEP_SIDES];
    uint64_t host[ACCESS_KINDS][ANALYSIS_HOST_CAUSES];
} SymbolCounts;

typedef struct {
    unsigned hart;
    ModelRow row;
    unsigned bits; // log2 of its size; 0: not known
    int symbol;    // that missed most often there; -1: not known
} PageCounts;

typedef struct { // of a side
    uint64_t accesses[ACCESS_KINDS];
    uint64_t (*full)[ACCESS_KINDS]; // misses with 1, 2 ... max_entries entries, fully associative
    uint64_t (*grid)[ACCESS_KINDS]; // [set bits * max_ways + ways - 1]
    double *full_variance, *grid_variance; // of the sums over kinds: standard errors squared; 0 without sampling
} SweepCounts;

typedef struct {
    TraceInfo info; // strings are the analysis' own
    bool has_model, has_sweep, detail;
    ModelSpec model;
    SweepConfig sweep;
    AnalysisCounts all, *hart;
    SymbolCounts *symbols; // by misses of data, then of fetches
    size_t n_symbols;
    ModelRow *asids;
    size_t n_asids;
    PageCounts *pages; // by misses
    size_t n_pages;
    SweepCounts side[SWEEP_SIDES];
    unsigned window_bits; // of the working set
    uint64_t windows;
    uint32_t *working_set[SWEEP_SIDES];
    uint64_t host_misses; // of the symbols, in sum
} AnalysisResult;

typedef struct Analysis Analysis;
Analysis *analysis_new(const AnalysisConfig *config, const TraceInfo *info);
void analysis_free(Analysis *a);
// The next records of a hart. Harts may be fed side by side by different threads. False: they are no stream.
bool analysis_feed(Analysis *a, unsigned hart, const TapRecord *r, size_t n, GError **error);
// Behind the last record, once. symbols: sorted by address, copied. NULL: a stream has no end, or counts do not
// agree, which *error says with the numbers. The result is the analysis'.
const AnalysisResult *analysis_finish(Analysis *a, const TraceSymbol *symbols, size_t n, GError **error);
