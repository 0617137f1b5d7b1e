// SPDX-License-Identifier: GPL-3.0-or-later
// The engine's insides, shared by engine.c, tier*.c, trace.c, ahead*.c and dump.c.
#pragma once
#include "backend/engine.h"
#include "backend/engine_tally.h"
#include "backend/engine_watch.h"
#include "backend/interp.h"
#include "backend/queue.h"
#include "backend/region_info.h"

typedef struct TierCache TierCache;
typedef struct TierBlocks TierBlocks;
typedef struct TapBlocks TapBlocks;
typedef struct Breakpoints Breakpoints;

typedef struct { // a block that goes to some address, or calls just before it
    Block *block;
    unsigned next; // another one: its number in Engine.pred_list, 0: none
} Pred;

#define MAX_BLOCK_INSNS 64

struct Engine {
    EngineConfig config;
    EngineGuest guest;
    IrEnv *env;
    Tlb *tlb;
    CodePages *pages;
    CodeCache *cache;
    Interp in;
    IrBlock *scratch; // being lifted
    Block *uncached;  // the last block made from a page that is not RAM
    bool chain;       // false under -d nochain
    bool flush_wanted;
    bool no_code; // the host gives no memory for compiled code
    uint64_t epoch;   // counts code_cache_flush_all
    uint64_t map_epoch; // JumpTable.epoch: another one when guest addresses may mean something else
    unsigned mode, asid; // what engine_set_mode said
    uint64_t space;
    Queue *queue;
    int result_ready; // atomic: the queue has something
    GHashTable *preds; // guest pc, as a pointer -> number in pred_list of the last Pred
    GArray *pred_list; // Pred; the first one is none
    GHashTable *return_sites; // addresses behind calls, as pointers
    unsigned noted;           // the first blocks of the cache, which are in both
    GPtrArray *candidates; // hot blocks waiting for a worker
    GPtrArray *remakes;    // JitUnits to be made again, waiting likewise
    JitUnit *from;    // compiled code left by a static exit: its unit and slot, to be chained; else NULL
    unsigned from_slot;
    bool from_indirect; // ... by an indirect jump that missed
    JitUnit *ran;       // compiled code that ran last, or would have if blocks were not stepped; NULL: interpreter
    EngineStats stats;
    unsigned uncached_mode; // of the code in uncached
    uint64_t seen_loads, seen_stores; // with config.stats: IrEnv's counts when the mode last changed
    uint64_t device_word; // what baseline code has read from a device, or may write once more
    bool faulted;         // ... its access was refused:
    MemFault fault;
    TierCache *persistent; // NULL: not used
    TierBlocks *kept;      // likewise
    TapBlocks *tap;        // likewise
    GHashTable *costs;     // config.inspect: Block -> BlockCosts; else NULL
    GHashTable *refusals;  // heads of regions that were not compiled -> why, as text; NULL: none yet
    Queue *again;          // compiles for inspect_fill; NULL until it is needed
    Breakpoints *breakpoints; // NULL: there are none
    bool at_breakpoint;       // the engine stopped in front of one
    GArray *watchers;      // EngineWatcher; NULL: none
    void (*tally)(void *opaque, const EngineRuns *r); // NULL: none
    void *tally_opaque;
};

typedef enum { COST_LIFT, COST_TRANSLATE, COST_BASELINE, COSTS } CostStage;
typedef struct { // CPU time, ns
    uint64_t ns[COSTS];
} BlockCosts;
extern const char *const cost_stage_names[COSTS];

// inspect_costs.c: the time when a stage starts; 0 unless it is to be measured.
uint64_t costs_now(const Engine *e);
void costs_add(Engine *e, const Block *b, BlockCosts more); // e->costs is there
void costs_forget(Engine *e); // all blocks go
void costs_refused(Engine *e, const Block *head, const char *why);

// A region on its way through the compiler.
typedef struct {
    GPtrArray *blocks; // Block, in IR order
    Block *head;       // the one it was formed for
    IrCode *code;       // NULL once a unit has taken it
    uint64_t epoch;
    uint64_t cache_head; // region_head of head, 0: not to be kept
    const JitUnit *remade; // the region that this one is to replace; NULL: none
    uint64_t sent_ns;      // when it went to a worker, if there are watchers
    JitRequest rq;         // what is asked of the compiler
    uint32_t ends;         // 1 << RegionEnd: why it is not larger
} Trace;

