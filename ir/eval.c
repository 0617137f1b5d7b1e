// SPDX-License-Identifier: GPL-3.0-or-later
// The reference evaluator: what every op does to IrEnv and memory.
//
// Counting. A block's n_insns leave env->left when its terminator is done. An op that faults in the k-th
// instruction (from 0) of a block, and a sys there, see left reduced by k and env->pc at that instruction;
// before the first insn op the pc is the block's.
//
// LR/SC and AMO (memory/spec.md 2.8). Misalignment is checked before anything else and changes nothing. An SC
// that gets past this check drops the reservation even if it then faults; if the reservation does not match
// its address, it accesses no memory and gives 1. The load half of SC and AMO faults as a write.
#include "ir/ir.h"

typedef struct {
    const IrCode *code;
    const IrBlock *block;
    IrEnv *env;
    const IrMem *mem;
    uint64_t *v;     // values of the block, indexed as its ops
    int64_t insn_pc; // offset of the current instruction
    unsigned done;   // instructions of this block before the current one
    unsigned seen;   // insn ops met
} Eval;

// Brings pc and left to the start of the current instruction.
static void sync_insn(Eval *e)
{
    e->env->pc = e->code->base + (uint64_t)e->insn_pc;
    e->env->left -= e->done;
}

static bool fault_out(Eval *e, const MemFault *fault)
{
    sync_insn(e);
    e->env->ops->mem_fault(e->env, fault);
    return false;
}

static uint64_t extend(uint64_t v, unsigned size, bool is_signed)
{
    unsigned shift = 64 - 8 * size;

    return is_signed ? (uint64_t)((int64_t)(v << shift) >> shift) : v << shift >> shift;
}

static bool do_load(Eval *e, const IrInst *i, uint64_t *result)
{
    unsigned size = ir_op_size(i->op);
    uint64_t value;
    MemFault fault;

    if (!e->mem->load(e->mem->opaque, e->v[i->a] + (uint64_t)i->imm, size, &value, &fault))
        return fault_out(e, &fault);
    *result = extend(value, size, i->op == IR_OP_LD8S || i->op == IR_OP_LD16S || i->op == IR_OP_LD32S);
    return true;
}

static bool do_store(Eval *e, const IrInst *i)
{
    unsigned size = ir_op_size(i->op);
    MemFault fault;

    if (!e->mem->store(e->mem->opaque, e->v[i->a] + (uint64_t)i->imm, size, extend(e->v[i->b], size, false),
                       &fault))
        return fault_out(e, &fault);
    return true;
}

static bool check_aligned(Eval *e, uint64_t addr, unsigned size, MemAccess access)
{
    if (addr % size)
        return fault_out(e, &(MemFault){FAULT_ALIGN, access, addr});
    return true;
}

static bool do_lr(Eval *e, const IrInst *i, uint64_t *result)
{
    unsigned size = ir_op_size(i->op);
    uint64_t addr = e->v[i->a];
    MemFault fault;

    if (!check_aligned(e, addr, size, ACCESS_READ))
        return false;
    if (!e->mem->load(e->mem->opaque, addr, size, result, &fault))
        return fault_out(e, &fault);
    *result = extend(*result, size, true);
    e->env->res_addr = addr;
    e->env->res_value = *result;
    return true;
}

// The load half of SC and AMO.
static bool load_for_write(Eval *e, uint64_t addr, unsigned size, uint64_t *value)
{
    MemFault fault;

    if (!e->mem->load(e->mem->opaque, addr, size, value, &fault)) {
        fault.access = ACCESS_WRITE;
        return fault_out(e, &fault);
    }
    *value = extend(*value, size, true);
    return true;
}

static bool store_back(Eval *e, uint64_t addr, unsigned size, uint64_t value)
{
    MemFault fault;

    if (!e->mem->store(e->mem->opaque, addr, size, extend(value, size, false), &fault))
        return fault_out(e, &fault);
    return true;
}

static bool do_sc(Eval *e, const IrInst *i, uint64_t *result)
{
    unsigned size = ir_op_size(i->op);
    uint64_t addr = e->v[i->a], now;

    if (!check_aligned(e, addr, size, ACCESS_WRITE))
        return false;
    *result = 1;
    bool match = e->env->res_addr == addr;
    e->env->res_addr = ~UINT64_C(0);
    if (!match)
        return true;
    if (!load_for_write(e, addr, size, &now))
        return false;
    if (now != extend(e->env->res_value, size, true))
        return true;
    if (!store_back(e, addr, size, e->v[i->b]))
        return false;
    *result = 0;
    return true;
}

