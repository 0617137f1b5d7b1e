// SPDX-License-Identifier: GPL-3.0-or-later
// The softTLB in the report of --stats: the emulator's own TLB, which says nothing about hardware's (docs/tlb.md).
#pragma once
#include "backend/engine.h"
#include "softmmu/tlb.h"
#include <json-glib/json-glib.h>

typedef struct { // the misses of all spaces with an ASID
    TlbSpaceKind kind;
    unsigned asid;
    uint64_t spaces; // how many
    uint64_t miss[ACCESS_KINDS][TLB_MISS_CAUSES];
} StatsAsid;

typedef struct { // of one hart, or the sum of all. Only words of 64 bits up to asids, which are summed one by one
    uint64_t insns;
    uint64_t started[TLB_PRIVILEGES][ACCESS_KINDS]; // data accesses by the executions of blocks
    uint64_t direct[ACCESS_KINDS]; // data accesses one by one, while a tap is on
    TlbStats tlb;
    TlbMissStats miss;
    // Derived by stats_tlb_check: all lookups, and those that inlined code answered.
    uint64_t lookups[TLB_PRIVILEGES][ACCESS_KINDS], fast[TLB_PRIVILEGES][ACCESS_KINDS];
    GArray *asids; // of StatsAsid, ascending; freed by stats_tlb_clear
    bool counted;  // accesses were, and so started and what is derived mean something
    bool causes;   // miss and asids do
    bool tapped;   // direct does
} StatsTlb;

// engine: whose counts are of what goes through tlb. counted: its config.stats. tap: the hart's.
void stats_tlb_collect(StatsTlb *out, const Tlb *tlb, const EngineStats *engine, const Tap *tap, uint64_t insns,
                       bool counted);
void stats_tlb_add(StatsTlb *sum, const StatsTlb *hart); // sum: all zero at first
void stats_tlb_clear(StatsTlb *s);

// The lookups counted by one kind of access under one MMU index (spec 5.8).
uint64_t stats_tlb_lookups(const TlbCounters *c);
// Derives hits, and checks the identities of memory/spec.md 5.8 between the counts. NULL: they hold; else a line with
// the numbers, which the caller frees.
char *stats_tlb_check(StatsTlb *s);

// whole: of all harts: with everything; else the accesses only.
void stats_tlb_text(const StatsTlb *s, bool whole, GString *out);
void stats_tlb_json(const StatsTlb *s, JsonBuilder *b); // the member "tlb"
