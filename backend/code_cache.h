// SPDX-License-Identifier: GPL-3.0-or-later
// Translated code: interpreter blocks and compiled units, found by guest pc and dropped by RAM page.
//
// Nothing is freed while the guest runs: a dropped block or unit is marked dead, becomes unreachable at its next
// use, and its memory goes at the next code_cache_flush_all, which the engine calls between two slices.
#pragma once
#include "backend/code_arena.h"
#include "backend/code_memory.h"
#include "backend/jump_tables.h"
#include "ir/ir.h"
#include "softmmu/code_pages.h"

typedef struct JitUnit JitUnit;
typedef struct CodeCache CodeCache;

#define MAX_INSN_BYTES 4
#define BLOCK_TARGETS 64 // indirect-jump targets remembered by a block that ends in one

typedef struct { // one threaded interpreter op
    const void *handler;
    uint8_t d, a, b; // slots: index into env->r
    uint8_t insn;    // which guest instruction of the block it belongs to
    int32_t imm;
} IOp;
_Static_assert(sizeof(IOp) == 16, "interpreter ops stay small");

typedef struct { // RAM bytes that code was made from
    ram_t start;
    uint32_t len;
} CodeSpan;

typedef struct { // a guest page and the RAM behind it
    uint64_t pc;
    ram_t ram;
} CodePage;

// What the interpreter needs at each entry comes last, in one line of the host's cache with the first ops: most time of
// much code that runs seldom is spent waiting for such lines.
struct Block {
    CodeSpan span[2]; // the second is used only by an instruction that straddles pages
    uint32_t n_spans;
    uint32_t n_ops;
    int32_t heat_start; // where heat last started
    int32_t *runs, runs_start; // the same for its baseline code; below 0 that leaves
    int32_t no_runs; // where runs points as long as there is none
    uint64_t count_base; // entries before those two last started
    uint64_t base_count; // ... of them, in baseline code
    bool dead;
    bool is_call;    // ends in a jump that leaves the address behind itself in a register
    bool ind_target; // entered by an indirect jump
    bool is_system;  // ends in an instruction that a helper does
    bool queued;     // waits for compilation
    uint32_t devices; // accesses of devices that its baseline code has made
    uint32_t second_regs; // when it began to wait: see JitRequest
    bool refused;    // a region around it failed: not tried again
    bool in_work;    // part of a region that is being compiled
    bool compiled;   // part of a region, not necessarily enterable
    bool uncached;   // made from a page that is not RAM: runs once
    uint8_t mode;    // translation mode it was made in: links by guest pc hold in that mode only
    uint8_t cache_tries; // how often its region could not be loaded yet; 0: there is none
    uint16_t n_load, n_store;
    JitUnit *unit; // compiled code that may be entered here instead
    uint64_t entry;
    JitUnit *base; // baseline code, the unit unless a region has taken its place; or NULL
    uint64_t succ_pc[2]; // guest pc of succ; UINT64_MAX if none
    uint16_t *insn_pc;   // pc offset of each instruction
    uint64_t *target;    // where the last indirect jumps went, a ring of n_targets; UINT64_MAX: none yet
    const JitUnit *made; // base, even when it is dead, if tier_blocks.c may keep it
    uint32_t kept;       // 1 + its number among kept blocks; 0: it is none of them
    uint32_t site, number; // EngineConfig.tap: of its first half-word, of the block (tap_blocks.c)
    bool kept_code;      // baseline code is kept with it
    bool shortened;      // the interpreter's temporaries ended it
    bool mean_low;       // a region around it would have run too seldom on average
    bool cut;            // ends in front of a breakpoint: not to be kept
    uint64_t pc;
    int32_t heat; // counts down at each entry; below 0 the entry goes through the engine
    uint16_t n_insns;
    uint8_t next_target, n_targets; // BLOCK_TARGETS or none
    Block *succ[2];                 // chained successors
    IOp ops[]; // n_ops of them; insn_pc, target and the guest's code lie behind, in the block's allocation
};
_Static_assert(offsetof(Block, pc) % CODE_ARENA_ALIGN == 0, "a line of its own");

// Bytes of a block with what lies behind it.
static inline size_t block_size(unsigned n_targets, size_t n_ops, size_t n_insns)
{
    return sizeof(Block) + n_ops * sizeof(IOp) + n_targets * sizeof(uint64_t) +
           n_insns * (sizeof(uint16_t) + MAX_INSN_BYTES);
}

// The guest's code that it was made from.
static inline uint8_t *block_bytes(const Block *b)
{
    return (uint8_t *)(b->insn_pc + b->n_insns);
}

static inline uint64_t block_count(const Block *b)
{
    return b->count_base + (uint64_t)((int64_t)b->heat_start - b->heat) + (uint64_t)((int64_t)b->runs_start - *b->runs);
}

// Entries into its baseline code.
static inline uint64_t block_base_count(const Block *b)
{
    return b->base_count + (uint64_t)((int64_t)b->runs_start - *b->runs);
}

typedef struct JitLink { // a chain slot
    JitUnit *unit;
    unsigned slot;
    struct JitLink *next;
} JitLink;

