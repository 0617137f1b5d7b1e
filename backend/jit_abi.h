// SPDX-License-Identifier: GPL-3.0-or-later
// The contract between compiled code (made in the worker process) and the engine that runs it.
//
// A compiled region is one function, JitCode. It is position independent, has no relocations against anything
// outside its object, and reaches the world through its arguments only:
//
//   env    the hart (ir/env.h);
//   slots  the region's chain slots, one for each static exit, owned by the engine;
//   entry  which of the region's entries to start at.
//
// It returns the `slots` of the region that left. env->exit_site tells why:
//   - a number below n_sites: that row of the region's site table says where the guest goes on (pc offset) and
//     what to add to env->left, which compiled code counts ahead of time, or behind (emit_count.c);
//   - JIT_SITE_PC: env->pc holds the address (indirect jump that missed the jump cache).
// It is entered and left under backend/fp_mode.h: MXCSR is the guest's, and env->fp_leave says what it must leave to
// the interpreter. It calls functions through env->jit_call, which preserves registers.
// Guest registers in env->r are exact then. Exits never happen inside a guest instruction.
//
// It is entered through jit_enter (backend/jit_call.h), which saves what C functions must preserve; neither regions nor
// baseline code (stencil_forms.h) preserve anything. A region leaves and jumps to other code with the stack pointer of
// env->jit_sp, by asm statements. At a rare way out, the guest's registers are where the object's side table says
// (exits.h), and jit_stop writes them back.
//
// Each way to other code is counted (JitSlotsHead); when the count runs out the region leaves there, by the slot's
// number or a site with JIT_JUMPED, and the engine may make the region again, larger (tier_remake.c).
//
// A static exit jumps to slots[i].code(env, slots[i].slots, slots[i].entry). An unchained slot points at
// jit_leave with its own region's slots and its site number, so that leaving is just another chain target.
#pragma once
#include "ir/env.h"

typedef struct JitSlot JitSlot;
typedef JitSlot *(*JitCode)(IrEnv *env, JitSlot *slots, uint64_t entry);

struct JitSlot {
    JitCode code;
    JitSlot *slots;
    uint64_t entry;
};

// In front of a unit's slots.
typedef struct {
    struct JitUnit *unit;
    int64_t exits_left; // a region's ways to other code are counted down here; below 0 they lead to the engine
    uint64_t unused;
} JitSlotsHead;
_Static_assert(sizeof(JitSlotsHead) == sizeof(JitSlot), "the head takes the place of a slot");

static inline JitSlotsHead *jit_slots_head(const JitSlot *slots)
{
    return (JitSlotsHead *)(uintptr_t)(slots - 1);
}

// The jump cache behind env->jumps: an address is in the row that jit_jump_row says, or pushed out of there into the
// other row of the pair (its number ^ 1). An empty row has an odd pc.
typedef struct JumpEntry {
    uint64_t pc;
    JitCode code;
    JitSlot *slots;
    uint64_t entry; // of baseline code: the address that other baseline code goes to (JitUnit.body)
} JumpEntry;
#define JIT_ENTRY_BODY 0x10000u // entries of regions are below
#define JIT_JUMP_BITS 15
#define JIT_JUMP_SHIFT 7 // so that code at regular distances uses all rows
_Static_assert(sizeof(JumpEntry) == 32, "compiled code indexes the jump cache by shifts");

static inline unsigned jit_jump_row(uint64_t pc)
{
    return (unsigned)(pc >> 1 ^ pc >> (1 + JIT_JUMP_SHIFT)) & ((1u << JIT_JUMP_BITS) - 1);
}

#define JIT_SITE_PC UINT64_MAX

// What the engine must know about a way out of a region; the first n_slots rows belong to the chain slots.
typedef struct {
    int64_t pc;     // offset from the region's base
    int32_t adjust; // to add to env->left
    uint16_t loads, stores; // counted ahead of time (with stats only) but not done
    uint32_t why;           // JitWhy
    uint32_t pad;           // 0: sites are kept in files
} JitSite;

