// SPDX-License-Identifier: GPL-3.0-or-later
// From IR to GIMPLE through libgccjit: the shared state of the emitter's files. Only the worker program links these.
//
// One IrCode becomes one function (see jit_abi.h). Guest registers are C locals for the whole function. Each entry
// loads those that are live there. Ways out that are hardly ever taken are asm statements that name the changed
// registers as operands: wherever GCC has put them, a side table says so (exits.h), and nothing is stored or moved for
// it. Exits to other code store what is changed at that place. GCC never sees the function return: control leaves it
// in asm statements, by the stack pointer in env->jit_sp.
#pragma once
#include "backend/jit_abi.h"
#include "ir/ir.h"
#include "softmmu/tlb.h"
#include <libgccjit.h>

typedef struct { // what an IR value has become
    gcc_jit_rvalue *rv; // u64, or f64 or f32 with the same bits; NULL: not yet, or unused
    uint64_t regs;      // guest registers that rv reads when evaluated
    uint16_t uses;      // still to come
    bool leaf;          // cheap and safe to evaluate any number of times
    gcc_jit_lvalue *product; // a mulh's 128-bit product, if shared with a mul
    gcc_jit_lvalue *beside;  // a division's other result, if the block has it later
    gcc_jit_lvalue *single;  // the value as a NaN-boxed single, once it was asked for
} EmitValue;

#define EMIT_CACHES 20
#define EMIT_F0 32 // registers from here on are floating-point ones, for all that GCC should know
#define EMIT_N_FP (IR_NREGS - EMIT_F0)

// Forms of a value; it may have several at once.
enum {
    EMIT_BITS = 1,   // the guest's bits
    EMIT_DOUBLE = 2, // the guest's double, but any quiet NaN stands for the canonical one
    EMIT_LOW = 4,    // the low word of a NaN-boxed single; the rest means nothing
    EMIT_SINGLE = 8, // the same, but any quiet NaN stands for the canonical one
};

typedef struct { // a page cache, see emit_cache.c
    gcc_jit_lvalue *tag;    // comparator; all ones: empty
    gcc_jit_lvalue *addend;
    bool loads, stores; // what it must serve
} EmitCache;

typedef struct { // where an address comes from: the same twice means the same value
    bool from_reg;
    unsigned number, version; // register and how often it was put before; or value
} EmitRoot;

typedef struct { // accesses of a block that are looked up together, see emit_group.c
    EmitRoot root;
    unsigned leader, n; // the first one's op; how many
    int cache;
    int64_t start, end; // offsets from the root of all bytes
    bool loads, stores;
    bool second;            // most likely in the second run, not in the first
    gcc_jit_lvalue *addend; // of the leader's page
} EmitGroup;

typedef struct { // sum of registers times factors, and a constant
    unsigned n;
    struct {
        uint8_t reg;
        int64_t factor;
    } term[2];
    int64_t constant;
} EmitLinear;

typedef struct { // addresses of accesses of a loop, see emit_loop.c
    EmitLinear at;       // but for the constant
    int64_t first, last; // constants of the lowest and the highest access
    int64_t up, down;    // bounds of what one round adds
    bool stores, second; // second: most likely in the second run
} EmitRange;

typedef struct {
    unsigned choice, round; // block that chooses, least number of instructions of a round
    gcc_jit_lvalue *wait;   // rounds until it looks again
    unsigned n;
    EmitRange range[8];
} EmitLoop;