static bool do_amo(Eval *e, const IrInst *i, uint64_t *result)
{
    unsigned size = ir_op_size(i->op);
    uint64_t addr = e->v[i->a];

    return check_aligned(e, addr, size, ACCESS_WRITE) && load_for_write(e, addr, size, result) &&
           store_back(e, addr, size, ir_eval_amo((IrAmo)i->imm, size, *result, e->v[i->b]));
}

static bool do_fpcheck(Eval *e, const IrInst *i)
{
    unsigned mask = (unsigned)((uint64_t)i->imm >> 32);

    if (!(e->env->fp_off & mask))
        return true;
    sync_insn(e);
    if (!e->env->ops->fp_denied(e->env, mask, (uint32_t)i->imm))
        return false;
    e->env->left += e->done;
    return true;
}

// Control goes to pc, and to `block` if that is >= 0. False if the caller's loop must end.
static bool go(Eval *e, int32_t block, uint64_t pc)
{
    e->env->left -= e->block->n_insns;
    e->env->pc = pc;
    if (block < 0 || e->env->left <= 0)
        return false;
    e->block = e->code->blocks[block];
    return true;
}

static bool go_indirect(Eval *e, uint64_t pc)
{
    const IrBlock *b = e->block;

    for (unsigned g = 0; g < b->n_guess; g++)
        if (e->code->base + (uint64_t)b->guess[g].pc == pc)
            return go(e, b->guess[g].block, pc);
    return go(e, -1, pc);
}

static bool do_terminator(Eval *e, const IrInst *i)
{
    const IrEdge *edge = &e->block->edge[0];

    switch (i->op) {
    case IR_OP_JMPIND:
        return go_indirect(e, e->v[i->a]);
    case IR_OP_SYS:
        sync_insn(e);
        e->env->ops->helpers[i->imm].fn(e->env, e->v[i->a], e->v[i->b]);
        return false;
    default:
        if (ir_is_br(i->op) && !ir_eval_br(i->op, e->v[i->a], e->v[i->b]))
            edge++;
        return go(e, edge->block, e->code->base + (uint64_t)edge->pc);
    }
}

// One op before the terminator. False if it faulted.
static bool do_op(Eval *e, unsigned index)
{
    const IrInst *i = &e->block->ops[index];
    uint64_t *result = &e->v[index];

    if (ir_is_load(i->op))
        return do_load(e, i, result);
    if (ir_is_store(i->op))
        return do_store(e, i);
    switch (i->op) {
    case IR_OP_INSN:
        e->insn_pc = i->imm;
        e->done = e->seen++;
        return true;
    case IR_OP_PC:
        *result = e->code->base + (uint64_t)i->imm;
        return true;
    case IR_OP_GET:
        *result = e->env->r[i->reg];
        return true;
    case IR_OP_PUT:
        e->env->r[i->reg] = e->v[i->a];
        return true;
    case IR_OP_LR32:
    case IR_OP_LR64:
        return do_lr(e, i, result);
    case IR_OP_SC32:
    case IR_OP_SC64:
        return do_sc(e, i, result);
    case IR_OP_AMO32:
    case IR_OP_AMO64:
        return do_amo(e, i, result);
    case IR_OP_FPCHECK:
        return do_fpcheck(e, i);
    case IR_OP_FENCE:
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        return true;
    default: {
        unsigned n = ir_n_values(i->op);
        uint64_t a = n > 0 ? e->v[i->a] : 0, b = n > 1 ? e->v[i->b] : 0, c = n > 2 ? e->v[i->c] : 0;
        *result = ir_is_fp(i->op) ? ir_eval_fp(i->op, a, b, c, ir_fp_imm(e->env, i->imm), &e->env->fflags)
                                  : ir_eval_pure(i->op, a, b, i->imm);
        return true;
    }
    }
}

// True while control stays inside the code.
static bool run_block(Eval *e)
{
    const IrBlock *b = e->block;

    e->insn_pc = b->pc;
    e->done = e->seen = 0;
    for (unsigned index = 0; index < b->n_ops - 1; index++)
        if (!do_op(e, index))
            return false;
    return do_terminator(e, &b->ops[b->n_ops - 1]);
}

void ir_eval(const IrCode *code, unsigned block, IrEnv *env, const IrMem *mem)
{
    unsigned max_ops = 0;

    g_assert(block < code->n_blocks);
    for (unsigned i = 0; i < code->n_blocks; i++)
        max_ops = MAX(max_ops, code->blocks[i]->n_ops);
    g_autofree uint64_t *values = g_new0(uint64_t, max_ops);
    Eval e = {.code = code, .block = code->blocks[block], .env = env, .mem = mem, .v = values};
    while (run_block(&e))
        continue;
}