typedef enum {
    JIT_EDGE,   // the guest goes on at pc
    JIT_BEFORE, // the interpreter must do the instruction at pc
    JIT_REFUSED, // the same, at an entry that cannot deal with what is in the registers
    JIT_HOT,    // a baseline block at pc has run its number of times
    JIT_JUMPED, // the guest goes on at env->pc; the block that jumped there is at pc
} JitWhy;

// kind argument of env->ram_slow: access size in bytes, plus JIT_RAM_WRITE. It returns the host address, or NULL
// when the instruction must be done by the interpreter.
#define JIT_RAM_WRITE 0x100u

// More of that for env->jit_access, which baseline code calls in its place: it calls devices, too. The number of the
// instruction in its block; and that it must not call one, because the code goes on with what it has from the TLB.
#define JIT_NO_DEVICE 0x200u
#define JIT_INSN(n) ((uint32_t)(n) << 16)

// kind argument of env->atomic_slow: IrAmo | JIT_ATOMIC_LR/SC, plus the size in bits 8..11. It sets
// env->exit_site to 1 if nothing was done and the interpreter must do the instruction, else to 0.
#define JIT_ATOMIC_LR 0x40u
#define JIT_ATOMIC_SC 0x41u
#define JIT_ATOMIC_SIZE(n) ((uint64_t)(n) << 8)

// Messages over the worker's socket. Request: JitRequest, then `length` bytes of IR text; several in a row may ask to
// be compiled together. Answers, in the same order: JitAnswer, then sites, entries (n_entries int64 pc offsets), the
// object file, GIMPLE text, optimised IR text.
//
// Lines are in the section .addend.lines, of an object with one region: JitLine, ascending if several are for the same
// place, of which the last one counts.
//
// An object may hold several regions. The names of what belongs to the first one are `region`, `.addend` (exits.h) and
// `.addend.pc` (moves.h); those of the next have a number behind: region1, .addend1, .addend.pc1.
enum { JIT_LINE_INSN, JIT_LINE_NONE, JIT_LINE_DATA };
typedef struct {
    uint32_t host; // from here on (an offset from the function `region`) host code belongs
    uint32_t kind; // ... to the guest instruction at this pc offset; to none; is no code
    int64_t pc;
} JitLine;

typedef enum { // what the worker does, in this order
    JIT_PARSE, JIT_VERIFY, JIT_PASSES, JIT_EMIT, JIT_GCC, JIT_ASSEMBLE, JIT_STAGES
} JitStage;

#define JIT_BATCH 16 // regions compiled together at most
typedef struct {
    uint32_t length;
    uint32_t id;
    uint8_t opt;        // GCC optimisation level 0..3
    uint8_t want_gimple, want_ir;
    uint8_t stats;      // count loads and stores in env
    uint8_t shared;     // other harts store to the same memory: each load and store is done, once, as one
    uint8_t movable;    // guest addresses in the code are to be found, so that it can be put at another base (moves.h)
    uint8_t linear;     // test runs of pages (softmmu/tlb.h) in place of page caches
    uint8_t more;     // the next request is to be compiled with this one
    uint8_t want_lines; // the object says which host code belongs to which guest instruction (JitLine)
    uint8_t pad[7];
    uint32_t n_helpers;
    // Guesses, with linear: the guest registers that point into the second run for loads, and that run.
    uint32_t second_regs;
    uint64_t second_start, second_size;
    uint32_t skip_passes; // IR_PASS_: for tools that look for the guilty one
    uint32_t plant;       // ir/plant.h, packed
} JitRequest;

typedef struct {
    uint32_t id;
    uint32_t failed; // 1: `object` holds an error message instead
    uint32_t n_sites, n_slots, n_entries;
    uint32_t object, gimple, ir; // lengths in bytes; no object: that of the answer before
    uint32_t index;              // of the region in the object
    uint32_t pad;
    uint64_t compile_ns; // CPU time spent
    uint64_t stage_ns[JIT_STAGES]; // ... in each stage; of what was done for a batch, a share
} JitAnswer;
