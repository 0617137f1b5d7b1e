// SPDX-License-Identifier: GPL-3.0-or-later
// The threaded interpreter.
//
// Each op is a 16-byte cell whose first word is the address of its handler; a handler ends by jumping to the
// next cell's. Guest registers and temporaries are one array, env->r, so an operand is a byte index. A block ends
// in an op that either goes straight to a chained successor or returns to the engine.
#include "backend/interp.h"

#include "backend/atomic.h"
#include "backend/interp_math.h"
#include <string.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

void interp_init(Interp *in, IrEnv *env, Tlb *tlb)
{
    memset(in, 0, sizeof *in);
    in->env = env;
    in->tlb = tlb;
    env->r[INTERP_ZERO_SLOT] = 0;
    interp_op(interp_handler(0)); // fills its tables, before there are threads
}

// State as at the start of the instruction that op belongs to.
static void rewind_to(IrEnv *env, const Block *b, const IOp *op)
{
    env->pc = b->pc + b->insn_pc[op->insn];
    env->left -= op->insn;
}

// The accesses behind a fault were counted with the block's entry but do not happen.
static void uncount_accesses(IrEnv *env, const Block *b, const IOp *op)
{
    for (const IOp *o = op + 1; o < b->ops + b->n_ops; o++) {
        unsigned iop = interp_untapped(interp_op(o->handler));
        env->n_load -= iop >= IOP_LD8U && iop <= IOP_LD64;
        env->n_store -= iop >= IOP_ST8 && iop <= IOP_ST64;
        if (iop == IOP_ATOMIC)
            *((o->imm & 0xff) == JIT_ATOMIC_LR ? &env->n_load : &env->n_store) -= 1;
        o += interp_cells(iop) - 1;
    }
}

static void take_fault(Interp *in, const Block *b, const IOp *op, const MemFault *fault)
{
    IrEnv *env = in->env;
    uncount_accesses(env, b, op);
    if (in->left)
        in->left(in->opaque, b, op->insn);
    env->ops->mem_fault(env, fault);
}

// Slow accesses: a device finds the instruction count as of the instruction that asks, whatever runs the block.

static bool __attribute__((noinline)) load_slow(Interp *in, uint64_t va, unsigned size, uint64_t *v, const Block *b,
                                                const IOp *op)
{
    MemFault fault;
    rewind_to(in->env, b, op);
    if (tlb_load(in->tlb, va, size, v, &fault)) {
        in->env->left += op->insn;
        return true;
    }
    take_fault(in, b, op, &fault);
    return false;
}

static bool __attribute__((noinline)) store_slow(Interp *in, uint64_t va, unsigned size, uint64_t v, const Block *b,
                                                 const IOp *op)
{
    MemFault fault;
    rewind_to(in->env, b, op);
    if (tlb_store(in->tlb, va, size, v, &fault)) {
        in->env->left += op->insn;
        return true;
    }
    take_fault(in, b, op, &fault);
    return false;
}

static bool __attribute__((noinline)) do_atomic(Interp *in, const Block *b, const IOp *op)
{
    IrEnv *env = in->env;
    MemFault fault;
    uint64_t out;
    rewind_to(env, b, op);
    if (!atomic_access(env, in->tlb, (uint64_t)op->imm, env->r[op->a], env->r[op->b], false, &out, &fault)) {
        take_fault(in, b, op, &fault);
        return false;
    }
    env->left += op->insn;
    env->r[op->d] = out;
    return true;
}

// An instruction done by a helper, which retires it unless it traps.
static void __attribute__((noinline)) do_sys_told(Interp *in, const Block *b, const IOp *op, uint64_t x, uint64_t y)
{
    uint64_t before = ir_env_icount(in->env);
    in->env->ops->helpers[op->imm].fn(in->env, x, y);
    if (ir_env_icount(in->env) == before)
        in->left(in->opaque, b, op->insn);
}

// --- with a tap

static void __attribute__((noinline)) record_fetch(IrEnv *env, const Block *b, bool straddles)
{
    uint32_t tag = interp_tag(b, 0);
    if (env->tap.last_fetch != (b->pc & PAGE_MASK))
        tap_record_fetch(&env->tap, b->pc, tag, ir_env_icount(env));
    if (straddles)
        tap_record_fetch(&env->tap, (b->pc & PAGE_MASK) + PAGE_SIZE, tag | TAP_CROSS, ir_env_icount(env));
}