// trace.c: the region around a hot block. NULL if its code cannot be lifted any more, or not in this address space, or
// its instructions ran less than min_mean times on average (GCC's time goes by instructions).
Trace *trace_form(Engine *e, Block *head, uint64_t min_mean);
#define TRACE_GROWTH 300 // a region made again grows by as many instructions at most
// The region u again with more around the blocks at targets, n of them, where control often goes from it. NULL
// likewise, or if there is nothing to add.
Trace *trace_larger(Engine *e, const JitUnit *u, const uint64_t *targets, unsigned n);
// Whether its data is mapped by runs (JitRequest.linear): where no page tables translate.
bool trace_linear(const Trace *t);
void trace_free(Trace *t);

// engine.c: the live block at pc, translating it if need be; NULL after taking a fetch fault. peek never translates
// and never faults.
Block *engine_block(Engine *e, uint64_t pc);
Block *engine_peek(Engine *e, uint64_t pc);
// The same, but translates; NULL where that would fault or the block cannot be kept.
Block *engine_make(Engine *e, uint64_t pc);

bool engine_flush_if_wanted(Engine *e);       // true: no block is good any more
void engine_link_to(Engine *e, Block *b);     // remembers how control came to b, so that it comes faster next time

uint64_t block_end(const Block *b); // the guest address behind it

// engine.c: a block of at most max instructions at pc, which is forgotten when the next one is made. NULL after taking
// a fault. Then b alone by the interpreter. In front of either engine_flush_if_wanted is to be called.
Block *engine_uncached(Engine *e, uint64_t pc, unsigned max);
void engine_run_one(Engine *e, Block *b);

// breakpoints.c
bool breakpoints_have(const Engine *e, uint64_t first, uint64_t last); // is there one? Only if e->breakpoints
static inline bool breakpoint_at(const Engine *e, uint64_t pc)
{
    return e->breakpoints && breakpoints_have(e, pc, pc);
}
bool breakpoint_stops(Engine *e, uint64_t pc); // the hart comes to pc. True: the slice ends in front of it. Likewise
bool breakpoint_on_page(const Engine *e, uint64_t pc);
// e->scratch, lifted at pc, has at most max instructions: lifts it again without those from the first one on that has a
// breakpoint, its own first aside. Likewise.
bool breakpoints_cut(Engine *e, uint64_t pc, MemFault *fault);
void breakpoints_free(Engine *e);

// engine_watch.c: tells the watchers, of whom there are some (e->watchers), with the time. start_ns 0: it took none.
void engine_tell(Engine *e, EngineEvent event);
// u: its code; NULL: none.
void engine_tell_block(Engine *e, EngineEventKind kind, const Block *b, const JitUnit *u, bool loaded,
                       uint64_t start_ns);
void engine_tell_region(Engine *e, EngineEventKind kind, const JitUnit *u, bool loaded, uint64_t start_ns);
void engine_tell_trace(Engine *e, EngineEventKind kind, const Trace *t, uint64_t cpu_ns, const char *why);

// engine_tally.c: blocks are about to be forgotten: the uncached one, which there is, or all others.
void engine_tally_uncached_ends(Engine *e);
void engine_tally_blocks_end(Engine *e);

// slow_paths.c: sets what compiled code calls, in a hart's environment.
void slow_paths_init(IrEnv *env);

// tier.c
// The machine code in a worker's answer, *entry its function's offset there; fills in r's moves and exits. The caller
// owns it. NULL: *error.
GByteArray *text_of_result(QueueResult *r, size_t *entry, GError **error);
// The unit in a worker's answer, its code installed and every slot leaving; takes r's sites and entries. NULL: *error.
// What it was made from (spans, pages, ir, counts) is for the caller.
JitUnit *unit_from_result(CodeMemory *memory, uint64_t base, QueueResult *r, GError **error);
// The same with text, size bytes of machine code, and the function's offset there in place of r's object file;
// r->exits is there.
JitUnit *unit_from_code(CodeMemory *memory, uint64_t base, const GByteArray *text, size_t entry, QueueResult *r,
                        GError **error);
