// SPDX-License-Identifier: GPL-3.0-or-later
// The engine of one hart: interpreter for cold code, compiled regions for hot code, and the way between them.
#pragma once
#include "backend/jump_tables.h"
#include "backend/region_store.h"
#include "ir/ir.h"
#include "softmmu/code_pages.h"
#include "softmmu/tlb.h"
#include <stdio.h>

typedef struct Engine Engine;

struct EngineSteps; // backend/engine_steps.h

typedef struct {
    bool jit;            // regions by GCC
    bool baseline;       // baseline code; neither: interpreter only
    bool system;         // baseline code does system instructions itself; else it leaves before them
    unsigned warm;       // entries of a block until it gets baseline code
    unsigned threshold;  // ... and of that, or of the block if there is no baseline, until it is hot
    unsigned opt;        // GCC optimisation level of regions, 0..3
    unsigned workers;    // compile processes
    size_t code_size;    // bytes of compiled code, baseline code too, until all of it is dropped; 0: the usual
    bool sync;           // wait for each compilation: deterministic, for tests
    bool stats;          // count data accesses in compiled code
    bool tap;            // record accesses in env->tap. Without regions and whatever is kept from run to run
    unsigned max_insns;  // in a block; 0: the usual
    const struct EngineSteps *steps; // for engine_run_steps, which alone runs code then. NULL: none
    unsigned hart;       // its number, for dumps
    bool tally;          // count executions exactly (engine_tally.h). Likewise without those
    bool shared;         // other harts store to the same memory
    RegionStore *store;  // persistent code cache; outlives the engine. NULL: none
    uint64_t program;    // whose baseline blocks are looked for there: any number for what was loaded. 0: none
    unsigned keep_blocks; // so many new ones are worth being kept at the end, 0: never
    bool inspect;        // measure what each block costs to make (CodePiece.stages)
    bool lines;          // regions have lines from the start (unit_lines). Without `store`, whose regions have none
    uint64_t lift_rules; // what else than its bytes decides how code is lifted
} EngineConfig;

#define ENGINE_DEFAULT_THRESHOLD 3000000 // where GCC's time has paid back (docs/performance.md)
#define ENGINE_KEPT_THRESHOLD 1000000    // the same where a persistent code cache has later runs share it
#define ENGINE_DEFAULT_WARM 16
#define ENGINE_DEFAULT_OPT 1

typedef struct { // what the engine asks of the guest's side
    void *opaque;
    // Lifts the block at pc as frontend/lift.h says; parcels come through the hart's TLB.
    bool (*lift)(void *opaque, uint64_t base, uint64_t pc, unsigned max_insns, IrBlock *out, MemFault *fault);
    // One line of assembly for an instruction of a dump.
    void (*print_insn)(void *opaque, FILE *out, uint64_t pc, unsigned len, uint32_t bits);
    // Name of the function at pc, "" if unknown. Valid until the next call.
    const char *(*symbol)(void *opaque, uint64_t pc);
    // As lift, of size bytes that lay at pc, whatever is there now; false if they are not max_insns instructions. May
    // be NULL: then there are no forms to be inspected (backend/inspect.h).
    bool (*lift_bytes)(void *opaque, uint64_t base, uint64_t pc, const uint8_t *bytes, size_t size, unsigned max_insns,
                       IrBlock *out);
    // The hart's state, as -d cpu prints it; with its f registers if fpu.
    void (*print_state)(void *opaque, FILE *out, bool fpu);
} EngineGuest;

// env, tlb and pages outlive the engine. Fills in the engine fields of env.
Engine *engine_new(const EngineConfig *config, const EngineGuest *guest, IrEnv *env, Tlb *tlb, CodePages *pages);
void engine_free(Engine *e);

// Runs from env->pc until env->left <= 0, or for a while where nothing retires (traps that trap), or until it sees
// env->exit_request, which chained code never looks at. Hart's thread only, like everything below.
void engine_run(Engine *e);
// One block by the interpreter, whatever is compiled (stepping, -accel check); may fault instead.
void engine_step_block(Engine *e);
// The same if it ends within n instructions. False: it does not, and nothing was done, or there is none.
bool engine_step_within(Engine *e, uint64_t n);
// Exactly n instructions by the interpreter; fewer if one of them faults.
void engine_run_exactly(Engine *e, uint64_t n);
// One entry into compiled code, if the block at env->pc has any: true. Chained regions run on. For -accel check.
bool engine_enter_compiled(Engine *e);

void engine_invalidate(Engine *e, ram_t start, uint64_t len); // these RAM bytes changed
// What guest addresses mean for fetches: the fetch MMU index, | CODE_PAGED where page tables translate; then the number
// of the address space, by which it is known again, and the asid by which fences know it.
void engine_set_mode(Engine *e, unsigned mode, uint64_t space, unsigned asid);
// What page tables say about fetches may have changed, in spaces with that asid or all (CODE_ANY_ASID).
void engine_forget_spaces(Engine *e, unsigned asid);
void engine_forget_page(Engine *e, uint64_t va, unsigned asid); // about the page of va only
// What any guest address means for fetches, or who may fetch there, may have changed.
void engine_unlink(Engine *e);

// EngineConfig.tap: tells the executions of blocks that were not told yet. Behind the last slice.
void engine_end_tap(Engine *e);

// The code at pc in every form: assembly, IR as lifted, IR optimised, host assembly of its compiled region.
void engine_print_code(Engine *e, uint64_t pc, FILE *out);

typedef struct {
    uint64_t jit_insns;    // of the hart's retired instructions, those in compiled code
    uint64_t baseline_done; // ... of them in baseline code; a block left in its middle counts whole
    uint64_t baseline_blocks, baseline_insns, baseline_bytes; // baseline code made
    uint64_t baseline_ns; // wall-clock time that making it took
    uint64_t blocks, block_insns; // interpreter blocks made
    uint64_t regions, region_insns, region_blocks, region_bytes, regions_failed, regions_dropped;
    uint64_t regions_remade; // of regions: in place of one whose ways out were hot
    uint64_t compile_ns; // CPU time in GCC
    // Persistent code cache: regions loaded, hot blocks for which it had none, regions kept, files for code that looks
    // different, and the time that loading took.
    uint64_t cache_hits, cache_misses, cache_stores, cache_rejected, cache_ns;
    uint64_t kept_blocks, kept_code; // of blocks, and of baseline_blocks, those that came from there
    uint64_t loads, stores; // data accesses started (needs EngineConfig.stats for compiled code)
    uint64_t mode_loads[4], mode_stores[4]; // ... by the fetch MMU index of the code
    uint64_t jit_entries, jit_slow; // entries from the engine; TLB misses and other slow paths of compiled code
    uint64_t workers_lost;
} EngineStats;
void engine_stats(Engine *e, EngineStats *out);