static void __attribute__((noinline)) record_access(IrEnv *env, uint64_t va, MemAccess access, const Block *b,
                                                    const IOp *op)
{
    tap_record(&env->tap, va, access, interp_tag(b, op->insn));
}

static bool __attribute__((noinline)) load_tapped(Interp *in, uint64_t va, unsigned size, uint64_t *v, const Block *b,
                                                  const IOp *op)
{
    tap_begin(&in->env->tap, va, ACCESS_READ, interp_tag(b, op->insn));
    return load_slow(in, va, size, v, b, op);
}

static bool __attribute__((noinline)) store_tapped(Interp *in, uint64_t va, unsigned size, uint64_t v, const Block *b,
                                                   const IOp *op)
{
    tap_begin(&in->env->tap, va, ACCESS_WRITE, interp_tag(b, op->insn));
    return store_slow(in, va, size, v, b, op);
}

static bool __attribute__((noinline)) do_atomic_tapped(Interp *in, const Block *b, const IOp *op)
{
    atomic_tap(&in->env->tap, (uint64_t)op->imm, in->env->r[op->a], interp_tag(b, op->insn));
    return do_atomic(in, b, op);
}

// True if the instruction may be done after all, else its trap has been taken.
static bool __attribute__((noinline)) fp_denied(Interp *in, const Block *b, const IOp *op)
{
    IrEnv *env = in->env;
    uint64_t loads = env->n_load, stores = env->n_store;
    rewind_to(env, b, op);
    uncount_accesses(env, b, op); // while the privilege is still theirs
    if (!env->ops->fp_denied(env, op->a, (uint32_t)op->imm)) {
        if (in->left)
            in->left(in->opaque, b, op->insn);
        return false;
    }
    env->n_load = loads;
    env->n_store = stores;
    env->left += op->insn;
    return true;
}

// Where an edge leads that goes to another guest page, if that is known: in paged modes it is not linked.
static Block *next_page(const Interp *in, const Block *b, unsigned edge)
{
    uint64_t pc = b->succ_pc[edge];
    Block *next = interp_find_jump(in, pc);
    return b->mode & CODE_PAGED && (pc ^ b->pc) & PAGE_MASK && next->pc == pc ? next : NULL;
}

static inline TlbEntry *tlb_entry(const IrEnv *env, uint64_t va)
{
    return (TlbEntry *)(void *)((char *)env->tlb_table + ((va >> 7) & env->tlb_mask));
}

static const void *const *interp_handlers;
static uint8_t *interp_ops; // handler -> op, by distance from the first handler
static uintptr_t first_handler;

