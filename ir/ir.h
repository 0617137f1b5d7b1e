// SPDX-License-Identifier: GPL-3.0-or-later
// The intermediate representation: the one language between frontend and engines.
//
// An IrCode is a piece of guest control flow: basic blocks over one base pc. Guest addresses inside it are
// offsets from that base, so the same code works wherever it is mapped. One block holds ops in order. An op
// that defines a value is named by its index in the block (v7 = op 7); each value is defined once and seen
// only inside its block. Between blocks everything flows through guest registers, read by `get` and written
// by `put`. The last op, and only the last, is a terminator.
//
// A worked example, `addi a0,a0,1; bne a0,a1,.-4` of a block at the base:
//
//     block b0 +0x0 entry insns=2 {
//       insn +0x0 len=4 bits=0x150513
//       v1 = get r10
//       v2 = const 0x1
//       v3 = add v1, v2
//       put r10, v3
//       insn +0x4 len=4 bits=0xfeb51ee3
//       v6 = get r10
//       v7 = get r11
//       br.ne v6, v7, b0, +0x8
//     }
//
// An edge is printed as its block, b0, or as the offset at which control leaves the code, +0x8. The targets
// that a jmpind is likely to reach are listed behind it: `jmpind v5 [+0x10:b2, +0x40:b7]`. A text is the line
// `code 0x80000000` (the base) followed by blocks; `;` starts a comment.
//
// Exact state. Every op flagged IRF_FAULT is a point where the guest can be stopped and looked at: pc, and
// every guest register as `put` so far in program order, must be recoverable there as they were at the start
// of that instruction. The frontend therefore puts results after the faulting op of the same instruction, and
// no pass moves or drops a put across such an op or across the end of the block.
//
// `sys` state: see IrHelper in ir/env.h.
//
// Floating point (IRF_FP; meanings in ir/fp.c). Values are bit patterns; a single is NaN-boxed: its high half is all
// ones, and an operand where it is not counts as the canonical NaN. Ops add to env->fflags, which only `sys` and the
// outside look at, so they keep their order with `sys` only, but none may be dropped, and no op of
// the same instruction may fault behind one. The low three bits of imm are
// the rounding mode, IR_RM_DYN standing for env->frm. Such an op is legal only behind an `fpcheck`, of the same block,
// whose mask covers it.
#pragma once
#include "ir/env.h"
#include <glib.h>
#include <stdio.h>

enum {
    IRF_PURE = 1 << 0,
    IRF_COMM = 1 << 1,
    IRF_READ = 1 << 2,
    IRF_WRITE = 1 << 3,
    IRF_FAULT = 1 << 4,
    IRF_TERM = 1 << 5,
    IRF_FP = 1 << 6,
};

typedef enum {
#define OP(name, text, result, args, flags, synopsis) IR_OP_##name,
#include "ir/ops.def"
#undef OP
    IR_OPS
} IrOpcode;

_Static_assert(IR_OP_LD64 - IR_OP_LD8U == 6, "loads are one range, sizes ascending, unsigned first");
_Static_assert(IR_OP_ST64 - IR_OP_ST8 == 3, "stores are one range, sizes ascending");
_Static_assert(IR_OP_FCLASS64 - IR_OP_FADD32 == 29, "floating-point ops are one range, each 32 before its 64");
_Static_assert(IR_OP_BR_GEU - IR_OP_BR_EQ == 5, "branches are one range, each followed by its opposite");

typedef enum { // imm of amo32/amo64
    IR_AMO_SWAP,
    IR_AMO_ADD,
    IR_AMO_XOR,
    IR_AMO_AND,
    IR_AMO_OR,
    IR_AMO_MIN,
    IR_AMO_MAX,
    IR_AMO_MINU,
    IR_AMO_MAXU,
    IR_AMOS
} IrAmo;

enum { // rounding modes as in the unprivileged manual, table "Rounding mode encoding"
    IR_RM_RNE,
    IR_RM_RTZ,
    IR_RM_RDN,
    IR_RM_RUP,
    IR_RM_RMM,
    IR_RM_MODES,
    IR_RM_DYN = 7,
};

enum { // the rest of the imm of floating-point ops
    IR_FP_RM = 7,           // mask of the rounding mode
    IR_FP_NEG_PRODUCT = 8,  // fmadd: negate a * b
    IR_FP_NEG_ADDEND = 16,  // fmadd: negate c
    IR_FP_UNSIGNED = 8,     // conversions: of the integer
    IR_FP_LONG = 16,        // ... which has 64 bits
};

enum { // env->fflags
    IR_FP_NX = 1,
    IR_FP_UF = 2,
    IR_FP_OF = 4,
    IR_FP_DZ = 8,
    IR_FP_NV = 16,
};

