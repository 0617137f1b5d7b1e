// SPDX-License-Identifier: GPL-3.0-or-later
// The part of a hart that every engine sees, at fixed offsets.
//
// A frontend embeds IrEnv as the first member of its hart, so that a pointer to one is a pointer to the
// other. Interpreter and compiled code reach guest registers, the TLB and the jump cache through it and
// know nothing else of the hart.
//
// Instruction count. `left` counts down; the number of retired instructions is icount_limit - left at every
// instruction boundary. An engine runs until left <= 0, which it tests at block ends (interpreter) or on
// back edges and entries (compiled code). Inside a block `left` may be stale by the instructions of that
// block; it is exact whenever a helper, the fault hook or a device runs.
#pragma once
#include "util/tap.h"
#include <stddef.h>

#define IR_NREGS 64  // guest registers an IR `get`/`put` can name
#define IR_NTEMPS 192 // interpreter temporaries behind the registers; the last one is always 0

struct TlbEntry;  // softmmu/tlb.h
struct JumpEntry; // backend/jit_abi.h
struct JitTapSite; // backend/jit_tap.h
typedef struct IrEnv IrEnv;

// A frontend function behind the IR op `sys`. On entry env->pc is the instruction's own pc, all registers
// are in env->r, and left counts every instruction before this one. The helper does the whole instruction:
// writes registers, sets env->pc to where the hart goes on (the trap vector if it traps), and retires
// itself with env->left-- unless it trapped.
typedef struct {
    const char *name; // as printed in IR text
    void (*fn)(IrEnv *env, uint64_t a, uint64_t b);
} IrHelper;

typedef struct {
    // Takes the trap for a memory fault of the instruction at env->pc (exact state as for helpers): sets
    // env->pc to the trap vector. Nothing is retired.
    void (*mem_fault)(IrEnv *env, const MemFault *fault);
    const IrHelper *helpers;
    unsigned n_helpers;
    // (env->fp_off & mask) != 0 before the floating-point instruction at env->pc (exact state as for helpers), whose
    // bits are given. True: it may be done, all of mask is gone from fp_off now. False: the trap has been taken.
    bool (*fp_denied)(IrEnv *env, unsigned mask, uint32_t bits);
} IrEnvOps;

// Why floating-point instructions must not be done without asking, in IrEnv.fp_off and the masks of `fpcheck`.
enum {
    IR_FP_OFF = 1,    // none is allowed
    IR_FP_CLEAN = 2,  // one that changes f registers or fflags must be noted
    IR_FP_BAD_RM = 4, // env->frm is no rounding mode
};

// backend/fp_host.c: does a floating-point op on the host. Adds to env->fflags; imm as in the IR; c: of fmadd only.
typedef uint64_t (*IrFpFn)(IrEnv *env, uint64_t a, uint64_t b, uint64_t c, uint64_t imm);

struct IrEnv {
    // What compiled code needs most lies in the first 256 bytes, within reach of short displacements from their middle.
    // The TLB table of the current data MMU index: entry of va = (char *)tlb_table + ((va >> 7) & tlb_mask).
    uint64_t tlb_mask; // (entries - 1) * sizeof(TlbEntry)
    struct TlbEntry *tlb_table;
    struct JumpEntry *jumps; // virtual pc -> compiled code
    // Runs of pages for loads, stores, again loads and stores (softmmu/tlb.h, TlbRuns): va is inside if
    // va - start < size, and at addend + va.
    struct {
        struct {
            uint64_t start, size;
        } run[4];
        uint64_t addend;
    } runs;
    uint64_t r[IR_NREGS + IR_NTEMPS]; // guest registers, then the interpreter's temporaries
    uint64_t pc;
    int64_t left;
    uint64_t icount_limit;
    uint64_t exit_site;      // compiled code leaves its exit number here; atomic_slow: 1 if it did nothing
    uint64_t res_addr;       // LR/SC reservation: virtual address, ~0 when none
    uint64_t res_value;      // value LR returned
    uint64_t n_load, n_store; // data accesses started, counted only with --stats
    uint64_t fflags;          // accrued exceptions, IR_FP_NX ...
    uint64_t frm;             // rounding mode, 0..7; above IR_RM_RMM only together with IR_FP_BAD_RM
    uint64_t fp_off;          // IR_FP_OFF ...
    void *engine;             // the backend's Engine
    uint64_t fp_leave;        // fp_off for compiled code: BAD_RM also if the host cannot round so (backend/fp_mode.h)
    const IrFpFn *fp;         // by op - IR_OP_FADD32
    IrFpFn fp_soft;           // for compiled code: any floating-point op; imm also says which (backend/fp_host.h)
    void (*jit_call)(void);   // calls a function for compiled code and preserves registers (backend/jit_call.h)
    void (*jit_stop)(void);   // a TLB miss of a region, or the way out of it (backend/jit_call.h)
    struct JitSlot *jit_slots; // of the region that runs
    uint64_t jit_sp;           // the stack pointer with which compiled code returns
    void *(*ram_slow)(IrEnv *env, uint64_t va, uint64_t kind); // compiled code's TLB miss, see backend/jit_abi.h
    void (*jit_access)(void); // the same for baseline code, which may be an access of a device (backend/jit_call.h)
    uint64_t (*atomic_slow)(IrEnv *env, uint64_t va, uint64_t value, uint64_t kind);
    void (*system)(IrEnv *env, uint64_t helper, uint64_t a, uint64_t b); // compiled code's way to ops->helpers
    const IrEnvOps *ops;
    int exit_request; // atomic: set by other threads to end the slice
    Tap tap;          // off unless EngineConfig.tap
    // Baseline code's records, and the slow path of its accesses (backend/jit_tap.h).
    void (*tap_full)(void), (*tap_fetch)(void);
    uint64_t (*tap_atomic)(IrEnv *env, uint64_t va, uint64_t value, const struct JitTapSite *site);
};

static inline uint64_t ir_env_icount(const IrEnv *env)
{
    return env->icount_limit - (uint64_t)env->left;
}

// Ends the current slice early without changing the instruction count. Only from the hart's own thread.
static inline void ir_env_kick_self(IrEnv *env)
{
    if (env->left > 0) {
        env->icount_limit -= (uint64_t)env->left;
        env->left = 0;
    }
}