typedef struct {
    IrCode *code;
    const char *number; // behind the names in the object (jit_abi.h)
    bool stats, shared, movable, linear; // see JitRequest

    gcc_jit_context *ctx;
    gcc_jit_function *fn;
    gcc_jit_type *u8, *u16, *u32, *u64, *i8, *i16, *i32, *i64, *i128, *u128, *f32, *f64;
    gcc_jit_type *char_ptr, *char_ptr_ptr, *u64_ptr;
    gcc_jit_param *env_param, *slots, *entry;
    gcc_jit_rvalue *env; // as GCC knows it at the moment: see emit_env
    gcc_jit_function *expect;

    gcc_jit_block *bb; // where statements go; NULL behind a terminator
    gcc_jit_block **start;  // by IR block; NULL if it cannot be reached
    gcc_jit_block **check;  // by IR block: tests `left` on the way to it
    gcc_jit_block *dead; // where GCC thinks control goes behind an asm statement that leaves

    uint64_t used_regs;
    uint64_t eager;  // registers that each put stores at once: never dirty
    uint64_t in_env; // of those: each get loads, so they have no local
    uint64_t dirty;  // at this moment: may differ from env->r
    uint64_t narrow; // registers known to hold a sign-extended word, within the block
    uint64_t *dirty_in, *live_in; // by IR block, see emit_flow.c
    uint8_t form[EMIT_N_FP]; // at this moment: EMIT_BITS ..., by register
    uint8_t *form_of;        // by value of the block
    uint8_t (*form_in)[EMIT_N_FP]; // by IR block, see emit_forms.c
    bool **wants_bits; // by IR block and op: its NaNs must be canonical
    uint8_t checked; // at this moment: bits of env->fp_leave known to be clear
    uint8_t *checked_in, *checks_ahead; // by IR block, see emit_checks.c
    gcc_jit_lvalue *reg[IR_NREGS]; // u64, from EMIT_F0 on f64
    gcc_jit_lvalue *left;
    int *ahead; // by IR block, see emit_count.c

    EmitCache caches[EMIT_CACHES];
    unsigned n_caches;
    int8_t **cache_of; // by IR block and op: which page cache an access uses, or -1

    gcc_jit_lvalue *run_addend; // with runs: theirs
    uint32_t second_regs;  // see JitRequest
    uint64_t second_start, second_size;

    GArray *loops;        // EmitLoop
    bool **safe;          // by IR block: NULL, or by op: the access needs no check; see emit_loop.c
    unsigned total_insns; // of all blocks

    GArray *groups; // EmitGroup: of the block
    int *group_of;  // by op: its group, or -1

    const IrBlock *block; // being emitted
    unsigned block_index;
    EmitValue *values;
    unsigned insn;       // index of the current instruction in its block
    unsigned n_locals;
    GArray *sites; // JitSite
    unsigned n_slots;
    GArray *entries; // int64_t pc offsets
    GArray *lines;   // int64_t pc offsets of instructions; NULL: not wanted
    bool comments;   // GIMPLE says where each instruction begins
} Emit;

// For GCC's statements: the guest instruction that is being emitted, as a line. NULL: lines are not wanted.
extern gcc_jit_location *emit_at;
#define EMIT_NO_LINE 1 // what belongs to no instruction; the others are EMIT_FIRST_LINE + their number in Emit.lines
#define EMIT_FIRST_LINE 2

// Builds the whole function `region` (and number) in e->ctx; e->code must be verified. Fills sites, n_slots, entries.
void emit_region(Emit *e);
// Adds op's data accesses, if it makes any.
void emit_count_access(unsigned op, uint16_t *loads, uint16_t *stores);