// With in == NULL fills interp_handlers; else see interp_run.
static InterpExit run(Interp *in, Block *blk)
{
    static const void *const table[IOPS] = {
#define BIN(NAME, expr) [IOP_##NAME] = &&do_##NAME, [IOP_##NAME##_I] = &&do_##NAME##_I,
#define UN(NAME, expr) [IOP_##NAME] = &&do_##NAME,
#define LD(NAME, type) [IOP_##NAME] = &&do_##NAME,
#define ST(NAME, type) [IOP_##NAME] = &&do_##NAME,
#define BR(NAME, cond) [IOP_##NAME] = &&do_##NAME,
#include "backend/interp_ops.def"
#undef BIN
#undef UN
#undef LD
#undef ST
#undef BR
        [IOP_MOV] = &&do_mov,       [IOP_LI] = &&do_li,   [IOP_LI64] = &&do_li64,     [IOP_JUMP] = &&do_jump,
        [IOP_JMPIND] = &&do_jmpind, [IOP_SYS] = &&do_sys, [IOP_ATOMIC] = &&do_atomic, [IOP_FENCE] = &&do_fence,
        [IOP_FPCHECK] = &&do_fpcheck, [IOP_FP] = &&do_fp,
        [IOP_TAP_ENTER] = &&do_tap_enter, [IOP_TAP_SITE] = &&do_tap_site, [IOP_TAP_ATOMIC] = &&do_tap_atomic,
#define BIN(NAME, expr)
#define UN(NAME, expr)
#define LD(NAME, type) [IOP_TAP_##NAME] = &&do_TAP_##NAME,
#define ST(NAME, type) [IOP_TAP_##NAME] = &&do_TAP_##NAME,
#define BR(NAME, cond)
#include "backend/interp_ops.def"
#undef BIN
#undef UN
#undef LD
#undef ST
#undef BR
    };
    if (!in) {
        interp_handlers = table;
        return INTERP_PC;
    }
    IrEnv *env = in->env;
    uint64_t *r = env->r;
    const IOp *op = blk->ops;
    goto *op->handler;

#define NEXT() goto *(++op)->handler
#define BIN(NAME, expr)                                                                                                \
    do_##NAME:                                                                                                         \
    {                                                                                                                  \
        uint64_t a = r[op->a], b = r[op->b];                                                                           \
        r[op->d] = (expr);                                                                                             \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    do_##NAME##_I:                                                                                                     \
    {                                                                                                                  \
        uint64_t a = r[op->a], b = (uint64_t)(int64_t)op->imm;                                                         \
        r[op->d] = (expr);                                                                                             \
        NEXT();                                                                                                        \
    }
#define UN(NAME, expr)                                                                                                 \
    do_##NAME:                                                                                                         \
    {                                                                                                                  \
        uint64_t a = r[op->a];                                                                                         \
        r[op->d] = (expr);                                                                                             \
        NEXT();                                                                                                        \
    }
// What follows once va is known; slow answers what the inlined compare does not.
#define LOAD(type, slow)                                                                                               \
    const TlbEntry *e = tlb_entry(env, va);                                                                            \
    if (likely((va & (PAGE_MASK | (sizeof(type) - 1))) == e->cmp[ACCESS_READ]))                                        \
        v = (uint64_t)(int64_t) * (type *)(uintptr_t)(e->addend + va);                                                 \
    else if (slow(in, va, sizeof(type), &v, blk, op))                                                                  \
        v = (uint64_t)(int64_t)(type)v;                                                                                \
    else                                                                                                               \
        goto leave;                                                                                                    \
    r[op->d] = v;                                                                                                      \
    NEXT()
#define STORE(type, slow)                                                                                              \
    const TlbEntry *e = tlb_entry(env, va);                                                                            \
    if (likely((va & (PAGE_MASK | (sizeof(type) - 1))) == e->cmp[ACCESS_WRITE]))                                       \
        *(type *)(uintptr_t)(e->addend + va) = (type)r[op->b];                                                         \
    else if (!slow(in, va, sizeof(type), (type)r[op->b], blk, op))                                                     \
        goto leave;                                                                                                    \
    NEXT()
#define LD(NAME, type)                                                                                                 \
    do_##NAME:                                                                                                         \
    {                                                                                                                  \
        uint64_t va = r[op->a] + (uint64_t)(int64_t)op->imm, v;                                                        \
        LOAD(type, load_slow);                                                                                         \
    }
#define ST(NAME, type)                                                                                                 \
    do_##NAME:                                                                                                         \
    {                                                                                                                  \
        uint64_t va = r[op->a] + (uint64_t)(int64_t)op->imm;                                                           \
        STORE(type, store_slow);                                                                                       \
    }
#define BR(NAME, cond)                                                                                                 \
    do_##NAME:                                                                                                         \
    {                                                                                                                  \
        uint64_t a = r[op->a], b = r[op->b];                                                                           \
        if (cond)                                                                                       \
            goto taken;                                                                                                \
        goto not_taken;                                                                                                \
    }
#include "backend/interp_ops.def"
#undef BIN
#undef UN
#undef LD
#undef ST
#undef BR

do_mov:
    r[op->d] = r[op->a];
    NEXT();
do_li:
    r[op->d] = (uint64_t)(int64_t)op->imm;
    NEXT();
do_li64:
    r[op->d] = (uint64_t)(uintptr_t)op[1].handler;
    op++;
    NEXT();
do_fence:
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    NEXT();
do_fpcheck:
    if (unlikely(env->fp_off & op->a) && !fp_denied(in, blk, op))
        goto leave;
    NEXT();
do_fp: {
    IrFpFn fn = (IrFpFn)op[1].handler;
    r[op->d] = fn(env, r[op->a], r[op->b], r[op[1].a], (uint64_t)op->imm);
    op++;
    NEXT();
}
do_atomic:
    if (!do_atomic(in, blk, op))
        goto leave;
    NEXT();

do_tap_enter:
    if (unlikely(env->tap.last_fetch != (blk->pc & PAGE_MASK)) || unlikely(op->imm))
        record_fetch(env, blk, op->imm);
    NEXT();
do_tap_site:
    env->tap.tag = interp_tag(blk, op->insn);
    NEXT();
do_tap_atomic:
    if (!do_atomic_tapped(in, blk, op))
        goto leave;
    NEXT();
#define BIN(NAME, expr)
#define UN(NAME, expr)
#define BR(NAME, cond)
#define LD(NAME, type)                                                                                                 \
    do_TAP_##NAME:                                                                                                     \
    {                                                                                                                  \
        uint64_t va = r[op->a] + (uint64_t)(int64_t)op->imm, v;                                                        \
        if (unlikely((va ^ env->tap.last_data) >= PAGE_SIZE))                                                          \
            record_access(env, va, ACCESS_READ, blk, op);                                                              \
        env->tap.loads++;                                                                                              \
        LOAD(type, load_tapped);                                                                                       \
    }
#define ST(NAME, type)                                                                                                 \
    do_TAP_##NAME:                                                                                                     \
    {                                                                                                                  \
        uint64_t va = r[op->a] + (uint64_t)(int64_t)op->imm;                                                           \
        if (unlikely((va | ~PAGE_MASK) != env->tap.last_data))                                                         \
            record_access(env, va, ACCESS_WRITE, blk, op);                                                             \
        env->tap.stores++;                                                                                             \
        STORE(type, store_tapped);                                                                                     \
    }
#include "backend/interp_ops.def"
#undef BIN
#undef UN
#undef LD
#undef ST
#undef BR

do_jump:
taken:
    in->edge = 0;
    goto go;
not_taken:
    in->edge = 1;
go:
    env->left -= blk->n_insns;
    Block *next = blk->succ[in->edge];
    if (unlikely(!next))
        next = next_page(in, blk, in->edge);
    if (unlikely(!next || env->left <= 0)) {
        env->pc = blk->succ_pc[in->edge];
        in->last = blk;
        in->indirect = false;
        return INTERP_PC;
    }
enter:
    if (unlikely(--next->heat < 0)) {
        in->indirect = in->edge == INTERP_INDIRECT;
        in->last = in->indirect ? NULL : blk;
        in->entered = next;
        env->pc = next->pc;
        return INTERP_ENTER;
    }
    blk = next;
    op = blk->ops;
    goto *op->handler;

do_jmpind: {
    uint64_t pc = r[op->a];
    env->left -= blk->n_insns;
    blk->target[blk->next_target++ % BLOCK_TARGETS] = pc;
    in->edge = INTERP_INDIRECT;
    next = interp_find_jump(in, pc);
    if (likely(next->pc == pc && env->left > 0))
        goto enter;
    env->pc = pc;
    in->last = NULL;
    in->indirect = true;
    return INTERP_PC;
}
do_sys: {
    uint64_t x = r[op->a], y = r[op->b];
    rewind_to(env, blk, op);
    if (unlikely(in->left))
        do_sys_told(in, blk, op, x, y);
    else
        env->ops->helpers[op->imm].fn(env, x, y);
}
leave:
    in->last = NULL;
    in->indirect = false;
    return INTERP_PC;
}

const void *interp_handler(unsigned iop)
{
    if (!interp_handlers)
        run(NULL, NULL);
    return interp_handlers[iop];
}

unsigned interp_op(const void *handler)
{
    if (!interp_ops) {
        uintptr_t last = 0;
        first_handler = UINTPTR_MAX;
        for (unsigned i = 0; i < IOPS; i++) {
            first_handler = MIN(first_handler, (uintptr_t)interp_handler(i));
            last = MAX(last, (uintptr_t)interp_handler(i));
        }
        interp_ops = g_malloc(last - first_handler + 1);
        for (unsigned i = 0; i < IOPS; i++)
            interp_ops[(uintptr_t)interp_handler(i) - first_handler] = (uint8_t)i;
    }
    return interp_ops[(uintptr_t)handler - first_handler];
}

InterpExit interp_run(Interp *in, Block *b)
{
    return run(in, b);
}
