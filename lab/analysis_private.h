// SPDX-License-Identifier: GPL-3.0-or-later
// The inside of an analysis: what is kept of each hart while it is fed.
#pragma once
#include "lab/analysis.h"
#include "lab/pair_map.h"
#include "lab/working_set.h"

enum { STRIDES = 4 };

typedef struct { // an instruction that missed
    gva_t pc, last_va;
    MemAccess kind;
    uint64_t misses, turns;
    // Distances between misses: those that make more than a fifth of all are there in the end, counted at least that
    // often (Misra and Gries 1982).
    int64_t stride[STRIDES];
    uint64_t stride_count[STRIDES];
    bool stride_lost[STRIDES];
} MissPc;

typedef struct {
    gva_t addr; // first
    unsigned bits;
    uint32_t space; // UINT32_MAX: in all
} MissPage;

typedef struct { // a use of a page of data
    uint64_t page, accesses; // page 0: what is not translated; accesses: of data, before it
    uint32_t space;
} DataUse;

typedef struct {
    Analysis *a;
    LabStream *stream;
    Model *model;
    Sweep *sweep;
    LabListener to_model, to_sweep;
    WorkingSet *working_set[SWEEP_SIDES];
    // Data accesses do not know how many instructions were before them. They are kept until that is known of something
    // behind them, and are spread evenly between.
    GArray *uses;         // of DataUse
    uint64_t known_insns, known_accesses, accesses;
    AnalysisCounts counts;
    PairMap pc_index; // pc, kind: index in pcs + 1
    GArray *pcs;      // of MissPc
    PairMap page_index; // address and bits, space: index in pages + 1
    GArray *pages;      // of MissPage
    PairMap misses; // index of pc, index of page: how many
    PairMap host;   // pc, kind | cause << 2: how many
    bool fed, ended;
} AnalysisHart;

struct Analysis {
    AnalysisConfig config;
    ModelSpec model;
    SweepConfig sweep;
    bool bare; // untranslated accesses are looked up by one of both
    AnalysisHart *hart;
    char *machine, *guest;
    AnalysisResult result;
    GStringChunk *names;
};

// Adds the counts in from, size bytes of uint64_t, to those in to.
static inline void analysis_add_words(void *to, const void *from, size_t size)
{
    for (size_t i = 0; i < size / sizeof(uint64_t); i++)
        ((uint64_t *)to)[i] += ((const uint64_t *)from)[i];
}

// analysis_symbols.c: the tables by symbol and page, once all counts are there.
void analysis_by_symbol(Analysis *a, const TraceSymbol *symbols, size_t n);