// --- emit_value.c: constants, locals, pure ops ---
gcc_jit_rvalue *emit_u64(Emit *e, uint64_t v);
// The guest address at an offset from the code's base; safe to be evaluated several times.
gcc_jit_rvalue *emit_guest_pc(Emit *e, int64_t offset);
gcc_jit_lvalue *emit_local(Emit *e, gcc_jit_type *type);
gcc_jit_rvalue *emit_binary(Emit *e, enum gcc_jit_binary_op op, gcc_jit_rvalue *a, gcc_jit_rvalue *b);
gcc_jit_rvalue *emit_cast(Emit *e, gcc_jit_rvalue *v, gcc_jit_type *type);
gcc_jit_rvalue *emit_likely(Emit *e, gcc_jit_rvalue *cond, bool likely);
// cond, true with probability p as far as is known.
gcc_jit_rvalue *emit_probably(Emit *e, gcc_jit_rvalue *cond, double p);
// The value of operand v; counts as one use. It may read guest registers: evaluate it before the next put.
gcc_jit_rvalue *emit_use(Emit *e, IrVal v);
// The same, safe to be evaluated several times.
gcc_jit_rvalue *emit_use_leaf(Emit *e, IrVal v);
// The same, as f64: where GCC keeps it in an SSE register.
gcc_jit_rvalue *emit_use_fp(Emit *e, IrVal v);
// As it is, whatever its form.
gcc_jit_rvalue *emit_raw_fp(Emit *e, IrVal v);
// As bits of which the low word counts only.
gcc_jit_rvalue *emit_use_low(Emit *e, IrVal v);
// Makes v have a form with the right low word.
void emit_have_low(Emit *e, IrVal v);
// v, if it is f64 then its bits as u64.
gcc_jit_rvalue *emit_bits(Emit *e, gcc_jit_rvalue *v);
// Defines value i as rv. Values used several times are evaluated now; fresh says that rv is a local of its own.
void emit_define(Emit *e, unsigned i, gcc_jit_rvalue *rv, uint64_t regs, bool fresh);
void emit_pure(Emit *e, unsigned i);
gcc_jit_rvalue *emit_condition(Emit *e, const IrInst *br);

// --- emit_mem.c ---
void emit_load(Emit *e, unsigned i);
void emit_store(Emit *e, unsigned i);
void emit_atomic(Emit *e, unsigned i);
void emit_load_runs(Emit *e, gcc_jit_block *bb); // at the entries
// Makes env known to GCC in bb: asm statements find it in rbp, which GCC does not touch, so that it costs no register
// elsewhere. What follows may use emit_env_*, in this block.
void emit_env(Emit *e, gcc_jit_block *bb);
gcc_jit_lvalue *emit_env_u64(Emit *e, size_t offset);
gcc_jit_lvalue *emit_env_reg(Emit *e, unsigned r); // of the type of e->reg[r]
gcc_jit_lvalue *emit_env_ptr(Emit *e, size_t offset);

// --- emit_fp.c ---
typedef struct { // an asm statement being put together
    struct {
        const char *constraint;
        gcc_jit_rvalue *value; // input
        gcc_jit_lvalue *place; // output
    } out[4], in[28];
    unsigned n_out, n_in;
    bool keep; // volatile: neither dropped nor moved
    bool call; // rdi and r8 change
    bool memory; // memory changes
} EmitAsm;
void emit_asm_output(EmitAsm *a, const char *constraint, gcc_jit_lvalue *place);
void emit_asm_input(EmitAsm *a, const char *constraint, gcc_jit_rvalue *value);
void emit_asm(gcc_jit_block *bb, const EmitAsm *a, const char *text);
// Whether a flag output, a u8, is set.
gcc_jit_rvalue *emit_flag(Emit *e, gcc_jit_lvalue *flag);
// result := the function at env + offset of env and the n arguments behind it, at most 4, by env->jit_call.
void emit_call(gcc_jit_block *bb, size_t offset, unsigned n, gcc_jit_rvalue *const *args,
               gcc_jit_lvalue *result);
// box32, unbox32 and sign injection.
gcc_jit_rvalue *emit_fp_bits(Emit *e, const IrInst *op);
// v for an operation to which one quiet NaN is like another; counts as one use and is safe to be evaluated several
// times.
gcc_jit_rvalue *emit_use_double(Emit *e, IrVal v);
gcc_jit_rvalue *emit_use_single(Emit *e, IrVal v); // in the low word
// A float from one form to another, EMIT_BITS, or EMIT_LOW of a single.
gcc_jit_rvalue *emit_converted(Emit *e, gcc_jit_block *bb, gcc_jit_rvalue *v, uint8_t from, uint8_t to);