typedef struct {
    const char *name;
    const char *args; // operand letters, see ops.def
    uint8_t flags;
    uint8_t has_value;
    const char *synopsis;
} IrOpInfo;

extern const IrOpInfo ir_op_info[IR_OPS];
extern const char *const ir_amo_names[IR_AMOS];

typedef uint16_t IrVal; // index of the defining op in its block
#define IR_NOVAL ((IrVal)0xffff)
#define IR_MAX_OPS 0xfff0

typedef struct {
    uint8_t op;  // IrOpcode
    uint8_t reg;   // get, put: guest register; insn: length in bytes
    IrVal a, b, c; // operands; insn: low and high half of the guest bits in a and b
    int64_t imm;
} IrInst;
_Static_assert(sizeof(IrInst) == 16, "IrInst stays small");

typedef struct {
    int32_t block; // index in IrCode, or -1: leave the code
    int64_t pc;    // target as an offset from the base, in both cases
} IrEdge;

typedef struct {
    int64_t pc; // offset from the base
    uint32_t n_insns;
    bool is_entry;
    uint64_t count;  // profile: executions seen, 0 if unknown
    uint64_t leaves; // profile: after how many of them control probably left the code
    IrInst *ops;
    unsigned n_ops, cap;
    IrEdge edge[2];  // jump: 0; br: 0 taken, 1 not taken
    IrEdge *guess;   // jmpind: targets inside the code, most likely first
    unsigned n_guess;
} IrBlock;

typedef struct {
    uint64_t base; // guest pc of offset 0
    IrBlock **blocks;
    unsigned n_blocks, cap;
} IrCode;

// --- building (build.c); all g_malloc'ed, owner frees with ir_block_free / ir_code_free ----------

IrBlock *ir_block_new(int64_t pc);
void ir_block_reset(IrBlock *b, int64_t pc); // empties b, keeping its memory
void ir_block_free(IrBlock *b);
IrBlock *ir_block_copy(const IrBlock *b);
void ir_block_guess(IrBlock *b, int64_t pc, int32_t block);
IrCode *ir_code_new(uint64_t base);
IrCode *ir_code_copy(const IrCode *code);
unsigned ir_code_add(IrCode *code, IrBlock *b); // takes b; returns its index
void ir_code_free(IrCode *code);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IrBlock, ir_block_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IrCode, ir_code_free)

// Appends an op; returns its index, which is the value's name if the op defines one.
IrVal ir_emit(IrBlock *b, IrOpcode op, uint8_t reg, IrVal x, IrVal y, int64_t imm);

static inline IrVal ir_const(IrBlock *b, int64_t v)
{
    return ir_emit(b, IR_OP_CONST, 0, IR_NOVAL, IR_NOVAL, v);
}

static inline IrVal ir_get(IrBlock *b, unsigned reg)
{
    return ir_emit(b, IR_OP_GET, (uint8_t)reg, IR_NOVAL, IR_NOVAL, 0);
}

static inline void ir_put(IrBlock *b, unsigned reg, IrVal v)
{
    ir_emit(b, IR_OP_PUT, (uint8_t)reg, v, IR_NOVAL, 0);
}

static inline IrVal ir_unop(IrBlock *b, IrOpcode op, IrVal x)
{
    return ir_emit(b, op, 0, x, IR_NOVAL, 0);
}

static inline IrVal ir_binop(IrBlock *b, IrOpcode op, IrVal x, IrVal y)
{
    return ir_emit(b, op, 0, x, y, 0);
}

// An op of three values.
static inline IrVal ir_triop(IrBlock *b, IrOpcode op, IrVal x, IrVal y, IrVal z, int64_t imm)
{
    IrVal v = ir_emit(b, op, 0, x, y, imm);
    b->ops[v].c = z;
    return v;
}

// Stops before the current instruction, whose bits are given, unless (env->fp_off & mask) == 0: see IrEnvOps.
static inline void ir_fpcheck(IrBlock *b, unsigned mask, uint32_t bits)
{
    ir_emit(b, IR_OP_FPCHECK, 0, IR_NOVAL, IR_NOVAL, (int64_t)((uint64_t)mask << 32 | bits));
}

// Start of a guest instruction; counts it in n_insns.
static inline void ir_insn(IrBlock *b, int64_t pc, unsigned len, uint32_t bits)
{
    ir_emit(b, IR_OP_INSN, (uint8_t)len, (IrVal)bits, (IrVal)(bits >> 16), pc);
    b->n_insns++;
}

static inline uint32_t ir_insn_bits(const IrInst *i)
{
    return i->a | (uint32_t)i->b << 16;
}

// Number of value operands of an op: 1 uses IrInst.a, 2 uses a and b, 3 also c.
static inline unsigned ir_n_values(unsigned op)
{
    const char *s = ir_op_info[op].args;

    return (s[0] == 'v') + (s[0] && s[1] == 'v') + (s[0] && s[1] && s[2] == 'v');
}

