// SPDX-License-Identifier: GPL-3.0-or-later
// A modelled hardware TLB: levels, page-size classes, replacement, page-walk cache, prefetch; fed with one hart's
// stream.
//
// Rules, which the sweep (lab/sweep.h) follows too:
// - An entry is for one page-table entry: of the page it maps, 4 KiB or larger, and of an ASID unless it is global. An
//   access looks for the entry that the page tables now have for it, and no other: what a guest leaves behind when it
//   changes the size of a page without a fence does not hit. The set of an entry is its page number, counted in pages
//   of its own size, modulo the number of sets.
// - A miss fills an invalid way if there is one (the lowest), else what the policy says. All levels get it.
// - A store through an entry that was filled when the page could not be written yet is a miss (upgrade): the entry is
//   written anew in place and becomes the most recent. A load does not change what an entry allows.
// - A fault fills nothing, touches nothing and is a miss, whatever is there.
// - The second level sees all misses of the first level's two parts, in program order. It holds entries on its own:
//   what leaves it stays in the first level.
// - A flush invalidates what the privileged architecture says, and no more: by ASID spares global entries, by address
//   takes entries of any size that contain it and spares the page-walk cache. Without ASID tags (asid=off) each change
//   of satp invalidates all but global entries, and so does a fence for an ASID, whichever (for an address too: those
//   of them that contain it).
// - Accesses that are not translated are counted, but looked up only with bare=on, as global 4 KiB pages.
// - A walk begins where the page-walk cache knows most, and reads one page-table entry for each level from there down
//   to the leaf. What it passes is entered, except by a refused one, which counts as one for a 4 KiB page.
// - Prefetch: a first-level miss that was neither refused nor an upgrade brings the next pages of the same size (in
//   ascending order, each as the most recent) behind the look-up and in front of the missed page's own entry. A page is
//   known to be mapped if that structure had an entry for it and replaced it: what a flush took may have changed. The
//   walks of prefetches are not counted.
#pragma once
#include "lab/stream.h"

typedef enum { POLICY_LRU, POLICY_PLRU, POLICY_FIFO, POLICY_RANDOM } ModelPolicy;

typedef struct { // one structure: looked up for the sizes in `sizes`
    unsigned sets, ways; // sets: a power of two; ways 0: the structure is not there
    uint64_t sizes;      // bit n: pages of 2^n bytes; of a unit's parts no two have a size in common
    ModelPolicy policy;
} ModelPart;

#define MODEL_PARTS 4 // of a level and side: classes of page sizes
// L1I and L1D are not shared and hold every size of page; L2 may be absent, or lack sizes
typedef enum { MODEL_L1I, MODEL_L1D, MODEL_L2, MODEL_UNITS } ModelUnit;
typedef struct {
    char name[32];
    ModelPart part[MODEL_UNITS][MODEL_PARTS];
    bool asid;           // entries have ASID tags
    bool bare;           // untranslated accesses are looked up too
    unsigned walk_cache; // entries of the page-walk cache for each level of page tables above the last, LRU; 0: none
    unsigned prefetch;   // 0: off; n: a miss of L1 also brings the next n pages, if they are known to be mapped, into
                         // L2 (L1 if there is none)
    uint64_t seed;       // of random replacement
} ModelSpec;

// text: the name of a preset, a file, or the short form "l1i=4x8,l1d=16x4,l2=128x8[,asid=off]..." (docs/tlb.md), or one
// of the first two, a comma and some of the short form in its place. False: *error names what is wrong. The result is
// plain data. A file has the short form's keys, one a line.
bool model_spec_parse(const char *text, ModelSpec *out, GError **error);
char *model_spec_print(const ModelSpec *spec); // short form; parses back, but for the name. The caller frees it
char *model_presets_text(void);                // for --tlb-model help: name, geometry, source. Likewise

// Why an access of a level missed. The first that applies, from the top. Of what was in that structure before and went:
// what took it away last.
typedef enum {
    CAUSE_FAULT,      // translation refused
    CAUSE_UPGRADE,    // the entry was there but may not be written (A/D)
    CAUSE_SIZE,       // pages of this size are not kept there
    CAUSE_COLD,       // never there
    CAUSE_FLUSH_ALL, CAUSE_FLUSH_VA, CAUSE_FLUSH_ASID, // invalidated by sfence.vma or sinval.vma
    CAUSE_SATP,       // by a change of satp without ASID tags
    CAUSE_OTHER,      // by a reset or a change of PMP
    CAUSE_CONFLICT,   // replaced, and a fully associative LRU of the same number of entries would have it
    CAUSE_CAPACITY,   // replaced, and that would not have it either
    MODEL_CAUSES
} ModelCause;
extern const char *const model_cause_names[MODEL_CAUSES]; // "fault", "upgrade", ...

typedef struct {
    uint64_t accesses, hits, misses, cause[MODEL_CAUSES]; // accesses = hits + misses, misses = sum of cause
} ModelCounts;

#define MODEL_SIZES 6 // 4 KiB, 64 KiB, 2 MiB, 1 GiB, 512 GiB, 256 TiB
typedef struct {
    // Looked up or not. loads, stores: each once; fetches: each instruction once; crossings: second pages, one look-up
    // more
    uint64_t insns, loads, stores, fetches, crossings[ACCESS_KINDS];
    uint64_t untranslated[ACCESS_KINDS][4]; // look-ups of untranslated addresses, by privilege. Asked only with bare=on
    // by unit, kind of access, privilege 0..3, page size. L2: what missed in L1
    ModelCounts unit[MODEL_UNITS][ACCESS_KINDS][4][MODEL_SIZES];
    uint64_t flushes[LAB_FLUSH_PMP + 1], space_changes;
    // walks: misses of the last level, but for untranslated_misses. walk_reads: page-table entries read by them.
    // prefetch_hits: entries brought by prefetch that were hit, each once.
    uint64_t walks, walk_reads, walk_cache_hits, untranslated_misses, prefetches, prefetch_hits;
} ModelTotals;

typedef struct Model Model;
Model *model_new(const ModelSpec *spec);
void model_free(Model *m);
// The listener functions for a stream, with the model as opaque.
LabListener model_listener(Model *m);
const ModelTotals *model_totals(const Model *m);
// Rows: by ASID, by site, by page (the page-table entry's first address, and space or 0 if it is global). Of L1I and
// L1D together.
#define MODEL_BARE (UINT64_MAX - 1)
typedef struct {
    uint64_t key;   // ASID (UINT64_MAX: global, MODEL_BARE: not translated), site, or page
    uint32_t space; // of a page
    ModelCounts kind[ACCESS_KINDS];
} ModelRow;
typedef enum { MODEL_BY_ASID, MODEL_BY_SITE, MODEL_BY_PAGE } ModelBy;
// All rows, sorted by misses, descending, then by key. *n: how many. The caller frees them with g_free.
ModelRow *model_rows(const Model *m, ModelBy by, size_t *n);
// Checks every identity between the counts; NULL if they hold, else a line with the numbers, which the caller frees.
char *model_reconcile(const Model *m);