// Text: %0 := the canonical NaN if it is a NaN, out of line. GCC must not make a conditional move of it, for which
// every later op would have to wait.
#define EMIT_NAN_DOUBLE ".Ln%=:\n\tpcmpeqd %0, %0\n\tpsllq $52, %0\n\tpsrlq $1, %0\n\tjmp .Lb%=\n\t"
#define EMIT_NAN_SINGLE ".Ln%=:\n\tpcmpeqd %0, %0\n\tpslld $23, %0\n\tpsrld $1, %0\n\tjmp .Lb%=\n\t"
#define EMIT_FIX_DOUBLE "ucomisd %0, %0\n\tjp .Ln%=\n.Lb%=:\n\t.subsection 1\n" EMIT_NAN_DOUBLE ".subsection 0\n\t"
#define EMIT_FIX_SINGLE "ucomiss %0, %0\n\tjp .Ln%=\n.Lb%=:\n\t.subsection 1\n" EMIT_NAN_SINGLE ".subsection 0\n\t"

// --- emit_fp_host.c ---
void emit_fp(Emit *e, unsigned i);

// --- emit_cache.c ---
void emit_assign_caches(Emit *e);
void emit_clear_caches(Emit *e, gcc_jit_block *bb); // at the entries
void emit_free_caches(Emit *e);

// --- emit_forms.c ---
void emit_find_forms(Emit *e); // fills form_in, wants_bits
void emit_free_forms(Emit *e);
void emit_block_forms(Emit *e); // fills form, form_of for e->block
bool emit_reads_single(unsigned op); // are its operands singles?

// --- emit_checks.c ---
void emit_find_checks(Emit *e); // fills checks_ahead, checked_in
void emit_free_checks(Emit *e);
void emit_fpcheck(Emit *e, unsigned i);

// --- emit_flow.c ---
void emit_flow(Emit *e); // fills eager, in_env, dirty_in, live_in; takes what is in env out of used_regs
void emit_free_flow(Emit *e);
// Numbers of the blocks that b leads to, at most n_guess + 2; returns how many.
unsigned emit_successors(const IrBlock *b, int32_t *to);

// --- emit_count.c ---
void emit_find_counts(Emit *e); // fills ahead
void emit_free_counts(Emit *e);
// The guest's `left` at the end of e->block.
gcc_jit_rvalue *emit_left_behind(Emit *e);
// The way from the end of block `from` to block n, of which `to` is the end: makes e->left mean what it means there.
gcc_jit_block *emit_count_edge(Emit *e, unsigned from, unsigned n, gcc_jit_block *to);

// --- emit_group.c ---
void emit_find_groups(Emit *e); // of e->block
// The group of access i if it has others, else NULL.
EmitGroup *emit_group(const Emit *e, unsigned i);

// --- emit_loop.c ---
// Adds to e->code copies of loops that need fewer checks; fills loops, safe, total_insns.
void emit_split_loops(Emit *e);
void emit_free_loops(Emit *e);
// Whether access i of e->block needs no check.
bool emit_is_safe(const Emit *e, unsigned i);
// The loop for which block n chooses between original and copy, or NULL.
const EmitLoop *emit_loop_at(const Emit *e, unsigned n);
void emit_start_loops(Emit *e, gcc_jit_block *bb); // at the entries
void emit_choice(Emit *e, const EmitLoop *loop); // ends e->bb

// --- emit_exit.c ---
// Number of a new site: leave before instruction `insn` (at pc offset pc) of the current block.
unsigned emit_site_before(Emit *e);
// Inputs of an asm statement that may stop the region, behind those it has already, and the text of the call that does
// it, at .Lc%=. What comes before pushes kind and address (jit_call.h); what comes behind runs if the region goes on.
void emit_stop(Emit *e, EmitAsm *a, GString *text, unsigned site);
// Leaves at the site if the asm text `test` makes the host's flags say "not equal"; e->bb goes on behind.
void emit_leave_if(Emit *e, const char *test, unsigned site);
// Leaves at the site; ends bb.
void emit_leave(Emit *e, gcc_jit_block *bb, unsigned site);
void emit_entry(Emit *e, gcc_jit_block *first);
gcc_jit_block *emit_edge(Emit *e, const IrEdge *edge, unsigned from);
void emit_jmpind(Emit *e, const IrInst *op, unsigned from);
void emit_number_slots(Emit *e);