// Bytes accessed by a load, store or atomic op; 0 for others.
unsigned ir_op_size(IrOpcode op);

static inline bool ir_is_load(unsigned op)
{
    return op >= IR_OP_LD8U && op <= IR_OP_LD64;
}

static inline bool ir_is_store(unsigned op)
{
    return op >= IR_OP_ST8 && op <= IR_OP_ST64;
}

static inline bool ir_is_fp(unsigned op)
{
    return op >= IR_OP_FADD32 && op <= IR_OP_FCLASS64;
}

static inline bool ir_is_br(unsigned op)
{
    return op >= IR_OP_BR_EQ && op <= IR_OP_BR_GEU;
}

// --- text (print.c, parse.c): inverse of each other ----------------------------------------------

// One op of b as a line without indentation and newline; index < b->n_ops. Safe on invalid ops too.
void ir_print_op(GString *out, const IrBlock *b, unsigned index);
// A whole block under the name b<index>.
void ir_print_block(GString *out, const IrBlock *b, int index);
void ir_print(GString *out, const IrCode *code);
// NULL and an error naming the line on bad text. The result is not verified.
IrCode *ir_parse(const char *text, GError **error);

// --- checking and meaning ------------------------------------------------------------------------

// False and an error naming block and op if the code breaks a rule of this file. n_helpers bounds sys.
bool ir_verify(const IrCode *code, unsigned n_helpers, GError **error);

// What a pure op computes, given its operand values (pc: a is the base of the code).
uint64_t ir_eval_pure(IrOpcode op, uint64_t a, uint64_t b, int64_t imm);
// What a floating-point op (ir_is_fp) computes: fp.c. The rounding mode in imm must be one of IR_RM_MODES, not dynamic.
// Adds the exceptions raised to *flags.
uint64_t ir_eval_fp(IrOpcode op, uint64_t a, uint64_t b, uint64_t c, unsigned imm, uint64_t *flags);
// imm with the dynamic rounding mode replaced by env's.
static inline unsigned ir_fp_imm(const IrEnv *env, int64_t imm)
{
    return (imm & IR_FP_RM) == IR_RM_DYN ? (unsigned)imm - IR_RM_DYN + (unsigned)env->frm : (unsigned)imm;
}
// What an AMO stores, given the old value (already extended as the op loads it) and b; size 4 or 8.
uint64_t ir_eval_amo(IrAmo kind, unsigned size, uint64_t old, uint64_t b);
// Whether a branch op is taken.
bool ir_eval_br(IrOpcode op, uint64_t a, uint64_t b);

// Memory as the evaluator sees it. False: *fault says why, nothing was transferred.
typedef struct {
    void *opaque;
    bool (*load)(void *opaque, uint64_t addr, unsigned size, uint64_t *value, MemFault *fault);
    bool (*store)(void *opaque, uint64_t addr, unsigned size, uint64_t value, MemFault *fault);
} IrMem;

// Runs the code from block `block` with exact counting of env->left until control leaves it or left <= 0 at a
// block's end; env->pc then says where to go on. Slow; the definition of what every op means.
void ir_eval(const IrCode *code, unsigned block, IrEnv *env, const IrMem *mem);

// --- passes (pass.c) -----------------------------------------------------------------------------

typedef struct {
    const char *name;
    bool (*run)(IrBlock *b); // true if it changed something
} IrPass;

extern const IrPass ir_passes[]; // in order, ended by a NULL name
// All passes over every block; with verify set each pass's result is verified (a failure aborts with a dump).
void ir_optimize(IrCode *code, bool verify, unsigned n_helpers);
// A block that goes on into a loop of one block jumps there instead (unpeel.c). For code as lifted.
void ir_unpeel(IrCode *code);
// Loops that copy or fill memory by a few bytes do eight at once (widen.c): what code does stays the same, but a block
// may count several times the `insn` ops that it has, which ir_verify refuses. aligned: wide accesses are.
void ir_widen(IrCode *code, bool aligned);

// All of these in the order of a region on its way through the compiler.
enum { IR_PASS_UNPEEL = 1, IR_PASS_STATE = 2, IR_PASS_FOLD = 4, IR_PASS_DCE = 8, IR_PASS_WIDEN = 16, IR_PASSES = 5 };
extern const char *const ir_pass_names[IR_PASSES]; // by bit

typedef struct {
    unsigned skip; // IR_PASS_: leave these out
    bool aligned;  // see ir_widen
    bool verify;   // after each pass but widen; a failure aborts with a dump
    unsigned n_helpers; // of that
    // Called after each pass that ran, state and fold perhaps twice; or NULL.
    void (*after)(void *opaque, const char *name, const IrCode *code, bool changed);
    void *opaque;
} IrPipeline;
void ir_pipeline(IrCode *code, const IrPipeline *p);