struct JitUnit {
    Block *block; // baseline code: its block; NULL for a region
    IrCode *ir;   // a region: what it was made from, as lifted
    uint64_t base;
    CodeMemory *memory;
    uint8_t *text; // executable memory, in there
    uint8_t *cold; // baseline code: more of it, which runs seldom
    JitCode code;  // the function in it
    JitSlot *slots;
    JitSite *sites;
    unsigned n_slots, n_sites, n_entries, n_insns, n_blocks;
    int64_t *entries; // pc offsets
    size_t code_size, cold_size;
    struct ExitTable *exits; // of a region: its side table
    struct ExitSamples *exit_samples; // of a region: where some of its ways out led (tier_remake.c); or NULL
    bool dead;
    bool paged; // made in a mode with page tables
    JitLink *incoming; // slots that were chained to it, now perhaps to something else
    uint8_t *jump[2];  // baseline code: the distances in the jumps of its slots, which are patched; NULL if none
    uint8_t *body;     // where other baseline code jumps to
    const uint32_t *fixups; // ... addresses in it (block_file.h), n_fixups, if it may be kept
    const int32_t *counter;
    unsigned n_fixups;
    const uint8_t *stub[2]; // ... and where they go unless they lead straight to other baseline code
    GArray *spans; // CodeSpan, ascending; baseline code: NULL, it lives and dies with its block
    GArray *pages; // CodePage, ascending; likewise
    uint64_t map_epoch; // Engine.map_epoch when pages were last found to hold
    uint64_t compile_ns;
    struct RegionInfo *info; // of a region: for who looks at it (inspect.h)
    bool system; // baseline code: it does system instructions itself
    bool kept;   // it, or the region, comes from another run
};

CodeCache *code_cache_new(IrEnv *env, CodePages *pages, size_t code_size); // as code_memory_new has it
void code_cache_free(CodeCache *cc);
CodeMemory *code_cache_memory(CodeCache *cc); // emptied by code_cache_flush_all
CodeArena *code_cache_arena(CodeCache *cc);   // likewise: for blocks and baseline code

// The translation mode (0..CODE_MODES-1) and address space that guest pcs are meant in from now on: makes its jump
// table env->jumps, and returns it (jump_tables.h).
JumpTable *code_cache_set_mode(CodeCache *cc, unsigned mode, uint64_t space, unsigned asid);
// Live block at pc that was made from RAM at ram in the current mode; NULL if there is none.
Block *code_cache_find(CodeCache *cc, uint64_t pc, ram_t ram);
// Compiled code from now on takes a jump to pc through the jump table straight to this entry.
void code_cache_note_jump(CodeCache *cc, uint64_t pc, JitUnit *u, uint64_t entry);
// The page of addr is about to have code: see code_pages_mark, whose answer it gives.
bool code_cache_mark(CodeCache *cc, ram_t addr);
// Registers a block, which lies in the arena, / a region (taken over); its pages are marked as code.
void code_cache_add_block(CodeCache *cc, Block *b);
void code_cache_add_unit(CodeCache *cc, JitUnit *u);
// Baseline code, which lies in the arena, becomes the unit of its block.
void code_cache_add_baseline(CodeCache *cc, JitUnit *u);
// A region's entry takes the place of whatever ran b: what leads there goes through the engine again.
void code_cache_set_unit(CodeCache *cc, Block *b, JitUnit *u, uint64_t entry);
// Slots for a unit: n of them, with the unit's address kept in front. arena: NULL if jit_unit_free shall free them.
JitSlot *jit_slots_new(JitUnit *u, unsigned n, CodeArena *arena);
// The unit that owns these slots.
static inline JitUnit *jit_unit_of(const JitSlot *slots)
{
    return jit_slots_head(slots)->unit;
}

// Points slot i of u at an entry of another unit, or back at jit_leave.
void code_cache_chain(CodeCache *cc, JitUnit *u, unsigned i, JitUnit *target, uint64_t entry);
JitSlot *jit_leave(IrEnv *env, JitSlot *slots, uint64_t entry);
void code_cache_reset_slot(JitUnit *u, unsigned i);
// May slot i of u, which leads to b, lead straight to b's unit? Else it must go through the jump table.
bool code_cache_may_chain(const JitUnit *u, const Block *b);
void code_cache_chain_by_table(CodeCache *cc, JitUnit *u, unsigned i);
// The same for blocks of the interpreter.
bool code_cache_may_link(const Block *from, const Block *to);

// From now on tells of each block, with its baseline code, or else region that is about to be dropped because its guest
// code was written to; the other one is NULL.
void code_cache_set_watcher(CodeCache *cc, void (*dropped)(void *opaque, const Block *b, const JitUnit *u),
                            void *opaque);
// Drops everything that was made from these RAM bytes.
void code_cache_invalidate(CodeCache *cc, ram_t start, uint64_t len);
// Links by guest address that do not hold for ever. After something was forgotten there, set the mode again.
JumpTables *code_cache_jumps(CodeCache *cc);
// Guest addresses may mean other RAM now, in all modes: forgets all links by guest pc, keeps the code. Likewise.
void code_cache_unlink_all(CodeCache *cc);
// Frees everything. Only between slices.
void code_cache_flush_all(CodeCache *cc);
// Number of interpreter blocks held, dead included, and the bytes that they take.
unsigned code_cache_blocks(const CodeCache *cc);
size_t code_cache_block_bytes(const CodeCache *cc);
// Calls fn for each block held, dead included (statistics).
Block *code_cache_block(const CodeCache *cc, unsigned i); // i < code_cache_blocks: by age
const GPtrArray *code_cache_units(const CodeCache *cc);   // of JitUnit: the regions held, dead included, by age
void code_cache_each_block(CodeCache *cc, void (*fn)(Block *b, void *opaque), void *opaque);

void block_free(Block *b);      // of one in no arena
void jit_unit_free(JitUnit *u); // likewise: a region