void tier_add_unit(Engine *e, Trace *t, JitUnit *u); // enters it, made from t, in place of what ran its blocks
void tier_warm(Engine *e, Block *b); // b's heat ran out: baseline code, or as below
void tier_hot(Engine *e, Block *b);  // b's runs ran out, or its heat where it has no baseline code: a region
void tier_poll(Engine *e);          // takes results, hands out work
// There is no unit, because of *error of the above or of baseline_translate: drops all, or gives up, and tells.
void tier_not_installed(Engine *e, const GError *error);
// What is asked of the compiler for a region around head, but for what is to be told about it.
JitRequest tier_request(const Engine *e, const Block *head);
bool tier_movable(const Block *b); // a region around b can be put at another base (moves.h)
// To a free worker: the region around b, unless its instructions ran less than min_mean times on average (GCC's time
// goes by instructions).
void tier_submit(Engine *e, Block *b, uint64_t min_mean);
void tier_submit_trace(Engine *e, Trace *t); // likewise, taking t
bool tier_take(Engine *e, bool wait);  // enters the next result; false: there is none, or none under way
void tier_reset_heat(Engine *e, Block *b);

// engine_stats.c: what was counted so far, before something ends that it hangs on
void engine_stats_mode_ends(Engine *e);     // only with config.stats
void engine_stats_uncached_ends(Engine *e); // there is an uncached block
void engine_stats_blocks_end(Engine *e);

// tier_remake.c: regions that are left often are made again, larger
void tier_count_exits(Engine *e, JitUnit *u); // a new region's, from now on
// u's count ran out as it left by that site (NULL: it is not known which jump): looks where it goes.
void tier_exit_counted(Engine *e, JitUnit *u, const JitSite *site);
uint64_t tier_exits(const JitUnit *u); // a region's ways to other code so far
bool tier_remake_next(Engine *e); // hands one out that waits; false: there is none

// tier_cache.c: the persistent code cache (region_store.h)
TierCache *tier_cache_new(Engine *e); // NULL if there is to be none
void tier_cache_free(TierCache *c);
// The number under which b's region is looked for; b must be mapped at this moment. 0: none.
uint64_t tier_cache_head(Engine *e, const Block *b);
// b is warm: true if a region was loaded that starts there. Else the next two follow.
bool tier_cache_load(Engine *e, Block *b);
void tier_cache_try_again(Engine *e, Block *b); // after the heat was reset
bool tier_cache_hot(Engine *e, Block *b);       // b's runs ran out. True: loaded, or not hot yet
// u was compiled from t, its table of exits made from that section.
void tier_cache_keep(Engine *e, const Trace *t, const JitUnit *u, const QueueResult *r);

// What decides about machine code, besides the IR: for keys (region_file.h). There is a TierCache.
const RegionKey *tier_cache_surroundings(Engine *e);

// tier_blocks.c: blocks and baseline code kept from run to run (block_file.h)
TierBlocks *tier_blocks_new(Engine *e); // behind tier_cache_new. NULL if there is to be none
void tier_blocks_free(Engine *e);       // keeps what is new, if that is worth it; before the code cache goes
// The block at pc, made from RAM at ram, where host points, if it was kept; its first instruction does not straddle
// pages. For code_cache_add_block. NULL: it is to be translated.
Block *tier_blocks_find(Engine *e, uint64_t pc, ram_t ram, const uint8_t *host);
// The baseline code that was kept with b. NULL: there is none, or *error as in baseline_translate.
JitUnit *tier_blocks_code(Engine *e, Block *b, GError **error);
bool tier_blocks_wanted(const Engine *e, const Block *b); // is b's code to be kept?
void tier_blocks_made(Engine *e, Block *b);               // b has baseline code now

// tap_blocks.c: sites and executions of blocks, for the tap. Nothing where there is none (e->tap).
TapBlocks *tap_blocks_new(Engine *e); // NULL if there is to be none
void tap_blocks_free(TapBlocks *t);
void tap_blocks_name(Engine *e, Block *b, uint32_t len, bool uncached); // only with one: b, of len bytes, is new
void tap_blocks_forgotten(Engine *e, const Block *b);                   // the uncached one is
void tap_blocks_dropped(Engine *e);                                     // all others are, at once
void tap_blocks_fetch_fault(Engine *e, const MemFault *fault); // takes it, tap or not

// inspect_sample.c: the compiled code that runs b when control comes there from e->ran; NULL: it is interpreted.
JitUnit *engine_would_run(const Engine *e, const Block *b);

// dump.c: the -d output of each stage
void dump_block(Engine *e, const IrBlock *ir, uint64_t base);
void dump_entry(Engine *e, const Block *b); // it runs next: -d exec, -d cpu
void dump_baseline(Engine *e, const JitUnit *u);
void dump_region(Engine *e, const QueueResult *r, const JitUnit *u);